# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""The guard as a service: ``python3 -m …_guard_service CONFIG [release]``.

Standard library only; it runs on the burst host without Ansible. When it is
asked to end it leaves Plex as it is: a fence outlives the guard, and only
proven bytes, or ``release`` by name, lift it.
"""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import sys
import time
import typing as t

from ansible_collections.cloudburst.plex.plugins.module_utils._fence import (
    Container,
    Fence,
)
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
    Place,
    Target,
    Targets,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_host import Notify
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    fences,
    read_journal,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_sight import (
    Kind,
    Sight,
    due,
    finished,
    forgotten,
    freed,
    given_up,
    look,
    overdue,
    started,
    table_read,
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
        # Where statvfs was asked, and where and what a round of bytes reads.
        self._asked = eyes.place()
        self._round: tuple[Place, Target | None] = (self._asked, None)
        self._next = dict.fromkeys(("table", "press", "status", "look"), float("-inf"))

    # --- the beginning and the end

    def begin(self) -> None:
        """Take up what an earlier guard left."""
        records = read_journal(self.deeds.journal.path)
        last = records[-1]["event"] if records else "stopped"
        if last != "stopped":
            self.deeds.journal.write(
                "died", message="the guard before ended without a word"
            )
        held = fences(records)
        if (held and held[-1].end is None) or self.deeds.status.read().get("fenced"):
            message = "an earlier guard fenced Plex; it goes on when bytes are proven"
            self.guard = adopted(self.clock(), message)
            self.deeds.press(self.guard)
        left = self.outstanding.pid()
        if left is not None:
            self.children.inherited("read", left)
            self.sight = given_up(self.sight, "read", self.clock(), left)
        self.deeds.journal.write("started", fenced=self.guard.fenced, pid=os.getpid())
        self.notify("READY=1")

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
            self._say("stopped")

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
            self._say("fenced" if self.guard.fenced else "watching")
        self.notify("WATCHDOG=1")

    def _is_due(self, what: str, pause: float, now: float) -> bool:
        if now < self._next[what]:
            return False
        self._next[what] = now + pause
        return True

    # --- probes

    def _send(self, now: float) -> None:
        for kind in due(self.sight, self.patience, now, self.guard.fenced):
            if kind != "statvfs" and not (
                self.sight.read.running or self.sight.store.running
            ):
                self._round = (self.eyes.place(), self.eyes.targets.choose(self.rng))
            if kind == "statvfs":
                self._asked = self.eyes.place()
            place = self._asked if kind == "statvfs" else self._round[0]
            limit = self.patience.byte_deadline * 10
            self.children.start(
                kind, self.eyes.work(kind, place, self._round[1], limit)
            )
            self.sight = started(self.sight, kind, now)

    def _take(self, done: Done) -> None:
        kind, now = t.cast(Kind, done.kind), self.clock()
        report = done.report
        if report is None:
            lost = Probe("error", done.ms, None, "the probe died")
            self.sight = finished(self.sight, kind, now, lost)
        elif self._says_nothing(kind, report):
            self.sight = forgotten(self.sight, kind)
        elif "error" in report:
            failed = Probe("error", done.ms, report["errno"], report["error"])
            self.sight = finished(self.sight, kind, now, failed, report)
        else:
            if "found" in report:
                self.eyes.targets.learn(report["found"], int(report["length"]))
            self.sight = finished(self.sight, kind, now, Probe("ok", done.ms), report)

    def _says_nothing(self, kind: Kind, report: t.Mapping[str, t.Any]) -> bool:
        """The container or the mount went away meanwhile, or the file is no more."""
        place, target = self._round
        if "error" not in report:
            return False
        if kind == "statvfs":
            return self.eyes.gone(self._asked)
        if kind == "read" and self.eyes.gone(place):
            return True
        if report["errno"] != errno.ENOENT or target is None:
            return False
        if self.guard.state == "repairing" or not self.eyes.table().mounted:
            # The folder below the mount was read.
            return True
        self.eyes.targets.drop(target.path)
        self.deeds.journal.write(
            "look", message=f"{target.path} is gone; others are read"
        )
        return True

    def _give_up(self, now: float) -> None:
        for kind in overdue(self.sight, self.patience, now, self.guard.fenced):
            hung = self.children.give_up(kind)
            if hung is not None:
                self.outstanding.remember(hung)
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
            self._say("fenced")
        elif action is Action.REPAIR:
            self.deeds.start_repair(self.guard, now)
        else:
            self.deeds.let_go(self.guard, now)
            self._say("watching")

    def _follow_repair(self) -> None:
        if self.guard.state != "repairing":
            return
        self.guard = self.deeds.follow_repair(self.guard, self.patience)
        if self.guard.state != "repairing":
            self._next["table"] = float("-inf")

    def _say(self, state: str) -> None:
        target = self._round[1]
        more = {
            "inside": self.sight.table.inside,
            "target": target.path if target else None,
            "container": self.eyes.container.problem,
        }
        self.deeds.say(state, self.guard, more)


def build(config: Config) -> Service:
    """The service of a configuration."""
    docker = str(config.get("docker") or "docker")
    container = Container(str(config["container"]), docker=docker)
    canary = None
    if config.get("canary"):
        path = str(config["canary"])
        size = int(config["canary_size"])
        canary = Target(path, path.rpartition("/")[2], size)
    eyes = Eyes(
        str(config["mount_point"]),
        str(config["container_path"]),
        str(config["remote"]),
        str(config["rc_socket"]),
        container,
        Targets(canary),
    )
    return Service(config, eyes, Fence(container.pids))


def release(service: Service) -> int:
    """Let Plex go on because somebody says so; recorded as that."""
    left = service.deeds.fence.release(10.0)
    service.deeds.journal.write(
        "released", message="by hand, without a proof", stopped=list(left)
    )
    service.guard = Guard()
    service.deeds.say("stopped", service.guard, {})
    return 1 if left else 0


def main(arguments: t.Sequence[str]) -> int:
    """Run, or release."""
    with open(arguments[0], encoding="utf-8") as handle:
        service = build(json.load(handle))
    if list(arguments[1:]) == ["release"]:
        return release(service)

    def stop(_number: int, _frame: t.Any) -> None:
        service.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    service.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
