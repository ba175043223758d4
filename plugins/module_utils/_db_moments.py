# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: do two databases belong together, and to one moment (L31)?

The files carry no common mark. What tells is what one of them knows of the other: blobs
of ids that the library had not given out yet, or marks without vectors (_db_vectors).
Two moments between which next to nothing was analysed cannot be told apart, and differ in
next to nothing that links the two. Where a snapshot or a manifest vouches for a pair,
digests decide.
"""

from __future__ import annotations

import json
import os
import sqlite3

from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import uri
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
from ansible_collections.cloudburst.plex.plugins.module_utils._db_vectors import (
    read_vectors,
    vector_findings,
)

RECORD = "pair.json"
_LINKS = {
    "metadata_item": "metadata_items",
    "media_part": "media_parts",
    "media_stream": "media_streams",
}
_ADVICE = "library and blobs must be copied at the same moment; copy the pair again"


def mismatch(library: str, blobs: str) -> list[Finding]:
    """What shows that two sound databases are no pair; empty when nothing does.

    A few strays are a notice only: they are there on a healthy server, too.
    """
    with stock_connection(library, options_at_rest(library)) as connection:
        address = uri(blobs, f"mode=ro&{options_at_rest(blobs)}")
        connection.execute("ATTACH ? AS b", (address,))
        return compare(connection, library, blobs)


def compare(connection: sqlite3.Connection, library: str, blobs: str) -> list[Finding]:
    """What an open library and the blobs attached as ``b`` know of each other."""
    given = _sequences(connection)
    vectors = read_vectors(connection, given.get("metadata_items"))
    found = vector_findings(vectors, library, blobs)
    if vectors.foreign:
        return found
    return _later_blobs(connection, given, library, blobs) or found


def _later_blobs(
    connection: sqlite3.Connection, given: dict[str, int], library: str, blobs: str
) -> list[Finding]:
    """Ids are given out once and in order, also those of rows that are gone since."""
    for link, table in _LINKS.items():
        query = "SELECT MAX(linked_id) FROM b.blobs WHERE linked_type=?"
        highest = connection.execute(query, (link,)).fetchone()[0]
        if table in given and highest is not None and highest > given[table]:
            text = (
                f"is of a later moment than {library}: it holds data of {link} {highest},"
                f" the library had given out {given[table]} ids of {table} only"
            )
            return [Finding(blobs, "pair_mismatch", text, advice=_ADVICE)]
    return []


def _sequences(connection: sqlite3.Connection) -> dict[str, int]:
    """The highest id ever given, of tables that never give an id twice."""
    try:
        rows = connection.execute(
            "SELECT name, seq FROM main.sqlite_sequence"
        ).fetchall()
    except sqlite3.OperationalError:
        # No table counts its ids: then nothing can be said by them.
        return {}
    found = {}
    for name, given in rows:
        if name in _LINKS.values() and isinstance(given, int):
            query = f"SELECT MAX(id) FROM main.{name}"
            top = connection.execute(query).fetchone()[0]
            found[name] = max(given, top or 0)
    return found


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
