# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""State and load of one container, by the docker command: the edge."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import typing as t

from ansible_collections.cloudburst.plex.plugins.module_utils._progress import (
    ContainerState,
)

UNITS = {"": 1, "b": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
PROCESS_SECONDS = 1.0

# CPU percent of one core, bytes used, bytes allowed; None is unknown.
Load = tuple[t.Optional[float], t.Optional[int], t.Optional[int]]
BINARY_UNITS = {"ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4}


class ContainerUnknown(Exception):
    """Docker cannot say anything about the container; the text says why."""


class DockerCli:
    """The few questions that are asked of docker."""

    def __init__(self, binary: str = "docker", timeout: float = 30.0) -> None:
        self.binary = binary
        self.timeout = timeout

    def state(self, container: str) -> ContainerState:
        """State, out-of-memory flag, and load when it runs."""
        inspected = self._json("inspect", "--type", "container", container)
        state = inspected.get("State") or {}
        running = bool(state.get("Running"))
        load = self._load(container) if running else (None, None, None)
        oom = bool(state.get("OOMKilled")) or cgroup_oom_kills(state.get("Pid")) > 0
        return ContainerState(
            running=running,
            status=str(state.get("Status", "unknown")),
            oom_killed=oom,
            restarts=int(inspected.get("RestartCount") or 0),
            cpu_percent=load[0],
            memory_bytes=load[1],
            memory_limit_bytes=load[2],
            exit_code=None if running else state.get("ExitCode"),
        )

    def _load(self, container: str) -> Load:
        stats = self._json("stats", "--no-stream", "--format", "{{json .}}", container)
        load = parse_stats(stats)
        return load if load[0] is not None else self._load_by_processes(container)

    def _load_by_processes(self, container: str) -> Load:
        """The load as the sum over the container's processes, over a second."""
        pids = self._run("top", container, "-eo", "pid").split()[1:]
        started = time.monotonic()
        first = {pid: process_ticks(pid) for pid in pids}
        time.sleep(PROCESS_SECONDS)
        elapsed = time.monotonic() - started
        used = [
            now - before
            for pid, before in first.items()
            for now in [process_ticks(pid)]
            if before is not None and now is not None
        ]
        if not used:
            return None, None, None
        percent = 100 * sum(used) / os.sysconf("SC_CLK_TCK") / elapsed
        return round(percent, 2), None, None

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


def parse_stats(stats: t.Mapping[str, t.Any]) -> Load:
    """CPU percent of one core, memory used and memory limit in bytes.

    Where docker cannot read the control groups it shows zeros all over; a
    running container without any memory limit is that, and not a rest.
    """
    cpu = str(stats.get("CPUPerc", "")).rstrip("%")
    used, _slash, limit = str(stats.get("MemUsage", "")).partition("/")
    try:
        percent: float | None = float(cpu)
    except ValueError:
        percent = None
    if not parse_size(limit):
        return None, None, None
    return percent, parse_size(used), parse_size(limit)


def process_ticks(pid: str) -> int | None:
    """CPU ticks of a process and its finished children; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as handle:
            fields = handle.read().rpartition(")")[2].split()
    except OSError:
        return None
    return sum(int(field) for field in fields[11:15])


def parse_size(text: str) -> int | None:
    """``1.5GiB`` or ``20kB`` in bytes; None when it is no size."""
    found = re.fullmatch(r"\s*([0-9.]+)\s*([kmgtKMGT]?i?)[bB]?\s*", text)
    if not found:
        return None
    unit = found.group(2).lower()
    factor = BINARY_UNITS.get(unit, UNITS.get(unit, 1))
    return int(float(found.group(1)) * factor)


def cgroup_oom_kills(pid: t.Any) -> int:
    """Processes that the kernel killed for memory in the container's group.

    Docker's own flag only tells about the main process; Plex's scanners and
    transcoders are children. 0 when cgroup v2 does not show it.
    """
    if not pid:
        return 0
    try:
        with open(f"/proc/{int(pid)}/cgroup", encoding="ascii") as handle:
            entry = [x for x in handle.read().splitlines() if x.startswith("0::")]
        path = f"/sys/fs/cgroup{entry[0][3:]}/memory.events" if entry else ""
        with open(path, encoding="ascii") as handle:
            events = dict(line.split() for line in handle.read().splitlines())
    except (OSError, ValueError):
        return 0
    return int(events.get("oom_kill", 0))
