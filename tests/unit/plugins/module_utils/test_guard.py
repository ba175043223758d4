# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard's decisions (L05, L06, L87): what it does about which looks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.module_utils._guard import (
    Action,
    Guard,
    Look,
    Patience,
    adopted,
    repaired,
    step,
)

CLOUD = Patience(may_remount=True)
LOCAL = Patience(may_remount=False)
BAD = ("backend_down", "stale", "wedged", "absent")
FENCE, REPAIR, RELEASE = Action.FENCE, Action.REPAIR, Action.RELEASE


class Drive:
    """Feeds looks, one a second, each a new observation."""

    def __init__(self, patience: Patience = CLOUD, guard: Guard | None = None) -> None:
        self.patience = patience
        self.guard = guard or Guard()
        self.look = Look(0.0, "healthy")
        self.actions: list[tuple[float, Action]] = []

    def see(
        self,
        verdict: str,
        seconds: float = 1.0,
        hanging: bool = False,
        mount: str = "1",
    ) -> tuple[Action, ...]:
        good = verdict in ("healthy", "slow")
        self.look = replace(
            self.look,
            time=self.look.time + seconds,
            verdict=cast(Any, verdict),
            proofs=self.look.proofs + good,
            failures=self.look.failures + (not good),
            hanging=hanging,
            mount_id=mount,
        )
        self.guard, actions = step(self.guard, self.look, self.patience)
        self.actions += [(self.look.time, action) for action in actions]
        return actions

    def mounted(self, well: bool = True) -> None:
        self.guard = repaired(self.guard, self.look.time, well, "")


@pytest.mark.parametrize("verdict", BAD)
@pytest.mark.parametrize("patience", [CLOUD, LOCAL])
def test_one_bad_look_fences(verdict: str, patience: Patience) -> None:
    drive = Drive(patience)
    assert drive.see("healthy") == ()
    assert drive.see(verdict)[0] is FENCE
    assert drive.guard.fenced


@pytest.mark.parametrize("verdict", ["stale", "absent"])
def test_a_dead_mount_is_made_again_at_once(verdict: str) -> None:
    assert Drive().see(verdict) == (FENCE, REPAIR)


def test_a_wedged_mount_needs_several_failures_in_a_row() -> None:
    drive = Drive()
    assert drive.see("wedged") == (FENCE,)
    assert drive.see("wedged", 2) == ()
    assert drive.see("wedged", 2) == (REPAIR,)


def test_a_wedge_gets_time_to_end_by_itself() -> None:
    """A store that is back ends the reads that hung: many looks, no time."""
    drive = Drive()
    assert [drive.see("wedged", 0.1) for _ in range(20)][1:] == [()] * 19
    assert drive.see("wedged", 3) == (REPAIR,)


def test_another_verdict_begins_the_count_anew() -> None:
    drive = Drive()
    for verdict in ("wedged", "wedged", "backend_down", "wedged", "wedged"):
        assert REPAIR not in drive.see(verdict, 5)
    assert drive.see("wedged", 5) == (REPAIR,)


def test_a_dead_store_is_not_cured_by_mounting_unless_readers_hang() -> None:
    drive = Drive()
    for _look in range(200):
        assert REPAIR not in drive.see("backend_down")
    assert drive.see("backend_down", hanging=True) == ()
    assert drive.see("backend_down", 29, hanging=True) == ()
    assert drive.see("backend_down", 2, hanging=True) == (REPAIR,)


def test_bytes_have_to_come_twice_after_a_repair() -> None:
    drive = Drive()
    drive.see("stale")
    assert drive.see("healthy") == ()
    drive.mounted()
    assert drive.see("healthy", mount="2") == ()
    assert drive.see("stale", mount="2") == ()  # resting after the repair
    assert drive.see("healthy", mount="2") == ()
    assert drive.see("slow", mount="2") == (RELEASE,)
    assert not drive.guard.fenced


def test_a_repair_that_failed_is_tried_again_with_growing_pauses() -> None:
    drive = Drive()
    times = []
    for _second in range(300):
        if REPAIR in drive.see("stale"):
            times.append(drive.look.time)
            drive.mounted(False)
    pauses = [b - a for a, b in zip(times, times[1:])]
    assert pauses[:3] == [4, 8, 16]
    assert max(pauses) == 60


def test_a_mount_that_was_replaced_unseen_is_a_fence() -> None:
    drive = Drive()
    drive.see("healthy", mount="1")
    assert drive.see("healthy", mount="2") == (FENCE,)
    assert "anew" in drive.guard.message
    drive.see("healthy", mount="2")
    assert drive.see("healthy", mount="2") == (RELEASE,)
    assert drive.see("healthy", mount="2") == ()


def test_the_same_failure_counts_once() -> None:
    drive = Drive()
    drive.see("wedged")
    for _again in range(10):
        drive.guard, actions = step(drive.guard, replace(drive.look, time=99), CLOUD)
        assert actions == ()
    assert drive.guard.bad == 1


def test_a_fence_that_is_found_stands_until_bytes_are_proven() -> None:
    drive = Drive(guard=adopted(0.0, "found"))
    assert drive.see("healthy") == ()
    assert drive.see("healthy") == (RELEASE,)


def test_patience_comes_as_text_from_templates() -> None:
    given_ = {"tick": "5", "may_remount": False, "prove_looks": "3", "unknown": 1}
    patience = Patience.of(given_)
    assert (patience.tick, patience.may_remount, patience.prove_looks) == (5, False, 3)


LOOKS = st.lists(
    st.tuples(
        st.sampled_from(("healthy", "slow", *BAD)),
        st.floats(0.1, 20),
        st.booleans(),
        st.sampled_from(("none", "none", "well", "badly")),
        st.sampled_from("12"),
    ),
    max_size=60,
)


@given(LOOKS, st.booleans())
def test_whatever_comes(
    looks: list[tuple[str, float, bool, str, str]], cloud: bool
) -> None:
    drive = Drive(CLOUD if cloud else LOCAL)
    fenced, good = False, 0
    for verdict, seconds, hanging, repair, mount in looks:
        bad = verdict in BAD
        actions = drive.see(verdict, seconds, bad and hanging, mount)
        good = 0 if bad else good + 1
        for action in actions:
            if action is FENCE:
                assert not fenced
                fenced = True
            elif action is RELEASE:
                assert fenced
                assert good >= drive.patience.prove_looks
                fenced = False
            else:
                assert cloud and fenced and bad
        # Nobody runs Plex after a bad look, and nobody else's state says so.
        assert drive.guard.fenced is fenced
        assert not bad or fenced
        if repair != "none":
            drive.mounted(repair == "well")
            if drive.guard.state == "proving":
                good = min(good, drive.guard.good)


@given(st.lists(st.sampled_from(("healthy", "slow")), max_size=100))
def test_slow_never_fences(verdicts: list[str]) -> None:
    drive = Drive()
    for verdict in verdicts:
        drive.see(verdict, 5)
    assert drive.actions == []
