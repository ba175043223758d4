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

from ansible_collections.cloudburst.plex.plugins.module_utils import (
    _deletion_sql as _sql,
)
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
    NEVER,
    Losses,
    LostFile,
    NewFile,
)

BASE, LIBRARY = "base", "library"
_CHUNK = 5000


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
            connection.executescript(_sql.SCHEMA)
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
        unknown = sorted(set(sections) - set(names))
        if unknown:
            raise DbError(
                f"{self.path}: there is no snapshot of section"
                f" {', '.join(map(str, unknown))} to compare with"
            )
        chosen = [one for one in names if not sections or one in sections]
        with read_only(library, attach=self.path) as connection:
            return [_losses(connection, one, names[one]) for one in chosen]

    def trash(self, library: str, section: int) -> list[LostFile]:
        """Everything that emptying the trash of a section would delete."""
        with read_only(library) as connection:
            rows = connection.execute(_sql.TRASH, (section,)).fetchall()
        return [
            LostFile(row[0], LEAF_TYPES[row[1]], row[2] or "", row[3], row[4])
            for row in rows
        ]

    def some_live(self, library: str, section: int, count: int) -> list[str]:
        """A few files that a section has: what proves that a mount shows it."""
        with read_only(library) as connection:
            rows = connection.execute(_sql.SOME_LIVE, (section, count)).fetchall()
        return [row[0] for row in rows]

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
    live = library.execute(_sql.LIVE_COUNT, (section,)).fetchone()[0]
    gone = library.execute(f"SELECT COUNT(*) FROM ({_sql.GONE})", (section,))
    return Count(section, name, live, gone.fetchone()[0])


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
    cursor = library.execute(_sql.FILES, (count.section,))
    while rows := cursor.fetchmany(_CHUNK):
        ledger.executemany(
            _sql.KEEP,
            [
                (count.section, as_bytes(file), *ids, title or "", size, number)
                for file, *ids, title, size in rows
            ],
        )
    gone = library.execute(_sql.GONE, (count.section,))
    ledger.executemany(
        "INSERT OR IGNORE INTO trash VALUES(?, ?, ?)",
        [(count.section, row[0], number) for row in gone],
    )


def _losses(connection: sqlite3.Connection, section: int, name: str) -> Losses:
    first, before = connection.execute(
        "SELECT MIN(id), MAX(live) FROM b.snapshots WHERE section = ?", (section,)
    ).fetchone()
    lost = tuple(
        LostFile(row[0], LEAF_TYPES[row[1]], *row[2:])
        for row in connection.execute(_sql.LOST, (section,))
    )
    accepted = connection.execute(_sql.ACCEPTED, (section,)).fetchone()[0]
    live = _count(connection, section, name).live
    new = connection.execute(_sql.NEW, (section, first)) if lost else ()
    came = tuple(
        NewFile(item, file, size, NEVER if seen is None else seen)
        for item, file, size, seen in new
    )
    return Losses(section, name, before, live, lost, came, accepted)
