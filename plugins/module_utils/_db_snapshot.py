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
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    pinned,
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
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_moments import (
    RECORD,
    write_record,
)

_MARGIN = 16_000_000


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
    require_space(folder, os.stat(source).st_size + _MARGIN, f"the copy of {source}")
    with pinned(source) as connection:
        temporary = _copy(connection, target)
    place(temporary, target)


def snapshot_pair(sources: tuple[str, str], folder: str) -> list[Copy]:
    """Copy both databases as they were at one moment into a folder.

    Both read transactions are open before the first page is copied, so the copies belong
    together although they are made one after the other (L31).
    """
    os.makedirs(folder, exist_ok=True)
    needed = sum(read_header(path).file_size for path in sources)
    require_space(folder, needed + _MARGIN, "the snapshot")
    with contextlib.ExitStack() as stack:
        # Blobs first: the library must know all that they speak of.
        views = {path: stack.enter_context(pinned(path)) for path in sources[::-1]}
        made = [
            _timed_copy(connection, os.path.join(folder, os.path.basename(path)))
            for path, connection in reversed(views.items())
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
