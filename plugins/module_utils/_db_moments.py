# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: do two databases belong together, and to one moment (L31)?

The files carry no common mark. What tells is what one of them knows of the other: blobs
of ids that the library had not given out yet, or new analysed tracks without a vector.
Two moments between which nothing was analysed cannot be told apart, and differ in nothing
that links the two. Where a snapshot or a manifest vouches for a pair, digests decide.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3

from ansible_collections.cloudburst.plex.plugins.module_utils._db_counts import (
    SONIC_MARKED,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    DbError,
    file_sha256,
    write_atomically,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    Finding,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_identity import (
    options_at_rest,
    stock_connection,
)

RECORD = "pair.json"
_SAMPLE = 2000
# Tracks whose mark is written and whose vector is about to be, on a running server.
_IN_FLIGHT = 8
_LINKS = {
    "metadata_item": "metadata_items",
    "media_part": "media_parts",
    "media_stream": "media_streams",
}
_ADVICE = "library and blobs must be copied at the same moment; copy the pair again"


def mismatch(library: str, blobs: str) -> list[Finding]:
    """What shows that two sound databases are no pair; empty when nothing does."""
    with contextlib.ExitStack() as stack:
        ours, theirs = (
            stack.enter_context(stock_connection(path, options_at_rest(path)))
            for path in (library, blobs)
        )
        return (
            _strangers(ours, theirs, library, blobs)
            or _later_blobs(ours, theirs, library, blobs)
            or _earlier_blobs(ours, theirs, library, blobs)
        )


def _finding(blobs: str, text: str) -> list[Finding]:
    return [Finding(blobs, "pair_mismatch", text, advice=_ADVICE)]


def _strangers(
    ours: sqlite3.Connection, theirs: sqlite3.Connection, library: str, blobs: str
) -> list[Finding]:
    """A blobs DB of another library: its Sonic vectors belong to no item here.

    Plex would collect them as garbage (plex-facts §1.6). A few strays are normal.
    """
    query = (
        "SELECT linked_id FROM blobs WHERE linked_type='metadata_item'"
        " AND blob_type=7 ORDER BY id DESC LIMIT ?"
    )
    ids = [row[0] for row in theirs.execute(query, (_SAMPLE,))]
    known = sum(_exists(ours, item) for item in ids)
    if len(ids) < 10 or known >= len(ids) / 2:
        return []
    return _finding(
        blobs,
        f"{len(ids) - known} of {len(ids)} Sonic vectors belong to no item of {library}",
    )


def _exists(connection: sqlite3.Connection, item: int) -> bool:
    query = "SELECT EXISTS (SELECT 1 FROM metadata_items WHERE id=?)"
    return bool(connection.execute(query, (item,)).fetchone()[0])


def _later_blobs(
    ours: sqlite3.Connection, theirs: sqlite3.Connection, library: str, blobs: str
) -> list[Finding]:
    """Ids are given out once and in order, also those of rows that are gone since."""
    given = _sequences(ours)
    for link, table in _LINKS.items():
        query = "SELECT MAX(linked_id) FROM blobs WHERE linked_type=?"
        highest = theirs.execute(query, (link,)).fetchone()[0]
        if table in given and highest is not None and highest > given[table]:
            return _finding(
                blobs,
                f"is of a later moment than {library}: it holds data of {link} {highest},"
                f" the library had given out {given[table]} ids of {table} only",
            )
    return []


def _sequences(connection: sqlite3.Connection) -> dict[str, int]:
    """The highest id ever given, of tables that never give an id twice."""
    try:
        rows = connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
    except sqlite3.OperationalError:
        # No table counts its ids: then nothing can be said by them.
        return {}
    found = {}
    for name, given in rows:
        if name in _LINKS.values() and isinstance(given, int):
            top = connection.execute(f"SELECT MAX(id) FROM {name}").fetchone()[0]
            found[name] = max(given, top or 0)
    return found


def _earlier_blobs(
    ours: sqlite3.Connection, theirs: sqlite3.Connection, library: str, blobs: str
) -> list[Finding]:
    """Tracks made after the last blob, marked as analysed, and no vector of any."""
    query = "SELECT MAX(created_at) FROM blobs WHERE typeof(created_at)='integer'"
    last = theirs.execute(query).fetchone()[0]
    if last is None:
        return []
    marked = ours.execute(
        "SELECT id FROM metadata_items WHERE metadata_type=10 AND created_at > ?"
        f" AND typeof(created_at)='integer' AND {SONIC_MARKED}",
        (last,),
    )
    vector = (
        "SELECT EXISTS (SELECT 1 FROM blobs WHERE linked_type='metadata_item'"
        " AND linked_id=? AND blob_type=7)"
    )
    without = sum(not theirs.execute(vector, row).fetchone()[0] for row in marked)
    if without <= _IN_FLIGHT:
        return []
    return _finding(
        blobs,
        f"is of an earlier moment than {library}: {without} tracks that were analysed"
        " after its last entry have no Sonic vector",
    )


def write_record(folder: str, paths: tuple[str, ...], digests: tuple[str, ...]) -> None:
    """Say which two files are one snapshot."""
    files = {os.path.basename(path): sha for path, sha in zip(paths, digests)}
    text = json.dumps({"format": 1, "files": files}, indent=1, sort_keys=True)
    write_atomically(os.path.join(folder, RECORD), text + "\n")


def require_recorded(paths: tuple[str, str], digests: tuple[str, str]) -> None:
    """DbError when a record beside the pair speaks of other files than these."""
    record = os.path.join(os.path.dirname(os.path.abspath(paths[0])), RECORD)
    try:
        with open(record, encoding="utf-8") as file:
            known = json.load(file)["files"]
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DbError(
            f"{record}: cannot be read ({error}); take a new snapshot"
        ) from error
    for path, digest in zip(paths, digests):
        if known.get(os.path.basename(path)) != digest:
            raise DbError(
                f"{path}: is not the file that was copied at one moment with the other"
                f" ({record}); take a new snapshot of both"
            )


def digests_of(paths: tuple[str, str]) -> tuple[str, str]:
    return file_sha256(paths[0]), file_sha256(paths[1])
