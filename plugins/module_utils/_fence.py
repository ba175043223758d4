# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Stopping every process of a container, and letting them go on: the edge.

``docker pause`` fails while a process hangs in a FUSE read (the freezer waits
for it), which is when it is needed. SIGSTOP to every process works: one that
hangs in the kernel stops before it returns to its own code. Stopping is a race
with forks and with ``docker exec``, so it is done until a pass finds nothing
new, and again for as long as the fence stands (L87).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._mount_probe import (
    process_start,
)

# Stopped, traced, gone; or in the kernel, with the signal waiting.
HELD = frozenset("TtZXD")
PASS_PAUSE = 0.005
DOCKER_SECONDS = 5.0
DOCKER_PAUSE = 2.0


def process_ids(proc: str = "/proc") -> list[int]:
    """All processes of this machine."""
    return [int(name) for name in os.listdir(proc) if name.isdigit()]


def thread_states(pid: int, proc: str = "/proc") -> set[str]:
    """State letters of all threads; empty for a process that is gone.

    Only ``stat`` is read: ``cmdline`` waits for a process that hangs in FUSE.
    """
    states = set()
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"{proc}/{pid}/task"):
            with (
                contextlib.suppress(OSError),
                open(
                    f"{proc}/{pid}/task/{thread}/stat",
                    encoding="utf-8",
                    errors="replace",
                ) as handle,
            ):
                states.add(handle.read().rpartition(")")[2].split()[0])
    return states


class Container:
    """The processes of one container, found without docker once it is known.

    A process belongs to it when its control group names the container (v1 and
    v2, also for what ``docker exec`` brought in), or when it shares the process
    namespace of the container's first process.
    """

    def __init__(
        self,
        name: str,
        proc: str = "/proc",
        docker: str = "docker",
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.proc = proc
        self.docker = docker
        self.clock = clock
        self.id = ""
        self.problem = ""
        self._first: tuple[int, str] | None = None
        self._namespace = ""
        self._asked = float("-inf")

    def first(self) -> int | None:
        """The container's first process, or None while it does not run."""
        if self._first and process_start(self._first[0]) == self._first[1]:
            return self._first[0]
        self._first = None
        if self.clock() - self._asked < DOCKER_PAUSE:
            return None
        self._asked = self.clock()
        self._ask()
        return self._first[0] if self._first else None

    def _ask(self) -> None:
        try:
            # The guard runs without a module, so there is no run_command.
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                [self.docker, "inspect", "--type", "container", self.name],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=DOCKER_SECONDS,
                check=False,
            )
            found = json.loads(done.stdout or "[]")
        except (OSError, subprocess.TimeoutExpired, ValueError) as exc:
            self.problem = f"docker inspect {self.name}: {exc}"
            return
        self.problem = "" if found else f"no container {self.name}"
        if found:
            self._know(found[0])

    def _know(self, inspected: t.Mapping[str, t.Any]) -> None:
        self.id = str(inspected.get("Id", ""))
        pid = int((inspected.get("State") or {}).get("Pid") or 0)
        start = process_start(pid) if pid else None
        if start is None:
            return
        self._first = (pid, start)
        own = self._link("self")
        there = self._link(str(pid))
        self._namespace = there if there != own else ""

    def _link(self, pid: str) -> str:
        try:
            return os.readlink(f"{self.proc}/{pid}/ns/pid")
        except OSError:
            return ""

    def pids(self) -> set[int]:
        """All its processes."""
        self.first()
        own = os.getpid()
        return {pid for pid in process_ids(self.proc) if pid != own and self._has(pid)}

    def _has(self, pid: int) -> bool:
        if self._namespace and self._link(str(pid)) == self._namespace:
            return not self._is_the_engines(pid)
        if not self.id or self.id not in self._read(pid, "cgroup"):
            return False
        return not self._is_the_engines(pid)

    def _is_the_engines(self, pid: int) -> bool:
        """Whether it is still runc's, on its way to become a process of the container.

        Docker waits for it with the container locked, so that ``docker top`` would hang
        as long as it is stopped. It is the container's as soon as it is its program.
        """
        return self._read(pid, "comm").startswith("runc:")

    def _read(self, pid: int, name: str) -> str:
        try:
            path = f"{self.proc}/{pid}/{name}"
            with open(path, encoding="utf-8", errors="replace") as handle:
                return handle.read()
        except OSError:
            return ""


@dataclass(frozen=True)
class Pressed:
    """What stopping came to."""

    members: int
    passes: int
    # Processes that still ran when time was up.
    running: tuple[int, ...]

    @property
    def held(self) -> bool:
        """True when nothing of the container can run any more."""
        return not self.running


class Fence:
    """Holds the processes that ``members`` lists."""

    def __init__(
        self,
        members: t.Callable[[], set[int]],
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self.members = members
        self.clock = clock
        self.sleep = sleep

    def press(self, seconds: float = 1.0) -> Pressed:
        """Stop everything, until a pass finds nothing new and nothing that runs."""
        until = self.clock() + seconds
        known: set[int] = set()
        passes = 0
        while True:
            passes += 1
            members = self.members()
            running = [pid for pid in sorted(members) if self._stop(pid)]
            if not running and members <= known:
                return Pressed(len(members), passes, ())
            known |= members
            if self.clock() >= until:
                return Pressed(len(members), passes, tuple(running))
            self.sleep(PASS_PAUSE)

    def _stop(self, pid: int) -> bool:
        """Signal it; True while one of its threads still runs."""
        states = thread_states(pid)
        if states and states <= frozenset("TtZX"):
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
        return not thread_states(pid) <= HELD

    def release(self, seconds: float = 1.0) -> tuple[int, ...]:
        """Let everything go on; the processes that are still stopped after that."""
        until = self.clock() + seconds
        # All of them at first: one in the kernel is not stopped yet, it only will be.
        waiting = self.members()
        while True:
            for pid in waiting:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            self.sleep(PASS_PAUSE)
            waiting = {p for p in self.members() if "T" in thread_states(p)}
            if not waiting or self.clock() >= until:
                return tuple(sorted(waiting))

    def stands(self) -> bool:
        """Whether processes are stopped, by whomever: a guard that died left them."""
        return any("T" in thread_states(pid) for pid in self.members())
