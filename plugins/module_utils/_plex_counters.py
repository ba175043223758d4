# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Counters from Plex's database pair while Plex writes to it: the edge.

Read-only connection, short statements, never ``immutable``: a reader that
holds its snapshot makes the WAL grow (``sqlite-lab §2``). A file that cannot
be read is an error with its reason, never a zero (L20).
"""

from __future__ import annotations

import os
import sqlite3
import time
import typing as t
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import quote

LIBRARY_DB = "com.plexapp.plugins.library.db"
BLOBS_DB = "com.plexapp.plugins.library.blobs.db"

# Every leaf type is always in the counts (L28).
LEAVES: dict[int, str] = {1: "movie", 4: "episode", 10: "track", 13: "photo"}
SECTION_TYPES: dict[int, str] = {1: "movie", 2: "show", 8: "artist", 13: "photo"}
TRACK = 10

# Both forms of extra_data (plex-facts §2.1): JSON key, and url-encoded.
SONIC_MARKER = (
    "(instr(m.extra_data, 'ms:musicAnalysisVersion') > 0"
    " OR instr(m.extra_data, 'ms%3AmusicAnalysisVersion') > 0)"
)


class CountersUnreadable(Exception):
    """The database cannot be counted; the text names file and reason."""


@dataclass(frozen=True)
class QuickCounts:
    """What indexes answer: cheap at any size of library."""

    total: dict[tuple[int, int], int]
    deleted: dict[tuple[int, int], int]
    unanalysed: dict[int, int]
    media: dict[int, int]


@dataclass(frozen=True)
class FullCounts:
    """What needs a pass over the items: about a second per 500,000."""

    sonic_marked: dict[int, int]
    thumbs_missing: dict[int, int]
    refreshed: dict[int, int]
    seconds: float


@dataclass(frozen=True)
class VectorCounts:
    """Sonic vectors in the blobs database."""

    by_section: dict[int, int]
    last_id: int


@dataclass(frozen=True)
class SectionRow:
    """One row of ``library_sections``."""

    id: int
    name: str
    type: str
    scanned_at: int | None


class PlexCounters:
    """The pair in one Databases folder, opened anew for every question."""

    def __init__(self, databases: str, busy_timeout: float = 5.0) -> None:
        self.library = os.path.join(databases, LIBRARY_DB)
        self.blobs = os.path.join(databases, BLOBS_DB)
        self.busy_timeout = busy_timeout

    def sections(self) -> list[SectionRow]:
        """All libraries of the database."""
        rows = self._rows(
            "SELECT id, name, section_type, scanned_at FROM library_sections"
        )
        return [
            SectionRow(row[0], row[1] or "", section_type(row[2]), epoch(row[3]))
            for row in rows
        ]

    def quick(self, sections: t.Sequence[int]) -> QuickCounts:
        """Leaves, deleted leaves and media without analysis."""
        ids, kinds = _ids(sections), _ids(list(LEAVES))
        leaves = (
            "SELECT library_section_id, metadata_type, count(*) FROM metadata_items"
        )
        media = "SELECT library_section_id, count(*) FROM media_items"
        everything = self._rows(
            f"{leaves} WHERE library_section_id IN ({ids})"
            f" AND metadata_type IN ({kinds}) GROUP BY library_section_id, metadata_type"
        )
        # Unary plus keeps the planner on the small index of deleted_at; by section
        # it reads every row of the table (2 s instead of 2 ms for 480,000).
        gone = self._rows(
            f"{leaves} WHERE deleted_at > 0 AND +library_section_id IN ({ids})"
            f" AND +metadata_type IN ({kinds})"
            " GROUP BY +library_section_id, +metadata_type"
        )
        all_media = self._rows(
            f"{media} WHERE library_section_id IN ({ids}) GROUP BY library_section_id"
        )
        gone_media = dict(
            self._rows(
                f"{media} WHERE deleted_at > 0 AND +library_section_id IN ({ids})"
                " GROUP BY +library_section_id"
            )
        )
        return QuickCounts(
            total=_pairs(everything),
            deleted=_pairs(gone),
            unanalysed=self._unanalysed(ids, kinds),
            media={row[0]: row[1] - gone_media.get(row[0], 0) for row in all_media},
        )

    def _unanalysed(self, ids: str, kinds: str) -> dict[int, int]:
        # Trailers and other extras stay at 0 for ever (plex-facts §2.3).
        rows = self._rows(
            "SELECT m.library_section_id, count(DISTINCT m.id)"
            " FROM media_items mi JOIN metadata_items m"
            " ON m.id = mi.metadata_item_id"
            " WHERE mi.media_analysis_version = 0 AND +mi.deleted_at IS NULL"
            f" AND m.deleted_at IS NULL AND m.metadata_type IN ({kinds})"
            f" AND m.library_section_id IN ({ids})"
            " GROUP BY m.library_section_id"
        )
        return dict(rows)

    def full(self, sections: t.Sequence[int], since: int | None = None) -> FullCounts:
        """Sonic markers, missing thumbnails, items refreshed after ``since``."""
        started = time.monotonic()
        kinds = _ids(list(LEAVES))
        rows = self._rows(
            "SELECT m.library_section_id,"
            f" sum(m.metadata_type = {TRACK} AND {SONIC_MARKER}),"
            " sum(coalesce(m.user_thumb_url, '') = ''),"
            " sum(CAST(coalesce(m.refreshed_at, 0) AS INTEGER) >= ?)"
            " FROM metadata_items m"
            f" WHERE m.library_section_id IN ({_ids(sections)})"
            f" AND m.metadata_type IN ({kinds}) AND m.deleted_at IS NULL"
            " GROUP BY m.library_section_id",
            [since if since is not None else 2**62],
        )
        return FullCounts(
            sonic_marked={row[0]: row[1] or 0 for row in rows},
            thumbs_missing={row[0]: row[2] or 0 for row in rows},
            refreshed={row[0]: row[3] or 0 for row in rows},
            seconds=time.monotonic() - started,
        )

    def vectors(self, sections: t.Sequence[int], after_id: int = 0) -> VectorCounts:
        """Vectors of live tracks, only those with an id above ``after_id``."""
        uri = read_only_uri(self.blobs)
        query = (
            "SELECT m.library_section_id, count(*), max(b.id)"
            " FROM pair.blobs b JOIN metadata_items m ON m.id = b.linked_id"
            " WHERE b.id > ? AND b.blob_type = 7 AND b.linked_type = 'metadata_item'"
            f" AND m.library_section_id IN ({_ids(sections)})"
            f" AND m.metadata_type = {TRACK} AND m.deleted_at IS NULL"
            " GROUP BY m.library_section_id"
        )
        _must_read(self.blobs)
        rows = self._rows(query, [after_id], attach=uri)
        return VectorCounts(
            by_section={row[0]: row[1] for row in rows},
            last_id=max([after_id, *(row[2] or 0 for row in rows)]),
        )

    def _rows(
        self,
        query: str,
        values: t.Sequence[t.Any] = (),
        attach: str | None = None,
    ) -> list[tuple[t.Any, ...]]:
        _must_read(self.library)
        try:
            with closing(
                sqlite3.connect(
                    read_only_uri(self.library), uri=True, timeout=self.busy_timeout
                )
            ) as connection:
                if attach:
                    connection.execute("ATTACH DATABASE ? AS pair", (attach,))
                return connection.execute(query, tuple(values)).fetchall()
        except sqlite3.Error as exc:
            shown = f"{self.library} with {self.blobs}" if attach else self.library
            raise CountersUnreadable(
                f"Cannot count in {shown}: {exc}. Nothing is known about the progress"
                " until this is cured (file rights, damaged file, disk)"
            ) from exc


def read_only_uri(path: str) -> str:
    """``file:`` URI with mode=ro; ``immutable`` would miss the WAL."""
    return f"file:{quote(os.path.abspath(path))}?mode=ro"


def _must_read(path: str) -> None:
    # sqlite3 only says "unable to open database file"; name the reason.
    try:
        with open(path, "rb") as handle:
            head = handle.read(16)
    except OSError as exc:
        raise CountersUnreadable(f"Cannot read {path}: {exc.strerror}") from exc
    if len(head) < 16:
        raise CountersUnreadable(f"{path} is empty: not a database of Plex")


def section_type(code: t.Any) -> str:
    """The API's word for a ``section_type`` number."""
    return SECTION_TYPES.get(int(code or 0), f"type {code}")


def epoch(value: t.Any) -> int | None:
    """Epoch seconds, or None where Plex has no time yet."""
    try:
        return int(value) or None
    except (TypeError, ValueError):
        return None


def _ids(numbers: t.Sequence[int]) -> str:
    # Integers only, so that they may stand in the statement's text.
    return ", ".join(str(int(number)) for number in numbers) or "NULL"


def _pairs(rows: t.Iterable[tuple[t.Any, ...]]) -> dict[tuple[int, int], int]:
    return {(row[0], row[1]): row[2] for row in rows}
