# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chaos driver's own judgement: schedule, losses, figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudburst_lab.plex_schema import create_pair
from tests.e2e.chaos import reaction, report, schedule
from tests.e2e.chaos.judge import Library, judge
from tests.e2e.chaos.report import Results, Totals

NOW = 1_700_000_000
ROOT = "/media/plex/Movies"
NAMES = [f"{ROOT}/Film {n}/Film {n}.mkv" for n in range(6)]


# --- the schedule -----------------------------------------------------------------------------
@given(st.integers(0, 10**9), st.integers(1, 8))
def test_a_seed_always_gives_the_same_trial(seed: int, scans: int) -> None:
    found = schedule.trial(seed, scans)
    assert found == schedule.trial(seed, scans)
    assert found.delay >= 0 and (found.lasts is None or found.lasts > 0)
    assert found.anchor == "run" or int(found.anchor.split()[1]) in range(1, scans + 1)


def test_ten_seeds_in_a_row_have_every_fault() -> None:
    found = {schedule.trial(seed, 2).fault for seed in range(41, 51)}
    assert found == set(schedule.FAULTS)


def test_slow_but_alive_lasts_to_the_end_and_a_kill_has_no_end() -> None:
    trials = [schedule.trial(seed, 2) for seed in range(200)]
    assert all(t.lasts is None for t in trials if t.fault == "s3_slow")
    assert all(t.lasts is None for t in trials if t.fault in schedule.MOMENTARY)
    lasting = [t.lasts is None for t in trials if t.fault == "s3_frozen"]
    assert any(lasting) and not all(lasting)


# --- the judge --------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pair = create_pair(tmp_path_factory.mktemp("judge"), clock=NOW)
    with pair.filler(NOW) as fill:
        movies = fill.section("Movies", "movie", [ROOT])
        other = fill.section("Other", "movie", ["/media/plex/Other"])
        for number, name in enumerate(NAMES):
            fill.movie(movies, f"Film {number}", 1980, name)
        fill.movie(other, "Elsewhere", 1990, "/media/plex/Other/x.mkv")
    return pair.library


def library(database: Path) -> Library:
    return Library.read(database, ["Movies"])


def without(known: Library, *names: str) -> Library:
    """The library after these files went for good."""
    gone = {known.files[name] for name in names}
    rows = {table: set(ids) for table, ids in known.rows.items()}
    rows["metadata_items"] -= {file.item for file in gone}
    rows["media_parts"] -= {file.part for file in gone}
    files = {n: f for n, f in known.files.items() if n not in names}
    return Library(rows, files)


def in_trash(known: Library, *names: str) -> Library:
    files = {
        name: type(file)(file.part, file.item, file.live and name not in names)
        for name, file in known.files.items()
    }
    return Library(known.rows, files)


def test_only_the_named_sections_are_judged(database: Path) -> None:
    assert set(library(database).files) == set(NAMES)
    with pytest.raises(AssertionError, match="Nothing"):
        Library.read(database, ["Movies", "Nothing"])


def test_an_unchanged_library_has_lost_nothing(database: Path) -> None:
    loss = judge(library(database), library(database), set(NAMES))
    assert not loss.hard and not loss.wrong_count and loss.examples == ()


def test_what_is_gone_for_good_is_lost_even_if_the_file_comes_back(
    database: Path,
) -> None:
    before = library(database)
    loss = judge(before, without(before, *NAMES[:2]), set(NAMES))
    assert (loss.items_lost, loss.rows_lost, loss.missing) == (2, 4, 0)
    assert loss.hard and loss.wrong_count


def test_a_removed_file_may_be_in_the_trash_and_its_row_must_stay(
    database: Path,
) -> None:
    before, bucket = library(database), set(NAMES[1:])
    assert not judge(before, in_trash(before, NAMES[0]), bucket).wrong_count
    emptied = judge(before, without(before, NAMES[0]), bucket)
    assert emptied.items_lost == 0 and emptied.rows_lost == 2 and emptied.hard


def test_trash_missing_and_ghosts_are_wrong_counts(database: Path) -> None:
    before = library(database)
    trashed = judge(before, in_trash(before, NAMES[0]), set(NAMES))
    assert trashed.in_trash == 1 and trashed.wrong_count and not trashed.hard
    missing = judge(before, before, {*NAMES, f"{ROOT}/New.mkv"})
    assert missing.missing == 1 and missing.wrong_count
    ghost = judge(before, before, set(NAMES[1:]))
    assert ghost.ghosts == 1 and ghost.wrong_count


# --- the guard's journal ----------------------------------------------------------------------
def event(time: float, name: str, verdict: str = "", **more: Any) -> dict[str, Any]:
    return {"time": time, "event": name, "verdict": verdict, **more}


def test_a_reaction_is_read_from_what_followed_the_fault() -> None:
    journal = [
        event(90.0, "look", "healthy"),
        event(104.4, "fenced", "backend_down", detected=104.0),
        event(118.0, "repairing", "backend_down"),
        event(118.5, "mounted", ok=False, seconds=0.5),
        event(120.0, "mounted", ok=True, seconds=0.7),
        event(121.0, "repaired", seconds=3.0),
        event(121.0, "released", "healthy"),
    ]
    found = reaction.reaction(journal, struck=100.0)
    assert found.verdict == "backend_down"
    assert (found.detected, found.fenced, found.repaired) == (4.0, 0.4, 0.7)
    assert (found.fences, found.repairs) == (1, 1)


def test_a_fence_before_the_fault_is_not_its_doing() -> None:
    found = reaction.reaction([event(90.0, "fenced", "wedged")], struck=100.0)
    assert found.detected is None and found.fences == 0
    assert "detected" not in found.as_dict()


@pytest.mark.parametrize("name", ["fencing", "fenced"])
def test_a_fence_that_holds_not_all_of_plex_is_none(name: str) -> None:
    half = event(105.0, name, "stale", detected=104.0, running=[77])
    found = reaction.reaction([half], struck=100.0)
    assert (found.detected, found.fenced, found.fences) == (4.0, None, 0)
    assert found.running == (77,)
    whole = event(106.5, "fenced", "stale", detected=104.0)
    found = reaction.reaction([half, whole], struck=100.0)
    assert (found.fenced, found.fences, found.running) == (2.5, 1, (77,))


@pytest.mark.parametrize(
    ("fault", "healed", "ended", "detected", "wrong"),
    [
        ("s3_frozen", 115.0, 140.0, None, True),
        ("s3_frozen", 115.0, 140.0, 14.0, False),  # late, which p95 tells
        ("s3_frozen", 107.9, 140.0, None, False),  # over before the limit
        ("s3_frozen", None, 107.0, None, False),  # over with the run
        ("s3_frozen", None, 120.0, None, True),
        ("s3_frozen", 130.0, 107.0, None, False),  # healed after the run
        ("rclone_killed", None, 140.0, None, True),
        ("rclone_killed", None, 103.0, None, False),
        ("rclone_frozen", 112.5, 140.0, None, False),
        ("rclone_frozen", 114.0, 140.0, None, True),
        ("s3_down", 115.0, 140.0, None, True),
        ("s3_revoked", 115.0, 140.0, None, True),
        ("s3_reads_hang", 115.0, 140.0, None, True),
        # No fault of the mount.
        ("s3_slow", None, 140.0, None, False),
        ("plex_hang", 115.0, 140.0, None, False),
        ("disk_full", 115.0, 140.0, None, False),
    ],
)
def test_a_fault_that_outlasts_its_limit_has_to_be_noticed(
    fault: str,
    healed: float | None,
    ended: float,
    detected: float | None,
    wrong: bool,
) -> None:
    guard = {"verdict": "", "fences": 0, "repairs": 0}
    if detected is not None:
        guard["detected"] = detected
    told = record(1, fault=fault, healed=healed, ended=ended, guard=guard)
    assert reaction.unnoticed(told) is wrong
    found = report.violations([told])
    assert [x for x in found if "not noticed" in x] == found
    assert bool(found) is wrong


def test_what_was_never_noticed_is_in_the_time_limit() -> None:
    seen = {"verdict": "backend_down", "detected": 5.0, "fenced": 0.1}
    missed = {"verdict": "", "fences": 0, "repairs": 0}
    records = [record(n, guard=seen) for n in range(3)]
    records += [record(9, guard=missed, healed=114.0, ended=140.0)]
    row = report.reactions(records)["s3_frozen"]
    assert (row["n"], row["p95"], row["missed"]) == (4, 14.0, 1)
    assert report.late(report.reactions(records))
    assert "1 never noticed" in report.lines(records)[0]


@pytest.mark.parametrize(
    ("values", "expected"), [([], None), ([3.0], 3.0), (list(range(1, 101)), 95)]
)
def test_percentile(values: list[float], expected: float | None) -> None:
    assert report.percentile(values, 0.95) == expected


# --- results ----------------------------------------------------------------------------------
END = {"items_lost": 0, "rows_lost": 0, "in_trash": 0, "examples": []}


def record(seed: int, mode: str = "guarded", **changes: Any) -> dict[str, Any]:
    base = {
        "seed": seed,
        "mode": mode,
        "fault": "s3_frozen",
        "status": "ok",
        "reason": "",
        "again": None,
        "wrong_ok": "",
        "trashed_meanwhile": 0,
        "seconds": 20.0,
        "struck": 100.0,
        "healed": None,
        "ended": 105.0,
        "end": END,
    }
    return {**base, **changes}


def test_a_finished_seed_is_found_again_and_a_torn_line_is_not(tmp_path: Path) -> None:
    results = Results(tmp_path / "build" / "chaos.jsonl")
    assert results.all() == []
    results.add(record(1))
    results.add(record(1, "bare"))
    with results.path.open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(record(2))[:30])
    assert results.find(1, "guarded") and results.find(1, "bare")
    assert results.find(2, "guarded") is None


def test_a_seed_after_a_torn_line_is_not_lost(tmp_path: Path) -> None:
    results = Results(tmp_path / "chaos.jsonl")
    results.path.write_text('{"seed": 1, "mo', encoding="utf-8")
    results.add(record(2))
    assert results.find(2, "guarded")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"status": "timeout", "reason": "ended by the test"}, "no end"),
        ({"end": {**END, "rows_lost": 3}}, "rows_lost 3"),
        ({"end": {**END, "in_trash": 1}}, "in_trash 1"),
        ({"wrong_ok": "missing x"}, "wrong count"),
        ({"status": "reason", "again": "reason: no"}, "second run"),
        ({"fault": "s3_slow", "guard": {"fences": 1}}, "1 fences"),
        ({"guard": {"detected": 1.0, "running": [7]}}, "processes [7] of Plex ran"),
        ({"fault": "s3_slow", "status": "reason", "reason": "late"}, "not complete"),
    ],
)
def test_every_broken_promise_is_named(changes: dict[str, Any], word: str) -> None:
    assert report.violations([record(1)]) == []
    (line,) = report.violations([record(1, **changes)])
    assert word in line and "seed 1" in line


def test_the_last_line_has_both_figures() -> None:
    lost = {**END, "items_lost": 31, "rows_lost": 90}
    records = [record(1), record(2, status="reason", again="ok", reason="why")]
    records += [record(1, "bare", end=lost), record(2, "bare")]
    line = report.lines(records)[-1]
    assert "2 runs (20 s each), 1 ok, 1 with a reason" in line
    assert "rows hard-deleted 0" in line
    assert "31 items hard-deleted in 1 runs" in line
    assert Totals.of(records[:2]).endless == 0


def test_times_over_their_limit_are_named() -> None:
    guard = {"verdict": "backend_down", "detected": 9.5, "fenced": 0.2}
    table = report.reactions([record(1, guard=guard)])
    assert table["s3_frozen"]["verdicts"] == {"backend_down": 1}
    assert report.late(table) == ["s3_frozen: p95 9.5 s of 1, limit 8 s"]


def test_runs_that_nothing_struck_are_no_runs() -> None:
    records = [record(1), record(2, struck=None), record(3, fault="s3_down")]
    totals = Totals.of(records)
    assert (totals.runs, totals.ok, totals.not_struck) == (2, 2, 1)
    text = report.lines(records)
    assert "struck: s3_down 1 of 1, s3_frozen 1 of 2" in text
    assert "2 runs (20 s each) and 1 not struck" in text[-1]
    assert report.unproven(records) == []
    (line,) = report.unproven([*records, record(4, fault="disk_full", struck=None)])
    assert line.startswith("disk_full: none of its 1 runs")
    lost = record(5, struck=None, end={**END, "rows_lost": 3})
    assert report.violations([lost]) and Totals.of([lost]).rows_lost == 3


def test_the_summary_tells_which_code_ran() -> None:
    records = [record(1, code="v1"), record(2, code="v2"), record(3, code="v2")]
    assert "code: v1 1 runs, v2 2 runs" in report.lines(records)


def test_a_trial_that_came_too_late_is_struck_sooner() -> None:
    plan = schedule.Trial(1, "s3_frozen", "run", 20.0, 3.0)
    assert [plan.sooner(n).delay for n in range(3)] == [20.0, 10.0, 5.0]
    assert plan.sooner(0) == plan
