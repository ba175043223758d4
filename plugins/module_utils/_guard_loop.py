# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""The guard's loop: eyes, state machine and fence, once around the clock."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import time
import typing as t

from ansible_collections.cloudburst.plex.plugins.module_utils._fence import Fence
from ansible_collections.cloudburst.plex.plugins.module_utils._guard import (
    Action,
    Guard,
    Patience,
    adopted,
    step,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_children import (
    Children,
    Done,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_deeds import Deeds
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_eyes import (
    Eyes,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_host import Notify
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    Record,
    fences,
    read_journal,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_sight import (
    KINDS,
    TOUCHES_FUSE,
    Kind,
    Sight,
    finished,
    forgotten,
    freed,
    given_up,
    look,
    missing,
    started,
    table_read,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_targets import (
    Choice,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_timing import (
    deadline,
    due,
    overdue,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import Probe
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_probe import (
    OutstandingChild,
)

WAKE = 0.1
# Plex stays stopped against whoever continues it, and so do newcomers.
PRESS_PAUSE = 0.25
STATUS_PAUSE = 1.0
JOURNAL_PAUSE = 60.0

Config = t.Mapping[str, t.Any]


class Service:
    """Eyes, state machine and fence, once around the clock."""

    def __init__(
        self,
        config: Config,
        eyes: Eyes,
        fence: Fence,
        clock: t.Callable[[], float] = time.monotonic,
        wall: t.Callable[[], float] = time.time,
        notify: t.Callable[[str], None] | None = None,
    ) -> None:
        self.patience = Patience.of(config["patience"])
        self.eyes = eyes
        self.clock = clock
        self.notify = notify or Notify(os.environ.get("NOTIFY_SOCKET"))
        self.deeds = Deeds(config, fence, clock, wall)
        self.outstanding = OutstandingChild(f"{config['status']}.child")
        self.children = Children(clock)
        self.sight = Sight()
        self.guard = Guard(since=clock())
        self.rng = random.Random()
        self.stopping = False
        # Where and about what each kind of probe asked last.
        first = Choice(None, eyes.targets.canary)
        self._asked = dict.fromkeys(KINDS, (eyes.place(), first))
        self._next = dict.fromkeys(("table", "press", "status", "look"), float("-inf"))

    # --- the beginning and the end

    def begin(self) -> None:
        """Take up what an earlier guard left."""
        records = read_journal(self.deeds.journal.path)
        if records and records[-1]["event"] != "stopped":
            self.deeds.journal.write(
                "died", message="the guard before ended without a word"
            )
        self._adopt(records)
        left = self.outstanding.pid()
        if left is not None and self.children.inherited("read", left):
            now = self.clock()
            # When it was sent died with the guard that sent it.
            sent = started(self.sight, "read", now)
            self.sight = given_up(sent, "read", now, left)
        self.deeds.journal.write("started", fenced=self.guard.fenced, pid=os.getpid())
        self.notify("READY=1")

    def _adopt(self, records: t.Sequence[Record]) -> None:
        """Plex is fenced if the files say so, and also if it is and they do not.

        Plex is stopped first and written about afterwards, so that a guard that was
        killed may have left no word.
        """
        held, status = fences(records), self.deeds.status.read()
        known = (held and held[-1].end is None) or status.get("fenced")
        message = "an earlier guard fenced Plex; it goes on when bytes are proven"
        if not known and status.get("phase", "watching") == "watching":
            if not self.deeds.fence.stands():
                return
            message = "Plex was found stopped; it goes on when bytes are proven"
        self.guard = adopted(self.clock(), message)
        self.deeds.adopt(self.guard, records)

    def run(self) -> None:
        """Until asked to end."""
        self.begin()
        try:
            while not self.stopping:
                self.turn(WAKE)
        finally:
            self.children.end()
            message = "Plex stays fenced" if self.guard.fenced else "Plex runs"
            self.deeds.journal.write(
                "stopped", fenced=self.guard.fenced, message=message
            )
            self._say(stopped=True)

    def turn(self, wake: float) -> None:
        """One round of the loop."""
        now = self.clock()
        if self._is_due("table", self.patience.tick, now):
            self.sight = table_read(self.sight, self.eyes.table())
            self._judge(now)
        self._send(now)
        for done in self.children.wait(wake):
            self._take(done)
            self._judge(self.clock())
        self._give_up(self.clock())
        for kind in self.children.freed():
            self.sight = freed(self.sight, t.cast(Kind, kind))
        self._follow_repair()
        if self.guard.fenced and self._is_due("press", PRESS_PAUSE, self.clock()):
            self.deeds.press(self.guard)
        if self._is_due("status", STATUS_PAUSE, self.clock()):
            self._say()
        self.notify("WATCHDOG=1")

    def _is_due(self, what: str, pause: float, now: float) -> bool:
        if now < self._next[what]:
            return False
        self._next[what] = now + pause
        return True

    # --- probes

    def _send(self, now: float) -> None:
        for kind in due(self.sight, self.patience, now, self.guard.fenced):
            place, choice = self._asked[kind] = self.eyes.place(), self._choice(kind)
            limit = self.patience.byte_deadline * 10
            # As long as the kernel waits for it.
            own = deadline(self.sight, "statvfs", self.patience, self.guard.fenced)
            work = self.eyes.work(kind, place, choice, limit, own)
            pid = self.children.start(kind, work)
            if kind in TOUCHES_FUSE:
                self._leave_word(pid)
            search = choice.read is None
            self.sight = started(self.sight, kind, now, search)

    def _choice(self, kind: Kind) -> Choice:
        """Each read is a round; the store, which no hung read stops, asks for its file."""
        if kind == "read":
            return self.eyes.targets.choose(self.rng, self.guard.fenced)
        return self._asked["read"][1]

    def _leave_word(self, pid: int) -> None:
        """For the next guard: this child may outlive the one that sent it."""
        with contextlib.suppress(OSError):
            # Without it the next guard sends a child of its own: no reason to end.
            self.outstanding.remember(pid)

    def _take(self, done: Done) -> None:
        kind, now = t.cast(Kind, done.kind), self.clock()
        report = done.report
        if report is None:
            lost = Probe("error", done.ms, None, "the probe died")
            self.sight = finished(self.sight, kind, now, lost)
        elif self._says_nothing(kind, report):
            self.sight = forgotten(self.sight, kind)
        elif "gone" in report:
            self._missing(kind, report, now)
        elif "error" in report:
            failed = Probe("error", done.ms, report["errno"], report["error"])
            self.sight = finished(self.sight, kind, now, failed, report)
        else:
            if "found" in report:
                self.eyes.targets.learn(report["found"], int(report["length"]))
            self.sight = finished(self.sight, kind, now, Probe("ok", done.ms), report)

    def _says_nothing(self, kind: Kind, report: Record) -> bool:
        """The container or the mount went away meanwhile."""
        gone = "gone" in report
        if kind == "store" or not (gone or "error" in report):
            return False
        if self.eyes.gone(self._asked[kind][0]):
            return True
        if kind == "statvfs" or not (gone or report["errno"] == errno.ENOENT):
            return False
        # The folder below the mount was read.
        return self.guard.state == "repairing" or not self.eyes.table().mounted

    def _missing(self, kind: Kind, report: Record, now: float) -> None:
        """A file that is gone, and the store says so; both probes may find that."""
        name = str(report["gone"])
        searched = kind == "read" and self._asked[kind][1].read is None
        if not self.eyes.targets.drop(name) and not searched:
            self.sight = forgotten(self.sight, kind)
            return
        why = report.get("why", "is gone from the store")
        message = f"{name} {why}; others are read"
        self.deeds.journal.write("look", message=message)
        self.sight = missing(self.sight, kind, now, name)

    def _give_up(self, now: float) -> None:
        for kind in overdue(self.sight, self.patience, now, self.guard.fenced):
            hung = self.children.give_up(kind)
            self.sight = given_up(self.sight, kind, now, hung)
            self._judge(now)

    # --- verdicts and deeds

    def _judge(self, now: float) -> None:
        seen = look(self.sight, self.patience, now)
        if seen is None:
            return
        before = self.guard
        self.guard, actions = step(before, seen, self.patience)
        if seen.good and seen.proofs > before.proofs:
            self.deeds.bytes_came(now)
        for action in actions:
            self._do(action, now)
        changed = (
            self.guard.verdict != before.verdict or self.guard.state != before.state
        )
        if changed or self._is_due("look", JOURNAL_PAUSE, now):
            self._next["look"] = now + JOURNAL_PAUSE
            self.deeds.note(self.guard, seen, self.sight.table.inside)

    def _do(self, action: Action, now: float) -> None:
        if action is Action.FENCE:
            self.deeds.stop_plex(self.guard, now)
            self._say()
        elif action is Action.REPAIR:
            self.deeds.start_repair(self.guard, now)
        else:
            self.deeds.let_go(self.guard, now)
            self._say()

    def _follow_repair(self) -> None:
        if self.guard.state != "repairing":
            return
        self.guard = self.deeds.follow_repair(self.guard, self.patience)
        if self.guard.state != "repairing":
            self._next["table"] = float("-inf")

    def _say(self, stopped: bool = False) -> None:
        target = self._asked["read"][1].store
        more = {
            "inside": self.sight.table.inside,
            "target": target.path if target else None,
            "container": self.eyes.container.problem,
        }
        self.deeds.say(self.guard, more, stopped)
