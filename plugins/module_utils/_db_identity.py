# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: is a sound database the one that it should be?"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import uri
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    is_in_use,
    wal_frames,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    Finding,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._stubs import (
    register_stubs,
)

NEEDED = {
    "library": (
        "library_sections",
        "section_locations",
        "metadata_items",
        "media_parts",
    ),
    "blobs": ("blobs", "schema_migrations"),
}
# How a file may be opened: as it is, never looking at -wal; or with its -wal.
ALONE, THROUGH_WAL = "immutable=1", "cache=private"


@contextlib.contextmanager
def stock_connection(place: str, options: str) -> Iterator[sqlite3.Connection]:
    address = uri(place, f"mode=ro&{options}")
    with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
        register_stubs(connection)
        yield connection


def names_in(place: str, options: str) -> set[str]:
    """The names of all tables, indexes and triggers."""
    with stock_connection(place, options) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master")
        return {str(row[0]) for row in rows}


def strange(path: str, role: str) -> list[Finding]:
    """A sound database that is not the one it should be."""
    names = names_in(path, options_at_rest(path))
    missing = [name for name in NEEDED[role] if name not in names]
    if missing:
        text = f"has no table {', '.join(missing)}: this is no Plex {role} database"
        return [Finding(path, "not_plex", text)]
    with stock_connection(path, options_at_rest(path)) as connection:
        query = "SELECT EXISTS (SELECT 1 FROM library_sections)"
        if role == "blobs" and connection.execute(query).fetchone()[0]:
            text = "holds library sections: this is a library database, not its blobs"
            return [Finding(path, "swapped", text, advice="give the pair in order")]
    return []


def options_at_rest(path: str) -> str:
    return THROUGH_WAL if wal_frames(path) or is_in_use(path) else ALONE
