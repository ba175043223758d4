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
        detected = self.wall()
        processes = self.press(guard)
        self.journal.write(
            "fenced",
            verdict=guard.verdict,
            message=guard.message,
            detected=round(detected, 3),
            good_until=round(self.good_until, 3) if self.good_until else None,
            seconds=round(self.clock() - now, 3),
            processes=processes,
            running=list(self._unheld),
        )

    def press(self, guard: Guard) -> int:
        """Stop whatever runs or was started meanwhile."""
        pressed = self.fence.press()
        if pressed.running and pressed.running != self._unheld:
            message = f"processes {list(pressed.running)} do not stop"
            self.journal.write("look", verdict=guard.verdict, message=message)
        self._unheld = pressed.running
        return pressed.members

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
        held = None if self._detected is None else round(now - self._detected, 3)
        self.journal.write(
            "released",
            verdict=guard.verdict,
            message=guard.message,
            seconds=held,
            stopped=list(left),
        )

    def say(self, state: str, guard: Guard, more: Record) -> None:
        """Write the status of the moment."""
        self.journal.flush()
        status = {
            "time": round(self.wall(), 3),
            "pid": os.getpid(),
            "state": state,
            "phase": guard.state,
            "fenced": guard.fenced,
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
