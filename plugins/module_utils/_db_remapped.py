# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: the note that a library has been through its mappings.

A mapping that would match its own result must not be applied twice. The note lies beside
the library and names rows with their path before and after, so it is written before
the library is replaced: it counts only for a library that bears it out.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    write_atomically,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import PathMap


@dataclass(frozen=True)
class Witness:
    """A row that a mapping changes."""

    table: str
    column: str
    id: int
    before: str
    after: str


def note_beside(library: str) -> str:
    return f"{library}.remapped.json"


def note_of(mapping: PathMap, witnesses: Sequence[Witness]) -> dict[str, Any]:
    return {
        "digest": mapping.digest,
        "mappings": mapping.as_list(),
        "rows": [asdict(item) for item in witnesses],
    }


def write_note(library: str, note: dict[str, Any]) -> None:
    write_atomically(note_beside(library), json.dumps(note, indent=1) + "\n")


def is_done(connection: sqlite3.Connection, library: str, mapping: PathMap) -> bool:
    """Whether these mappings have been applied to the library as it is now.

    Rows that are gone say nothing; one that is as before says no.
    """
    try:
        with open(note_beside(library), encoding="utf-8") as file:
            note = json.load(file)
        known = [Witness(**row) for row in note["rows"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False
    if note.get("digest") != mapping.digest:
        return False
    seen = [(item, _current(connection, item)) for item in known]
    if any(value == item.before for item, value in seen):
        return False
    return any(value == item.after for item, value in seen)


def _current(connection: sqlite3.Connection, item: Witness) -> Any:
    query = f'SELECT "{item.column}" FROM "{item.table}" WHERE id=?'
    row = connection.execute(query, (item.id,)).fetchone()
    return row[0] if row else None
