# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: connections to a Plex database with stock SQLite."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from urllib.parse import quote

from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    DbError,
    is_in_use,
    read_header,
    wal_frames,
)

BUSY_SECONDS = 30.0


def uri(path: str, options: str = "") -> str:
    return f"file:{quote(os.path.abspath(path))}?{options}"


@contextlib.contextmanager
def read_only(path: str, *, attach: str | None = None) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write; safe beside a running server (plex-facts §5.1).

    ``attach`` adds a second database, read-only too, as schema ``b``.
    """
    with _open(path, _read_options(path)) as connection:
        # Now, so that damage is not blamed on what is attached next.
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if attach is not None:
            read_header(attach)
            with _as_db_error(attach):
                address = uri(attach, _read_options(attach))
                connection.execute("ATTACH ? AS b", (address,))
        yield connection


def _read_options(path: str) -> str:
    # mode=ro makes a -shm and leaves it there. A database at rest needs none, and on a
    # read-only file system could not be opened otherwise (plex-facts §5.1).
    if wal_frames(path) or is_in_use(path):
        return "mode=ro"
    return "mode=ro&immutable=1"


@contextlib.contextmanager
def shared(path: str) -> Iterator[sqlite3.Connection]:
    """A connection for reading a database that a server may write to, or may begin to.

    Never immutable: a server may start meanwhile. On a database that has no -wal it may
    write, though it does not, for only then does it take its -wal and -shm away again.
    """
    options = "mode=ro" if wal_frames(path) else "mode=rw"
    with _open(path, options) as connection:
        # Now, so that reading the schema takes no time later.
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        yield connection


@contextlib.contextmanager
def pinned(path: str) -> Iterator[sqlite3.Connection]:
    """A connection whose view of the database stands still while it is open."""
    with shared(path) as connection:
        pin(connection)
        yield connection


def pin(connection: sqlite3.Connection) -> None:
    """Begin a read transaction: the view begins with the first read, not with BEGIN."""
    connection.execute("BEGIN")
    connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()


@contextlib.contextmanager
def writable(path: str) -> Iterator[sqlite3.Connection]:
    """A connection in autocommit mode; transactions are begun by hand.

    On closing, the last connection checkpoints and removes -wal and -shm.
    """
    with _open(path, "mode=rw") as connection:
        yield connection


@contextlib.contextmanager
def _open(path: str, options: str) -> Iterator[sqlite3.Connection]:
    read_header(path)
    with _as_db_error(path), contextlib.closing(_connect(path, options)) as connection:
        yield connection


def _connect(path: str, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri(path, options), uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    # Paths were stored as bytes by the scanner; not all of them are UTF-8.
    connection.text_factory = _decode
    return connection


def _decode(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


@contextlib.contextmanager
def _as_db_error(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise DbError(f"{path}: {explain(error)}") from error


@contextlib.contextmanager
def failures_told(path: str) -> Iterator[None]:
    """For modules: what SQLite or the system says ends in DbError, whatever it is."""
    try:
        with _as_db_error(path):
            yield
    except OSError as error:
        name = error.filename or path
        raise DbError(f"{name}: {error.strerror or error}") from error


def explain(error: sqlite3.Error) -> str:
    """SQLite's words, and what they mean for a Plex database."""
    text = str(error)
    if "malformed" in text or "not a database" in text:
        return f"{text}; the file is damaged, run plex_db_check and take an intact copy"
    if "locked" in text or "busy" in text:
        return f"{text}; another process kept it locked for {BUSY_SECONDS:.0f} s"
    if "no such table" in text:
        return f"{text}; this is not a Plex library database"
    if "unable to open" in text:
        return f"{text}; check that it and its folder are readable for this user"
    return text
