# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""What the guard does, and what it writes down about it."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.cloudburst.plex.plugins.module_utils._fence import Fence
from ansible_collections.cloudburst.plex.plugins.module_utils._guard import (
    Guard,
    Look,
    Patience,
    repaired,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_host import Repair
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    GuardJournal,
    Record,
    StatusFile,
    unwritten,
)

Clock = t.Callable[[], float]


class Deeds:
    """Fence, repair and release, each with its record."""

    def __init__(
        self, config: t.Mapping[str, t.Any], fence: Fence, clock: Clock, wall: Clock
    ) -> None:
        self.fence = fence
        self.clock = clock
        self.wall = wall
        self.journal = GuardJournal(config["journal"], wall)
        self.status = StatusFile(config["status"])
        self.repair = Repair(config.get("repair") or [], clock)
        self.good_until: float | None = None
        self._detected: float | None = None
        self._repair_began: float | None = None
        self._unheld: tuple[int, ...] = ()
        # What is to be written about a fence once nothing runs any more.
        self._owed: Record | None = None

    def note(self, guard: Guard, seen: Look, inside: bool) -> None:
        """Record a look."""
        self.journal.write(
            "look",
            state=guard.state,
            verdict=guard.verdict,
            message=guard.message,
            latency_ms=seen.latency_ms,
            hanging=seen.hanging,
            inside=inside,
            bad=guard.bad,
            good=guard.good,
        )

    def stop_plex(self, guard: Guard, now: float) -> None:
        """Fence, first of all; the words come after."""
        self._detected = now
        self._owed = {
            "verdict": guard.verdict,
            "message": guard.message,
            "detected": round(self.wall(), 3),
            "good_until": round(self.good_until, 3) if self.good_until else None,
        }
        self.press(guard)
        if self._owed is not None:
            self.journal.write("fencing", **self._owed, running=list(self._unheld))

    def adopt(self, guard: Guard, records: t.Sequence[Record]) -> None:
        """Hold on to the fence of a guard that died, and write down what it did not."""
        if not unwritten(records):
            self.press(guard)
            return
        last = records[-1]["time"] if records else None
        self.good_until = self.status.read().get("good_until") or last
        self.stop_plex(guard, self.clock())

    def press(self, guard: Guard) -> None:
        """Stop whatever runs or was started meanwhile."""
        pressed = self.fence.press()
        if not pressed.held and not self._unheld and self._owed is None:
            message = f"processes {list(pressed.running)} do not stop"
            self.journal.write("look", verdict=guard.verdict, message=message)
        self._unheld = pressed.running
        if self._owed is None or not pressed.held:
            return
        since = self.clock() if self._detected is None else self._detected
        self.journal.write(
            "fenced",
            **self._owed,
            seconds=round(self.clock() - since, 3),
            processes=pressed.members,
        )
        self._owed = None

    def state(self, guard: Guard) -> str:
        """What is so, not what is meant to be: fenced is who has nothing that runs."""
        if not guard.fenced:
            return "watching"
        return "fencing" if self._unheld or self._owed is not None else "fenced"

    def start_repair(self, guard: Guard, now: float) -> None:
        """Begin to mount again."""
        self._repair_began = now
        verdict, message = guard.verdict, guard.message
        self.journal.write("repairing", verdict=verdict, message=message)
        problem = self.repair.start()
        if problem:
            self.journal.write("look", message=f"the repair failed: {problem}")

    def follow_repair(self, guard: Guard, patience: Patience) -> Guard:
        """The guard after the repair, once that has ended."""
        code = self.repair.ended(patience.repair_deadline)
        if code is None:
            return guard
        now = self.clock()
        well = code == 0
        message = "mounted again" if well else f"mounting again failed ({code})"
        began = now if self._repair_began is None else self._repair_began
        seconds = round(now - began, 3)
        self.journal.write("mounted", ok=well, message=message, seconds=seconds)
        return repaired(guard, now, well, message)

    def bytes_came(self, now: float) -> None:
        """A round was proven; the first one after a repair is its measure."""
        self.good_until = self.wall()
        if self._repair_began is not None and self.repair.idle:
            seconds = round(now - self._repair_began, 3)
            self.journal.write("repaired", seconds=seconds)
            self._repair_began = None

    def let_go(self, guard: Guard, now: float) -> None:
        """Let Plex go on."""
        left = self.fence.release()
        self._owed, self._unheld = None, ()
        held = None if self._detected is None else round(now - self._detected, 3)
        self.journal.write(
            "released",
            verdict=guard.verdict,
            message=guard.message,
            seconds=held,
            stopped=list(left),
        )

    def say(self, guard: Guard, more: Record, stopped: bool = False) -> None:
        """Write the status of the moment."""
        self.journal.flush()
        state = self.state(guard)
        status = {
            "time": round(self.wall(), 3),
            "pid": os.getpid(),
            "state": "stopped" if stopped else state,
            "phase": guard.state,
            "fenced": guard.fenced if stopped else state == "fenced",
            "verdict": guard.verdict,
            "message": guard.message,
            "good_until": self.good_until,
            "running": list(self._unheld),
            "journal": self.journal.problem,
            **more,
        }
        with contextlib.suppress(OSError):
            # A status that cannot be written gets old, which is what it says then.
            self.status.write(status)
