# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live DB pair: real ICU, triggers on, WAL, one writer (§1.1)."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from cloudburst_lab.plex_schema import BLOBS, LIBRARY, Filler, Pair, create_pair

T = TypeVar("T")
EXTENSION = Path("/usr/lib/plexmediaserver/lib/plexicu.so")
# Whole-file checks of bigger files would make every start slow.
CHECK_LIMIT = 256 * 1024 * 1024
CORE_TABLES = (
    "metadata_items",
    "media_items",
    "media_parts",
    "media_streams",
    "directories",
    "tags",
    "taggings",
    "metadata_item_settings",
)


class DatabaseDamaged(Exception):
    """A database of the pair cannot be used."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection as the server has it: ICU loaded, WAL, no foreign keys (§1.1)."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.enable_load_extension(True)
    connection.load_extension(str(EXTENSION))
    connection.row_factory = sqlite3.Row
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=OFF",
        "cache_size=4096",
        "busy_timeout=10000",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _check(path: Path, connection: sqlite3.Connection) -> None:
    """Find damage as a starting server does: by reading."""
    if path.stat().st_size <= CHECK_LIMIT:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"database disk image is malformed ({found})")
    for table in CORE_TABLES:
        connection.execute(f"SELECT max(rowid), count(*) FROM {table}").fetchone()


def _create_missing(pair: Pair) -> None:
    """Make what is not there. Half a pair gets an empty other half, without a word:

    no source says what the real server does with it, and this is the worst case.
    """
    missing = [path for path in (pair.library, pair.blobs) if not path.exists()]
    if not missing:
        return
    with tempfile.TemporaryDirectory(dir=pair.library.parent) as scratch:
        fresh = create_pair(scratch)
        for path in (fresh.library, fresh.blobs):
            if pair.library.with_name(path.name) in missing:
                path.replace(pair.library.with_name(path.name))


class Database:
    """Both databases: writes in one thread, reads in another."""

    def __init__(self, folder: Path) -> None:
        self._pair = Pair.of(folder)
        self._writer = ThreadPoolExecutor(1, "db-writer")
        self._reader = ThreadPoolExecutor(1, "db-reader")
        self._main: sqlite3.Connection | None = None
        self._blobs: sqlite3.Connection | None = None
        self._read: sqlite3.Connection | None = None

    @property
    def pair(self) -> Pair:
        return self._pair

    def open(self) -> None:
        """Create what is missing, then open; DatabaseDamaged with SQLite's words."""
        _create_missing(self._pair)
        for name in (LIBRARY, BLOBS):
            path = self._pair.library.with_name(name)
            try:
                connection = connect(path)
                _check(path, connection)
            except sqlite3.DatabaseError as error:
                raise DatabaseDamaged(f"{path}: {error}") from error
            if name == LIBRARY:
                self._main = connection
            else:
                self._blobs = connection
        self._read = connect(self._pair.library)

    async def write(self, work: Callable[[Filler], T]) -> T:
        """Run ``work`` in one transaction on both databases."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self._transaction, work)

    def _transaction(self, work: Callable[[Filler], T]) -> T:
        assert self._main is not None and self._blobs is not None
        self._main.execute("BEGIN IMMEDIATE")
        self._blobs.execute("BEGIN")
        try:
            result = work(Filler(self._main, self._blobs))
        except BaseException:
            self._blobs.rollback()
            self._main.rollback()
            raise
        self._blobs.commit()
        self._main.commit()
        return result

    async def exclusive(
        self, work: Callable[[sqlite3.Connection, sqlite3.Connection], T]
    ) -> T:
        """Run ``work`` on the writer's connections outside a transaction."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._writer, lambda: work(*self._connections())
        )

    def _connections(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        assert self._main is not None and self._blobs is not None
        return self._main, self._blobs

    async def query(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """All rows of a SELECT on the library database."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, self._fetch, sql, parameters)

    def _fetch(self, sql: str, parameters: tuple[Any, ...]) -> list[sqlite3.Row]:
        assert self._read is not None
        return self._read.execute(sql, parameters).fetchall()

    async def one(self, sql: str, *parameters: Any) -> sqlite3.Row | None:
        rows = await self.query(sql, *parameters)
        return rows[0] if rows else None

    def close(self) -> None:
        """Checkpoint and close: no -wal or -shm is left behind (§1.1)."""
        self._reader.shutdown(wait=True)
        self._writer.shutdown(wait=True)
        if self._read is not None:
            self._read.close()
        for connection in (self._blobs, self._main):
            if connection is not None:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.close()
