# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: copy databases that a server may be writing to.

Always the backup API in ONE step: page by page it starts again at every commit and
never finishes on a busy server, and a plain copy is torn (sqlite-lab §5).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    pin,
    pinned,
    shared,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    DbError,
    Header,
    discarded_on_error,
    file_sha256,
    place,
    read_header,
    remove_side_files,
    require_space,
    side_files,
    size_with_wal,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_moments import (
    RECORD,
    write_record,
)

_MARGIN = 16_000_000
_SPACE_FACTOR = 3
# How long to look for a moment at which the blobs stand still.
_PATIENCE = 30.0


@dataclass(frozen=True)
class Copy:
    """One copied database."""

    path: str
    size: int
    sha256: str
    page_size: int
    journal_mode: str
    seconds: float


def backup_once(source: str, target: str) -> None:
    """Copy one database in one step to a new file, complete or not there at all."""
    folder = os.path.dirname(os.path.abspath(target))
    os.makedirs(folder, exist_ok=True)
    require_space(folder, size_with_wal(source) + _MARGIN, f"the copy of {source}")
    with pinned(source) as connection:
        temporary = _copy(connection, target)
    place(temporary, target)


def snapshot_pair(sources: tuple[str, str], folder: str) -> list[Copy]:
    """Copy both databases as they were at one moment into a folder.

    Both read transactions are open before the first page is copied, so the copies belong
    together although they are made one after the other (L31). Raises DbError before
    anything is written when there is no room for three times as much.
    """
    os.makedirs(folder, exist_ok=True)
    needed = _SPACE_FACTOR * sum(size_with_wal(path) for path in sources) + _MARGIN
    require_space(folder, needed, "the snapshot (three times the pair)")
    with _one_moment(*sources) as views:
        made = [
            _timed_copy(connection, os.path.join(folder, os.path.basename(path)))
            for path, connection in zip(sources, views)
        ]
    copies = []
    with contextlib.suppress(FileNotFoundError):
        # Until both are in place it would speak of the older ones.
        os.unlink(os.path.join(folder, RECORD))
    for temporary, target, seconds in made:
        # A -wal of an older copy must not meet the new file.
        remove_side_files(target)
        place(temporary, target)
        copies.append(_describe(target, seconds))
    paths = tuple(copy.path for copy in copies)
    write_record(folder, paths, tuple(copy.sha256 for copy in copies))
    return copies


@contextlib.contextmanager
def _one_moment(library: str, blobs: str) -> Iterator[tuple[sqlite3.Connection, ...]]:
    """Views of both databases as they were when the second one was pinned.

    Two files have no common transaction. But if nothing was committed to the blobs from
    before they were pinned until after the library was, then both views are of that
    moment. A third connection sees that, for its own view does not stand still.
    """
    with shared(library) as ours, shared(blobs) as theirs, shared(blobs) as watch:
        end = time.monotonic() + _PATIENCE
        while True:
            before = _version(watch)
            pin(theirs)
            pin(ours)
            if _version(watch) == before:
                break
            for connection in (theirs, ours):
                connection.execute("ROLLBACK")
            if time.monotonic() > end:
                raise DbError(
                    f"{blobs}: something was written to it whenever it was looked at, for"
                    f" {_PATIENCE:.0f} s, so no moment of both was found; try again when"
                    " the server is less busy"
                )
        yield ours, theirs


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _timed_copy(connection: sqlite3.Connection, target: str) -> tuple[str, str, float]:
    begin = time.monotonic()
    temporary = _copy(connection, target)
    return temporary, target, time.monotonic() - begin


def _copy(connection: sqlite3.Connection, target: str) -> str:
    """Make ``target.partial``; without -wal, though the header still says WAL."""
    temporary = f"{target}.partial"
    with discarded_on_error(temporary):
        # What a killed run left.
        for stale in (temporary, *side_files(temporary)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(stale)
        with contextlib.closing(sqlite3.connect(temporary)) as copy:
            connection.backup(copy)
        remove_side_files(temporary)
        header = read_header(temporary)
        if header.missing_bytes:
            raise DbError(
                f"{temporary}: the copy is {header.missing_bytes} bytes short"
            )
    return temporary


def _describe(path: str, seconds: float) -> Copy:
    header: Header = read_header(path)
    return Copy(
        path=path,
        size=header.file_size,
        sha256=file_sha256(path),
        page_size=header.page_size,
        journal_mode=header.mode,
        seconds=round(seconds, 3),
    )
