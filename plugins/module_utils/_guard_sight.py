# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""What the guard sees: probes that run side by side, put together. Pure.

Three kinds of children are on their way at different speeds: ``statvfs`` asks
whether anybody answers for the mount, ``read`` gets bytes from where Plex
reads, ``store`` gets bytes past FUSE and the cache. A warm cache gives bytes
for ever while the store is frozen (``scaleway-rclone B2``), so a look is good
only when a ``read`` and a ``store`` have both come to a good end.
"""

from __future__ import annotations

import errno
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.cloudburst.plex.plugins.module_utils._guard import (
    Look,
    Patience,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import (
    FULL_READ,
    Evidence,
    Probe,
    judge,
    required,
)

Kind = t.Literal["statvfs", "read", "store"]
KINDS: tuple[Kind, ...] = ("statvfs", "read", "store")
# These touch FUSE, where a child can hang beyond killing.
TOUCHES_FUSE: tuple[Kind, ...] = ("statvfs", "read")
REMEMBERED_LATENCIES = 30
# So many files in a row may be gone, from the store as well, before nothing is proven.
MOST_GONE = 3


@dataclass(frozen=True)
class Track:
    """The probes of one kind: the one that runs, and what the last one said."""

    began: float = float("-inf")
    running: bool = False
    # It was given up and killed, and is still there.
    hung: int | None = None
    probe: Probe = Probe("skipped")
    ended: float = float("-inf")
    report: t.Mapping[str, t.Any] = field(default_factory=dict)
    # It has to look for its file first.
    search: bool = False


@dataclass(frozen=True)
class Table:
    """What the mount tables say."""

    mounted: bool = False
    source: str = ""
    fstype: str = ""
    mount_id: str = ""
    # Plex's container runs, and does not see the mount.
    hidden: bool = False
    inside: bool = False


@dataclass(frozen=True)
class Sight:
    """Everything seen so far."""

    table: Table = Table()
    statvfs: Track = Track()
    read: Track = Track()
    store: Track = Track()
    latencies: tuple[tuple[str, int], ...] = ()
    failures: int = 0
    proofs: int = 0
    # Files that are no more, since the last proof.
    gone: int = 0
    proven_read: float = float("-inf")
    proven_store: float = float("-inf")

    def track(self, kind: Kind) -> Track:
        """The probes of one kind."""
        found: Track = getattr(self, kind)
        return found

    @property
    def hung(self) -> int | None:
        """The child that hangs in the kernel, if any."""
        return next((pid for k in KINDS if (pid := self.track(k).hung)), None)


def _with(sight: Sight, kind: Kind, track: Track) -> Sight:
    if kind == "statvfs":
        return replace(sight, statvfs=track)
    return replace(sight, read=track) if kind == "read" else replace(sight, store=track)


def started(sight: Sight, kind: Kind, now: float, search: bool = False) -> Sight:
    """A probe was sent."""
    track = replace(sight.track(kind), began=now, running=True, search=search)
    return _with(sight, kind, track)


def finished(
    sight: Sight,
    kind: Kind,
    now: float,
    probe: Probe,
    report: t.Mapping[str, t.Any] | None = None,
) -> Sight:
    """A probe came to an end, in time."""
    track = replace(
        sight.track(kind), running=False, probe=probe, ended=now, report=report or {}
    )
    after = _with(sight, kind, track)
    if kind != "statvfs" and probe.outcome == "ok":
        kept = (*sight.latencies, (kind, probe.ms))[-REMEMBERED_LATENCIES:]
        after = replace(after, latencies=kept)
    return _counted(after, kind)


def given_up(sight: Sight, kind: Kind, now: float, hung: int | None) -> Sight:
    """A probe was late; ``hung`` is its process when it could not be killed."""
    track = sight.track(kind)
    late = Probe("timeout", int((now - track.began) * 1000), None, "no answer in time")
    gone = replace(track, running=False, probe=late, ended=now, hung=hung, report={})
    return _counted(_with(sight, kind, gone), kind)


def freed(sight: Sight, kind: Kind) -> Sight:
    """A child that hung has ended."""
    return _with(sight, kind, replace(sight.track(kind), hung=None))


def forgotten(sight: Sight, kind: Kind) -> Sight:
    """A probe that says nothing: the container it looked through went away."""
    return _with(sight, kind, replace(sight.track(kind), running=False))


def missing(sight: Sight, kind: Kind, now: float, name: str) -> Sight:
    """The file of a probe is no more, and the store says so too.

    Its owner may delete it, so that says nothing. A store that knows none of the
    files any more is another one, or emptied: Plex must not go on with it.
    """
    after = replace(forgotten(sight, kind), gone=sight.gone + 1)
    if after.gone < MOST_GONE:
        return after
    what = f"the store does not have {after.gone} files in a row either, {name} last"
    return finished(after, kind, now, Probe("error", 0, errno.ENOENT, what))


def table_read(sight: Sight, table: Table) -> Sight:
    """The mount table was read again."""
    bad = not table.mounted or table.hidden
    failures = sight.failures + 1 if bad else sight.failures
    return replace(sight, table=table, failures=failures)


def _counted(sight: Sight, kind: Kind) -> Sight:
    """Count a failure or a proof, once each."""
    track = sight.track(kind)
    if track.probe.outcome != "ok" or sight.hung or (kind == "read" and _wrong(track)):
        return replace(sight, failures=sight.failures + 1)
    read, store = sight.read, sight.store
    both = read.probe.outcome == "ok" == store.probe.outcome and not _wrong(read)
    fresh = read.ended > sight.proven_read and store.ended > sight.proven_store
    if not both or not fresh:
        return sight
    return replace(
        sight,
        proofs=sight.proofs + 1,
        gone=0,
        proven_read=read.ended,
        proven_store=store.ended,
    )


def _wrong(read: Track) -> bool:
    """Whether a read that ended well gave too little, or other bytes (see ``judge``)."""
    report = read.report
    too_little = int(report.get("bytes", 0)) < _required(report)
    return too_little or report.get("matches") is False


def _required(report: t.Mapping[str, t.Any]) -> int:
    return required(
        FULL_READ, int(report.get("length", 0)), int(report.get("offset", 0))
    )


def look(sight: Sight, patience: Patience, now: float) -> Look | None:
    """The verdict of the moment; None while too little is known."""
    if sight.table.hidden:
        verdict, message = "absent", "Plex's container does not see the mount"
    elif not sight.table.mounted:
        verdict, message = "absent", "nothing is mounted there"
    else:
        evidence = _evidence(sight)
        enough = required(FULL_READ, evidence.length, evidence.offset)
        found = judge(evidence, enough, patience.slow_ms)
        verdict, message = found.verdict, found.message
        if verdict in ("healthy", "slow") and not _known(sight):
            return None
    read = sight.read.probe
    return Look(
        time=now,
        verdict=t.cast(t.Any, verdict),
        message=message,
        latency_ms=read.ms if read.outcome == "ok" else None,
        failures=sight.failures,
        proofs=sight.proofs,
        mount_id=sight.table.mount_id,
        hanging=sight.hung is not None,
    )


def _known(sight: Sight) -> bool:
    return sight.proofs > 0


def _evidence(sight: Sight) -> Evidence:
    report = sight.read.report
    read = sight.read.probe
    if read.outcome == "skipped":
        # Nothing was read yet: no failure, and no proof (see ``_known``).
        read, report = Probe("ok"), {"bytes": 1, "length": 1}
    return Evidence(
        mounted=True,
        fstype=sight.table.fstype,
        source=sight.table.source,
        outstanding_pid=sight.hung,
        statvfs=sight.statvfs.probe,
        read=read,
        backend=sight.store.probe,
        file=str(report.get("file", "")),
        offset=int(report.get("offset", 0)),
        bytes_read=int(report.get("bytes", 0)),
        length=int(report.get("length", 0)),
        matches=report.get("matches"),
        inside=sight.table.inside,
        mount_id=sight.table.mount_id,
    )
