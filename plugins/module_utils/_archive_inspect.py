# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: is an archive whole, and what is in it (L21)?"""

from __future__ import annotations

import os
import tarfile
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._archive import (
    load_manifest,
    member_content,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._archive_manifest import (
    MANIFEST,
    FileEntry,
    entries,
    is_left_behind,
    left_behind_text,
    pair_members,
    read_sidecar,
    sidecar_of,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._archive_stream import (
    ArchiveError,
    DigestReader,
    TarReader,
    open_reading,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import PAIR


@dataclass
class Inspection:
    """What an archive turned out to be. Complete only when ``errors`` is empty."""

    archive: str
    sha256: str = ""
    size: int = 0
    manifest: dict[str, Any] | None = None
    members: list[dict[str, Any]] = field(default_factory=list)
    member_count: int = 0
    pair: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.errors


def inspect(archive: str, sha256: str = "") -> Inspection:
    """Read an archive to its end and say all that is wrong with it."""
    result = Inspection(archive)
    try:
        promised = sha256.lower() or read_sidecar(archive)
        result.size = os.stat(archive).st_size
        with open_reading(archive) as reader:
            _inspect_members(reader, result)
        result.sha256 = reader.sha256
    except (ArchiveError, OSError) as error:
        result.errors.insert(0, _once(archive, error))
        return result
    if promised and promised != result.sha256:
        result.errors.append(
            f"{archive}: has sha256 {result.sha256}, but {promised} was promised"
            f" ({'sha256' if sha256 else sidecar_of(archive)}); copy it again"
        )
    if not promised:
        result.notes.append(
            f"{sidecar_of(archive)} is missing: nothing to compare with"
        )
    return result


def _once(archive: str, error: Exception) -> str:
    text = str(error)
    return text if archive in text else f"{archive}: {text}"


def _inspect_members(reader: TarReader, result: Inspection) -> None:
    names: list[str] = []
    promised: dict[str, FileEntry] = {}
    for member in reader.tar:
        result.member_count += 1
        if member.name == MANIFEST and not names:
            result.manifest = load_manifest(reader.tar, member, result.archive)
            promised = entries(result.manifest)
        names.append(member.name)
        if member.isreg() and _counts(member.name, promised):
            _inspect_file(reader.tar, member, promised.get(member.name), result)
        if is_left_behind(member):
            result.errors.append(left_behind_text(member.name))
    missing = sorted(set(promised) - set(names))
    result.errors += [f"{name}: is in the manifest only" for name in missing]
    try:
        result.pair = pair_members(names, result.archive)
    except ArchiveError as error:
        result.errors.append(str(error))


def _counts(name: str, promised: dict[str, FileEntry]) -> bool:
    return name in promised or os.path.basename(name) in PAIR


def _inspect_file(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    promised: FileEntry | None,
    result: Inspection,
) -> None:
    content = DigestReader(member_content(tar, member))
    content.drain()
    digest = content.digest.hexdigest()
    entry = {"name": member.name, "size": member.size, "sha256": digest}
    result.members.append(entry)
    if promised is not None and promised.sha256 != digest:
        result.errors.append(f"{member.name}: differs from its sha256 in the manifest")
