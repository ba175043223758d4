# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""State and load of one container, by the docker command: the edge."""

from __future__ import annotations

import json
import os
import subprocess
import time
import typing as t

from ansible_collections.cloudburst.plex.plugins.module_utils._progress import (
    ContainerState,
)

# What the first reading of the CPU is compared with: itself, this much later.
FIRST_SECONDS = 1.0


class ContainerUnknown(Exception):
    """Docker cannot say anything about the container; the text says why."""


class Cgroup:
    """What the kernel counts for the control group (v2) of a process.

    Every question has the answer None where the kernel shows no such group:
    on a host with cgroup v1, for a process that ended, without a limit.
    """

    def __init__(
        self, pid: t.Any, proc: str = "/proc", root: str = "/sys/fs/cgroup"
    ) -> None:
        self.folder: str | None = None
        entries = (_read(f"{proc}/{pid}/cgroup") or "").splitlines() if pid else []
        for entry in entries:
            if entry.startswith("0::/"):
                self.folder = root + entry[3:].rstrip("/")

    def cpu_seconds(self) -> float | None:
        """CPU time that the group has used."""
        used = self._table("cpu.stat").get("usage_usec")
        return None if used is None else used / 1e6

    def memory_bytes(self) -> int | None:
        """Memory in use, without the part of the page cache that is free to go."""
        used = self._number("memory.current")
        if used is None:
            return None
        return max(0, used - self._table("memory.stat").get("inactive_file", 0))

    def memory_limit_bytes(self) -> int | None:
        """The group's own limit."""
        return self._number("memory.max")

    def oom_kills(self) -> int:
        """Processes that the kernel killed for memory; 0 where it does not tell.

        Docker's own flag only tells about the main process; Plex's scanners and
        transcoders are children.
        """
        return self._table("memory.events").get("oom_kill", 0)

    def _number(self, name: str) -> int | None:
        text = self._text(name).strip()
        return int(text) if text.isdigit() else None

    def _table(self, name: str) -> dict[str, int]:
        rows = (line.split() for line in self._text(name).splitlines())
        return {r[0]: int(r[1]) for r in rows if len(r) == 2 and r[1].isdigit()}

    def _text(self, name: str) -> str:
        return (_read(f"{self.folder}/{name}") if self.folder else None) or ""


class CpuReading(t.NamedTuple):
    """When, and CPU seconds used until then, by the group or by each process."""

    time: float
    seconds: dict[str, float]

    def percent_since(self, before: CpuReading) -> float | None:
        """Of one core; None when nothing was counted.

        A process that is new has used all of its time since; one that is gone left
        its time to the process that waited for it.
        """
        passed = self.time - before.time
        if passed <= 0 or not (self.seconds and before.seconds):
            return None
        used = sum(
            max(0.0, now - before.seconds.get(who, 0.0))
            for who, now in self.seconds.items()
        )
        return round(100 * used / passed, 2)


class DockerCli:
    """The few questions that are asked of docker.

    The CPU is a difference, to the call before this one. ``docker stats`` would
    take two seconds for each, and shows zeros where it cannot see the groups.
    """

    def __init__(
        self,
        binary: str = "docker",
        timeout: float = 30.0,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self.binary = binary
        self.timeout = timeout
        self.clock = clock
        self.sleep = sleep
        self.readings: dict[tuple[str, t.Any], CpuReading] = {}

    def state(self, container: str) -> ContainerState:
        """State, out-of-memory flag, and load when it runs."""
        inspected = self._json("inspect", "--type", "container", container)
        state = inspected.get("State") or {}
        running = bool(state.get("Running"))
        pid = state.get("Pid") if running else None
        group = Cgroup(pid)
        return ContainerState(
            running=running,
            status=str(state.get("Status", "unknown")),
            oom_killed=bool(state.get("OOMKilled")) or group.oom_kills() > 0,
            restarts=int(inspected.get("RestartCount") or 0),
            cpu_percent=self._cpu_percent(container, pid, group) if running else None,
            memory_bytes=group.memory_bytes(),
            memory_limit_bytes=group.memory_limit_bytes(),
            exit_code=None if running else state.get("ExitCode"),
        )

    def _cpu_percent(self, container: str, pid: t.Any, group: Cgroup) -> float | None:
        """Of one core, since the last call for the same run of the container."""
        key = (container, pid)
        before = self.readings.get(key)
        if before is None:
            before = self._cpu_reading(container, group)
            self.sleep(FIRST_SECONDS)
        now = self._cpu_reading(container, group)
        self.readings[key] = now
        return now.percent_since(before)

    def _cpu_reading(self, container: str, group: Cgroup) -> CpuReading:
        used = group.cpu_seconds()
        if used is not None:
            return CpuReading(self.clock(), {"": used})
        pids = self._run("top", container, "-eo", "pid").split()[1:]
        second = os.sysconf("SC_CLK_TCK")
        ticks = {pid: process_ticks(pid) for pid in pids}
        seconds = {pid: n / second for pid, n in ticks.items() if n is not None}
        return CpuReading(self.clock(), seconds)

    def _json(self, *arguments: str) -> dict[str, t.Any]:
        text = self._run(*arguments)
        try:
            data = json.loads(text)
        except ValueError as exc:
            raise ContainerUnknown(f"docker {arguments[0]} gave no JSON") from exc
        first = data[0] if isinstance(data, list) and data else data
        return first if isinstance(first, dict) else {}

    def _run(self, *arguments: str) -> str:
        command = [self.binary, *arguments]
        try:
            # An edge runs without a module too, so there is no run_command.
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=self.timeout,
                check=False,
            )
        except FileNotFoundError as exc:
            raise ContainerUnknown(f"{self.binary} is not installed here") from exc
        except subprocess.TimeoutExpired as exc:
            raise ContainerUnknown(
                f"docker {arguments[0]} gave no answer within {self.timeout:g} s"
            ) from exc
        if done.returncode != 0:
            raise ContainerUnknown(f"docker {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


def process_ticks(pid: str) -> int | None:
    """CPU ticks of a process and its finished children; None when it is gone."""
    text = _read(f"/proc/{pid}/stat")
    if text is None:
        return None
    return sum(int(field) for field in text.rpartition(")")[2].split()[11:15])


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return None
