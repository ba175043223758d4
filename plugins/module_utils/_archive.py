# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: pack the archive of a library.

Layout: ``manifest.json`` first, ``databases/`` with the pair, then ``Metadata/`` and
``Media/`` if wanted. What is written appears under its name only when it is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sqlite3
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from ansible_collections.cloudburst.plex.plugins.module_utils._archive_manifest import (
    DATABASES,
    MANIFEST,
    TREES,
    FileEntry,
    compose,
    decode,
    encode,
    entries,
    read_sidecar,
    sidecar_of,
    sidecar_text,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._archive_stream import (
    ArchiveError,
    DigestReader,
    compression_by_name,
    open_reading,
    open_writing,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    PAIR,
    DbError,
    discarded_on_error,
    file_sha256,
    is_in_use,
    place,
    read_header,
    require_alone,
    require_space,
    write_atomically,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    damage,
    summary,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_moments import (
    mismatch,
    require_recorded,
)

_MANIFEST_LIMIT = 64_000_000
_MARGIN = 64_000_000
# Databases shrink to 0.25 to 0.36 of their size (sqlite-lab §5), pictures do not. Asking
# for more would refuse a result that fits, when all the work is done.
_SHRUNK = 0.5
_TAR_HEADERS = 2048


@dataclass(frozen=True)
class Packed:
    """An archive that has been written, or that was there already."""

    path: str
    sha256: str
    size: int
    manifest: dict[str, Any]
    changed: bool


def pack(
    archive: str,
    databases: str,
    trees: Sequence[str],
    extra: Mapping[str, Any],
    level: int,
) -> Packed:
    """Write the archive and its sidecar; nothing if an equal one is there already.

    Raises ArchiveError or DbError when a database is in use or has a -wal, when there is
    not room enough, or when a file changes while it is packed; then no archive appears.
    """
    kind = compression_by_name(archive)
    manifest = plan(databases, trees, extra)
    existing = existing_archive(archive, manifest)
    if existing is not None:
        return existing
    folder = os.path.dirname(os.path.abspath(archive))
    os.makedirs(folder, exist_ok=True)
    require_space(folder, _room(manifest, kind), f"packing {archive}")
    temporary = f"{archive}.partial"
    with discarded_on_error(temporary):
        with open_writing(temporary, kind, level) as writer:
            _write(writer.tar, manifest, databases, trees)
        # The sidecar first: an archive never stands there without one.
        write_atomically(sidecar_of(archive), sidecar_text(archive, writer.sha256))
        place(temporary, archive)
    return Packed(archive, writer.sha256, writer.size, manifest, changed=True)


def _room(manifest: Mapping[str, Any], kind: str) -> int:
    databases = sum(entry.size for entry in entries(manifest).values())
    trees = manifest["trees"].values()
    whole = sum(int(tree["size"]) + _TAR_HEADERS * int(tree["files"]) for tree in trees)
    return whole + int(databases * (1 if kind == "none" else _SHRUNK)) + _MARGIN


def plan(
    databases: str, trees: Sequence[str], extra: Mapping[str, Any]
) -> dict[str, Any]:
    """The manifest of what would be packed; refuses what must not be."""
    files = {}
    for name in PAIR:
        path = os.path.join(databases, name)
        size = read_header(path).file_size
        if is_in_use(path):
            raise DbError(
                f"{path}: a server has it open; pack a snapshot (plex_db_snapshot)"
            )
        require_alone(path)
        files[f"{DATABASES}/{name}"] = FileEntry(file_sha256(path), size)
    _require_pair(databases, files)
    return compose(extra, files, {_tree_name(path): _measure(path) for path in trees})


def _require_pair(databases: str, files: Mapping[str, FileEntry]) -> None:
    library, blobs = (os.path.join(databases, name) for name in PAIR)
    first, second = (files[f"{DATABASES}/{name}"].sha256 for name in PAIR)
    require_recorded((library, blobs), (first, second))
    try:
        found = mismatch(library, blobs)
    except sqlite3.Error as error:
        raise DbError(
            f"{databases}: {error}; check the pair first (plex_db_check)"
        ) from error
    if damage(found):
        raise DbError(summary(found))


def _tree_name(path: str) -> str:
    name = os.path.basename(path.rstrip("/"))
    if name not in TREES:
        raise ArchiveError(
            f"{path}: only folders called {' and '.join(TREES)} are packed"
        )
    if not os.path.isdir(path):
        raise ArchiveError(f"{path}: is no folder; leave it out if there is none")
    return name


def _measure(path: str) -> dict[str, Any]:
    """Number and size of the files of a tree, and a digest of names, sizes and times."""
    digest, count, size = hashlib.sha256(), 0, 0
    for name in _walk(path):
        seen = os.lstat(os.path.join(path, name))
        line = f"{name}\0{seen.st_size}\0{seen.st_mtime_ns}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
        count, size = count + 1, size + seen.st_size
    return {"files": count, "size": size, "listing_sha256": digest.hexdigest()}


def _walk(path: str) -> Iterator[str]:
    """Relative names of everything in a tree that is no folder, in a fixed order."""
    for folder, folders, files in os.walk(path):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted(files + links):
            yield os.path.relpath(os.path.join(folder, name), path)


def existing_archive(archive: str, manifest: Mapping[str, Any]) -> Packed | None:
    """The archive that is there, if it holds the same; times of packing do not count."""
    if not os.path.exists(archive):
        return None
    try:
        promised = read_sidecar(archive)
        known = read_manifest(archive)
    except ArchiveError:
        return None
    if known is None or not promised or _essence(known) != _essence(manifest):
        return None
    return Packed(archive, promised, os.stat(archive).st_size, known, changed=False)


def _essence(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in manifest.items() if name != "created"}


def read_manifest(archive: str) -> dict[str, Any] | None:
    """The manifest, which is the first member; None in a predecessor's archive."""
    manifest: dict[str, Any] | None = None
    # Only the beginning is wanted: what leaving the block says of the rest is not.
    with contextlib.suppress(_EnoughError), open_reading(archive) as reader:
        member = reader.tar.next()
        if member is not None and member.name == MANIFEST:
            manifest = load_manifest(reader.tar, member, archive)
        raise _EnoughError
    return manifest


class _EnoughError(Exception):
    """Leaves an archive before its end."""


def load_manifest(
    tar: tarfile.TarFile, member: tarfile.TarInfo, archive: str
) -> dict[str, Any]:
    if member.size > _MANIFEST_LIMIT:
        raise ArchiveError(f"{archive}: {MANIFEST} is too big ({member.size} bytes)")
    return decode(member_content(tar, member).read(), archive)


def member_content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    if content is None:
        raise ArchiveError(f"{member.name}: is no file")
    return content


def _write(
    tar: tarfile.TarFile,
    manifest: Mapping[str, Any],
    databases: str,
    trees: Sequence[str],
) -> None:
    data = encode(manifest)
    head = tarfile.TarInfo(MANIFEST)
    head.size, head.mode = len(data), 0o644
    tar.addfile(head, io.BytesIO(data))
    for member, entry in entries(manifest).items():
        source = os.path.join(databases, os.path.basename(member))
        _add_database(tar, source, member, entry)
    for path in trees:
        _add_tree(tar, path, _tree_name(path))


def _add_database(
    tar: tarfile.TarFile, source: str, member: str, entry: FileEntry
) -> None:
    with open(source, "rb") as file:
        reader = DigestReader(file)
        info = _anonymous(tar.gettarinfo(source, member))
        tar.addfile(info, reader)
    if reader.digest.hexdigest() != entry.sha256:
        raise ArchiveError(
            f"{source}: changed while it was packed; nothing was written"
        )


def _add_tree(tar: tarfile.TarFile, path: str, name: str) -> None:
    for relative in _walk(path):
        source = os.path.join(path, relative)
        try:
            info = tar.gettarinfo(source, f"{name}/{relative}")
            if info is None:
                continue  # a socket: nothing that can be packed
            if info.isreg():
                with open(source, "rb") as file:
                    tar.addfile(_anonymous(info), file)
            else:
                tar.addfile(_anonymous(info))
        except (FileNotFoundError, OSError) as error:
            raise ArchiveError(
                f"{source}: vanished or changed while it was packed ({error}); stop what"
                " writes there and pack again"
            ) from error


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without owner: who may write is decided where it is unpacked."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info
