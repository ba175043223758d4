# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Looking at a mount without ever hanging with it: the edge.

Whatever touches the mount does so in a child process under a deadline. A read
that hangs in FUSE cannot be killed, so a child may outlive its probe; at most
one is left behind, and while it is, no other is sent (``scaleway-rclone B2``).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import select
import signal
import time
import typing as t

from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import (
    Evidence,
    MountEntry,
    Probe,
    mount_at,
    parse_mountinfo,
    required,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_rc import RcSocket
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_read import (
    read_block,
    some_file,
)

Report = dict[str, t.Any]


def run_in_child(
    work: t.Callable[[], Report], deadline: float
) -> tuple[Report | None, int, int]:
    """Run ``work`` in a forked child: report (None when late), ms, child's pid.

    The child shares nothing with the outside: an Ansible connection waits
    until every process has closed its output.
    """
    readable, writable = os.pipe()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        be_the_child(work, writable)
    os.close(writable)
    try:
        text = _read_until(readable, started + deadline)
    finally:
        os.close(readable)
    elapsed = int((time.monotonic() - started) * 1000)
    if text is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _reap(pid)
    return (json.loads(text) if text else None), elapsed, pid


def be_the_child(work: t.Callable[[], Report], writable: int) -> t.NoReturn:
    """Run ``work``, write its report, and end, whatever happens."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        keep = os.dup2(writable, 3) if writable != 3 else 3
        os.closerange(keep + 1, 4096)
        report = work()
        os.write(keep, json.dumps(report).encode("utf-8"))
        status = 0
    finally:
        # Nothing of the parent's interpreter may run its end twice.
        os._exit(status)


def _read_until(readable: int, deadline: float) -> bytes | None:
    collected = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([readable], [], [], left)[0]:
            return None
        chunk = os.read(readable, 65536)
        if not chunk:
            return collected or None
        collected += chunk


def _reap(pid: int) -> None:
    for _attempt in range(20):
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                time.sleep(0.005)
                continue
        return


class OutstandingChild:
    """Remembers, across calls, the one child that may have been left behind."""

    def __init__(self, path: str) -> None:
        self.path = path

    def pid(self) -> int | None:
        """The child that still hangs, or None."""
        try:
            with open(self.path, encoding="ascii") as handle:
                kept, started = handle.read().split()
        except (OSError, ValueError):
            return None
        return int(kept) if process_start(int(kept)) == started else None

    def remember(self, pid: int) -> None:
        """Keep a child that did not end; its start time tells it from others."""
        started = process_start(pid)
        if started is None:
            return
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "w", encoding="ascii") as handle:
            handle.write(f"{pid} {started}")


def process_start(pid: int) -> str | None:
    """Start time of a living process in clock ticks; None for a dead one."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as handle:
            fields = handle.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]


def guarded(work: t.Callable[[], Report]) -> Report:
    """The report of ``work``, an OSError as part of it."""
    try:
        return work()
    except OSError as exc:
        return {
            "errno": exc.errno,
            "error": f"{exc.strerror or exc}",
            "file": exc.filename or "",
        }


class MountProber:
    """Collects the evidence of one look.

    ``inside`` is the same folder as Plex's container sees it, below
    ``/proc/<pid>/root``: bytes that arrive on the host prove nothing there (L07).
    """

    def __init__(
        self,
        path: str,
        timeout: float,
        outstanding: OutstandingChild,
        rc: RcSocket | None = None,
        rng: random.Random | None = None,
        mountinfo: str = "/proc/self/mountinfo",
        inside: str | None = None,
    ) -> None:
        self.inside = inside
        self.path = path.rstrip("/") or "/"
        self.timeout = timeout
        self.outstanding = outstanding
        self.rc = rc
        self.rng = rng or random.Random()
        self.mountinfo = mountinfo

    def look(
        self,
        file: str | None,
        size: int,
        need_mount: bool,
        canary: str | None = None,
    ) -> Evidence:
        """One look: mount table, statvfs, reads, and the store behind.

        With a ``canary`` its bytes are compared before other media are read: once
        read it comes from the disk cache for ever.
        """
        entry = self._entry()
        skipped = Probe("skipped")
        left = self.outstanding.pid()
        mounted = entry is not None or not need_mount
        if not mounted or left is not None:
            asked = canary or file
            backend = self._backend(entry, asked) if left is not None else skipped
            return self._evidence(entry, mounted, left, skipped, skipped, backend, {})
        statvfs, _report = self._child(lambda: _statvfs(self.inside or self.path))
        read = skipped
        report: Report = {}
        if statvfs.outcome == "ok":
            read, report = self._reads(file, size, canary)
        asked = canary or file or self._relative(report)
        backend = self._backend(entry, asked)
        if backend.outcome == "ok":
            name = canary.rpartition("/")[2] if canary else None
            backend = self._bytes(entry, asked, size, name)
        if canary and read.errno == errno.ENOENT == backend.errno:
            # Somebody took it out of the bucket, which is no fault of the mount.
            return self.look(file, size, need_mount)
        return self._evidence(entry, True, None, statvfs, read, backend, report)

    def _reads(
        self, file: str | None, size: int, canary: str | None
    ) -> tuple[Probe, Report]:
        """The canary, and the file if that was well."""
        known: Report = {}
        if canary:
            name = canary.rpartition("/")[2]
            read, known = self._child(lambda: self._read(canary, size, name))
            if read.outcome != "ok" or not _whole(known, size):
                return read, known
        read, report = self._child(lambda: self._read(file, size, None))
        return read, {**report, "matches": known.get("matches")}

    def _entry(self) -> MountEntry | None:
        with open(self.mountinfo, encoding="utf-8", errors="replace") as handle:
            return mount_at(parse_mountinfo(handle.read()), self.path)

    def _read(self, file: str | None, size: int, canary: str | None) -> Report:
        root = self.inside or self.path
        chosen = os.path.join(root, file) if file else some_file(root, self.rng)
        return read_block(chosen, size, self.rng, canary)

    def _relative(self, report: Report) -> str | None:
        root, name = self.inside or self.path, str(report.get("file", ""))
        return os.path.relpath(name, root) if name.startswith(f"{root}/") else None

    def _child(self, work: t.Callable[[], Report]) -> tuple[Probe, Report]:
        report, elapsed, pid = run_in_child(lambda: guarded(work), self.timeout)
        if report is None:
            self.outstanding.remember(pid)
            return Probe("timeout", elapsed, None, "no answer before the deadline"), {}
        if "error" in report:
            return Probe("error", elapsed, report["errno"], report["error"]), report
        return Probe("ok", elapsed), report

    def _backend(self, entry: MountEntry | None, file: str | None) -> Probe:
        if self.rc is None or entry is None:
            return Probe("skipped")
        asked = self.rc.reachable(entry.source, file or "")
        if asked.outcome == "timeout":
            # An rclone that froze in the middle of a look is no store that is down.
            own = self.rc.awake()
            return own if own.asleep else asked
        return asked

    def _bytes(
        self, entry: MountEntry | None, file: str | None, size: int, canary: str | None
    ) -> Probe:
        if self.rc is None or entry is None or file is None:
            return Probe("ok")
        return self.rc.fetch(entry.source, file, 0, size, canary)

    def _evidence(
        self,
        entry: MountEntry | None,
        mounted: bool,
        left: int | None,
        statvfs: Probe,
        read: Probe,
        backend: Probe,
        report: Report,
    ) -> Evidence:
        return Evidence(
            mounted=mounted,
            fstype=entry.fstype if entry else "",
            source=entry.source if entry else "",
            outstanding_pid=left,
            statvfs=statvfs,
            read=read,
            backend=backend,
            file=str(report.get("file", "")),
            offset=int(report.get("offset", 0)),
            bytes_read=int(report.get("bytes", 0)),
            length=int(report.get("length", 0)),
            matches=report.get("matches"),
            inside=self.inside is not None,
            mount_id=entry.number if entry else "",
        )


def _whole(report: Report, size: int) -> bool:
    enough = required(size, report["length"], report["offset"])
    return bool(report.get("matches")) and report["bytes"] >= enough


def _statvfs(path: str) -> Report:
    found = os.statvfs(path)
    return {"blocks": found.f_blocks}
