# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make and open the DB pair with nothing but the standard library.

The result fails and succeeds under stock SQLite as a real pair does (plex-facts
§1.4): the ICU tables, the ICU index, spellfix and the triggers are really in it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .collation import register
from .fill import Filler
from .tables import TABLES
from .virtuals import (
    RTREE,
    SPELLFIX_TABLES,
    fts_tables,
    spellfix,
    spellfix_shadow,
    triggers,
)

LIBRARY = "com.plexapp.plugins.library.db"
BLOBS = "com.plexapp.plugins.library.blobs.db"
PAGE_SIZE = 1024
# Stamps that plex-facts §1.2 names; the last one is the head of about PMS 1.42.
MIGRATIONS = (
    "20090909023322",
    "20200224131300",
    "202107221100",
    "20240718114400",
    "202407301359",
    "202504161541",
    "202504241552",
    "202504301225",
    "202507311200",
)
SCHEMA_HEAD = MIGRATIONS[-1]


@dataclass(frozen=True)
class Pair:
    """The two database files that belong together."""

    library: Path
    blobs: Path

    @classmethod
    def of(cls, folder: Path) -> Pair:
        return cls(folder / LIBRARY, folder / BLOBS)

    @contextmanager
    def filler(self, clock: int | None = None) -> Iterator[Filler]:
        """Write rows into a pair that no server has open.

        The FTS triggers are off meanwhile and the ICU tables stay as they are: only
        real ICU may write them (``PlexImage.finish`` rebuilds them in the image).
        """
        with (
            closing(connect(self.library)) as main,
            closing(connect(self.blobs)) as blobs,
        ):
            restore = _take_triggers(main)
            yield Filler(main, blobs, clock)
            for statement in restore:
                main.execute(statement)
            main.commit()
            blobs.commit()
            for connection in (main, blobs):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def connect(path: Path) -> sqlite3.Connection:
    """A connection with the stub collation and tokenizer; the caller commits."""
    connection = sqlite3.connect(path)
    register(connection)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def _take_triggers(connection: sqlite3.Connection) -> list[str]:
    """Drop all triggers; the statements that bring them back."""
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type='trigger'"
    ).fetchall()
    connection.execute("BEGIN")
    for row in rows:
        connection.execute(f'DROP TRIGGER "{row["name"]}"')
    return [row["sql"] for row in rows]


def _schema(any_update_triggers: bool) -> Iterator[str]:
    for table in TABLES.values():
        yield table.create
        yield from table.indexes
    for name in SPELLFIX_TABLES:
        yield from spellfix_shadow(name)
    yield from fts_tables().values()
    yield RTREE
    yield from triggers(any_update_triggers).values()


def _create_database(
    path: Path, page_size: int, migrations: Iterable[str], any_update: bool
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size={page_size:d}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        register(connection)
        connection.execute("BEGIN")
        for statement in _schema(any_update):
            connection.execute(statement)
        # spellfix1 is not in stock SQLite, so its entry goes in by hand (§1.5).
        connection.execute("PRAGMA writable_schema=ON")
        connection.executemany(
            "INSERT INTO sqlite_master(type, name, tbl_name, rootpage, sql)"
            " VALUES('table', ?, ?, 0, ?)",
            [(name, name, spellfix(name)) for name in SPELLFIX_TABLES],
        )
        connection.execute("PRAGMA writable_schema=OFF")
        connection.executemany(
            "INSERT INTO schema_migrations(version) VALUES(?)",
            [(version,) for version in migrations],
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def create_pair(
    folder: Path | str,
    *,
    page_size: int = PAGE_SIZE,
    migrations: Iterable[str] = MIGRATIONS,
    any_update_triggers: bool = False,
    clock: int | None = None,
) -> Pair:
    """Create both databases in ``folder`` (made if missing), WAL, closed, empty.

    Both hold the whole schema; accounts 0 (blank) and 1 (owner) exist (§1.6, §1.7).
    Raises FileExistsError rather than write into an existing pair.
    """
    pair = Pair.of(Path(folder))
    pair.library.parent.mkdir(parents=True, exist_ok=True)
    for path in (pair.library, pair.blobs):
        if path.exists():
            raise FileExistsError(f"{path} exists; a pair is never made over another")
        _create_database(path, page_size, tuple(migrations), any_update_triggers)
    now = int(time.time()) if clock is None else clock
    with pair.filler(now) as fill:
        fill.account(0, "")
        fill.account(1, "")
        fill.blobs_row("accounts", id=0, name="", created_at=now, updated_at=now)
        fill.blobs_row("preferences", name="schemaVersion", value=SCHEMA_HEAD)
    return pair
