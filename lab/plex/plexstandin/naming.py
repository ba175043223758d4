# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file is, from its path below the location: Plex's naming conventions."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

VIDEO = frozenset(["mkv", "mp4", "avi", "m4v", "mov", "ts", "webm", "mpg", "wmv"])
AUDIO = frozenset(["mp3", "flac", "m4a", "ogg", "opus", "wav", "aac", "wma"])
PHOTO = frozenset(["jpg", "jpeg", "png", "gif", "bmp", "tiff", "webp", "heic"])
EXTENSIONS = {"movie": VIDEO, "show": VIDEO, "artist": AUDIO, "photo": PHOTO}
_YEAR = re.compile(r"^(?P<title>.+?)\s*[(\[](?P<year>(?:19|20)\d\d)[)\]]")
_EPISODE = re.compile(
    r"(?:^|[ ._-])s(?P<season>\d{1,3})[ ._-]?e(?P<number>\d{1,4})(?P<rest>.*)$", re.I
)
_SHORT_EPISODE = re.compile(
    r"(?:^|\D)(?P<season>\d{1,2})x(?P<number>\d{1,3})(?P<rest>.*)$"
)
_LONE_NUMBER = re.compile(r"^(?:.*[ ._-])?(?P<number>\d{1,4})(?:v\d)?(?:\s.*)?$")
_SEASON = re.compile(
    r"^(?:season|saison|staffel|series|s)[ ._-]*(?P<number>\d{1,3})$", re.I
)
_TRACK = re.compile(r"^(?:(?P<disc>\d)-)?(?P<number>\d{1,3})[ ._-]+(?P<title>.+)$")
_SPECIALS = re.compile(r"^specials?$", re.I)


@dataclass(frozen=True)
class Named:
    """The item that a file belongs to: its own title and its parents'."""

    title: str
    year: int | None = None
    index: int | None = None
    parent: str = ""
    parent_index: int | None = None
    grandparent: str = ""
    parent_year: int | None = None
    grandparent_year: int | None = None


def extension(path: str) -> str:
    return posixpath.splitext(path)[1].lstrip(".").lower()


def wanted(kind: str, path: str) -> bool:
    """Does a section of this type take the file?"""
    name = posixpath.basename(path)
    return extension(path) in EXTENSIONS[kind] and not name.startswith(".")


def split_year(name: str) -> tuple[str, int | None]:
    """``Alien (1979)`` as title and year."""
    found = _YEAR.match(name)
    return (found["title"], int(found["year"])) if found else (name, None)


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0]


def movie(path: str) -> Named:
    """The file's own ``Title (Year)``, else its folder's."""
    for name in (_stem(path), posixpath.basename(posixpath.dirname(path))):
        title, year = split_year(name)
        if year:
            return Named(title, year)
    return Named(_stem(path))


def video_file(path: str) -> Named:
    """Without an agent a film is called as its file is."""
    return Named(_stem(path))


def episode(path: str) -> Named | None:
    """Show, season and number; None for a file that names no episode."""
    parts = path.split("/")
    show, year = split_year(parts[0] if len(parts) > 1 else _stem(path))
    season = _folder_season(parts[1:-1])
    found = _EPISODE.search(_stem(path)) or _SHORT_EPISODE.search(_stem(path))
    if found:
        number, season = int(found["number"]), int(found["season"])
        title = found["rest"].strip(" ._-")
    else:
        lone = _LONE_NUMBER.match(_stem(path))
        if not lone:
            return None
        number, title = int(lone["number"]), ""
    season = 1 if season is None else season
    return Named(
        title or f"Episode {number}",
        index=number,
        parent="Specials" if season == 0 else f"Season {season}",
        parent_index=season,
        grandparent=show,
        grandparent_year=year,
    )


def _folder_season(folders: list[str]) -> int | None:
    for folder in folders:
        if _SPECIALS.match(folder):
            return 0
        found = _SEASON.match(folder)
        if found:
            return int(found["number"])
    return None


def track(path: str, tags: dict[str, object]) -> Named:
    """Tags where the file has them, else ``Artist/Album/01 - Title``."""
    parts = path.split("/")
    found = _TRACK.match(_stem(path))
    number = tags.get("number") or (int(found["number"]) if found else None)
    album, year = split_year(parts[-2] if len(parts) > 2 else "[Unknown Album]")
    return Named(
        str(tags.get("title") or (found["title"] if found else _stem(path))),
        index=int(str(number)) if number else None,
        parent=str(tags.get("album") or album),
        parent_year=year,
        grandparent=str(tags.get("artist") or (parts[0] if len(parts) > 1 else "")),
    )


def photo(path: str) -> Named:
    """A photo, in the album of its folder (none at the location's root)."""
    folder = posixpath.basename(posixpath.dirname(path))
    return Named(_stem(path), parent=folder)
