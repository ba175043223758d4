# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scanner's reads and writes of the library: what is known, added, gone, back."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from cloudburst_lab.plex_schema import Filler, MetadataType, Section, SectionType

from .naming import Named

KIND_NAMES = {
    SectionType.MOVIE: "movie",
    SectionType.SHOW: "show",
    SectionType.ARTIST: "artist",
    SectionType.PHOTO: "photo",
}
CHUNK = 500


@dataclass(frozen=True)
class KnownPart:
    """A media_parts row with its item."""

    id: int
    item_id: int
    metadata_id: int
    file: str
    size: int | None
    mtime: int | None
    deleted: bool


@dataclass(frozen=True)
class NewFile:
    """A file to add: where it is, what it is, what was listed about it."""

    path: str
    named: Named
    size: int
    mtime: int


@dataclass(frozen=True)
class Added:
    """Rows made for a file: the leaf and everything new around it."""

    leaf_id: int
    created: tuple[int, ...]


def section_of(fill: Filler, section_id: int) -> Section | None:
    row = fill.main.execute(
        "SELECT id, section_type, agent FROM library_sections WHERE id=?", (section_id,)
    ).fetchone()
    if row is None:
        return None
    locations = fill.main.execute(
        "SELECT id, root_path FROM section_locations WHERE library_section_id=?"
        " ORDER BY id",
        (section_id,),
    ).fetchall()
    pairs = tuple((location[0], location[1]) for location in locations)
    return Section(row[0], SectionType(row[1]), row[2] or "", pairs)


def known_parts(fill: Filler, section_id: int) -> list[KnownPart]:
    rows = fill.main.execute(
        "SELECT p.id, i.id, i.metadata_item_id, p.file, p.size, p.updated_at,"
        " p.deleted_at FROM media_parts p JOIN media_items i ON i.id=p.media_item_id"
        " WHERE i.library_section_id=? AND p.file != ''",
        (section_id,),
    )
    return [
        KnownPart(
            id=row[0],
            item_id=row[1],
            metadata_id=row[2],
            file=row[3],
            size=row[4],
            mtime=row[5],
            deleted=row[6] is not None,
        )
        for row in rows
    ]


def known_directories(fill: Filler, section_id: int) -> dict[str, int | None]:
    """Live directories: relative path and the mtime that was seen."""
    rows = fill.main.execute(
        "SELECT path, updated_at FROM directories"
        " WHERE library_section_id=? AND +deleted_at IS NULL",
        (section_id,),
    )
    return {row[0]: row[1] for row in rows}


def remember_directories(fill: Filler, section_id: int, times: dict[str, int]) -> None:
    for path, mtime in sorted(times.items()):
        directory = fill.directory(section_id, path, mtime)
        fill.main.execute(
            "UPDATE directories SET updated_at=? WHERE id=? AND updated_at IS NOT ?",
            (mtime, directory, mtime),
        )


def forget_directories(fill: Filler, section_id: int, paths: Iterable[str]) -> None:
    fill.main.executemany(
        "UPDATE directories SET deleted_at=? WHERE library_section_id=? AND path=?"
        " AND +deleted_at IS NULL",
        [(fill.now, section_id, path) for path in paths],
    )


class Adder:
    """Adds files to a section, reusing the items that they belong to.

    A file under a new name whose item is known (also one in the trash) joins that item:
    an agent matches it to the same guid.
    """

    def __init__(self, fill: Filler, section: Section) -> None:
        self._fill = fill
        self._section = section
        self._created: list[int] = []

    def add(self, new: NewFile) -> Added:
        self._created = []
        leaf = {
            SectionType.MOVIE: self._movie,
            SectionType.SHOW: self._episode,
            SectionType.ARTIST: self._track,
            SectionType.PHOTO: self._photo,
        }[self._section.type](new.named)
        self._fill.media(
            self._section,
            leaf,
            new.path,
            size=new.size,
            mtime=new.mtime,
            container=posixpath.splitext(new.path)[1].lstrip(".").lower(),
        )
        return Added(leaf, tuple(self._created))

    def _movie(self, named: Named) -> int:
        return self._item(MetadataType.MOVIE, named.title, None, year=named.year)

    def _episode(self, named: Named) -> int:
        show = self._item(MetadataType.SHOW, named.grandparent, None)
        season = self._item(
            MetadataType.SEASON, named.parent, show, index=named.parent_index
        )
        return self._item(MetadataType.EPISODE, named.title, season, index=named.index)

    def _track(self, named: Named) -> int:
        artist = self._item(MetadataType.ARTIST, named.grandparent, None)
        album = self._item(MetadataType.ALBUM, named.parent, artist)
        return self._item(MetadataType.TRACK, named.title, album, index=named.index)

    def _photo(self, named: Named) -> int:
        album = (
            self._item(MetadataType.PHOTOALBUM, named.parent, None)
            if named.parent
            else None
        )
        return self._item(MetadataType.PHOTO, named.title, album)

    def _item(
        self, kind: MetadataType, title: str, parent: int | None, **columns: object
    ) -> int:
        found = self._find(kind, title, parent, columns)
        if found is not None:
            return found
        item = self._fill.metadata(
            self._section, kind, title, parent_id=parent, **columns
        )
        self._created.append(item)
        return item

    def _find(
        self,
        kind: MetadataType,
        title: str,
        parent: int | None,
        columns: dict[str, object],
    ) -> int | None:
        numbered = kind in (MetadataType.SEASON, MetadataType.EPISODE)
        name, value = ("index", columns["index"]) if numbered else ("title", title)
        # A unary plus picks the index: by parent where there is one, else by title.
        own, up = ("", "+") if parent is None else ("+", "")
        sql = (
            f'SELECT id FROM metadata_items WHERE {own}"{name}" IS ? AND {up}parent_id IS ?'
            " AND +library_section_id=? AND +metadata_type=?"
        )
        values = [value, parent, self._section.id, int(kind)]
        if not numbered:
            for column in ("year", "index"):
                if columns.get(column) is not None:
                    sql += f' AND ("{column}" IS ? OR "{column}" IS NULL)'
                    values.append(columns[column])
        row = self._fill.main.execute(sql + " ORDER BY id LIMIT 1", values).fetchone()
        return int(row[0]) if row else None


def touch(fill: Filler, section_id: int) -> None:
    """Move the section's change counters on (§1.7: counters, not times)."""
    fill.main.execute(
        "UPDATE library_sections SET changed_at=changed_at+1,"
        " content_changed_at=content_changed_at+1, updated_at=? WHERE id=?",
        (fill.now, section_id),
    )


def refile(fill: Filler, part: KnownPart, size: int, mtime: int) -> None:
    """A known file changed: its analysis starts over."""
    fill.main.execute(
        "UPDATE media_parts SET size=?, updated_at=? WHERE id=?", (size, mtime, part.id)
    )
    fill.main.execute(
        "UPDATE media_items SET size=?, updated_at=?, media_analysis_version=0"
        " WHERE id=?",
        (size, mtime, part.item_id),
    )


def finish_scan(fill: Filler, section_id: int, location_ids: Iterable[int]) -> None:
    fill.main.execute(
        "UPDATE library_sections SET scanned_at=? WHERE id=?", (fill.now, section_id)
    )
    fill.main.executemany(
        "UPDATE section_locations SET scanned_at=?, available=1 WHERE id=?",
        [(fill.now, location_id) for location_id in location_ids],
    )


def set_unavailable(fill: Filler, location_id: int) -> None:
    fill.main.execute(
        "UPDATE section_locations SET available=0 WHERE id=?", (location_id,)
    )
