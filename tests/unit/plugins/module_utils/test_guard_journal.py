# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard writes and what others read from it; unknown is never well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    GuardFiles,
    GuardJournal,
    Held,
    StatusFile,
    fenced_seconds,
    fences,
    overlapping,
    read_journal,
    report,
    unwritten,
)


def record(time: float, event: str, **more: Any) -> dict[str, Any]:
    return {"time": time, "event": event, **more}


STARTED = record(1, "started")
FENCED = record(10, "fenced", detected=9.5, good_until=8.0, verdict="stale")
RELEASED = record(14, "released")
WATCHES = {"time": 100.0, "state": "watching", "fenced": False, "verdict": "healthy"}
FENCES = {"time": 100.0, "state": "fenced", "fenced": True, "verdict": "stale"}
FENCING = {"time": 100.0, "state": "fencing", "fenced": False, "message": "m"}
BEGUN = record(10, "fencing", detected=9.5, good_until=8.0, verdict="stale")
STOPPED = {"time": 100.0, "state": "stopped", "fenced": False}


@pytest.mark.parametrize(
    ("status", "records", "now", "alive", "state", "fenced"),
    [
        ({}, [], 101, False, "absent", False),
        (WATCHES, [STARTED], 101, True, "watching", False),
        (FENCES, [STARTED, FENCED], 101, True, "fenced", True),
        (STOPPED, [STARTED, record(90, "stopped")], 999, False, "stopped", False),
        ({}, [STARTED, record(90, "stopped")], 999, False, "stopped", False),
        # it is not held yet: neither fenced nor watching
        (FENCING, [STARTED, BEGUN], 101, True, "fencing", False),
        (FENCING, [STARTED, BEGUN], 120, True, "dead", True),
        # the service brings it back: a moment's grace, and no more
        (WATCHES, [STARTED], 104, False, "watching", False),
        (WATCHES, [STARTED], 106, False, "dead", False),
        (FENCES, [STARTED, FENCED], 106, False, "dead", True),
        # it hangs
        (WATCHES, [STARTED], 111, True, "dead", False),
        # the clock was set back; the machine came up again
        (WATCHES, [STARTED], 50, True, "dead", False),
        ({}, [STARTED], 101, False, "dead", False),
        ({}, [STARTED, FENCED], 101, False, "dead", True),
        ({"time": None}, [STARTED], 101, True, "dead", False),
        # asked to end while Plex was fenced
        ({**STOPPED, "fenced": True}, [FENCED], 101, False, "stopped", True),
    ],
)
def test_report(
    status: dict[str, Any],
    records: list[dict[str, Any]],
    now: float,
    alive: bool,
    state: str,
    fenced: bool,
) -> None:
    found = report(status, records, now, alive)
    assert (found.state, found.fenced) == (state, fenced)
    assert found.message or state == "watching" or status == FENCES


def test_a_fence_begins_with_the_last_proof_before_it() -> None:
    assert fences([STARTED, FENCED, RELEASED]) == [Held(8.0, 14.0, "stale", "")]


def test_a_fence_that_a_guard_died_in_goes_on() -> None:
    records = [FENCED, record(12, "died"), record(13, "started"), RELEASED]
    assert fences(records) == [Held(8.0, 14.0, "stale", "")]
    assert fences([FENCED, record(12, "died")])[0].end is None


def test_a_fence_begins_when_it_was_decided_and_is_one() -> None:
    assert fences([BEGUN, FENCED, RELEASED]) == [Held(8.0, 14.0, "stale", "")]
    assert fences([BEGUN])[0].end is None


@pytest.mark.parametrize(
    ("records", "missing"),
    [
        ([], True),
        ([STARTED], True),
        ([FENCED, record(12, "died")], False),
        ([BEGUN], True),
        ([BEGUN, FENCED], False),
        ([FENCED, RELEASED], True),
    ],
)
def test_what_the_journal_does_not_say_of_a_fence(
    records: list[dict[str, Any]], missing: bool
) -> None:
    assert unwritten(records) is missing


def test_seconds_and_overlaps() -> None:
    held = [Held(8.0, 14.0, "stale", ""), Held(20.0, None, "wedged", "")]
    assert fenced_seconds(held, 0, 30) == 16
    assert fenced_seconds(held, 10, 30) == 14
    assert fenced_seconds(held, 25, 30) == 5
    assert fenced_seconds([], 0, 30) == 0
    assert overlapping(held, 13) == held
    assert overlapping(held, 15) == held[1:]


def test_journal(tmp_path: Path) -> None:
    path = tmp_path / "new" / "guard.jsonl"
    journal = GuardJournal(str(path), lambda: 5.0)
    journal.write("started", message="é")
    with path.open("a") as handle:
        handle.write('{"time": 6, "ev\n[]\n{"time": 7}\n')
    journal.write("stopped")
    assert [x["event"] for x in read_journal(str(path))] == ["started", "stopped"]
    assert read_journal(str(tmp_path / "none")) == []


def test_an_empty_journal_is_no_word_that_no_guard_was_here(tmp_path: Path) -> None:
    files = GuardFiles(str(tmp_path / "guard.jsonl"), str(tmp_path / "guard.json"))
    assert files.look(100.0)[0].state == "absent"
    (tmp_path / "guard.jsonl").touch()
    assert files.look(100.0)[0].state == "dead"


def test_a_full_disk_delays_the_journal(tmp_path: Path) -> None:
    folder = tmp_path / "full"
    folder.write_text("a file where the folder should be")
    journal = GuardJournal(str(folder / "guard.jsonl"))
    journal.write("fenced")
    assert journal.problem
    folder.unlink()
    journal.write("released")
    assert not journal.problem
    events = [x["event"] for x in read_journal(str(folder / "guard.jsonl"))]
    assert events == ["fenced", "released"]


def test_status(tmp_path: Path) -> None:
    status = StatusFile(str(tmp_path / "run" / "guard.json"))
    assert status.read() == {}
    status.write({"state": "watching"})
    assert status.read() == {"state": "watching"}
    Path(status.path).write_text(json.dumps([1]))
    assert status.read() == {}
    Path(status.path).write_text("{half")
    assert status.read() == {}
