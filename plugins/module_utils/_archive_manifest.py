# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: what an archive says about itself, and its sidecar."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._archive_stream import (
    ArchiveError,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import PAIR

MANIFEST = "manifest.json"
DATABASES = "databases"
TREES = ("Metadata", "Media")
FORMAT = 2
# Without a digest of its own; then only the sidecar vouches for the manifest.
_OLD_FORMAT = 1
_OWN_DIGEST = "manifest_sha256"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Made by packing itself; a caller may not set them.
_OWN_FIELDS = ("format", "files", "trees", _OWN_DIGEST)


@dataclass(frozen=True)
class FileEntry:
    """One file whose content the manifest vouches for."""

    sha256: str
    size: int


def compose(
    extra: Mapping[str, Any],
    files: Mapping[str, FileEntry],
    trees: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The manifest: the caller's fields, and what packing knows."""
    own = sorted(set(extra) & set(_OWN_FIELDS))
    if own:
        raise ArchiveError(
            f"manifest: {', '.join(own)} cannot be set, packing fills it"
        )
    return {
        "format": FORMAT,
        **extra,
        "files": {
            name: {"sha256": entry.sha256, "size": entry.size}
            for name, entry in files.items()
        },
        "trees": {name: dict(tree) for name, tree in trees.items()},
    }


def encode(manifest: Mapping[str, Any]) -> bytes:
    """As it is written: with its own digest, so that a changed letter shows."""
    own = {_OWN_DIGEST: hashlib.sha256(_plain(manifest)).hexdigest()}
    return _plain({**manifest, **own}, keep=True)


def _plain(manifest: Mapping[str, Any], keep: bool = False) -> bytes:
    fields = {name: manifest[name] for name in manifest if keep or name != _OWN_DIGEST}
    return json.dumps(fields, indent=1, sort_keys=True).encode("utf-8") + b"\n"


def decode(data: bytes, archive: str) -> dict[str, Any]:
    """Read a manifest; ArchiveError when it is not one that this version can read."""
    try:
        manifest = json.loads(data)
    except ValueError as error:
        raise ArchiveError(f"{archive}: {MANIFEST} is no JSON: {error}") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise ArchiveError(f"{archive}: {MANIFEST} has no list of files")
    if manifest.get("format") == _OLD_FORMAT and _OWN_DIGEST not in manifest:
        return manifest
    if manifest.get("format") != FORMAT:
        raise ArchiveError(
            f"{archive}: {MANIFEST} has format {manifest.get('format')!r}, this version"
            f" reads {FORMAT}; update the collection, or the archive is damaged"
        )
    if data != encode(manifest):
        raise ArchiveError(
            f"{archive}: {MANIFEST} differs from its own sha256, it was changed or is"
            " damaged; copy the archive again"
        )
    del manifest[_OWN_DIGEST]
    return manifest


def entries(manifest: Mapping[str, Any] | None) -> dict[str, FileEntry]:
    """The files that the manifest vouches for; none for a predecessor's archive."""
    listed = manifest["files"] if manifest else {}
    return {
        name: FileEntry(str(item.get("sha256", "")), int(item.get("size", -1)))
        for name, item in listed.items()
    }


def pair_members(names: list[str], archive: str) -> dict[str, str]:
    """The member of each database of the pair, at any depth; ArchiveError if unclear."""
    found = {}
    for wanted in PAIR:
        matching = [name for name in names if os.path.basename(name) == wanted]
        if not matching:
            raise ArchiveError(
                f"{archive}: has no {wanted}; the pair travels together or not at all"
            )
        if len(matching) > 1:
            raise ArchiveError(
                f"{archive}: has {wanted} more than once ({', '.join(matching)}); pack"
                " an archive with one pair"
            )
        found[wanted] = matching[0]
    folders = {os.path.dirname(name) for name in found.values()}
    if len(folders) > 1:
        raise ArchiveError(
            f"{archive}: the two databases are in different folders"
            f" ({', '.join(sorted(folders))}), so they may not belong together"
        )
    return found


def is_backup(name: str) -> bool:
    """Whether it is named like one of the copies that Plex makes of the pair."""
    return any(
        name.startswith(f"{base}-") and _DATE.fullmatch(name[len(base) + 1 :])
        for base in PAIR
    )


def is_left_behind(member: tarfile.TarInfo) -> bool:
    """Whether it is a ``-wal`` or ``-journal`` of the pair with something in it."""
    base, dash, end = os.path.basename(member.name).rpartition("-")
    return bool(dash and base in PAIR and end in ("wal", "journal") and member.size)


def left_behind_text(name: str) -> str:
    return (
        f"{name}: the pair was copied beside a running server or one that was killed,"
        " and rows are missing in it; stop Plex (it takes a minute) and pack again"
    )


def sidecar_of(archive: str) -> str:
    return f"{archive}.sha256"


def sidecar_text(archive: str, sha256: str) -> str:
    """In the format of ``sha256sum``, checkable with ``sha256sum -c``."""
    return f"{sha256}  {os.path.basename(archive)}\n"


def read_sidecar(archive: str) -> str:
    """The digest that the sidecar promises; empty without a sidecar."""
    try:
        with open(sidecar_of(archive), encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{sidecar_of(archive)}: cannot be read: {error}") from error
    words = text.split()
    if not words or not _SHA256.fullmatch(words[0].lower()):
        raise ArchiveError(f"{sidecar_of(archive)}: holds no sha256; make it again")
    return words[0].lower()
