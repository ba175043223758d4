# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: Sonic analysis writes into both databases of a pair.

The mark of a track is in the library, its vector in the blobs (plex-facts §1.6, §2.2).
One without the other also comes about at one moment: an analysis that failed may leave
its mark (L81), a vector goes only when the Butler collects it. So a few are worth a
notice, and only what no server does by itself is a mismatch.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._db_counts import (
    SONIC_MARKED,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    NOTICE,
    Finding,
)

# Two albums, and a tenth of what there is: more does not fail on a server that works.
_FEW, _SHARE = 24, 10
# Of what was touched last, where failures come in a row: more than a mount that was away.
_MANY, _LATE_SHARE = 100, 100
_SAMPLE = 2000
_VECTORS = "b.blobs WHERE linked_type='metadata_item' AND blob_type=7"
_ADVICE = "library and blobs must be copied at the same moment; copy the pair again"
_FAILED = (
    "library and blobs must be copied at the same moment; copy the pair again. If they"
    " were, the analysis of these tracks failed: refresh the metadata of their albums,"
    " which clears the mark, and copy the pair then"
)


@dataclass(frozen=True)
class Vectors:
    """What both databases say of the live tracks; ``library`` is main, blobs are ``b``."""

    marked: int = 0
    lacking: int = 0
    # Of the marked ones, those that were changed after the last vector was made.
    touched: int = 0
    touched_lacking: int = 0
    linked: int = 0
    unmarked: int = 0
    # How many of the newest vectors, one after the other, belong to unmarked tracks.
    newest_unmarked: int = 0
    # Of the newest vectors: how many were looked at, and belong to nothing musical.
    seen: int = 0
    strange: int = 0

    @property
    def foreign(self) -> bool:
        return self.seen >= 10 and 2 * self.strange >= self.seen

    @property
    def older_blobs(self) -> bool:
        """Too many marks without a vector, at all or among what was touched last."""
        late = self.touched_lacking
        return _too_many(self.lacking, self.marked) or (
            late > max(_MANY, self.marked / _LATE_SHARE) and 2 * late > self.touched
        )

    @property
    def newer_blobs(self) -> bool:
        """Too many vectors without a mark, at all or among the newest ones.

        Without any mark it is not known whether this server writes that kind of mark.
        """
        return self.marked > 0 and (
            _too_many(self.unmarked, self.linked)
            or self.newest_unmarked > max(_MANY, self.linked / _LATE_SHARE)
        )


def _too_many(part: int, whole: int) -> bool:
    return part > max(_FEW, whole / _SHARE)


def vector_findings(found: Vectors, library: str, blobs: str) -> list[Finding]:
    """What the numbers mean: at most one mismatch, else what is worth knowing."""
    if found.foreign:
        text = f"{found.strange} of {found.seen} Sonic vectors belong to no item of"
        other = "it is of a later moment, or of another library"
        return [_mismatch(blobs, f"{text} {library}, so {other}")]
    lacking = (
        f"{found.lacking} of {found.marked} tracks that are marked as analysed have no"
        " Sonic vector"
    )
    unmarked = (
        f"{found.unmarked} of {found.linked} tracks with a Sonic vector are not marked"
        " as analysed"
    )
    if found.older_blobs:
        text = f"is of an earlier moment than {library}: {lacking}"
        return [_mismatch(blobs, text, _FAILED)]
    if found.newer_blobs:
        return [_mismatch(blobs, f"is of a later moment than {library}: {unmarked}")]
    notices = [lacking] * bool(found.lacking) + [unmarked] * bool(found.unmarked)
    return [Finding(blobs, "pair_strays", text, severity=NOTICE) for text in notices]


def _mismatch(blobs: str, text: str, advice: str = _ADVICE) -> Finding:
    return Finding(blobs, "pair_mismatch", text, advice=advice)


def read_vectors(connection: sqlite3.Connection, given: int | None) -> Vectors:
    """Count in one pass; the blobs are attached as ``b``.

    ``given`` is the highest id of an item that the library ever gave out, if known.
    """
    columns = {row[1] for row in connection.execute("PRAGMA b.table_info(blobs)")}
    if "blob_type" not in columns:
        # A server from before Sonic analysis (plex-facts §1.6).
        return Vectors()
    # By the index alone: a row of fingerprints is 125 KB long, its time behind them.
    last = connection.execute(
        "SELECT created_at FROM b.blobs"
        f" WHERE id=(SELECT MAX(id) FROM {_VECTORS}) AND typeof(created_at)='integer'"
    ).fetchone()
    tracks = _tracks(connection, last[0] if last else None)
    linked = sum(count for state, count in tracks.items() if state[1])
    seen, strange = _newest(connection, given)
    return Vectors(
        marked=sum(count for state, count in tracks.items() if state[0]),
        lacking=tracks.get((1, 0, 0), 0) + tracks.get((1, 0, 1), 0),
        touched=tracks.get((1, 0, 1), 0) + tracks.get((1, 1, 1), 0),
        touched_lacking=tracks.get((1, 0, 1), 0),
        linked=linked,
        unmarked=tracks.get((0, 1, 0), 0) + tracks.get((0, 1, 1), 0),
        newest_unmarked=_newest_unmarked(connection, linked),
        seen=seen,
        strange=strange,
    )


def _tracks(
    connection: sqlite3.Connection, last: int | None
) -> dict[tuple[int, int, int], int]:
    """Live tracks by: marked, with a vector, touched after the last vector.

    A vector may be filed under the guid, of which there can be only one.
    """
    touched = " OR ".join(
        f"(typeof({name})='integer' AND {name} > :last)"
        for name in ("created_at", "updated_at")
    )
    vector = "SELECT 1 FROM b.blobs v WHERE v.linked_type='metadata_item'"
    by_id = f"EXISTS ({vector} AND v.linked_id=+i.id AND v.blob_type=7)"
    by_guid = f"EXISTS ({vector} AND v.linked_guid=i.guid AND v.blob_type=7)"
    rows = connection.execute(
        # CASE, for OR would look for both.
        f"SELECT marked, CASE WHEN {by_id} THEN 1 WHEN marked THEN {by_guid} ELSE 0 END,"
        " touched, COUNT(*) FROM ("
        f"SELECT id, guid, COALESCE({SONIC_MARKED}, 0) AS marked,"
        f" COALESCE({touched}, 0) AS touched FROM metadata_items"
        # A limit keeps SQLite from searching the text once for each use of it.
        " WHERE metadata_type=10 AND deleted_at IS NULL LIMIT -1) i GROUP BY 1, 2, 3",
        {"last": last},
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def _newest_unmarked(connection: sqlite3.Connection, linked: int) -> int:
    limit = max(_MANY, linked // _LATE_SHARE) + 1
    rows = connection.execute(
        f"SELECT COALESCE({SONIC_MARKED}, 0) FROM"
        f" (SELECT id AS made, linked_id FROM {_VECTORS}) v"
        " JOIN metadata_items i ON i.id=v.linked_id WHERE i.metadata_type=10"
        " AND i.deleted_at IS NULL ORDER BY v.made DESC LIMIT ?",
        (limit,),
    ).fetchall()
    marks = [bool(row[0]) for row in rows]
    return marks.index(True) if True in marks else len(marks)


def _newest(connection: sqlite3.Connection, given: int | None) -> tuple[int, int]:
    """Of the newest vectors, how many there are and how many belong to another library.

    An item that is gone is no stranger: the Butler collects its vector some day. An id
    that was never given out is one, and so is an item that is no music.
    """
    row = connection.execute(
        "SELECT COUNT(*), SUM(v.linked_id > :given OR i.metadata_type NOT IN (8, 9, 10))"
        f" FROM (SELECT linked_id FROM {_VECTORS} ORDER BY id DESC LIMIT :limit) v"
        " LEFT JOIN metadata_items i ON i.id=v.linked_id",
        {"given": given, "limit": _SAMPLE},
    ).fetchone()
    return row[0], row[1] or 0
