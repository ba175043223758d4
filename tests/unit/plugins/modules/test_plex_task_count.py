# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plex_task and plex_folder_scan: what is counted and made sure before the start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import (
    plex_folder_scan,
    plex_task,
)
from cloudburst_lab.plex_schema import Pair
from tests.support.http_server import Reply, Script, Seen, serving
from tests.support.module_run import run_module


class Plex:
    """One library; remembers in which order it was asked for what changes anything."""

    def __init__(self, deaf: bool = False, empties: bool = True) -> None:
        self.deaf = deaf
        self.empties = empties
        self.events: list[str] = []

    def script(self) -> dict[str, Script]:
        row = {"key": "1", "title": "Movies", "type": "movie", "refreshing": False}
        return {
            "GET /library/sections": Reply(
                200, {"MediaContainer": {"Directory": [row]}}
            ),
            "GET /activities": self.activities,
            "GET /library/sections/1/refresh": self.refresh,
            "GET /:/prefs": self.prefs,
            "PUT /:/prefs": self.put,
        }

    def activities(self, seen: Seen) -> Reply:
        self.events.append("counted")
        return Reply(200, {"MediaContainer": {"Activity": []}})

    def refresh(self, seen: Seen) -> Reply:
        self.events.append("started")
        return Reply(200)

    def prefs(self, seen: Seen) -> Reply:
        row = {"id": "autoEmptyTrash", "type": "bool", "value": self.empties}
        return Reply(200, {"MediaContainer": {"Setting": [row]}})

    def put(self, seen: Seen) -> Reply:
        self.events.append("trash kept")
        self.empties = self.deaf
        return Reply(200)


def run(plex: Plex, check_mode: bool = False, **args: Any) -> dict[str, Any]:
    with serving(plex.script()) as server:
        given = {"url": server.url, "kind": "refresh", "section": 1, **args}
        return run_module(plex_task.main, given, check_mode)


@pytest.fixture
def count(pair: Pair, tmp_path: Path) -> dict[str, Any]:
    return {
        "databases": str(Path(pair.library).parent),
        "sections": [1],
        "state_file": str(tmp_path / "progress.json"),
    }


def test_it_counts_first_and_begins_anew(count: dict[str, Any]) -> None:
    state = Path(count["state_file"])
    state.write_text('{"time": 1.0, "quiet_streak": 7, "baseline": {}}')
    plex = Plex()
    result = run(plex, count=count)
    assert plex.events == ["counted", "started"]
    assert result["status"] == "started"
    assert result["sample"]["sections"]["1"]["live"] == 40
    assert result["sample"]["quiet_streak"] < 2
    assert json.loads(state.read_text()) == json.loads(json.dumps(result["sample"]))


def test_a_database_that_cannot_be_counted_starts_nothing(
    count: dict[str, Any], tmp_path: Path
) -> None:
    plex = Plex()
    result = run(plex, count={**count, "databases": str(tmp_path / "none")})
    assert result["failed"]
    assert "Nothing was started" in result["msg"]
    assert plex.events == []


def test_check_mode_keeps_no_sample(count: dict[str, Any]) -> None:
    plex = Plex()
    assert run(plex, True, count=count, keep_trash=True)["changed"]
    assert plex.events == ["counted"]
    assert not Path(count["state_file"]).exists()


def test_the_trash_is_kept_before_the_start() -> None:
    plex = Plex()
    run(plex, keep_trash=True)
    run(plex, keep_trash=True)
    assert plex.events == ["trash kept", "started", "started"]


def test_a_server_that_would_empty_its_trash_starts_nothing(
    count: dict[str, Any],
) -> None:
    plex = Plex(deaf=True)
    result = run(plex, keep_trash=True, count=count)
    assert result["failed"]
    assert "autoEmptyTrash" in result["msg"]
    assert plex.events == ["trash kept"]


def test_folders_are_counted_before_their_scan(
    count: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plex_folder_scan, "LOOK_SECONDS", 0.0)
    plex = Plex()
    with serving(plex.script()) as server:
        given = {"url": server.url, "section": 1, "paths": ["/m/a"], "count": count}
        result = run_module(plex_folder_scan.main, given)
    assert plex.events == ["counted", "started"]
    assert result["scanned"] == 1
    assert result["sample"]["sections"]["1"]["live"] == 40
    assert Path(count["state_file"]).exists()
