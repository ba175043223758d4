# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults inside one server of the lab's Scaleway: its rclone, its Plex, its disk.

They strike from outside, through the host's process list, so that nothing on the server has
to cooperate. A server is a container, its processes are descendants of the container's init.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import docker, inspect, labelled
from cloudburst_lab.errors import CommandError, LabError
from cloudburst_lab.processes import is_stopped, run
from cloudburst_lab.scaleway.compute import COMPONENT, server_id_of

PLEX = "/Plex Media Server"
PLEX_ADMIN = "http://127.0.0.1:32499"
#: A disk of its own for what a burst writes: a server's root is the host's disk, which no
#: fault may fill.
DISK = "/var/lib/lab-disk"
DISK_SIZE = "/run/lab-disk.size"
ON_DISK = ("/srv/cloudburst", "/var/cache/cloudburst", "/var/log/cloudburst")
POST = (
    "import sys, urllib.request as u;"
    "u.build_opener(u.ProxyHandler({})).open("
    "u.Request(sys.argv[1], method='POST'), timeout=5).read()"
)

#: Kinds for the command line, with what they do.
KINDS: dict[str, str] = {
    "kill-rclone": "SIGKILL to the mount's rclone",
    "freeze-rclone": "SIGSTOP to the mount's rclone",
    "limit-disk": "give the burst's folders a disk of --megabytes; before it uses them",
    "fill-disk": "not a byte is free on that disk any more",
    "crash-plex": "SIGSEGV to Plex; its container's supervisor starts it again",
    "hang-plex": "Plex answers no request for --seconds",
    "clear": "end every fault of the server",
}


@dataclass(frozen=True)
class Process:
    """One line of the host's process list."""

    pid: int
    parent: int
    argv: tuple[str, ...]


def process_list() -> dict[int, Process]:
    """Everything that runs on this machine, containers included."""
    found: dict[int, Process] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            line = (entry / "cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the listing and the look
        pid, parent = int(entry.name), int(stat.rpartition(")")[2].split()[1])
        found[pid] = Process(pid, parent, tuple(line.rstrip("\0").split("\0")))
    return found


def descendants(processes: dict[int, Process], top: int) -> Iterator[Process]:
    """The processes whose chain of parents leads to ``top``."""
    for process in processes.values():
        pid = process.pid
        while pid in processes and pid != top:
            pid = processes[pid].parent
        if pid == top and process.pid != top:
            yield process


class InstanceFaults:
    """Faults of one server, found by its id, its name or as the only one that runs."""

    def __init__(self, config: LabConfig, server: str = "") -> None:
        self.config = config
        self.container = self._find(server)

    def _find(self, server: str) -> str:
        running = {}
        for name in labelled(self.config, "container", COMPONENT):
            found = inspect("container", name)
            if found and found["State"]["Running"]:
                running[name] = str(found["Config"]["Hostname"])
        wanted = [
            name
            for name, hostname in running.items()
            if server in ("", hostname, server_id_of(name), name)
        ]
        if len(wanted) != 1:
            names = ", ".join(sorted(running.values())) or "none"
            raise LabError(
                f"{len(wanted)} running servers are called {server or 'anything'}",
                f"running: {names}",
            )
        return wanted[0]

    # --- what is inside --------------------------------------------------------------------
    @property
    def init(self) -> int:
        """The pid of the server's init on this machine."""
        found = inspect("container", self.container)
        pid = int(found["State"]["Pid"]) if found else 0
        if not pid:
            raise LabError(f"the server {self.container} does not run")
        return pid

    @property
    def root(self) -> Path:
        """The server's file system as it sees it itself, its mounts included."""
        return Path(f"/proc/{self.init}/root")

    def sh(self, script: str, timeout: float = 60.0) -> str:
        """Run a shell script as root on the server; return what it prints."""
        return docker("exec", self.container, "sh", "-ec", script, timeout=timeout)

    def rclone(self) -> list[int]:
        """Pids of the mount (not of an ``rclone rc``)."""
        return [
            p.pid
            for p in descendants(process_list(), self.init)
            if Path(p.argv[0]).name == "rclone" and p.argv[1:2] == ("mount",)
        ]

    def plex(self) -> list[int]:
        return [
            p.pid
            for p in descendants(process_list(), self.init)
            if any(word.endswith(PLEX) for word in p.argv[:3])  # python3 -B …
        ]

    # --- faults ----------------------------------------------------------------------------
    def strike(self, kind: str, *, seconds: float = 20.0, megabytes: int = 6144) -> str:
        """Set a fault by its name on the command line; return what was done."""
        if kind not in KINDS:
            raise LabError(f"no fault {kind}", f"known: {', '.join(KINDS)}")
        if kind == "limit-disk":
            return self.limit_disk(megabytes)
        if kind == "hang-plex":
            return self.hang_plex(seconds)
        return str(getattr(self, kind.replace("-", "_"))())

    def kill_rclone(self) -> str:
        return self._signal(self.rclone(), signal.SIGKILL, "rclone")

    def freeze_rclone(self) -> str:
        return self._signal(self.rclone(), signal.SIGSTOP, "rclone")

    def crash_plex(self) -> str:
        return self._signal(self.plex(), signal.SIGSEGV, "Plex")

    def hang_plex(self, seconds: float) -> str:
        """Answer no request; what runs inside Plex goes on."""
        pids = self.plex()
        if not pids:
            raise LabError(f"no Plex runs on {self.container}")
        url = f"{PLEX_ADMIN}/hang?seconds={seconds:g}"
        run(
            ["nsenter", "-t", str(pids[0]), "-n", sys.executable, "-c", POST, url],
            timeout=15,
        )
        return f"Plex (pid {pids[0]}) answers nothing for {seconds:g} s"

    def _signal(self, pids: list[int], code: signal.Signals, what: str) -> str:
        if not pids:
            raise LabError(f"no {what} runs on {self.container}")
        for pid in pids:
            os.kill(pid, code)
        return f"{code.name} to {what}: {', '.join(map(str, pids))}"

    # --- the disk --------------------------------------------------------------------------
    def limit_disk(self, megabytes: int) -> str:
        """Put the burst's folders on a disk of their own that can be filled.

        It lives in memory and is gone after a reboot of the server.
        """
        binds = "; ".join(
            f"mkdir -p {place} {DISK}{place}; mount --bind {DISK}{place} {place}"
            for place in ON_DISK
        )
        used = self.sh(f"ls -A {ON_DISK[0]} 2>/dev/null || true")
        if used:
            raise LabError(
                f"{ON_DISK[0]} of {self.container} is in use already",
                "limit the disk before the burst mounts and injects",
            )
        self.sh(
            f"mkdir -p {DISK}; mount -t tmpfs -o size={megabytes}m lab-disk {DISK};"
            f" echo {megabytes} > {DISK_SIZE}; {binds}"
        )
        return f"the burst's disk has {megabytes} MB"

    def fill_disk(self) -> str:
        """Shrink the disk to what is used: the next byte gets ENOSPC."""
        self._limited()
        self.sh(
            f"used=$(df --output=used -k {DISK} | tail -n 1);"
            f" mount -o remount,size=$((used))k {DISK}"
        )
        return "the disk is full"

    def free_disk(self) -> str:
        size = self._limited()
        self.sh(f"mount -o remount,size={size}m {DISK}")
        return f"the disk has {size} MB again"

    def _limited(self) -> int:
        text = self.sh(f"cat {DISK_SIZE} 2>/dev/null || true")
        if not text:
            raise LabError(
                f"the disk of {self.container} has no limit",
                "lab faults instance limit-disk, before the burst uses the server",
            )
        return int(text)

    # --- the end ---------------------------------------------------------------------------
    def clear(self) -> str:
        """End every fault that lasts; what was killed is its supervisor's to start."""
        for pid in self.rclone():
            os.kill(pid, signal.SIGCONT)
        if self.sh(f"cat {DISK_SIZE} 2>/dev/null || true"):
            self.free_disk()
        pids = self.plex()
        if pids and is_stopped(pids[0]):
            return (
                "no fault is left, but Plex stands still: if it hung, it may go on so"
            )
        if pids:
            # One that takes no call yet has just begun, and hangs in nothing.
            with contextlib.suppress(CommandError):
                self.hang_plex(0)
        return "no fault is left"
