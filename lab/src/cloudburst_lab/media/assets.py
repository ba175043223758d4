# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One file of the library, and the folders full of them that people make."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cloudburst_lab.media import catalogue

#: The two tracks that no decoder can read: one that home knows, one that is new.
UNREADABLE = (
    "Music/Portishead/Third (2008)/04 - Broken Machine.mp3",
    "Classical/György Ligeti/Études pour piano/09 - Broken Fanfares.flac",
)


@dataclass(frozen=True)
class Asset:
    """One file: where home saw it first (or where it is new), and how it is made."""

    path: str
    kind: str  # film, video, track, photo, cover, subtitle, broken
    seed: int = 0
    title: str = ""
    album: str = ""
    artist: str = ""
    number: int = 0
    disc: int = 0
    date: str = ""

    @property
    def extension(self) -> str:
        return posixpath.splitext(self.path)[1].lstrip(".")


def library() -> Iterator[Asset]:
    """Everything that home saw, without seeds."""
    yield from _films("Movies", catalogue.MOVIES)
    yield from _films("Films d'auteur", catalogue.AUTEUR)
    yield from _shows("TV Shows", catalogue.SHOWS)
    yield from _shows("Anime", catalogue.ANIME)
    yield from _music("Music", catalogue.MUSIC, "mp3")
    yield from _music("Classical", catalogue.CLASSICAL, "flac")
    yield from _photos()
    for folder, titles in catalogue.HOME_VIDEOS.items():
        for title in titles:
            yield Asset(f"Home Videos/{folder}/{title}.mp4", "video", title=title)


def film(section: str, folder: str, name: str) -> Asset:
    """A film in a folder of its own name."""
    title = name.rpartition(" (")[0]
    path = posixpath.join(section, folder, name, f"{name}.mkv")
    return Asset(path, "film", title=title)


def _films(section: str, folders: Mapping[str, tuple[str, ...]]) -> Iterator[Asset]:
    for folder, names in folders.items():
        for name in names:
            made = film(section, folder, name)
            yield made
            if section != "Movies":  # subtitles, as for films in another language
                yield Asset(made.path[:-3] + "fr.srt", "subtitle", title=made.title)


def episode(section: str, show: str, season: int, number: int) -> Asset:
    """An episode in its season's folder."""
    folder = "Specials" if season == 0 else f"Season {season}"
    words = catalogue.EPISODES
    title = words[(season * 7 + number + len(show)) % len(words)]
    name = show.rpartition(" (")[0]
    file = f"{name} - S{season:02}E{number:02} - {title}.mkv"
    return Asset(f"{section}/{show}/{folder}/{file}", "video", title=title)


def _shows(section: str, shows: Mapping[str, Mapping[int, int]]) -> Iterator[Asset]:
    for show, seasons in shows.items():
        for season, episodes in seasons.items():
            for number in range(1, episodes + 1):
                yield episode(section, show, season, number)


def album(
    section: str, artist: str, name: str, discs: tuple[int, ...], extension: str
) -> Iterator[Asset]:
    """An album: tagged tracks, in disc folders when it has more than one, and a cover."""
    root = f"{section}/{artist}/{name}"
    title, _, rest = name.rpartition(" (")
    date = rest.rstrip(")") if rest[:4].isdigit() else ""
    clean = title if date else name
    at = sum(map(ord, artist + name))
    for disc, tracks in enumerate(discs, 1):
        folder = f"{root}/Disc {disc}" if len(discs) > 1 else root
        for number in range(1, tracks + 1):
            word = catalogue.WORDS[(at + disc * 13 + number) % len(catalogue.WORDS)]
            path = f"{folder}/{number:02} - {word}.{extension}"
            kind = "track"
            if any(
                broken.startswith(f"{folder}/{number:02} - ") for broken in UNREADABLE
            ):
                path = next(p for p in UNREADABLE if p.startswith(folder))
                kind, word = "broken", posixpath.basename(path)[5:].rpartition(".")[0]
            yield Asset(path, kind, 0, word, clean, artist, number, disc, date)
    yield Asset(f"{root}/cover.jpg", "cover", title=clean)


def _music(
    section: str, artists: Mapping[str, Mapping[str, tuple[int, ...]]], extension: str
) -> Iterator[Asset]:
    for artist, albums in artists.items():
        for name, discs in albums.items():
            yield from album(section, artist, name, discs, extension)


def photos(folder: str, first: int, number: int) -> Iterator[Asset]:
    """Photos as a camera numbers them."""
    for index in range(first, first + number):
        yield Asset(
            f"Photos/{folder}/IMG_{index:04}.jpg", "photo", title=f"IMG_{index:04}"
        )


def _photos() -> Iterator[Asset]:
    first = 1001
    for year, folders in catalogue.PHOTOS.items():
        for folder, number in folders.items():
            yield from photos(f"{year}/{folder}", first, number)
            first += number
