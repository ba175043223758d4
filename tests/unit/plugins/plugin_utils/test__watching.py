# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.plugin_utils import _watching

RULES = {"limit_seconds": 3600, "stall_seconds": 600, "cpu_idle": 10.0}

HELD = {"state": "fenced", "fenced": True, "message": "the mount is stale"}


def sample(**changes: Any) -> dict[str, Any]:
    rows = {
        "1": {
            "live": 120,
            "deleted": 3,
            "analysed": 100,
            "thumbs_missing": 7,
            "sonic_vectors": 60,
            "sonic_total": 120,
        }
    }
    then = {**rows["1"], "live": 110, "deleted": 0, "sonic_vectors": 30}
    base: dict[str, Any] = {
        "time": 1060.0,
        "sections": rows,
        "activities": [],
        "quiet_streak": 0,
        "still_seconds": 0.0,
        "cpu_percent": 200.0,
        "container": {"running": True, "status": "running", "oom_killed": False},
        "baseline": {"time": 1000.0, "sections": {"1": then}},
    }
    return {**base, **changes}


@pytest.mark.parametrize(
    ("changes", "rules", "expected"),
    [
        ({}, {}, "running"),
        ({"quiet_streak": 1}, {}, "running"),
        ({"quiet_streak": 2}, {}, "settled"),
        ({"quiet_streak": 2}, {"quiet": 3}, "running"),
        ({"still_seconds": 700.0}, {}, "running"),  # the CPU works
        ({"still_seconds": 700.0, "cpu_percent": 4.0}, {}, "stalled"),
        ({"still_seconds": 700.0, "cpu_percent": None}, {}, "stalled"),
        ({"still_seconds": 599.0, "cpu_percent": 4.0}, {}, "running"),
        ({"time": 4600.0}, {}, "too_late"),
        ({"time": 4600.0, "quiet_streak": 2}, {}, "settled"),
        ({}, {"target": 30}, "reached"),
        ({}, {"target": 31}, "running"),
        ({"container": {"running": False, "status": "exited"}}, {}, "crashed"),
        ({"container": None, "quiet_streak": 2}, {}, "settled"),
        # a Plex that the guard holds neither ends nor stalls, and no time passes (L87)
        ({"guard": HELD, "time": 9e9, "still_seconds": 9e9}, {}, "running"),
        ({"guard": HELD, "quiet_streak": 2}, {}, "running"),
        ({"time": 4600.0, "fenced_seconds": 60.0}, {}, "running"),
        ({"time": 4700.0, "fenced_seconds": 60.0}, {}, "too_late"),
        ({"guard": {"state": "dead", "fenced": True}}, {}, "unguarded"),
        ({"guard": {"state": "stopped", "fenced": False}}, {}, "running"),
    ],
)
def test_verdict(changes: dict[str, Any], rules: dict[str, Any], expected: str) -> None:
    assert _watching.verdict(sample(**changes), {**RULES, **rules}) == expected


UNTOUCHED = {
    "1": {
        "live": 120,
        "deleted": 3,
        "analysed": 100,
        "thumbs_missing": 7,
        "sonic_vectors": 60,
        "sonic_total": 120,
    }
}


@pytest.mark.parametrize(
    ("scanned_at", "seconds", "moved", "expected"),
    [
        (999, 5.0, False, "running"),  # quiet, but perhaps only queued
        (1001, 5.0, False, "settled"),  # the library's scan time moved on
        (None, 5.0, False, "running"),
        (999, 5.0, True, "settled"),  # something was counted
        (999, 21.0, False, "settled"),  # nothing to do, and long enough quiet
    ],
)
def test_quiet_means_over_only_when_the_end_was_seen(
    scanned_at: int | None, seconds: float, moved: bool, expected: str
) -> None:
    rows = {"1": {**UNTOUCHED["1"], "scanned_at": scanned_at}}
    then = {**UNTOUCHED["1"], "analysed": 90} if moved else UNTOUCHED["1"]
    look = sample(
        time=1000.0 + seconds,
        quiet_streak=2,
        sections=rows,
        baseline={"time": 1000.0, "sections": {"1": then}},
    )
    rules = {**RULES, "grace_seconds": 20, "started": 1000.4}
    assert _watching.verdict(look, rules) == expected


@given(
    limit=st.floats(min_value=1, max_value=72 * 3600),
    interval=st.sampled_from([1, 10, 30, 60, 120]),
)
def test_pauses_fill_the_limit_and_never_exceed_the_interval(
    limit: float, interval: int
) -> None:
    pauses = _watching.poll_pauses(limit, interval)
    assert max(pauses) <= interval
    assert limit - interval <= sum(pauses) <= limit + interval + 30


@pytest.mark.parametrize(
    ("phase", "parts"),
    [
        ("scan", ["[12:00:00] scan", "120 items", "+10", "3 into the trash"]),
        ("analysis", ["100/120 83.3 %", "7 thumbnails missing"]),
        ("sonic", ["60/120 50.0 %", "+30/min", "ETA 120 s".replace("120 s", "2 min")]),
        ("sonic", ["cpu 200 %"]),
    ],
)
def test_line_says_what_moved(phase: str, parts: list[str]) -> None:
    line = _watching.progress_line(sample(), phase, "Music", lambda _t: "12:00:00")
    for part in parts:
        assert part in line


def test_line_shows_what_plex_does_but_not_the_idle_butler() -> None:
    rows = [
        {"kind": "idle", "type": "butler", "title": "", "subtitle": ""},
        {"kind": "scan", "type": "x", "title": "Scanning Movies", "subtitle": "Heat"},
    ]
    line = _watching.progress_line(sample(activities=rows), "scan", "Movies")
    assert line.endswith("Scanning Movies: Heat")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (40, "40 s"), (720, "12 min"), (7680, "2h08"), (360000, "100h00")],
)
def test_duration(seconds: float, text: str) -> None:
    assert _watching.duration(seconds) == text


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("stalled", ["no counter moved", "10 min", "stall_threshold"]),
        ("too_late", ["60 min", "scan_limits"]),
        ("crashed", ["container", "memory"]),
    ],
)
def test_explanation_has_the_figures_and_what_to_do(
    outcome: str, words: list[str]
) -> None:
    state = {"running": False, "status": "exited", "oom_killed": True}
    text = _watching.explain(outcome, sample(container=state), RULES, "The scan")
    for word in words:
        assert word in text


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"quiet_streak": 2},
        {"time": 4600.0},
        {"still_seconds": 700.0, "cpu_percent": 4.0},
        {"still_seconds": 700.0, "cpu_percent": 40.0},
    ],
)
def test_rules_may_be_text(changes: dict[str, Any]) -> None:
    """Templates give text and no numbers under ansible-core 2.18."""
    numbers = {**RULES, "quiet": 2, "target": 31, "started": 5, "grace_seconds": 10}
    text = {name: str(value) for name, value in numbers.items()}
    seen = sample(**changes)
    assert _watching.verdict(seen, text) == _watching.verdict(seen, numbers)
    for outcome in ("stalled", "too_late", "crashed"):
        assert _watching.explain(outcome, seen, text, "it") == _watching.explain(
            outcome, seen, numbers, "it"
        )


def test_no_target_as_text_is_no_target() -> None:
    assert _watching.verdict(sample(), {**RULES, "target": "0"}) == "running"
    assert _watching.verdict(sample(), {**RULES, "target": ""}) == "running"


def test_pauses_from_text() -> None:
    assert _watching.poll_pauses("120", "5") == _watching.poll_pauses(120, 5)  # type: ignore[arg-type]


def test_line_and_words_of_a_fence() -> None:
    line = _watching.progress_line(sample(guard=HELD), "scan", "Movies", lambda _t: "-")
    assert "Plex is fenced: the mount is stale" in line
    gone = {"state": "dead", "fenced": True, "message": "the guard is gone"}
    words = _watching.explain("unguarded", sample(guard=gone), RULES, "The scan")
    assert "the guard is gone" in words
    assert "cloudburst-guard" in words
