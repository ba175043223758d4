# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge what a run left by plain SQL on a copy of the database, against the plan of the media.

None of the collection's own code is used: rows that were there before are compared by id, and
what should be live is what the bucket holds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: Tables whose rows only the emptying of the trash removes, and how each names its section.
ROWS = {
    "metadata_items": "SELECT id FROM metadata_items WHERE library_section_id IN ({})",
    "media_items": "SELECT id FROM media_items WHERE library_section_id IN ({})",
    "media_parts": (
        "SELECT p.id FROM media_parts p JOIN media_items i ON i.id = p.media_item_id"
        " WHERE i.library_section_id IN ({})"
    ),
}
#: Every file of the sections with its part, its item, and whether all of it is live.
FILES = (
    "SELECT p.file, p.id, m.id, p.deleted_at IS NULL AND i.deleted_at IS NULL"
    " AND m.deleted_at IS NULL FROM media_parts p"
    " JOIN media_items i ON i.id = p.media_item_id"
    " JOIN metadata_items m ON m.id = i.metadata_item_id"
    " WHERE i.library_section_id IN ({}) AND p.file <> ''"
)


@dataclass(frozen=True)
class File:
    """A file in the database."""

    part: int
    item: int
    live: bool


@dataclass(frozen=True)
class Library:
    """The rows of the sections in one copy of the database."""

    rows: dict[str, set[int]]
    files: dict[str, File]

    @classmethod
    def read(cls, database: Path, sections: Iterable[str]) -> Library:
        """Read a copy that nobody writes to; its write-ahead log is taken in."""
        with closing(sqlite3.connect(database)) as connection:
            names = list(sections)
            marks = ",".join("?" * len(names))
            ids = [
                row[0]
                for row in connection.execute(
                    f"SELECT id FROM library_sections WHERE name IN ({marks})", names
                )
            ]
            if len(ids) != len(names):
                raise AssertionError(f"{database}: not all of {names} are there: {ids}")
            listed = ",".join(map(str, ids))
            rows = {
                table: {row[0] for row in connection.execute(sql.format(listed))}
                for table, sql in ROWS.items()
            }
            files: dict[str, File] = {}
            for name, part, item, live in connection.execute(FILES.format(listed)):
                known = files.get(name)
                if known is None or (live and not known.live):
                    files[name] = File(part, item, bool(live))
        return cls(rows, files)


@dataclass(frozen=True)
class Loss:
    """What a run did to the library; all zero is right."""

    #: items whose file is in the bucket and whose row is gone for good
    items_lost: int
    #: rows of any of the three tables that are gone for good
    rows_lost: int
    #: files in the bucket that are in the trash
    in_trash: int
    #: files in the bucket that the library does not have at all
    missing: int
    #: files that are live and not in the bucket
    ghosts: int
    examples: tuple[str, ...] = ()

    @property
    def hard(self) -> bool:
        return bool(self.items_lost or self.rows_lost)

    @property
    def wrong_count(self) -> bool:
        """The library does not hold exactly what the bucket holds."""
        return bool(self.in_trash or self.missing or self.ghosts or self.items_lost)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def judge(before: Library, after: Library, bucket: set[str]) -> Loss:
    """Compare the library with what it was and with the files that the bucket holds."""
    known = {name for name in before.files if name in bucket}
    lost = {
        name
        for name in known
        if before.files[name].item not in after.rows["metadata_items"]
    }
    trashed = {n for n in bucket if n in after.files and not after.files[n].live}
    missing = {n for n in bucket if n not in after.files} - lost
    ghosts = {n for n, file in after.files.items() if file.live and n not in bucket}
    examples = [
        f"{word} {name}"
        for word, names in (
            ("lost", lost),
            ("in the trash", trashed),
            ("missing", missing),
            ("still live", ghosts),
        )
        for name in sorted(names)[:3]
    ]
    return Loss(
        items_lost=len(lost),
        rows_lost=sum(
            len(ids - after.rows[table]) for table, ids in before.rows.items()
        ),
        in_trash=len(trashed),
        missing=len(missing),
        ghosts=len(ghosts),
        examples=tuple(examples),
    )
