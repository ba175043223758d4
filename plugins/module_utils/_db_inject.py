# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: put home's DB pair under a worker's Plex server.

The injected pair is kept as the *base*: what the burst brings home is what differs from
it (sqlite-lab §6). ``base.json`` is written last and is what makes a repeat a no-op.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._db_base import (
    RECORD,
    read_record,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    read_only,
    writable,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_counts import (
    schema_head,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    BLOBS,
    LIBRARY,
    DbError,
    copy_with_sha256,
    discarded_on_error,
    file_sha256,
    place,
    read_header,
    remove_side_files,
    require_alone,
    require_space,
    require_unused,
    side_files,
    write_atomically,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    damage,
    summary,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_moments import (
    digests_of,
    mismatch,
    require_recorded,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_sequences import (
    raise_sequences,
)

_ROLES = {"library": LIBRARY, "blobs": BLOBS}
_MARGIN = 64_000_000


@dataclass(frozen=True)
class Injection:
    """What to put where. Folders are made if missing; ids as for ``chown``."""

    source_library: str
    source_blobs: str
    databases: str
    base_dir: str
    burst_id: str
    sequence_offset: int
    uid: int
    gid: int
    # What the sources have been through: a base that is taken again is not mapped again.
    mappings: Sequence[Mapping[str, str]] = ()

    @property
    def sources(self) -> dict[str, str]:
        return {"library": self.source_library, "blobs": self.source_blobs}

    def target(self, role: str) -> str:
        return os.path.join(self.databases, _ROLES[role])

    def base(self, role: str) -> str:
        return os.path.join(self.base_dir, _ROLES[role])

    @property
    def record(self) -> str:
        return os.path.join(self.base_dir, RECORD)


@dataclass
class InjectResult:
    """What was done, or is to be done."""

    changed: bool
    base: dict[str, Any]
    set_aside: str = ""
    removed: tuple[str, ...] = ()


def inspect(job: Injection) -> InjectResult:
    """Whether the pair is in place already. Refuses sources that cannot be injected."""
    for path in job.sources.values():
        read_header(path)
        require_alone(path)
    record = read_record(job.record)
    if record is not None and _is_same(job, record):
        return InjectResult(changed=False, base=record)
    _require_pair(job)
    stale = tuple(name for role in _ROLES for name in _leftovers(job.target(role)))
    return InjectResult(changed=True, base={}, removed=stale)


def inject(job: Injection, now: int) -> InjectResult:
    """Place the pair with raised sequences, atomically, and keep it as the base.

    A pair that is there already is moved aside, never overwritten. Raises DbError before
    anything is changed when a server has a database open or the disk is too small.
    """
    result = inspect(job)
    if not result.changed:
        return result
    for path in (*job.sources.values(), *(job.target(role) for role in _ROLES)):
        if os.path.exists(path):
            require_unused(path)
    _make_folders(job)
    _require_space(job)
    made = {role: _prepare(job, role) for role in _ROLES}
    result.set_aside = _set_aside(job, now)
    for role in _ROLES:
        # Beside nothing: it would be replayed onto the new file (sqlite-lab §4).
        remove_side_files(job.target(role))
        place(_temporary(job.target(role)), job.target(role))
    result.base = _describe(job, made, now)
    write_atomically(
        job.record, json.dumps(result.base, indent=1, sort_keys=True) + "\n"
    )
    return result


def _require_pair(job: Injection) -> None:
    pair = (job.source_library, job.source_blobs)
    try:
        found = mismatch(*pair)
    except sqlite3.Error as error:
        raise DbError(
            f"{pair[0]}: {error}; check the pair first (plex_db_check)"
        ) from error
    if damage(found):
        raise DbError(summary(found))
    require_recorded(pair, digests_of(pair))


def _is_same(job: Injection, record: dict[str, Any]) -> bool:
    """The same burst, the same sources, and both results are still there.

    The databases themselves have changed since: Plex has been working on them.
    """
    if record.get("burst_id") != job.burst_id:
        return False
    if record.get("sequence_offset") != job.sequence_offset:
        return False
    places = [job.target(role) for role in _ROLES] + [job.base(role) for role in _ROLES]
    if not all(os.path.exists(path) for path in places):
        return False
    return all(
        _is_source(record["source"].get(role, {}), path)
        for role, path in job.sources.items()
    )


def _is_source(known: dict[str, Any], path: str) -> bool:
    """By size and time where they agree, by digest where only the time differs."""
    seen = os.stat(path)
    if known.get("size") != seen.st_size:
        return False
    if known.get("mtime_ns") == seen.st_mtime_ns:
        return True
    return bool(known.get("sha256") == file_sha256(path))


def _leftovers(target: str) -> list[str]:
    """Side files of a database that is gone; those of one that is there go with it."""
    return [] if os.path.exists(target) else side_files(target)


def _make_folders(job: Injection) -> None:
    """The databases' folder belongs to Plex, up to the first one that existed."""
    missing = []
    folder = os.path.abspath(job.databases)
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(missing):
        os.mkdir(path, 0o755)
        os.chown(path, job.uid, job.gid)
    os.makedirs(job.base_dir, exist_ok=True)


def _require_space(job: Injection) -> None:
    needed = sum(os.stat(path).st_size for path in job.sources.values()) + _MARGIN
    if os.stat(job.databases).st_dev == os.stat(job.base_dir).st_dev:
        require_space(job.databases, 2 * needed, "the pair and its base copy")
        return
    require_space(job.databases, needed, "the pair")
    require_space(job.base_dir, needed, "the base copy of the pair")


def _temporary(path: str) -> str:
    return f"{path}.injecting"


def _prepare(job: Injection, role: str) -> dict[str, Any]:
    """Make the database under a temporary name, and its base copy."""
    temporary = _temporary(job.target(role))
    remove_side_files(temporary)
    with discarded_on_error(temporary, _temporary(job.base(role))):
        source_sha256 = copy_with_sha256(job.sources[role], temporary)
        with writable(temporary) as connection:
            sequences = raise_sequences(connection, job.sequence_offset)
        remove_side_files(temporary)
        os.chown(temporary, job.uid, job.gid)
        os.chmod(temporary, 0o644)
        base_sha256 = copy_with_sha256(temporary, _temporary(job.base(role)))
        place(_temporary(job.base(role)), job.base(role))
    return {"source": source_sha256, "base": base_sha256, "sequences": sequences}


def _set_aside(job: Injection, now: int) -> str:
    """Move an existing pair into a folder beside it; its name, empty if there is none.

    Its -wal goes along: after SIGKILL committed rows are only there (plex-facts §1.1).
    The folder gets its name when all is in it, so a repeat completes what was begun.
    """
    moving = os.path.join(job.databases, "replaced.partial")
    existing = [job.target(role) for role in _ROLES if os.path.exists(job.target(role))]
    if any(os.path.exists(_in(moving, path)) for path in existing):
        # Of another pair, which was made since.
        os.rename(moving, _in(job.databases, f"replaced-{now}-before"))
    for path in existing:
        os.makedirs(moving, exist_ok=True)
        # The database last: what lies beside none counts as stale.
        for name in (*side_files(path), path):
            os.replace(name, _in(moving, name))
    if not os.path.isdir(moving):
        return ""
    folder = _in(job.databases, f"replaced-{now}")
    os.rename(moving, folder)
    return folder


def _in(folder: str, path: str) -> str:
    return os.path.join(folder, os.path.basename(path))


def _describe(job: Injection, made: dict[str, Any], now: int) -> dict[str, Any]:
    with read_only(job.base("library")) as connection:
        head = schema_head(connection)
    record: dict[str, Any] = {
        "format": 1,
        "burst_id": job.burst_id,
        "created": now,
        "sequence_offset": job.sequence_offset,
        "mappings": [dict(item) for item in job.mappings],
        "schema_head": head,
        "page_size": read_header(job.base("library")).page_size,
        "source": {},
        "base": {},
        "sequences": {role: made[role]["sequences"] for role in _ROLES},
    }
    for role, path in job.sources.items():
        seen = os.stat(path)
        record["source"][role] = {
            "path": path,
            "size": seen.st_size,
            "mtime_ns": seen.st_mtime_ns,
            "sha256": made[role]["source"],
        }
        record["base"][role] = {
            "path": job.base(role),
            "size": os.stat(job.base(role)).st_size,
            "sha256": made[role]["base"],
        }
        record["base"][f"{role}_sha256"] = made[role]["base"]
    return record
