# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: what a library holds, by section and by type.

Always all leaf types (L28), always by ``library_section_id`` and not by type alone, for
servers keep placeholder rows of type 10 in no section (plex-facts §1.7).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

SECTION_TYPES = {1: "movie", 2: "show", 8: "artist", 13: "photo"}
LEAF_TYPES = {1: "movie", 4: "episode", 10: "track", 13: "photo"}
# JSON since 1.40, URL-encoded before; both occur in one database (plex-facts §2.1).
SONIC_MARKED = (
    "(extra_data LIKE '%ms:musicAnalysisVersion%'"
    " OR extra_data LIKE '%ms\\%3AmusicAnalysisVersion%' ESCAPE '\\')"
)
_LEAVES = ",".join(map(str, LEAF_TYPES))


@dataclass(frozen=True)
class Location:
    """A root folder of a section, as Plex knows it."""

    id: int
    path: str
    available: bool


@dataclass(frozen=True)
class Section:
    """A Plex library."""

    id: int
    name: str
    type: str
    uuid: str
    agent: str
    scanner: str
    language: str
    locations: tuple[Location, ...]

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "locations": [asdict(item) for item in self.locations]}


@dataclass
class Counts:
    """The leaves of one section and type. All numbers were counted, none is assumed."""

    section: int
    type: str
    live: int = 0
    deleted: int = 0
    thumbs_missing: int = 0
    analysed: int = 0
    sonic_marked: int = 0
    sonic_vectors: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class LibraryInfo:
    """Everything that ``plex_db_info`` tells about a library."""

    sections: list[Section] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    schema_head: str = ""


def read_sections(connection: sqlite3.Connection) -> list[Section]:
    """The libraries with their locations, in order of id."""
    places: dict[int, list[Location]] = {}
    for section, *values in connection.execute(
        "SELECT library_section_id, id, root_path, available FROM section_locations"
        " ORDER BY id"
    ):
        location = Location(values[0], values[1], str(values[2]) in ("1", "t", "true"))
        places.setdefault(section, []).append(location)
    rows = connection.execute(
        "SELECT id, name, section_type, uuid, agent, scanner, language"
        " FROM library_sections ORDER BY id"
    )
    return [_section(row, places.get(row[0], [])) for row in rows]


def _section(row: tuple[Any, ...], places: list[Location]) -> Section:
    kind = SECTION_TYPES.get(row[2], str(row[2]))
    uuid, agent, scanner, language = (str(value or "") for value in row[3:7])
    return Section(
        row[0], row[1] or "", kind, uuid, agent, scanner, language, tuple(places)
    )


def schema_head(connection: sqlite3.Connection) -> str:
    """The newest migration by date; the 12 or 14 digit stamps sort as text."""
    rows = connection.execute("SELECT version FROM schema_migrations").fetchall()
    stamps = [str(row[0]) for row in rows if str(row[0]).startswith("20")]
    return max(stamps, key=lambda stamp: stamp.ljust(14, "0"), default="")


def count_leaves(connection: sqlite3.Connection) -> list[Counts]:
    """One pass over all leaves of all sections; types without a row are not listed."""
    rows = connection.execute(
        "SELECT library_section_id, metadata_type, SUM(deleted_at IS NULL),"
        " SUM(deleted_at IS NOT NULL),"
        " SUM(deleted_at IS NULL AND COALESCE(user_thumb_url, '') = ''),"
        f" SUM(deleted_at IS NULL AND metadata_type = 10 AND {SONIC_MARKED})"
        " FROM metadata_items"
        f" WHERE library_section_id > 0 AND metadata_type IN ({_LEAVES})"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return [
        Counts(
            section=row[0],
            type=LEAF_TYPES[row[1]],
            live=row[2],
            deleted=row[3],
            thumbs_missing=row[4],
            sonic_marked=row[5] or 0,
        )
        for row in rows
    ]


def count_analysed(connection: sqlite3.Connection) -> dict[tuple[int, str], int]:
    """Live leaves all of whose live media went through media analysis."""
    rows = connection.execute(
        "SELECT library_section_id, metadata_type, SUM(done) FROM ("
        " SELECT i.library_section_id, i.metadata_type,"
        " MIN(m.media_analysis_version) > 0 AS done"
        " FROM metadata_items i JOIN media_items m ON m.metadata_item_id = i.id"
        " WHERE i.library_section_id > 0 AND i.deleted_at IS NULL"
        f" AND m.deleted_at IS NULL AND i.metadata_type IN ({_LEAVES})"
        " GROUP BY i.id) GROUP BY 1, 2"
    )
    return {(row[0], LEAF_TYPES[row[1]]): row[2] or 0 for row in rows}


def count_vectors(connection: sqlite3.Connection) -> dict[int, int]:
    """Live tracks with a Sonic vector, by section; the blobs DB is attached as ``b``.

    The vector is the stronger witness than the marker (plex-facts §2.2).
    """
    rows = connection.execute(
        "SELECT i.library_section_id, COUNT(*) FROM b.blobs v"
        " JOIN main.metadata_items i ON i.id = v.linked_id"
        " WHERE v.blob_type = 7 AND v.linked_type = 'metadata_item'"
        " AND i.metadata_type = 10 AND i.deleted_at IS NULL"
        " AND i.library_section_id > 0 GROUP BY 1"
    )
    return {row[0]: row[1] for row in rows}


def read_library(connection: sqlite3.Connection, *, with_vectors: bool) -> LibraryInfo:
    """Sections, counts and schema of an open library DB."""
    info = LibraryInfo(read_sections(connection), count_leaves(connection))
    info.schema_head = schema_head(connection)
    analysed = count_analysed(connection)
    vectors = count_vectors(connection) if with_vectors else None
    for item in info.counts:
        item.analysed = analysed.get((item.section, item.type), 0)
        if vectors is not None:
            is_track = item.type == "track"
            item.sonic_vectors = vectors.get(item.section, 0) if is_track else 0
    return info


def totals(counts: Iterable[Counts]) -> dict[str, dict[str, int]]:
    """Sums over all sections for every leaf type, those without a row as counted 0."""
    table = {name: {"live": 0, "deleted": 0} for name in LEAF_TYPES.values()}
    for item in counts:
        table[item.type]["live"] += item.live
        table[item.type]["deleted"] += item.deleted
    return table


def sonic_summary(sections: list[Section], counts: Iterable[Counts]) -> dict[str, Any]:
    """How far Sonic analysis is, in every music section."""
    names = {item.id: item.name for item in sections}
    rows = [
        {
            "section": item.section,
            "name": names.get(item.section, ""),
            "total": item.live,
            "marked": item.sonic_marked,
            "vectors": item.sonic_vectors,
        }
        for item in counts
        if item.type == "track"
    ]
    return {
        "sections": rows,
        "total": sum(row["total"] for row in rows),
        "marked": sum(row["marked"] for row in rows),
        "vectors": (
            sum(row["vectors"] for row in rows)
            if all(row["vectors"] is not None for row in rows)
            else None
        ),
    }
