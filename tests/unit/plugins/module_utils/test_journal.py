# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal survives power loss: torn lines are told and never believed."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.module_utils._journal import (
    Journal,
    JournalUnreadable,
    parse_journal,
    same,
)


def record(phase: str, key: str = "all", status: str = "done") -> dict[str, Any]:
    return {"phase": phase, "key": key, "status": status, "data": {}}


def test_append_and_read(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "deep" / "j.jsonl"), clock=lambda: 12.3456)
    assert journal.read().records == ()
    stamped = journal.append(record("scan", "1"))
    assert stamped["time"] == 12.346
    assert journal.read().records == (stamped,)


def test_last_record_decides(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "j"))
    for status in ("done", "failed"):
        journal.append(record("scan", "1", status))
    journal.append(record("scan", "2"))
    journal.append(record("sonic", "all", "skipped"))
    journal.append(record("export", "all", "started"))
    assert journal.read().done() == {"scan": ["2"], "sonic": ["all"]}


def test_a_torn_line_is_reported_and_the_next_record_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(str(path))
    journal.append(record("scan", "1"))
    with path.open("a") as handle:
        handle.write('{"phase": "scan", "key": "2", "sta')
    journal.append(record("scan", "3"))
    view = journal.read()
    assert view.done() == {"scan": ["1", "3"]}
    assert len(view.torn) == 1
    assert "line 2" in view.torn[0]


@given(st.integers(0, 200))
def test_any_cut_loses_at_most_the_last_record(cut: int) -> None:
    lines = [json.dumps(record("scan", str(number))) for number in range(3)]
    text = "\n".join(lines) + "\n"
    view = parse_journal(text[: min(cut, len(text))])
    whole = sum(1 for end in range(3) if cut >= len("\n".join(lines[: end + 1])))
    assert len(view.records) == whole


def test_lines_that_are_json_but_no_records() -> None:
    view = parse_journal('[1]\n{"phase": "x"}\n"text"\n')
    assert view.records == ()
    assert len(view.torn) == 3


@pytest.mark.parametrize(
    ("old", "new", "equal"),
    [
        (None, record("a"), False),
        (record("a"), record("a"), True),
        ({**record("a"), "time": 5}, record("a"), True),
        (record("a", status="started"), record("a"), False),
        ({**record("a"), "data": {"n": 1}}, record("a"), False),
    ],
)
def test_same(old: dict[str, Any] | None, new: dict[str, Any], equal: bool) -> None:
    assert same(old, new) is equal


def _write(path: str, writer: int) -> None:
    for number in range(20):
        Journal(path).append(record("scan", f"{writer}-{number}"))


def test_writers_side_by_side(tmp_path: Path) -> None:
    path = str(tmp_path / "j")
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(path, n)) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    view = Journal(path).read()
    assert len(view.records) == 60
    assert view.torn == ()


def test_a_journal_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(JournalUnreadable, match="Is a directory"):
        Journal(str(tmp_path)).read()
    with pytest.raises(JournalUnreadable, match="Cannot write"):
        Journal(str(tmp_path)).append(record("x"))
