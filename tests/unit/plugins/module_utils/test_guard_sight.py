# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes that run side by side, as verdicts; a simulated mount in simulated time."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.module_utils._guard import (
    Action,
    Guard,
    Patience,
    step,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_sight import (
    KINDS,
    Kind,
    Sight,
    Table,
    finished,
    given_up,
    look,
    missing,
    started,
    table_read,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_timing import (
    deadline,
    due,
    overdue,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import Probe

CLOUD = Patience(may_remount=True)
FOREVER = 1e9
# How a mount answers: (kind, now) -> (seconds until the answer, the answer).
Answer = Callable[[Kind, float], tuple[float, Probe]]


def ok(ms: int) -> tuple[float, Probe]:
    return ms / 1000, Probe("ok", ms)


class World:
    """The service's loop without its edges."""

    def __init__(self, answer: Answer, patience: Patience = CLOUD) -> None:
        self.answer = answer
        self.patience = patience
        self.now = 0.0
        self.sight = Sight()
        self.guard = Guard()
        self.table = Table(True, "s3:media", "fuse.rclone", "1")
        self.arrivals: dict[Kind, tuple[float, Probe]] = {}
        self.actions: list[tuple[float, Action]] = []
        self.tick = float("-inf")
        self.sent: list[Kind] = []

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self._turn()
            self.now = round(self.now + 0.05, 6)

    def _turn(self) -> None:
        if self.now >= self.tick:
            self.tick = self.now + self.patience.tick
            self.sight = table_read(self.sight, self.table)
            self._judge()
        for kind in due(self.sight, self.patience, self.now, self.guard.fenced):
            seconds, probe = self.answer(kind, self.now)
            self.arrivals[kind] = (self.now + seconds, probe)
            self.sight = started(self.sight, kind, self.now)
        assert len({"statvfs", "read"} & set(self.arrivals)) <= 1, "two in FUSE"
        for kind, (moment, probe) in list(self.arrivals.items()):
            if self.now >= moment:
                del self.arrivals[kind]
                self.sent.append(kind)
                report = {"bytes": 65536, "length": 8 << 20}
                self.sight = finished(self.sight, kind, self.now, probe, report)
                self._judge()
        for kind in overdue(self.sight, self.patience, self.now, self.guard.fenced):
            del self.arrivals[kind]
            self.sight = given_up(self.sight, kind, self.now, None)
            self._judge()

    def _judge(self) -> None:
        seen = look(self.sight, self.patience, self.now)
        if seen is not None:
            self.guard, actions = step(self.guard, seen, self.patience)
            self.actions += [(self.now, action) for action in actions]

    def fence_after(self, begin: float, most: float) -> tuple[float, str]:
        self.run(most)
        fences = [at for at, action in self.actions if action is Action.FENCE]
        assert fences, f"no fence within {most} s"
        return fences[0] - begin, self.guard.verdict


def well(_kind: Kind, _now: float) -> tuple[float, Probe]:
    return ok(20)


def breaking(begin: float, broken: Answer) -> Answer:
    return lambda kind, now: (broken if now >= begin else well)(kind, now)


def frozen_store(cached: bool) -> Answer:
    def answer(kind: Kind, _now: float) -> tuple[float, Probe]:
        reads = kind == "statvfs" or (cached and kind == "read")
        return ok(5) if reads else (FOREVER, Probe("ok"))

    return answer


def hanging(_kind: Kind, _now: float) -> tuple[float, Probe]:
    return FOREVER, Probe("ok")


def dead(_kind: Kind, _now: float) -> tuple[float, Probe]:
    return 0.01, Probe("error", 10, errno.ENOTCONN, "not connected")


def revoked(kind: Kind, _now: float) -> tuple[float, Probe]:
    return ok(5) if kind == "statvfs" else (0.05, Probe("error", 50, errno.EIO, "403"))


CASES: list[tuple[str, Answer, str, float]] = [
    ("store frozen, cache cold", frozen_store(False), "backend_down", 8.0),
    ("store frozen, cache warm", frozen_store(True), "backend_down", 8.0),
    ("rclone frozen", hanging, "wedged", 12.0),
    ("rclone killed", dead, "stale", 3.0),
    ("credentials revoked", revoked, "backend_down", 8.0),
]


@pytest.mark.parametrize(("what", "broken", "verdict", "limit"), CASES)
@pytest.mark.parametrize("phase", [0.0, 0.3, 0.95, 1.4, 1.9])
def test_detection(
    what: str, broken: Answer, verdict: str, limit: float, phase: float
) -> None:
    begin = 20 + phase
    world = World(breaking(begin, broken))
    world.run(begin)
    assert world.actions == [], what
    seconds, found = world.fence_after(begin, limit)
    assert seconds <= limit
    assert found == verdict


def test_a_mount_that_is_gone() -> None:
    world = World(well)
    world.run(10.5)
    world.table = Table()
    seconds, found = world.fence_after(10.5, 3.0)
    assert (found, seconds <= 1.1) == ("absent", True)


def test_a_container_that_does_not_see_the_mount() -> None:
    world = World(well)
    world.table = Table(True, "s3:m", "fuse.rclone", "1", hidden=True, inside=True)
    assert world.fence_after(0.0, 3.0)[1] == "absent"


@pytest.mark.parametrize("spread", [0.0, 0.8])
def test_a_store_of_two_seconds_a_read_is_never_fenced(spread: float) -> None:
    """Slow but alive: 0 fences, 0 remounts, also when it becomes slow suddenly."""
    rng = random.Random(5)

    def slow(kind: Kind, now: float) -> tuple[float, Probe]:
        if kind == "statvfs" or now < 30:
            return ok(20)
        seconds = 2 + rng.uniform(0, spread) + (rng.random() < 0.3) * spread * 2
        return ok(int(seconds * 1000))

    world = World(slow)
    world.run(300)
    assert world.actions == []


def test_a_read_that_waits_behind_others_is_not_dead_while_the_store_answers() -> None:
    def queued(kind: Kind, _now: float) -> tuple[float, Probe]:
        return ok({"statvfs": 10, "store": 1500, "read": 7500}[kind])

    world = World(queued)
    world.run(120)
    assert world.actions == []


def test_deadlines_follow_what_is_usual() -> None:
    sight = Sight()
    assert deadline(sight, "read", CLOUD, False) == 5
    for moment in range(20):
        sight = finished(sight, "store", moment, Probe("ok", 2000))
    assert deadline(sight, "read", CLOUD, False) == 8
    for moment in range(20, 60):
        sight = finished(sight, "store", moment, Probe("ok", 60_000))
    assert deadline(sight, "read", CLOUD, False) == 30
    assert deadline(sight, "statvfs", CLOUD, False) == 4


def test_nothing_touches_fuse_while_a_child_hangs() -> None:
    sight = table_read(Sight(), Table(True))
    sight = started(sight, "read", 0.0)
    sight = given_up(sight, "read", 5.0, 4711)
    assert due(sight, CLOUD, 100.0, True) == ["store"]
    seen = look(sight, CLOUD, 100.0)
    assert seen is not None
    assert (seen.verdict, seen.hanging) == ("backend_down", True)


def test_the_store_that_is_back_while_a_read_hangs_is_a_wedge() -> None:
    sight = table_read(Sight(), Table(True))
    sight = given_up(started(sight, "read", 0.0), "read", 5.0, 4711)
    sight = finished(started(sight, "store", 6.0), "store", 6.1, Probe("ok", 100))
    seen = look(sight, CLOUD, 7.0)
    assert seen is not None
    assert seen.verdict == "wedged"


def test_a_round_is_proven_by_both_the_read_and_the_store() -> None:
    sight = table_read(Sight(), Table(True))
    sight = finished(sight, "statvfs", 0.1, Probe("ok", 1))
    assert look(sight, CLOUD, 0.2) is None
    report = {"bytes": 65536, "length": 8 << 20, "matches": True}
    sight = finished(sight, "read", 0.3, Probe("ok", 10), report)
    assert look(sight, CLOUD, 0.4) is None
    sight = finished(sight, "store", 0.5, Probe("ok", 10))
    seen = look(sight, CLOUD, 0.6)
    assert seen is not None
    assert (seen.verdict, seen.proofs) == ("healthy", 1)


def test_other_bytes_than_were_written_are_a_failure() -> None:
    sight = table_read(Sight(), Table(True))
    sight = finished(sight, "store", 0.1, Probe("ok", 10))
    report = {"bytes": 65536, "length": 8 << 20, "matches": False}
    sight = finished(sight, "read", 0.3, Probe("ok", 10), report)
    seen = look(sight, CLOUD, 0.4)
    assert seen is not None
    assert (seen.verdict, seen.failures) == ("wedged", 1)


def test_reads_follow_a_statvfs_and_neither_starves() -> None:
    world = World(well)
    world.run(60)
    reads = world.sent.count("read")
    assert 25 <= reads <= 31
    assert world.sent.count("statvfs") >= 50
    first = [world.sent[i - 1] for i, x in enumerate(world.sent) if x == "read"]
    assert set(first) <= {"statvfs", "store"}
    # Where rclone does not even answer that, a read would only hang as well.
    world.answer = lambda kind, _now: hanging(kind, 0) if kind != "store" else ok(5)
    seen = len(world.sent)
    world.run(30)
    assert "read" not in world.sent[seen:]
    assert world.guard.verdict == "wedged"


@pytest.mark.parametrize(("search", "seconds"), [(False, 9), (True, 18)])
def test_a_read_that_looks_for_its_file_has_more_to_ask(
    search: bool, seconds: float
) -> None:
    sight = finished(Sight(), "store", 9.9, Probe("ok", 10))
    sight = started(sight, "read", 10.0, search)
    assert overdue(sight, CLOUD, 10 + seconds - 0.1, False) == []
    assert overdue(sight, CLOUD, 10 + seconds, False) == ["read"]


def test_a_file_that_is_gone_says_nothing_and_three_in_a_row_do() -> None:
    sight = proven()
    for name in "ab":
        sight = missing(started(sight, "read", 2.0), "read", 2.1, name)
        assert (sight.failures, sight.read.running) == (0, False)
    again = missing(sight, "read", 3.0, "c")
    seen = look(again, CLOUD, 3.0)
    assert seen is not None
    assert (seen.verdict, seen.failures) == ("absent", 1)
    assert "c last" in seen.message
    # A proof in between begins the count anew.
    sight = finished(sight, "store", 2.5, Probe("ok", 10))
    sight = finished(sight, "read", 2.6, Probe("ok", 10), WHOLE)
    assert missing(sight, "read", 3.0, "c").failures == 0


WHOLE = {"bytes": 65536, "offset": 0, "length": 8 << 20, "matches": True}


def proven() -> Sight:
    sight = table_read(Sight(), Table(True))
    sight = finished(sight, "statvfs", 0.9, Probe("ok", 1))
    sight = finished(sight, "store", 1.0, Probe("ok", 10))
    return finished(sight, "read", 1.1, Probe("ok", 10), WHOLE)


@pytest.mark.parametrize(
    ("report", "well"),
    [
        (WHOLE, True),
        ({**WHOLE, "bytes": 65535}, False),
        ({**WHOLE, "bytes": 1}, False),
        ({**WHOLE, "bytes": 0}, False),
        ({**WHOLE, "bytes": 0, "matches": None}, False),
        ({**WHOLE, "matches": False}, False),
        # the end of a file, and small ones
        ({"bytes": 100, "offset": 65536, "length": 65636}, True),
        ({"bytes": 99, "offset": 65536, "length": 65636}, False),
        ({"bytes": 1, "offset": 0, "length": 1}, True),
        ({"bytes": 0, "offset": 0, "length": 0}, False),
        ({}, False),
    ],
)
def test_all_the_bytes_of_a_read_have_to_come(
    report: dict[str, Any], well: bool
) -> None:
    before = proven()
    sight = finished(before, "read", 2.0, Probe("ok", 10), report)
    sight = finished(sight, "store", 2.1, Probe("ok", 10))
    seen = look(sight, CLOUD, 3.0)
    assert seen is not None
    assert seen.good is well
    assert (seen.proofs, seen.failures) == ((2, 0) if well else (1, 1))


REPORTS = st.fixed_dictionaries(
    {
        "bytes": st.sampled_from((0, 1, 4096, 65536)),
        "offset": st.sampled_from((0, 4096)),
        "length": st.sampled_from((0, 1, 65536, 1 << 20)),
        "matches": st.sampled_from((None, True, False)),
    }
)
PROBES = st.sampled_from(
    (
        Probe("ok", 10),
        Probe("error", 1, errno.EIO, "EIO"),
        Probe("error", 1, errno.ENOENT, "ENOENT"),
        Probe("error", 1, errno.ENOTCONN, "gone"),
        Probe("timeout", 5000),
    )
)


@given(
    st.lists(st.tuples(st.sampled_from(KINDS), PROBES, REPORTS), min_size=1, max_size=9)
)
def test_whatever_makes_a_look_bad_is_counted(
    ends: list[tuple[Kind, Probe, dict[str, Any]]],
) -> None:
    """The guard does nothing about a bad look without a failure that is new to it."""
    sight = proven()
    for number, (kind, probe, report) in enumerate(ends, 2):
        was = look(sight, CLOUD, number)
        before, sight = sight, finished(sight, kind, number, probe, report)
        seen = look(sight, CLOUD, number)
        assert was is not None and seen is not None
        if was.good and not seen.good:
            assert sight.failures > before.failures
        if sight.proofs > before.proofs:
            assert "ok" == sight.read.probe.outcome == sight.store.probe.outcome
