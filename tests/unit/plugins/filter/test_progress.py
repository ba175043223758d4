# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""poll_pauses and the progress filters: when to look, what it means, how to say it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.filter.poll_pauses import (
    FilterModule as PausesFilter,
)
from ansible_collections.cloudburst.plex.plugins.filter.progress_explanation import (
    FilterModule as ExplanationFilter,
)
from ansible_collections.cloudburst.plex.plugins.filter.progress_line import (
    FilterModule as LineFilter,
)
from ansible_collections.cloudburst.plex.plugins.filter.progress_verdict import (
    FilterModule as VerdictFilter,
)

poll_pauses = PausesFilter().filters()["poll_pauses"]
explanation = ExplanationFilter().filters()["progress_explanation"]
progress_line = LineFilter().filters()["progress_line"]
verdict = VerdictFilter().filters()["progress_verdict"]

RULES = {"limit_seconds": 7200, "stall_seconds": 900, "cpu_idle": 10.0}
RUNNING = {"running": True, "status": "running", "oom_killed": False}
THEN = {
    "live": 1000,
    "deleted": 0,
    "analysed": 400,
    "refreshed": 0,
    "thumbs_missing": 50,
    "sonic_vectors": 100,
    "sonic_total": 800,
}


def sample(now: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Ten minutes into a phase on one library."""
    row = {"type": "movie", "scanned_at": None, **THEN, **(now or {})}
    base: dict[str, Any] = {
        "time": 1600.0,
        "sections": {"1": row},
        "activities": [],
        "quiet_streak": 0,
        "still_seconds": 0.0,
        "cpu_percent": 50.0,
        "container": RUNNING,
        "baseline": {"time": 1000.0, "sections": {"1": dict(THEN)}},
    }
    return {**base, **changes}


# --- poll_pauses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "interval", "expected"),
    [
        (3, 1, [1.0, 1.0, 1.0]),
        (5, 60, [1.0, 1.0, 2.0, 2.0]),
        (7, 2, [1.0, 1.0, 2.0, 2.0, 2.0]),
        (0.5, 0.2, [0.2, 0.2, 0.2]),
        (0, 60, [60.0]),  # one look at least
    ],
)
def test_pauses(limit: float, interval: float, expected: list[float]) -> None:
    assert poll_pauses(limit, interval) == expected


def test_a_long_phase_is_looked_at_often_at_first_then_at_the_interval() -> None:
    pauses = poll_pauses(4 * 3600, 60)
    assert pauses[:3] == [1.0, 1.0, 2.0]
    assert pauses[-200:] == [60.0] * 200


@given(
    st.floats(min_value=0.1, max_value=96 * 3600),
    st.one_of(st.sampled_from([1, 10, 60, 120]), st.floats(0.5, 300)),
)
def test_pauses_fill_the_limit_with_less_than_one_pause_too_much(
    limit: float, interval: float
) -> None:
    """A phase may use all of its limit: looking ends at the limit and not before."""
    pauses = poll_pauses(limit, interval)
    assert pauses == sorted(pauses)
    assert 0 < pauses[0] <= pauses[-1] <= interval
    assert limit - 0.001 <= sum(pauses) < limit + pauses[-1] + 0.001


# --- progress_verdict ----------------------------------------------------------------------

QUIET: dict[str, Any] = {"quiet_streak": 2}
LATE: dict[str, Any] = {"time": 1000.0 + 7200}
STILL: dict[str, Any] = {"still_seconds": 900.0, "cpu_percent": 3.0}
DEAD: dict[str, Any] = {
    "container": {"running": False, "status": "exited", "oom_killed": False}
}


@pytest.mark.parametrize(
    ("changes", "rules", "expected"),
    [
        ({}, {}, "running"),
        (QUIET, {}, "settled"),
        (LATE, {}, "too_late"),
        (STILL, {}, "stalled"),
        (DEAD, {}, "crashed"),
        # Of two that hold, the one that says more.
        ({**QUIET, **LATE}, {}, "settled"),
        ({**LATE, **STILL}, {}, "too_late"),
        ({**QUIET, **STILL}, {}, "settled"),
        ({**QUIET, **DEAD}, {}, "crashed"),
        ({**QUIET, **DEAD}, {"target": 1}, "crashed"),
        # Without Docker nothing is known of the container.
        ({**QUIET, "container": None}, {}, "settled"),
        ({"time": 8199.9}, {}, "running"),
        ({**STILL, "still_seconds": 899.9}, {}, "running"),
        ({**STILL, "cpu_percent": 10.1}, {}, "running"),
        ({**STILL, "cpu_percent": 10.0}, {}, "stalled"),
        ({**STILL, "cpu_percent": None}, {}, "stalled"),
        ({**STILL, "cpu_percent": 90.0}, {"cpu_idle": None}, "stalled"),
        # One quiet look is never the end.
        ({"quiet_streak": 1}, {"quiet": 1}, "running"),
        (QUIET, {"quiet": "3"}, "running"),
        (QUIET, {"grace_seconds": 601}, "running"),
        (QUIET, {"grace_seconds": 600}, "settled"),
    ],
)
def test_verdict(changes: dict[str, Any], rules: dict[str, Any], expected: str) -> None:
    assert verdict(sample(**changes), {**RULES, **rules}) == expected


@pytest.mark.parametrize(
    ("target", "expected"), [(0, "running"), (25, "reached"), (26, "running")]
)
def test_a_target_is_of_vectors_added_since_the_phase_began(
    target: int, expected: str
) -> None:
    look = sample({"sonic_vectors": 125})
    assert verdict(look, {**RULES, "target": target}) == expected


@pytest.mark.parametrize(
    "counter", ["live", "deleted", "analysed", "thumbs_missing", "sonic_vectors"]
)
@pytest.mark.parametrize("step", [1, -1])
def test_a_trace_of_work_makes_quiet_the_end(counter: str, step: int) -> None:
    rules = {**RULES, "grace_seconds": 5000}
    assert verdict(sample(**QUIET), rules) == "running"
    moved = sample({counter: THEN[counter] + step}, **QUIET)
    assert verdict(moved, rules) == "settled"


@pytest.mark.parametrize(
    ("scanned", "started", "expected"),
    [
        ([1001, 1002], 1000.9, "settled"),
        ([1001, 999], 1000.0, "running"),  # one library is still to come
        ([1001, None], 1000.0, "running"),
        ([1001, 1002], None, "running"),
        ([], 1000.0, "running"),
    ],
)
def test_the_scan_time_of_every_library_has_to_move_on(
    scanned: list[int | None], started: float | None, expected: str
) -> None:
    rows = {str(n): {**THEN, "scanned_at": when} for n, when in enumerate(scanned)}
    base = {"time": 1000.0, "sections": {n: dict(THEN) for n in rows}}
    look = sample(sections=rows, baseline=base, **QUIET)
    rules = {**RULES, "grace_seconds": 5000, "started": started}
    assert verdict(look, rules) == expected


SAMPLES = st.builds(
    sample,
    time=st.floats(1000, 20_000),
    quiet_streak=st.integers(0, 4),
    still_seconds=st.floats(0, 3000),
    cpu_percent=st.one_of(st.none(), st.floats(0, 800)),
    container=st.sampled_from([RUNNING, DEAD["container"], None]),
)


@given(SAMPLES, st.floats(0, 10_000))
def test_more_patience_never_makes_it_worse(look: dict[str, Any], more: float) -> None:
    """Higher limits turn an end by impatience into waiting, and change nothing else."""
    patient = {
        **RULES,
        "limit_seconds": RULES["limit_seconds"] + more,
        "stall_seconds": RULES["stall_seconds"] + more,
    }
    before, after = verdict(look, RULES), verdict(look, patient)
    impatient = ("too_late", "stalled", "running")
    assert after == before or (before in impatient and after in impatient)
    if before == "running":
        assert after == "running"


@given(SAMPLES)
def test_a_dead_container_is_never_anything_else(look: dict[str, Any]) -> None:
    assert (verdict(look, RULES) == "crashed") == (
        look["container"] == DEAD["container"]
    )


# --- progress_line -------------------------------------------------------------------------

SCAN = {"kind": "scan", "type": "library.update.section", "title": "Scanning Movies"}
IDLE = {"kind": "idle", "type": "butler", "title": "Butler", "subtitle": "idle"}
OTHER = {"kind": "other", "type": "x", "title": "Something", "subtitle": ""}


def line(look: dict[str, Any], phase: str) -> list[str]:
    """The parts of the line behind time, phase and name."""
    text = progress_line(look, phase, "Films d'auteur", lambda moment: f"{moment:.0f}")
    head = f"[1600] {phase:<8} Films d'auteur  "
    assert text.startswith(head)
    parts: list[str] = text.removeprefix(head).split("  ")
    return parts


@pytest.mark.parametrize(
    ("phase", "now", "expected"),
    [
        ("scan", {}, ["1,000 items", "+0"]),
        (
            "scan",
            {"live": 1200, "deleted": 3},
            ["1,200 items", "+200", "3 into the trash"],
        ),
        ("scan", {"live": 990}, ["990 items", "-10"]),
        ("settle", {"live": 1001}, ["1,001 items", "+1"]),
        ("analysis", {}, ["400/1,000 40.0 %", "50 thumbnails missing"]),
        (
            "analysis",
            {"analysed": 700, "thumbs_missing": 0},
            ["700/1,000 70.0 %", "+30/min", "ETA 10 min"],
        ),
        ("analysis", {"type": "artist"}, ["400/1,000 40.0 %"]),
        ("analysis", {"analysed": 0, "live": 0, "thumbs_missing": 0}, ["0/0"]),
        ("refresh", {"refreshed": 1000}, ["1,000/1,000 100.0 %", "+100/min"]),
        ("refresh", {"refreshed": None}, ["0/1,000 0.0 %"]),
        (
            "sonic",
            {"sonic_vectors": 110},
            ["110/800 13.8 %", "+1/min", "ETA 11h30"],
        ),
    ],
)
def test_line(phase: str, now: dict[str, Any], expected: list[str]) -> None:
    assert line(sample(now, cpu_percent=None), phase) == expected


@pytest.mark.parametrize(
    ("activities", "expected"),
    [
        ([], "cpu 50 %"),
        (None, "cpu 50 %"),
        ([IDLE, OTHER], "cpu 50 %"),
        ([IDLE, {**SCAN, "subtitle": "Heat"}, OTHER], "Scanning Movies: Heat"),
        ([{**SCAN, "subtitle": ""}], "Scanning Movies"),
        ([{**SCAN, "title": "", "subtitle": "Heat"}], "library.update.section: Heat"),
    ],
)
def test_line_ends_with_what_plex_does(activities: Any, expected: str) -> None:
    assert line(sample(activities=activities), "scan")[-1] == expected


def test_line_adds_libraries_up() -> None:
    rows = {str(n): {**THEN, "live": 1000 + n} for n in range(3)}
    base = {"time": 1000.0, "sections": {str(n): dict(THEN) for n in range(3)}}
    found = line(sample(sections=rows, baseline=base), "scan")
    assert "3,003 items" in found
    assert "+3" in found


def test_line_has_the_time_of_the_day() -> None:
    assert progress_line(sample(), "scan", "Movies")[:10].count(":") == 2


# --- progress_explanation ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "changes", "words"),
    [
        (
            "stalled",
            {"still_seconds": 960.0, "cpu_percent": 2.5},
            ["stands still", "16 min", "limit 15 min", "2.5 %", "stall_threshold"],
        ),
        ("stalled", {"cpu_percent": None}, ["load is unknown"]),
        ("too_late", {"time": 8260.0}, ["2h01", "limit 2h00", "scan_limits", "again"]),
        ("crashed", DEAD, ["container is exited"]),
        (
            "crashed",
            {"container": {**DEAD["container"], "oom_killed": True}},
            ["exited", "lack of memory"],
        ),
        ("settled", {}, ["settled after 10 min"]),
        ("reached", {}, ["reached after 10 min"]),
    ],
)
def test_explanation(outcome: str, changes: dict[str, Any], words: list[str]) -> None:
    text = explanation(sample(**changes), outcome, RULES, "The scan of Movies")
    assert "The scan of Movies" in text
    assert "None" not in text
    for word in words:
        assert word in text


def test_memory_is_blamed_only_when_it_was_to_blame() -> None:
    text = explanation(sample(**DEAD), "crashed", RULES, "The scan")
    assert "memory" not in text
