# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strike one fault during a run, at its moment, and end it at its time."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cloudburst_lab.errors import CommandError, LabError
from tests.e2e.chaos.burst import Burst
from tests.e2e.chaos.schedule import Trial

SCAN_STARTS = re.compile(r"Start the scan of ")
#: A supervisor may just be starting what the fault is meant for.
TRIES, PAUSE = 20, 0.25
#: Longer than any run: ended by the injector.
FOR_EVER = 3600.0
SLOW_SECONDS = 2.0
Deed = Callable[[Burst, Trial], object]

STRIKE: dict[str, Deed] = {
    "s3_frozen": lambda burst, _trial: burst.s3.freeze(),
    "s3_down": lambda burst, _trial: burst.s3.unreachable(),
    "s3_revoked": lambda burst, _trial: burst.s3.revoke(),
    "s3_reads_hang": lambda burst, _trial: burst.s3.hang_reads(),
    "s3_slow": lambda burst, _trial: burst.s3.slow_reads(SLOW_SECONDS),
    "rclone_killed": lambda burst, _trial: burst.faults.kill_rclone(),
    "rclone_frozen": lambda burst, _trial: burst.faults.freeze_rclone(),
    "disk_full": lambda burst, _trial: burst.faults.fill_disk(),
    "plex_crash": lambda burst, _trial: burst.faults.crash_plex(),
    "plex_hang": lambda burst, trial: burst.faults.hang_plex(trial.lasts or FOR_EVER),
}


def _thaw_rclone(burst: Burst) -> None:
    for pid in burst.faults.rclone():
        os.kill(pid, signal.SIGCONT)


HEAL: dict[str, Callable[[Burst], object]] = {
    "rclone_frozen": _thaw_rclone,
    "disk_full": lambda burst: burst.faults.free_disk(),
    "plex_hang": lambda burst: burst.faults.hang_plex(0),
    **{
        name: (lambda burst: burst.s3.clear())
        for name in STRIKE
        if name.startswith("s3_")
    },
}


@dataclass
class Injector:
    """Follows a run's events; its thread strikes and heals."""

    burst: Burst
    trial: Trial
    struck: float | None = None
    healed: float | None = None
    problem: str = ""
    _moments: dict[str, threading.Event] = field(default_factory=dict)
    _seen: Counter[str] = field(default_factory=Counter)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._moments[self.trial.anchor] = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        self._reached("run")

    def event(self, data: dict[str, Any]) -> bool:
        """Take an event of ansible-runner; everything is kept."""
        if data.get("event") == "playbook_on_task_start":
            task = str(data["event_data"].get("task") or data["event_data"].get("name"))
            if SCAN_STARTS.search(task):
                self._seen["scan"] += 1
                self._reached(f"scan {self._seen['scan']}")
        return True

    def finish(self) -> None:
        """The run is over: a fault that lasts is ended by the caller, with everything."""
        self._over.set()
        for moment in self._moments.values():
            moment.set()
        if self._thread is not None:
            self._thread.join(60)

    def _reached(self, name: str) -> None:
        if name in self._moments:
            self._moments[name].set()

    def _work(self) -> None:
        self._moments[self.trial.anchor].wait()
        if self._over.wait(self.trial.delay) or not self._strike():
            return
        if self.trial.lasts is None:
            return
        self._over.wait(self.trial.lasts)
        if not self._over.is_set():
            self._heal()

    def _strike(self) -> bool:
        for _attempt in range(TRIES):
            before = time.time()
            try:
                STRIKE[self.trial.fault](self.burst, self.trial)
            except (CommandError, LabError, ProcessLookupError) as error:
                self.problem = f"not struck: {error}"
                if self._over.wait(PAUSE):
                    return False
                continue
            self.struck, self.problem = before, ""
            return True
        return False

    def _heal(self) -> None:
        heal = HEAL.get(self.trial.fault)
        if heal is None:
            return
        try:
            heal(self.burst)
        except (CommandError, LabError, ProcessLookupError) as error:
            self.problem = f"not healed: {error}"
        else:
            self.healed = time.time()
