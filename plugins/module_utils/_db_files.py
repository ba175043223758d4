# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: the files of Plex's DB pair, seen from outside SQLite.

Names, headers, ``-wal`` and ``-shm`` beside a database, who has it open, digests, and
placing a file so that there is never half of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass

LIBRARY = "com.plexapp.plugins.library.db"
BLOBS = "com.plexapp.plugins.library.blobs.db"
PAIR = (LIBRARY, BLOBS)
SIDE_SUFFIXES = ("-wal", "-shm", "-journal")
MAGIC = b"SQLite format 3\x00"
CHUNK = 1 << 20
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
WAL_MAGICS = (0x377F0682, 0x377F0683)
_PAGE_SIZES = tuple(1 << power for power in range(9, 17))
_LEAST_USABLE, _UTF8 = 480, 1
_WAL_HEADER, _WAL_FRAME_HEADER = 32, 24
# Bytes that SQLite locks (its file format document, "pending byte").
_PENDING_BYTE, _SHARED_FIRST, _SHARED_SIZE = 0x40000000, 0x40000002, 510


class DbError(Exception):
    """A database that cannot be used. The text says which, why, and what to do."""


@dataclass(frozen=True)
class Header:
    """What the first 100 bytes of a database file say."""

    page_size: int
    page_count: int
    wal: bool
    file_size: int

    @property
    def missing_bytes(self) -> int:
        """How much of the file is cut off; 0 for a whole one."""
        return max(0, self.page_size * self.page_count - self.file_size)

    @property
    def mode(self) -> str:
        return "wal" if self.wal else "delete"


def read_header(path: str) -> Header:
    """The header of a database file; DbError when it is not one."""
    try:
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            head = file.read(100)
    except OSError as error:
        raise DbError(f"{path}: cannot be read: {error.strerror}") from error
    if not size:
        raise DbError(f"{path}: is empty (0 bytes); take an intact copy")
    if len(head) < 100 or not head.startswith(MAGIC):
        raise DbError(
            f"{path}: is no SQLite database (its header is missing or overwritten);"
            " take an intact copy"
        )
    raw = struct.unpack(">H", head[16:18])[0]
    change, valid_for = (
        struct.unpack(">I", head[24:28])[0],
        struct.unpack(">I", head[92:96])[0],
    )
    pages = struct.unpack(">I", head[28:32])[0]
    page_size = 65536 if raw == 1 else raw
    if page_size not in _PAGE_SIZES or page_size - head[20] < _LEAST_USABLE:
        raise DbError(
            f"{path}: its header is damaged (page size {page_size}, {head[20]} reserved);"
            " take an intact copy"
        )
    if struct.unpack(">I", head[56:60])[0] not in (0, _UTF8):
        raise DbError(
            f"{path}: its header is damaged (text is not UTF-8); take an intact copy"
        )
    # The size in the header counts only where version-valid-for equals the counter.
    return Header(page_size, pages if change == valid_for else 0, head[18] == 2, size)


def side_files(path: str) -> list[str]:
    """The ``-wal``, ``-shm`` and ``-journal`` that exist beside a database."""
    return [path + end for end in SIDE_SUFFIXES if os.path.lexists(path + end)]


def remove_side_files(path: str) -> list[str]:
    """Delete them: SQLite would replay a stale one onto the new file (sqlite-lab §4)."""
    removed = side_files(path)
    for name in removed:
        os.unlink(name)
    return removed


def wal_frames(path: str) -> int:
    """Frames in the ``-wal`` beside a database; 0 without one, or with an empty one."""
    try:
        size = os.stat(path + "-wal").st_size
        with open(path + "-wal", "rb") as file:
            head = file.read(_WAL_HEADER)
    except FileNotFoundError:
        return 0
    if len(head) < _WAL_HEADER or struct.unpack(">I", head[:4])[0] not in WAL_MAGICS:
        return 0
    page_size = int(struct.unpack(">I", head[8:12])[0])
    return (size - _WAL_HEADER) // (page_size + _WAL_FRAME_HEADER)


def size_with_wal(path: str) -> int:
    """What a copy of a database may come to: rows in its -wal count, too."""
    size = read_header(path).file_size
    with contextlib.suppress(FileNotFoundError):
        size += os.stat(path + "-wal").st_size
    return size


def left_behind(path: str) -> str:
    """The ``-wal`` or ``-journal`` that SQLite would replay; empty when there is none."""
    if wal_frames(path):
        return path + "-wal"
    with contextlib.suppress(FileNotFoundError), open(path + "-journal", "rb") as file:
        if file.read(8) == _JOURNAL_MAGIC:
            return path + "-journal"
    return ""


def require_alone(path: str) -> None:
    """DbError, with its name, when such a file lies beside a database."""
    name = left_behind(path)
    if name:
        raise DbError(
            f"{name}: was left behind by a server, so rows are missing in the database"
            " beside it, or it destroys it; start and stop Plex there once, or take a"
            " snapshot of the running server (plex_db_snapshot)"
        )


def is_in_use(path: str) -> bool:
    """Whether another process has the database open, in a container or not.

    Two witnesses, for neither sees all: locks (no privilege needed, but an idle
    connection outside WAL mode holds none) and open descriptors (those of other users
    only for root). Both go by inode, so a mount namespace does not hide them. Call this
    before this process opens the database: closing a file drops its own locks on it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise DbError(
            f"{path}: cannot tell whether a server uses it: {error.strerror}"
        ) from error
    try:
        ranges = ((_SHARED_FIRST, _SHARED_SIZE), (_PENDING_BYTE, 2))
        if any(_is_locked(descriptor, *item) for item in ranges):
            return True
        return bool(_open_elsewhere(path))
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int, start: int, length: int) -> bool:
    query = struct.pack("hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, query)
    return bool(struct.unpack("hhqqi0q", answer)[0] != fcntl.F_UNLCK)


def _open_elsewhere(path: str) -> list[int]:
    """Ids of the other processes with a descriptor on that file."""
    wanted, name = os.stat(path), os.path.basename(os.path.realpath(path))
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        # Processes end while we look, and those of others may be closed to us.
        with contextlib.suppress(OSError):
            links = os.scandir(f"/proc/{entry}/fd")
            if any(_is_descriptor_of(item.path, name, wanted) for item in links):
                found.append(int(entry))
    return found


def _is_descriptor_of(link: str, name: str, wanted: os.stat_result) -> bool:
    try:
        # By name first: stat on somebody's file below a hung mount would hang, too.
        if os.path.basename(os.readlink(link)) != name:
            return False
        seen = os.stat(link)
    except OSError:
        return False
    return (seen.st_dev, seen.st_ino) == (wanted.st_dev, wanted.st_ino)


def require_unused(path: str) -> None:
    if is_in_use(path):
        raise DbError(
            f"{path}: another process has it open (a Plex server runs on it?); stop"
            " that server first, nothing was changed"
        )


def file_sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in chunks(file.fileno()):
            digest.update(chunk)
    return digest.hexdigest()


def chunks(descriptor: int) -> Iterator[bytes]:
    while True:
        chunk = os.read(descriptor, CHUNK)
        if not chunk:
            return
        yield chunk


def copy_with_sha256(source: str, target: str) -> str:
    """Copy a file, on disk when this returns; the digest of what was written."""
    digest = hashlib.sha256()
    with open(source, "rb") as reader, open(target, "wb") as writer:
        for chunk in chunks(reader.fileno()):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()


def sync(path: str) -> None:
    """Bring a file or a directory entry to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def place(temporary: str, target: str) -> None:
    """Rename into place, durably: a crash leaves the old file or the new one."""
    sync(temporary)
    os.replace(temporary, target)
    sync(os.path.dirname(target) or ".")


def write_atomically(path: str, text: str, mode: int = 0o644) -> None:
    temporary = f"{path}.tmp-{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(temporary, mode)
    place(temporary, path)


@contextlib.contextmanager
def discarded_on_error(*paths: str) -> Iterator[None]:
    """Remove half-made files (and their side files) when the work fails."""
    try:
        yield
    except BaseException:
        for path in paths:
            for name in (path, *side_files(path)):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
        raise


def require_space(folder: str, needed: int, purpose: str) -> None:
    """DbError when a file system has not enough room left, with both numbers."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DbError(
            f"{folder}: {purpose} needs {needed // 1_000_000} MB, {free // 1_000_000} MB"
            " are free; make room or choose another folder"
        )
