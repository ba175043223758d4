# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: unpack an archive, safely and as a whole or not at all."""

from __future__ import annotations

import os
import shutil
import tarfile
from dataclasses import dataclass
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._archive import (
    load_manifest,
    member_content,
    read_manifest,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._archive_manifest import (
    DATABASES,
    MANIFEST,
    TREES,
    encode,
    entries,
    is_backup,
    is_left_behind,
    left_behind_text,
    pair_members,
    read_sidecar,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._archive_stream import (
    CHUNK,
    ArchiveError,
    DigestReader,
    open_reading,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    PAIR,
    file_sha256,
    require_space,
    sync,
    write_atomically,
)

_MARGIN = 64_000_000
# Of the databases (unpacked, mapped, put in place), and of the trees, which are copied.
_SPACE_FACTOR, _TREE_FACTOR = 3, 2
_NOTE = ".archive.sha256"


@dataclass(frozen=True)
class Extraction:
    """What to unpack where."""

    archive: str
    dest: str
    trees: bool
    sha256: str = ""
    # Plex's own dated copies of the pair, too.
    backups: bool = False

    @property
    def what(self) -> str:
        return ("trees" if self.trees else "pair") + "+backups" * self.backups

    def is_database(self, member: tarfile.TarInfo) -> bool:
        base = os.path.basename(member.name)
        wanted = base in PAIR or (self.backups and is_backup(base))
        return member.isreg() and wanted

    def is_in_tree(self, member: tarfile.TarInfo) -> bool:
        return self.trees and member.name.split("/")[0] in TREES


def is_extracted(job: Extraction) -> bool:
    """Whether the folder was made from this archive.

    What was done to the databases in it since then does not count: a remap, for example.
    """
    note = os.path.join(job.dest, _NOTE)
    try:
        with open(note, encoding="utf-8") as file:
            known = file.read().split()
    except FileNotFoundError:
        return False
    promised = job.sha256.lower() or read_sidecar(job.archive)
    if not promised:
        promised = file_sha256(job.archive)
    return known == [promised, job.what]


@dataclass(frozen=True)
class Extracted:
    """The manifest (None in a predecessor's archive), the digest, and skipped links."""

    manifest: dict[str, Any] | None
    sha256: str
    skipped: tuple[str, ...]


def extract(job: Extraction) -> Extracted:
    """Unpack the pair (and the trees) into ``dest``, which is replaced as a whole.

    Every digest is compared before anything appears there. Raises ArchiveError, and
    DbError before anything is written when there is not room enough.
    """
    parent = os.path.dirname(os.path.abspath(job.dest))
    os.makedirs(parent, exist_ok=True)
    require_space(parent, _room(job), f"unpacking {job.archive}")
    temporary = f"{os.path.abspath(job.dest)}.partial"
    # What a killed run left.
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(f"{temporary}.old", ignore_errors=True)
    os.makedirs(temporary)
    try:
        unpacker = _Unpacker(job, temporary)
        with open_reading(job.archive) as reader:
            unpacker.take(reader.tar)
        _require_digest(job, reader.sha256)
        unpacker.finish(reader.sha256)
        _swap(temporary, job.dest)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return Extracted(unpacker.manifest, reader.sha256, tuple(unpacker.skipped))


def _room(job: Extraction) -> int:
    """What has to be free, for this and for what is done with it next."""
    databases, trees = _sizes(job)
    return _SPACE_FACTOR * databases + _TREE_FACTOR * trees + _MARGIN


def _sizes(job: Extraction) -> tuple[int, int]:
    """Of the databases and of the trees, by the manifest; else by reading the archive."""
    manifest = read_manifest(job.archive)
    if manifest is not None and not job.backups:
        listed = manifest.get("trees", {}).values() if job.trees else ()
        databases = sum(entry.size for entry in entries(manifest).values())
        return databases, sum(int(tree.get("size", 0)) for tree in listed)
    databases = trees = 0
    with open_reading(job.archive) as reader:
        for member in reader.tar:
            if job.is_database(member):
                databases += member.size
            elif job.is_in_tree(member):
                trees += member.size
    return databases, trees


def _require_digest(job: Extraction, sha256: str) -> None:
    promised = job.sha256.lower() or read_sidecar(job.archive)
    if promised and promised != sha256:
        raise ArchiveError(
            f"{job.archive}: has sha256 {sha256}, but {promised} was promised; copy it"
            " again"
        )


def _swap(temporary: str, dest: str) -> None:
    """Take the place of the folder that is there."""
    old = f"{temporary}.old"
    if os.path.lexists(dest):
        os.rename(dest, old)
    os.rename(temporary, dest)
    sync(os.path.dirname(os.path.abspath(dest)))
    shutil.rmtree(old, ignore_errors=True)


class _Unpacker:
    """Writes the wanted members of an archive below one folder, and nothing else."""

    def __init__(self, job: Extraction, folder: str) -> None:
        self.job = job
        self.folder = os.path.realpath(folder)
        self.manifest: dict[str, Any] | None = None
        self.names: list[str] = []
        self.skipped: list[str] = []

    def take(self, tar: tarfile.TarFile) -> None:
        for member in tar:
            if member.name == MANIFEST and not self.names:
                self.manifest = load_manifest(tar, member, self.job.archive)
            elif is_left_behind(member):
                raise ArchiveError(
                    f"{self.job.archive}: {left_behind_text(member.name)}"
                )
            elif self.job.is_database(member):
                self._take_database(tar, member)
            elif self.job.is_in_tree(member):
                self._take_from_tree(tar, member)
            self.names.append(member.name)

    def finish(self, sha256: str) -> None:
        pair_members(self.names, self.job.archive)
        missing = sorted(set(entries(self.manifest)) - set(self.names))
        if missing:
            raise ArchiveError(f"{self.job.archive}: has no {', '.join(missing)}")
        if self.manifest is not None:
            path = os.path.join(self.folder, MANIFEST)
            write_atomically(path, encode(self.manifest).decode("utf-8"))
        note = f"{sha256} {self.job.what}\n"
        write_atomically(os.path.join(self.folder, _NOTE), note)

    def _take_database(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        name = f"{DATABASES}/{os.path.basename(member.name)}"
        if os.path.lexists(os.path.join(self.folder, name)):
            raise ArchiveError(
                f"{self.job.archive}: has {os.path.basename(name)} more than once"
            )
        digest = self._write_file(tar, member, name)
        promised = entries(self.manifest).get(member.name)
        if promised is not None and promised.sha256 != digest:
            raise ArchiveError(
                f"{self.job.archive}: {member.name} differs from its sha256 in the"
                " manifest; copy the archive again"
            )

    def _take_from_tree(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        target = self._safe(member.name)
        if member.isdir():
            os.makedirs(target, exist_ok=True)
        elif member.isreg():
            self._write_file(tar, member, member.name)
        elif member.issym():
            self._link(member, target)
        elif member.islnk():
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.link(self._safe(member.linkname), target, follow_symlinks=False)
        else:
            raise ArchiveError(
                f"{self.job.archive}: {member.name} is no file or folder"
            )

    def _write_file(
        self, tar: tarfile.TarFile, member: tarfile.TarInfo, name: str
    ) -> str:
        target = self._safe(name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        content = DigestReader(member_content(tar, member))
        # "x": a name that occurs twice must not be written through what it made.
        with open(target, "xb") as file:
            shutil.copyfileobj(content, file, CHUNK)
        os.chmod(target, 0o644)
        os.utime(target, (member.mtime, member.mtime))
        return content.digest.hexdigest()

    def _safe(self, name: str) -> str:
        """The path of a member below the folder, whatever links are on the way."""
        target = os.path.join(self.folder, name)
        parent = os.path.realpath(os.path.dirname(target))
        if (
            name.startswith("/")
            or ".." in name.split("/")
            or not _below(parent, self.folder)
        ):
            raise ArchiveError(
                f"{self.job.archive}: {name} leads out of the folder; do not trust this"
                " archive"
            )
        return target

    def _link(self, member: tarfile.TarInfo, target: str) -> None:
        """Links inside the folder only; others would point at somebody else's files."""
        folder = os.path.dirname(target)
        aim = os.path.realpath(os.path.join(folder, member.linkname))
        if member.linkname.startswith("/") or not _below(aim, self.folder):
            self.skipped.append(f"{member.name} -> {member.linkname}")
            return
        os.makedirs(folder, exist_ok=True)
        os.symlink(member.linkname, target)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)
