# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample and its verdicts: busy, quiet, settled, still (plex-facts §3.3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    Held,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_activity import (
    Activity,
    activities_of,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_counters import (
    FullCounts,
    QuickCounts,
    SectionRow,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._progress import (
    ContainerState,
    GuardView,
    SampleFile,
    assemble,
    fenced_sample,
    full_pass_due,
    movement,
    pace,
    quiet_streak,
    section_sample,
)

ROW = SectionRow(5, "Music", "artist", 100)
IDLE = activities_of([{"type": "butler", "progress": 100}])
SCAN = activities_of([{"type": "library.update.section", "progress": 4}])


def counted(live: int, deleted: int = 0, unanalysed: int = 0) -> QuickCounts:
    return QuickCounts(
        total={(5, 10): live + deleted},
        deleted={(5, 10): deleted},
        unanalysed={5: unanalysed},
        media={5: live},
    )


def one(
    live: int = 60,
    vectors: int = 20,
    full: FullCounts | None = None,
    before: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return section_sample(ROW, counted(live, 2, 3), full, vectors, before or {}, False)


def sample(
    previous: dict[str, Any],
    now: float = 0.0,
    activities: list[Activity] | None = None,
    cpu: float | None = None,
    idle: float | None = None,
    live: int = 60,
) -> dict[str, Any]:
    state = None
    if cpu is not None:
        state = ContainerState(True, "running", False, 0, cpu, None, None)
    rows = {5: one(live)}
    return assemble(now, rows, activities or IDLE, [], state, previous, idle)


def test_section_counters() -> None:
    found = one(full=FullCounts({5: 19}, {5: 7}, {5: 0}, 0.1))
    assert found["leaves"] == {"movie": 0, "episode": 0, "track": 60, "photo": 0}
    assert (found["live"], found["deleted"], found["analysed"]) == (60, 2, 57)
    assert (found["sonic_total"], found["sonic_done"], found["sonic_vectors"]) == (
        60,
        19,
        20,
    )
    assert found["thumbs_missing"] == 7


def test_costly_counters_follow_the_vectors() -> None:
    before = {"sonic_done": 100, "sonic_vectors": 90, "thumbs_missing": 4}
    found = one(vectors=95, before=before)
    assert found["sonic_done"] == 105
    assert found["thumbs_missing"] == 4


def test_what_was_never_counted_is_unknown_not_zero() -> None:
    found = one()
    assert found["sonic_done"] is None
    assert found["thumbs_missing"] is None


@pytest.mark.parametrize(
    ("previous", "now", "due"),
    [
        ({}, 100, True),
        ({"full_at": 90, "full_seconds": 0.4}, 100, True),
        ({"full_at": 90, "full_seconds": 30}, 100, False),
        ({"full_at": 0, "full_seconds": 30}, 700, True),
        ({"full_at": 200, "full_seconds": 0.1}, 100, True),
    ],
)
def test_a_full_pass_takes_five_percent(
    previous: dict[str, Any], now: float, due: bool
) -> None:
    assert full_pass_due(previous, now) is due


@pytest.mark.parametrize(
    ("quiet", "moved", "before", "expected"),
    [
        (False, False, 9, 0),
        (True, True, 9, 1),
        (True, False, 0, 1),
        (True, False, 1, 2),
    ],
)
def test_streak(quiet: bool, moved: bool, before: int, expected: int) -> None:
    assert quiet_streak(quiet, moved, before) == expected


def test_the_recorded_settling() -> None:
    """refreshing goes false while items still move; only then it settles."""
    looks = [(SCAN, 60), (SCAN, 70), (IDLE, 75), (IDLE, 80), (IDLE, 80), (IDLE, 80)]
    previous: dict[str, Any] = {}
    verdicts = []
    for now, (activities, live) in enumerate(looks):
        previous = sample(previous, float(now), activities, live=live)
        verdicts.append((previous["busy"], previous["settled"]))
    assert verdicts == [
        (True, False),
        (True, False),
        (False, False),
        (False, False),
        (False, True),
        (False, True),
    ]


def test_one_look_never_settles() -> None:
    assert sample({})["settled"] is False


@pytest.mark.parametrize(
    ("cpu", "idle", "settled"),
    [(3.0, 5.0, True), (300.0, 5.0, False), (300.0, None, True), (None, 5.0, False)],
)
def test_cpu_counts_when_asked(
    cpu: float | None, idle: float | None, settled: bool
) -> None:
    first = sample({}, cpu=cpu, idle=idle)
    assert sample(first, 1.0, cpu=cpu, idle=idle)["settled"] is settled


def test_still_since_the_last_movement() -> None:
    first = sample({}, 100.0, live=10)
    moving = sample(first, 160.0, live=11)
    still = sample(moving, 300.0, live=11)
    assert moving["still_seconds"] == 0
    assert (still["still_since"], still["still_seconds"]) == (160.0, 140.0)
    assert moving["moved"] == {"5": {"leaves": 1, "media": 1, "analysed": 1}}
    assert still["baseline"] == first["baseline"]
    assert still["baseline"]["time"] == 100.0


def test_a_counter_that_becomes_known_did_not_move() -> None:
    assert movement({5: {"sonic_done": 7}}, {"5": {"sonic_done": None}}) == {}
    assert movement({5: {"sonic_done": 7}}, {}) == {}


@given(st.lists(st.integers(0, 3), min_size=2, max_size=20))
def test_settled_means_two_equal_quiet_looks(steps: list[int]) -> None:
    previous: dict[str, Any] = {}
    total = 10
    for now, step in enumerate(steps):
        total += step
        current = sample(previous, float(now), live=total)
        if current["settled"]:
            assert step == 0
        previous = current


@pytest.mark.parametrize(
    ("done_then", "done", "total", "per_hour", "eta"),
    [
        (0, 100, 300, 100.0, 7200.0),
        (100, 100, 300, 0.0, None),
        (300, 300, 300, 0.0, 0.0),
        (0, 300, 300, 300.0, 0.0),
    ],
)
def test_pace(
    done_then: int, done: int, total: int, per_hour: float, eta: float | None
) -> None:
    found = pace(0, 3600, done_then, done, total)
    assert (found.per_hour, found.eta_seconds) == (per_hour, eta)


def test_sample_file(tmp_path: Path) -> None:
    kept = SampleFile(str(tmp_path / "progress.json"))
    assert kept.load() == {}
    kept.save({"time": 1.0})
    assert kept.load() == {"time": 1.0}
    (tmp_path / "progress.json").write_text('{"time"')
    assert kept.load() == {}
    SampleFile(None).save({})


def test_no_time_passes_while_plex_is_fenced() -> None:
    first = sample({}, 1000.0)
    held = GuardView("fenced", True, "stale", (Held(1020.0, None, "stale", ""),))
    during = fenced_sample(1300.0, {**first, "quiet_streak": 1}, held)
    assert (during["still_seconds"], during["fenced_seconds"]) == (20.0, 280.0)
    assert (during["quiet_streak"], during["settled"]) == (0, False)
    over = GuardView("watching", False, "", (Held(1020.0, 1320.0, "stale", ""),))
    rows = {5: one(60)}
    after = assemble(1400.0, rows, IDLE, [], None, during, None, over)
    assert (after["still_seconds"], after["fenced_seconds"]) == (100.0, 300.0)
    assert after["baseline"] == first["baseline"]
    assert after["guard"]["state"] == "watching"
