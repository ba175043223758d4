# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: what a library was seen to hold, kept beside it.

One SQLite file on the burst host: every file that was ever live, from the injected pair
on, and every item that was in the trash. A scan is judged by it and not by what an
earlier, broken scan left. It is also the evidence of a run that was stopped.

Paths are kept as bytes, for not all of them are UTF-8.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    explain,
    read_only,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_counts import (
    LEAF_TYPES,
    read_sections,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._deletions import (
    EMPTIED,
    NEVER,
    PURGED,
    TRASHED,
    Losses,
    LostFile,
    NewFile,
)

BASE, LIBRARY = "base", "library"
_LEAVES = ",".join(map(str, LEAF_TYPES))
_CHUNK = 5000

_SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE snapshots(id INTEGER PRIMARY KEY, time REAL NOT NULL, section INTEGER NOT NULL,
  name TEXT NOT NULL, source TEXT NOT NULL, live INTEGER NOT NULL, deleted INTEGER NOT NULL);
CREATE TABLE files(section INTEGER NOT NULL, file BLOB NOT NULL, item INTEGER NOT NULL,
  type INTEGER NOT NULL, title TEXT NOT NULL, size INTEGER, snapshot INTEGER NOT NULL,
  accepted REAL, emptied REAL, PRIMARY KEY(section, file)) WITHOUT ROWID;
CREATE TABLE trash(section INTEGER NOT NULL, item INTEGER NOT NULL,
  snapshot INTEGER NOT NULL, PRIMARY KEY(section, item)) WITHOUT ROWID;
"""
_JOIN = (
    " FROM main.media_items m JOIN main.media_parts q ON q.media_item_id = m.id"
    " JOIN main.metadata_items i ON i.id = m.metadata_item_id"
)
_LIVE = (
    f" i.metadata_type IN ({_LEAVES}) AND q.file <> '' AND q.deleted_at IS NULL"
    " AND m.deleted_at IS NULL AND i.deleted_at IS NULL"
)
_PARENTS = (
    " LEFT JOIN main.metadata_items tp ON tp.id = i.parent_id"
    " LEFT JOIN main.metadata_items tg ON tg.id = tp.parent_id"
)
# "Show S01E02 Title", "Artist / Album / Title", "Film (1999)".
_TITLE = (
    "CASE i.metadata_type"
    " WHEN 1 THEN i.title || COALESCE(' (' || i.year || ')', '')"
    " WHEN 4 THEN COALESCE(tg.title, '')"
    """ || printf(' S%02dE%02d ', COALESCE(tp."index", 0), COALESCE(i."index", 0))"""
    " || COALESCE(i.title, '')"
    " ELSE COALESCE(tg.title || ' / ', '') || COALESCE(tp.title || ' / ', '')"
    " || COALESCE(i.title, '') END"
)
_IS_LIVE = (
    "EXISTS(SELECT 1 FROM main.media_parts q JOIN main.media_items m"
    " ON m.id = q.media_item_id JOIN main.metadata_items i ON i.id = m.metadata_item_id"
    " WHERE q.file = CAST(f.file AS TEXT) AND m.library_section_id = f.section"
    f" AND{_LIVE})"
)
_TRASH = (
    f"SELECT i.id, i.metadata_type, {_TITLE}, q.file, q.size{_JOIN}{_PARENTS}"
    f" WHERE m.library_section_id = ? AND i.metadata_type IN ({_LEAVES})"
    " AND (q.deleted_at IS NOT NULL OR m.deleted_at IS NOT NULL"
    " OR i.deleted_at IS NOT NULL) ORDER BY 1, 4"
)


@dataclass(frozen=True)
class Count:
    """Items of a section at one moment."""

    section: int
    name: str
    live: int
    deleted: int

    def as_dict(self) -> dict[str, object]:
        return {"name": self.name, "live": self.live, "deleted": self.deleted}


class Ledger:
    """The file. Methods that look at a library open it anew, read-only."""

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        return os.path.exists(self.path)

    def prepare(self, identity: str = "") -> None:
        """Have the file; one of another injection is put aside, for it is evidence."""
        if self.exists and identity and self._identity() != identity:
            aside = f"{self.path}.{int(os.stat(self.path).st_mtime)}"
            os.replace(self.path, aside)
        if not self.exists:
            os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
            self._create(identity)

    def _create(self, identity: str) -> None:
        half = self.path + ".new"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(half)
        with _connected(half) as connection:
            connection.executescript(_SCHEMA)
            connection.execute("INSERT INTO meta VALUES('identity', ?)", (identity,))
        os.chmod(half, 0o600)
        os.replace(half, self.path)

    def _identity(self) -> str:
        with _connected(self.path) as connection:
            row = connection.execute(
                "SELECT value FROM meta WHERE key = 'identity'"
            ).fetchone()
        return str(row[0]) if row else ""

    def sections(self) -> dict[int, str]:
        """Id and name of the sections that have a snapshot."""
        with _connected(self.path) as connection:
            rows = connection.execute(
                "SELECT section, name FROM snapshots ORDER BY id"
            ).fetchall()
        return dict(rows)

    # --- snapshots -----------------------------------------------------------------

    def seed(self, base: str) -> None:
        """Take the pair as it was injected for the first snapshot of each section."""
        known = self.sections()
        self._take(base, BASE, lambda section: section not in known)

    def snapshot(self, library: str, sections: Sequence[int]) -> list[Count]:
        """Note what a library holds now; all sections when none is named."""
        wanted = set(sections)
        taken = self._take(library, LIBRARY, lambda one: not wanted or one in wanted)
        missing = wanted - {count.section for count in taken}
        if missing:
            raise DbError(
                f"{library}: has no section {', '.join(map(str, sorted(missing)))}"
            )
        return taken

    def _take(
        self, path: str, source: str, wanted: Callable[[int], bool]
    ) -> list[Count]:
        taken = []
        with read_only(path) as library, _connected(self.path) as ledger:
            for section in read_sections(library):
                if wanted(section.id):
                    count = _count(library, section.id, section.name)
                    _write_snapshot(ledger, library, count, source)
                    taken.append(count)
        return taken

    # --- comparison ----------------------------------------------------------------

    def losses(self, library: str, sections: Sequence[int]) -> list[Losses]:
        """What each section lost since its first snapshot."""
        names = self.sections()
        chosen = [one for one in names if not sections or one in sections]
        with read_only(library, attach=self.path) as connection:
            return [_losses(connection, one, names[one]) for one in chosen]

    def trash(self, library: str, section: int) -> list[LostFile]:
        """Everything that emptying the trash of a section would delete."""
        with read_only(library) as connection:
            rows = connection.execute(_TRASH, (section,)).fetchall()
        return [
            LostFile(row[0], LEAF_TYPES[row[1]], row[2] or "", row[3], row[4])
            for row in rows
        ]

    def mark(self, column: str, section: int, files: Iterable[str]) -> None:
        """Note that files were ``accepted`` as deleted, or ``emptied`` from the trash."""
        if column not in ("accepted", "emptied"):
            raise ValueError(column)
        now = time.time()
        rows = [(now, section, as_bytes(file)) for file in files]
        with _connected(self.path) as connection:
            connection.executemany(
                f"UPDATE files SET {column} = ? WHERE section = ? AND file = ?", rows
            )


def as_bytes(file: str) -> bytes:
    """A path as the file system has it."""
    return file.encode("utf-8", "surrogateescape")


@contextlib.contextmanager
def _connected(path: str) -> Iterator[sqlite3.Connection]:
    """The ledger for reading and writing, in one transaction."""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as connection:
            yield connection
            connection.commit()
    except sqlite3.Error as error:
        raise DbError(f"{path}: {explain(error)}") from error


def _count(library: sqlite3.Connection, section: int, name: str) -> Count:
    live = library.execute(
        f"SELECT COUNT(DISTINCT i.id){_JOIN} WHERE m.library_section_id = ? AND{_LIVE}",
        (section,),
    ).fetchone()[0]
    deleted = library.execute(
        "SELECT COUNT(*) FROM metadata_items WHERE library_section_id = ?"
        f" AND metadata_type IN ({_LEAVES}) AND deleted_at IS NOT NULL",
        (section,),
    ).fetchone()[0]
    return Count(section, name, live, deleted)


def _write_snapshot(
    ledger: sqlite3.Connection,
    library: sqlite3.Connection,
    count: Count,
    source: str,
) -> None:
    number = ledger.execute(
        "INSERT INTO snapshots(time, section, name, source, live, deleted)"
        " VALUES(?, ?, ?, ?, ?, ?)",
        (time.time(), count.section, count.name, source, count.live, count.deleted),
    ).lastrowid
    cursor = library.execute(
        f"SELECT q.file, i.id, i.metadata_type, {_TITLE}, q.size{_JOIN}{_PARENTS}"
        f" WHERE m.library_section_id = ? AND{_LIVE}",
        (count.section,),
    )
    while rows := cursor.fetchmany(_CHUNK):
        ledger.executemany(
            "INSERT INTO files(section, file, item, type, title, size, snapshot)"
            " VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(section, file) DO UPDATE SET"
            " accepted = NULL, emptied = NULL"
            " WHERE accepted IS NOT NULL OR emptied IS NOT NULL",
            [
                (
                    count.section,
                    as_bytes(row[0]),
                    *row[1:3],
                    row[3] or "",
                    row[4],
                    number,
                )
                for row in rows
            ],
        )
    gone = library.execute(
        "SELECT id FROM metadata_items WHERE library_section_id = ?"
        f" AND metadata_type IN ({_LEAVES}) AND deleted_at IS NOT NULL",
        (count.section,),
    )
    ledger.executemany(
        "INSERT OR IGNORE INTO trash VALUES(?, ?, ?)",
        [(count.section, row[0], number) for row in gone],
    )


def _losses(connection: sqlite3.Connection, section: int, name: str) -> Losses:
    """``b`` is the ledger, ``main`` the library."""
    first, before = connection.execute(
        "SELECT MIN(id), MAX(live) FROM b.snapshots WHERE section = ?", (section,)
    ).fetchone()
    lost = _lost(connection, section)
    accepted = connection.execute(
        "SELECT COUNT(DISTINCT item) FROM b.files f WHERE section = ?"
        f" AND accepted IS NOT NULL AND NOT {_IS_LIVE}",
        (section,),
    ).fetchone()[0]
    live = _count(connection, section, name).live
    new = _new(connection, section, first) if lost else ()
    return Losses(section, name, before, live, lost, new, accepted)


def _lost(connection: sqlite3.Connection, section: int) -> tuple[LostFile, ...]:
    rows = connection.execute(
        "SELECT f.item, f.type, f.title, CAST(f.file AS TEXT), f.size, f.snapshot,"
        f" CASE WHEN f.emptied IS NOT NULL THEN '{EMPTIED}'"
        " WHEN EXISTS(SELECT 1 FROM main.media_parts q JOIN main.media_items m"
        " ON m.id = q.media_item_id WHERE q.file = CAST(f.file AS TEXT)"
        f" AND m.library_section_id = f.section) THEN '{TRASHED}' ELSE '{PURGED}' END"
        " FROM b.files f WHERE f.section = ? AND f.accepted IS NULL"
        f" AND NOT {_IS_LIVE} ORDER BY f.item, f.file",
        (section,),
    )
    return tuple(LostFile(row[0], LEAF_TYPES[row[1]], *row[2:]) for row in rows)


def _new(
    connection: sqlite3.Connection, section: int, first: int
) -> tuple[NewFile, ...]:
    rows = connection.execute(
        f"SELECT i.id, q.file, q.size, f.snapshot{_JOIN}"
        " LEFT JOIN b.files f ON f.section = m.library_section_id"
        " AND f.file = CAST(q.file AS BLOB)"
        f" WHERE m.library_section_id = ? AND{_LIVE}"
        " AND (f.snapshot IS NULL OR f.snapshot > ?)",
        (section, first),
    )
    return tuple(
        NewFile(row[0], row[1], row[2], NEVER if row[3] is None else row[3])
        for row in rows
    )
