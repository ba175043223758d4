# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Probes as child processes, side by side, none of which can hold the guard up.

A child that hangs in FUSE cannot be killed. It stays behind, it is known, and
no other is sent after it until it is gone (``scaleway-rclone B2``): an edge.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._mount_probe import (
    Report,
    be_the_child,
    guarded,
    process_start,
)

# A killed child that can die does so at once.
DEATH_SECONDS = 0.1
DEATH_LOOKS = 10


@dataclass
class Child:
    """One probe on its way."""

    pid: int
    readable: int
    began: float
    collected: bytes = b""


@dataclass(frozen=True)
class Done:
    """A probe that came to an end; without a report when it died."""

    kind: str
    report: Report | None
    ms: int


class Children:
    """At most one child of a kind."""

    def __init__(self, clock: t.Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._running: dict[str, Child] = {}
        self._hung: dict[str, tuple[int, str]] = {}

    def start(self, kind: str, work: t.Callable[[], Report]) -> int:
        """Send a probe; its process."""
        readable, writable = os.pipe()
        pid = os.fork()
        if pid == 0:
            be_the_child(lambda: guarded(work), writable)
        os.close(writable)
        self._running[kind] = Child(pid, readable, self.clock())
        return pid

    def wait(self, seconds: float) -> list[Done]:
        """The probes that end within this time."""
        pipes = {child.readable: kind for kind, child in self._running.items()}
        ready = select.select(list(pipes), [], [], max(0.0, seconds))[0]
        ended = [pipes[pipe] for pipe in ready if self._read(pipes[pipe])]
        return [self._done(kind) for kind in ended]

    def _read(self, kind: str) -> bool:
        child = self._running[kind]
        chunk = os.read(child.readable, 65536)
        child.collected += chunk
        return not chunk

    def _done(self, kind: str) -> Done:
        child = self._running.pop(kind)
        ms = int((self.clock() - child.began) * 1000)
        os.close(child.readable)
        self._bury(child.pid)
        report: Report | None = None
        with contextlib.suppress(ValueError):
            report = json.loads(child.collected)
        return Done(kind, report, ms)

    def give_up(self, kind: str) -> int | None:
        """Kill a probe that is late; its process when it does not die."""
        child = self._running.pop(kind)
        os.close(child.readable)
        start = process_start(child.pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        if self._bury(child.pid) or start is None:
            return None
        self._hung[kind] = (child.pid, start)
        return child.pid

    def inherited(self, kind: str, pid: int) -> bool:
        """A child that an earlier guard left behind; False when it can be killed."""
        start = process_start(pid)
        if start is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        for _look in range(DEATH_LOOKS):
            if process_start(pid) != start:
                return False
            time.sleep(DEATH_SECONDS / DEATH_LOOKS)
        self._hung[kind] = (pid, start)
        return True

    def freed(self) -> list[str]:
        """The kinds whose child hung, and has ended since."""
        for pid, _start in self._hung.values():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        gone = [k for k, (p, start) in self._hung.items() if process_start(p) != start]
        for kind in gone:
            del self._hung[kind]
        return gone

    def _bury(self, pid: int) -> bool:
        for look in range(DEATH_LOOKS):
            if look:
                time.sleep(DEATH_SECONDS / DEATH_LOOKS)
            try:
                if os.waitpid(pid, os.WNOHANG)[0]:
                    return True
            except ChildProcessError:
                return True
        return False

    def end(self) -> None:
        """Kill what runs."""
        for kind in list(self._running):
            self.give_up(kind)
