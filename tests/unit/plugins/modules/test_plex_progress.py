# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plex_progress over a real pair and a small server: one sample, honest errors."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import plex_progress
from cloudburst_lab.plex_schema import Pair
from tests.support.http_server import Reply, Script, serving
from tests.support.module_run import run_module

IDLE = {"uuid": "b", "type": "butler", "progress": 100, "title": "Butler"}
SCANNING = {"uuid": "s", "type": "library.update.section", "progress": 3}


def script(
    activities: list[dict[str, Any]], refreshing: bool = False
) -> dict[str, Script]:
    row = {"key": "1", "title": "Movies", "type": "movie", "refreshing": refreshing}
    return {
        "GET /activities": Reply(200, {"MediaContainer": {"Activity": activities}}),
        "GET /library/sections": Reply(200, {"MediaContainer": {"Directory": [row]}}),
    }


def sample(pair: Pair, url: str, **args: Any) -> dict[str, Any]:
    folder = str(Path(pair.library).parent)
    given = {"databases": folder, "url": url, "pause": 0.0, **args}
    return run_module(plex_progress.main, given)


def test_all_sections(pair: Pair) -> None:
    with serving(script([IDLE])) as server:
        found = sample(pair, server.url)["sample"]
    by_name = {row["name"]: row for row in found["sections"].values()}
    assert by_name["Movies"]["leaves"]["movie"] == 40
    assert by_name["Movies"]["thumbs_missing"] == 20
    assert by_name["TV Shows"]["live"] == 9
    assert by_name["TV Shows"]["deleted"] == 1
    assert by_name["Music"]["sonic_done"] == by_name["Music"]["sonic_vectors"] == 20
    assert by_name["Photos"]["leaves"]["photo"] == 8
    assert found["busy"] is False
    assert found["settled"] is False
    json.dumps(found)


def test_two_looks_settle(pair: Pair) -> None:
    with serving(script([IDLE])) as server:
        assert sample(pair, server.url, looks=2)["sample"]["settled"] is True
    with serving(script([IDLE], refreshing=True)) as server:
        assert sample(pair, server.url, looks=3)["sample"]["settled"] is False
    with serving(script([IDLE, SCANNING])) as server:
        found = sample(pair, server.url, looks=2)["sample"]
    assert (found["busy"], found["settled"]) == (True, False)


def test_state_file_carries_from_call_to_call(pair: Pair, tmp_path: Path) -> None:
    state = str(tmp_path / "progress.json")
    with serving(script([IDLE])) as server:
        first = sample(pair, server.url, state_file=state)["sample"]
        second = sample(pair, server.url, state_file=state)["sample"]
    assert (first["settled"], second["settled"]) == (False, True)
    assert second["baseline"] == first["baseline"]


def test_costly_counters_are_carried(pair: Pair) -> None:
    with serving(script([IDLE])) as server:
        first = sample(pair, server.url)["sample"]
        later = sample(pair, server.url, previous=first, full="never")["sample"]
        alone = sample(pair, server.url, full="never")["sample"]
    music = next(k for k, row in first["sections"].items() if row["name"] == "Music")
    assert later["sections"][music]["sonic_done"] == 20
    assert later["full_at"] == first["full_at"]
    assert alone["sections"][music]["sonic_done"] is None


def test_without_the_server(pair: Pair) -> None:
    found = sample(pair, "http://127.0.0.1:1", api=False)["sample"]
    assert found["busy"] is None
    assert found["settled"] is None


@pytest.mark.parametrize("broken", ["library", "blobs"])
def test_unreadable_database_fails_with_the_reason(pair: Pair, broken: str) -> None:
    path = getattr(pair, broken)
    os.unlink(path)
    with serving(script([IDLE])) as server:
        result = sample(pair, server.url)
    assert result["failed"]
    assert str(path) in result["msg"]
    assert "sample" not in result


def test_silent_server_fails(pair: Pair) -> None:
    result = sample(pair, "http://127.0.0.1:1")
    assert result["failed"]
    assert "does not answer" in result["msg"]


def test_a_fenced_server_is_not_asked(pair: Pair, tmp_path: Path) -> None:
    files = {
        "guard_journal": str(tmp_path / "guard.jsonl"),
        "guard_status": str(tmp_path / "guard.json"),
    }
    with serving(script([IDLE])) as server:
        first = sample(pair, server.url, **files)["sample"]
    assert first["guard"]["state"] == "absent"
    now = time.time()
    status = {"time": now, "pid": os.getpid(), "state": "fenced", "fenced": True}
    Path(files["guard_status"]).write_text(json.dumps(status))
    fenced = {"time": now, "event": "fenced", "verdict": "stale"}
    Path(files["guard_journal"]).write_text(json.dumps(fenced) + "\n")
    found = sample(pair, "http://127.0.0.1:1", previous=first, **files)
    assert not found["failed"]
    assert found["sample"]["guard"]["fenced"]
    assert found["sample"]["sections"] == first["sections"]


def test_unknown_section_is_named(pair: Pair) -> None:
    with serving(script([IDLE])) as server:
        result = sample(pair, server.url, sections=[99])
    assert result["failed"]
    assert "99" in result["msg"]
    assert "Movies" in result["msg"]


def test_unknown_container_fails(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with serving(script([IDLE])) as server:
        result = sample(pair, server.url, container="cloudburst-plex")
    assert result["failed"]
    assert "docker" in result["msg"]
