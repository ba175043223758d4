# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""From evidence about a mount to a verdict. Pure.

Health is bytes read from a file under a deadline. Listings, ``stat`` and rc
statistics stay good while every read hangs (L04, ``scaleway-rclone B2``).
"""

from __future__ import annotations

import errno
import typing as t
from dataclasses import asdict, dataclass

Verdict = t.Literal["healthy", "slow", "backend_down", "stale", "wedged", "absent"]
Outcome = t.Literal["ok", "error", "timeout", "skipped"]

# A dead FUSE socket answers these; the last two are its "Permission denied" on
# a mount of somebody else, never a reason to change permissions (L03).
DEAD_ERRNOS = frozenset(
    (errno.ENOTCONN, errno.ESTALE, errno.ECONNABORTED, errno.EACCES, errno.EPERM)
)


# What a probe reads, from a file that has as much.
FULL_READ = 65536


def required(wanted: int, length: int, offset: int) -> int:
    """Bytes that a read has to give. One of no length proves nothing, so never 0."""
    return max(1, min(wanted, length - offset))


@dataclass(frozen=True)
class Probe:
    """What one probe saw."""

    outcome: Outcome
    ms: int = 0
    errno: int | None = None
    detail: str = ""

    @property
    def dead(self) -> bool:
        """True for the errors of a FUSE mount whose process is gone."""
        return self.outcome == "error" and self.errno in DEAD_ERRNOS

    @property
    def asleep(self) -> bool:
        """True when rclone did not even answer what it needs no store for."""
        return self.outcome == "error" and self.errno == errno.ETIMEDOUT


@dataclass(frozen=True)
class Evidence:
    """Everything that was looked at."""

    mounted: bool
    fstype: str
    source: str
    outstanding_pid: int | None
    statvfs: Probe
    read: Probe
    backend: Probe
    file: str = ""
    offset: int = 0
    bytes_read: int = 0
    length: int = 0
    # Whether the bytes were the known ones of a canary; None: nothing to compare.
    matches: bool | None = None
    # Whether the read went through the mount namespace of Plex's container.
    inside: bool = False
    # Changes with every new mount, also on the same path.
    mount_id: str = ""

    def as_dict(self) -> dict[str, t.Any]:
        """A JSON-ready copy with names instead of error numbers."""
        data = asdict(self)
        for name in ("statvfs", "read", "backend"):
            number = data[name].pop("errno")
            data[name]["errno"] = errno.errorcode.get(number, "") if number else ""
        return data


@dataclass(frozen=True)
class Health:
    """The verdict and the sentence behind it."""

    verdict: Verdict
    message: str


def judge(evidence: Evidence, minimum: int, slow_ms: int) -> Health:
    """The verdict of ``scaleway-rclone B4``: the first rule that applies."""
    if not evidence.mounted:
        return Health("absent", "nothing is mounted there")
    probes = {
        "statvfs": evidence.statvfs,
        "read": evidence.read,
        "rclone's socket": evidence.backend,
    }
    for name, probe in probes.items():
        if probe.dead:
            return Health(
                "stale", f"{name}: the mount's process is gone ({probe.detail})"
            )
    if evidence.backend.asleep:
        return Health("wedged", evidence.backend.detail)
    if evidence.outstanding_pid is not None:
        return _hanging(
            evidence,
            f"an earlier read (process {evidence.outstanding_pid}) still hangs",
        )
    if evidence.statvfs.outcome == "timeout":
        return Health("wedged", "the mount does not even answer statvfs")
    if evidence.statvfs.outcome == "error":
        return Health("wedged", f"statvfs failed: {evidence.statvfs.detail}")
    if evidence.read.outcome == "timeout":
        return _hanging(evidence, f"a read had no end after {evidence.read.ms} ms")
    if evidence.read.outcome == "error":
        return _read_error(evidence)
    if evidence.matches is False:
        wrong = f"{evidence.file} gives other bytes than were written"
        down = _store_fails(evidence.backend)
        return Health("backend_down" if down else "wedged", wrong)
    return _bytes_came(evidence, minimum, slow_ms)


def _hanging(evidence: Evidence, what: str) -> Health:
    # Only the backend can tell a frozen store from a frozen rclone.
    if evidence.backend.outcome == "ok":
        return Health("wedged", f"{what}, although the store answers rclone")
    if evidence.backend.outcome == "skipped":
        return Health("backend_down", f"{what}; the store was not asked")
    return Health("backend_down", f"{what}; the store: {evidence.backend.detail}")


def _read_error(evidence: Evidence) -> Health:
    read = evidence.read
    if read.errno == errno.ENOENT and not _store_fails(evidence.backend):
        return Health("absent", f"nothing to read there: {read.detail}")
    if evidence.backend.outcome == "ok":
        return Health("wedged", f"{read.detail}, although the store answers rclone")
    return Health("backend_down", f"reading {evidence.file}: {read.detail}")


def _store_fails(backend: Probe) -> bool:
    """True when the store itself is the trouble, not one missing object.

    With refused credentials a mount comes up and shows an empty folder.
    """
    if backend.outcome == "error":
        return backend.errno != errno.ENOENT
    return backend.outcome == "timeout"


def _bytes_came(evidence: Evidence, minimum: int, slow_ms: int) -> Health:
    if evidence.bytes_read < minimum:
        return Health(
            "backend_down",
            f"{evidence.bytes_read} of {minimum} bytes came from {evidence.file}",
        )
    if evidence.backend.outcome in ("error", "timeout"):
        # The bytes may have come from the disk cache (a warm canary reads well
        # with the store frozen).
        return Health(
            "backend_down",
            f"bytes came, maybe from the cache; the store: {evidence.backend.detail}",
        )
    if evidence.read.ms > slow_ms:
        return Health("slow", f"{evidence.read.ms} ms for {evidence.bytes_read} bytes")
    return Health("healthy", f"{evidence.bytes_read} bytes in {evidence.read.ms} ms")


@dataclass(frozen=True)
class MountEntry:
    """One line of ``/proc/self/mountinfo`` that matters here."""

    path: str
    fstype: str
    source: str
    # Number of the mount and of its device: a new mount has others.
    number: str = ""


def parse_mountinfo(text: str) -> list[MountEntry]:
    """All mounts, later ones shadow earlier ones on the same path."""
    entries = []
    for line in text.splitlines():
        left, separator, right = line.partition(" - ")
        fields, tail = left.split(), right.split()
        if separator and len(fields) >= 5 and len(tail) >= 2:
            path, source = unescape(fields[4]), unescape(tail[1])
            number = f"{fields[0]}/{fields[2]}"
            entries.append(MountEntry(path, tail[0], source, number))
    return entries


def unescape(text: str) -> str:
    """Undo the octal escapes of blanks and backslashes in mountinfo."""
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n")):
        text = text.replace(code, char)
    return text.replace("\\134", "\\")


def mount_at(entries: t.Sequence[MountEntry], path: str) -> MountEntry | None:
    """The mount whose mount point is exactly ``path``, the last one."""
    wanted = path.rstrip("/") or "/"
    found = [entry for entry in entries if entry.path == wanted]
    return found[-1] if found else None
