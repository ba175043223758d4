# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: the paths that a library database knows, for comparison.

717 of 847 failures that were blamed on the mount were files that had moved (L11).
"""

from __future__ import annotations

import posixpath
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from ansible_collections.cloudburst.plex.plugins.module_utils._db_counts import (
    Section,
    read_sections,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import prefix_range

_LIVE_PARTS = (
    " FROM media_parts p JOIN media_items m ON m.id = p.media_item_id"
    " WHERE m.library_section_id = ? AND p.deleted_at IS NULL AND m.deleted_at IS NULL"
    " AND p.file >= ? AND p.file < ?"
)


@dataclass(frozen=True)
class KnownFile:
    """A live file of the library; ``mtime`` is what Plex noted, None where unreadable."""

    path: str
    mtime: int | None


@dataclass
class KnownFolders:
    """The folders of one location, relative to it: with their files, and all names."""

    files: dict[str, set[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def knows(self, folder: str) -> bool:
        return folder in self.names or folder in self.files


def selected_sections(connection: sqlite3.Connection, ids: list[int]) -> list[Section]:
    """The sections with those ids, all for an empty list; DbError for an unknown one."""
    sections = read_sections(connection)
    known = {section.id for section in sections}
    unknown = sorted(set(ids) - known)
    if unknown:
        raise DbError(
            f"section id {', '.join(map(str, unknown))} is not in the library; it has"
            f" {', '.join(f'{s.id} ({s.name})' for s in sections) or 'no sections'}"
        )
    return [section for section in sections if not ids or section.id in ids]


def count_outside(connection: sqlite3.Connection, section: Section) -> int:
    """Live files of a section below none of its locations: nothing can find them."""
    total = connection.execute(
        "SELECT COUNT(*) FROM media_parts p JOIN media_items m ON m.id = p.media_item_id"
        " WHERE m.library_section_id = ? AND p.deleted_at IS NULL"
        " AND m.deleted_at IS NULL AND p.file LIKE '/%'",
        (section.id,),
    ).fetchone()[0]
    inside: set[int] = set()
    for location in section.locations:
        inside.update(_part_ids(connection, section.id, location.path))
    return int(total) - len(inside)


def sample_files(
    connection: sqlite3.Connection, section: int, root: str, size: int, seed: int
) -> tuple[int, list[KnownFile]]:
    """How many live files a location has, and a random sample of them."""
    ids = _part_ids(connection, section, root)
    chosen = ids if len(ids) <= size else random.Random(seed).sample(ids, size)
    query = "SELECT file, updated_at FROM media_parts WHERE id = ?"
    rows = [connection.execute(query, (item,)).fetchone() for item in chosen]
    return len(ids), [KnownFile(row[0], _seconds(row[1])) for row in rows]


def known_folders(
    connection: sqlite3.Connection, section: int, root: str
) -> KnownFolders:
    """All folders of a location with the names of their live files."""
    known = KnownFolders()
    for path in _files(connection, section, root):
        folder = posixpath.relpath(posixpath.dirname(path), root)
        known.files.setdefault("" if folder == "." else folder, set()).add(
            posixpath.basename(path)
        )
    # One tree per section, whichever location a folder is under (plex-facts §1.7).
    rows = connection.execute(
        "SELECT path FROM directories WHERE library_section_id = ?"
        " AND deleted_at IS NULL",
        (section,),
    )
    known.names = {str(row[0] or "").strip("/") for row in rows}
    return known


def _part_ids(connection: sqlite3.Connection, section: int, root: str) -> list[int]:
    values = (section, *prefix_range(root.rstrip("/")))
    return [row[0] for row in connection.execute(f"SELECT p.id{_LIVE_PARTS}", values)]


def _files(connection: sqlite3.Connection, section: int, root: str) -> Iterator[str]:
    values = (section, *prefix_range(root.rstrip("/")))
    for row in connection.execute(f"SELECT p.file{_LIVE_PARTS}", values):
        yield row[0]


def _seconds(value: object) -> int | None:
    """Epoch seconds. Before 2022 it was text in local time: not comparable."""
    return value if isinstance(value, int) else None
