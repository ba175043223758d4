# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plex_preferences, plex_section and plex_task against a small stateful server."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import (
    plex_preferences,
    plex_section,
    plex_task,
)
from tests.support.http_server import Reply, Script, Seen, serving
from tests.support.module_run import run_module

TASKS = ["BackupDatabase", "DeepMediaAnalysis", "MusicAnalysis"]


class Library:
    """Sections, preferences and tasks as plex-facts §3 describes them."""

    def __init__(self) -> None:
        self.sections: list[dict[str, Any]] = []
        self.prefs: dict[str, Any] = {"autoEmptyTrash": True, "hidden": 0}
        self.running: set[str] = set()
        self.starting = 0
        self.folders = ["/media/plex/Music", "/media/plex/More"]

    def script(self) -> dict[str, Script]:
        script: dict[str, Script] = {
            "GET /library/sections": self.listed,
            "POST /library/sections": self.create,
            "GET /:/prefs": self.list_prefs,
            "PUT /:/prefs": self.put_prefs,
            "GET /butler": Reply(
                200, {"ButlerTasks": {"ButlerTask": [{"name": n} for n in TASKS]}}
            ),
            "DELETE /butler": Reply(200),
        }
        for number in (1, 2):
            base = f"/library/sections/{number}"
            script[f"GET {base}/prefs"] = self.list_prefs
            script[f"PUT {base}/prefs"] = self.put_prefs
            script[f"PUT {base}"] = self.edit
            script[f"GET {base}/refresh"] = Reply(200, "", {"X-Plex-Activity": "u-1"})
            script[f"DELETE {base}/refresh"] = Reply(200)
            script[f"PUT {base}/analyze"] = Reply(200)
            script[f"PUT {base}/emptyTrash"] = Reply(200)
        for folder in ("/media/plex", "/media"):
            key = quote(base64.b64encode(folder.encode()).decode())
            script[f"GET /services/browse/{key}"] = self.browse
        for name in TASKS:
            script[f"POST /butler/{name}"] = self.start
            script[f"DELETE /butler/{name}"] = self.stop
        return script

    def listed(self, seen: Seen) -> Reply:
        return Reply(200, {"MediaContainer": {"Directory": self.sections}})

    def create(self, seen: Seen) -> Reply:
        if self.starting:
            self.starting -= 1
            return Reply(400, "the server is still starting up. Please retry later")
        query = seen.query
        self.sections.append(
            {
                "key": str(len(self.sections) + 1),
                "title": query["name"][0],
                "refreshing": False,
                **{k: query[k][0] for k in ("type", "agent", "scanner", "language")},
                "Location": [{"id": 1, "path": path} for path in query["location"]],
            }
        )
        return Reply(201, "", {"Location": "/library/sections/1"})

    def browse(self, seen: Seen) -> Reply:
        rows = [{"path": path, "title": path} for path in self.folders]
        return Reply(200, {"MediaContainer": {"Path": rows}})

    def edit(self, seen: Seen) -> Reply:
        rows = [{"path": path} for path in seen.query["location"]]
        self.sections[0]["Location"] = rows
        return Reply(200)

    def list_prefs(self, seen: Seen) -> Reply:
        kinds = {bool: "bool", int: "int", str: "text"}
        rows = [
            {"id": k, "type": kinds[type(v)], "value": v} for k, v in self.prefs.items()
        ]
        return Reply(200, {"MediaContainer": {"size": len(rows), "Setting": rows}})

    def put_prefs(self, seen: Seen) -> Reply:
        for name, values in seen.query.items():
            if name in self.prefs:
                self.prefs[name] = type(self.prefs[name])(int(values[0]))
        return Reply(200)

    def start(self, seen: Seen) -> Reply:
        name = seen.path.rsplit("/", 1)[1]
        status = 202 if name in self.running else 200
        self.running.add(name)
        return Reply(status)

    def stop(self, seen: Seen) -> Reply:
        name = seen.path.rsplit("/", 1)[1]
        if name not in self.running:
            return Reply(404)
        self.running.remove(name)
        return Reply(200)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plex_section, "RETRY_SECONDS", 0.01)


MUSIC = {"name": "Music", "type": "artist", "locations": ["/media/plex/Music"]}


def test_preferences_round_trip() -> None:
    library = Library()
    with serving(library.script()) as server:
        args = {"url": server.url, "values": {"autoEmptyTrash": "no"}}
        first = run_module(plex_preferences.main, args)
        again = run_module(plex_preferences.main, args)
        back = run_module(
            plex_preferences.main, {"url": server.url, "values": first["before"]}
        )
    assert first["changed"]
    assert first["diff"] == {
        "before": {"autoEmptyTrash": True},
        "after": {"autoEmptyTrash": False},
    }
    assert not again["changed"]
    assert back["changed"]
    assert library.prefs["autoEmptyTrash"] is True


def test_unknown_preference_fails_before_anything_changes() -> None:
    library = Library()
    values = {"autoEmptyTrash": False, "autoEmptyTrsh": False}
    with serving(library.script()) as server:
        result = run_module(
            plex_preferences.main, {"url": server.url, "values": values}
        )
    assert result["failed"]
    assert "autoEmptyTrash" in result["msg"]
    assert library.prefs["autoEmptyTrash"] is True


def test_library_preferences() -> None:
    library = Library()
    with serving(library.script()) as server:
        args = {"url": server.url, "section": 1, "values": {"hidden": 2}}
        result = run_module(plex_preferences.main, args)
    assert result["after"] == {"hidden": 2}
    assert server.requests("PUT", "/library/sections/1/prefs")


def test_create_waits_for_the_second_gate_and_is_idempotent() -> None:
    library = Library()
    library.starting = 2
    with serving(library.script()) as server:
        args = {"url": server.url, **MUSIC, "prefs": {"hidden": 2}}
        first = run_module(plex_section.main, args)
        second = run_module(plex_section.main, args)
    assert first["changed"]
    assert first["created"]
    assert first["section"]["id"] == 1
    assert first["section"]["locations"] == ["/media/plex/Music"]
    assert not second["changed"]
    assert len(server.requests("POST", "/library/sections")) == 3


def test_create_gives_up() -> None:
    library = Library()
    library.starting = 10**6
    with serving(library.script()) as server:
        args = {"url": server.url, **MUSIC, "wait": 0}
        result = run_module(plex_section.main, args)
    assert result["failed"]
    assert "gave up" in result["msg"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_folder_that_the_server_does_not_see(check_mode: bool) -> None:
    library = Library()
    library.folders = []
    with serving(library.script()) as server:
        args = {"url": server.url, **MUSIC}
        result = run_module(plex_section.main, args, check_mode)
        blind = run_module(plex_section.main, {**args, "check_paths": False})
    assert result["failed"]
    assert "/media/plex/Music" in result["msg"]
    assert blind["created"]


def test_create_in_check_mode() -> None:
    library = Library()
    with serving(library.script()) as server:
        result = run_module(plex_section.main, {"url": server.url, **MUSIC}, True)
    assert result["changed"]
    assert result["section"] is None
    assert library.sections == []


def test_location_is_added() -> None:
    library = Library()
    more = {**MUSIC, "locations": ["/media/plex/Music", "/media/plex/More"]}
    with serving(library.script()) as server:
        run_module(plex_section.main, {"url": server.url, **MUSIC})
        result = run_module(plex_section.main, {"url": server.url, **more})
    assert result["changed"]
    assert not result["created"]
    assert result["section"]["locations"] == more["locations"]


def run_task(library: Library, check_mode: bool = False, **args: Any) -> dict[str, Any]:
    with serving(library.script()) as server:
        return run_module(plex_task.main, {"url": server.url, **args}, check_mode)


@pytest.fixture
def library() -> Library:
    found = Library()
    found.sections = [
        {"key": "1", "title": "Movies", "type": "movie", "refreshing": False},
        {"key": "2", "title": "Busy", "type": "movie", "refreshing": True},
    ]
    return found


@pytest.mark.parametrize(
    ("args", "status"),
    [
        ({"kind": "refresh", "section": 1}, "started"),
        ({"kind": "refresh", "section": 2}, "already_running"),
        ({"kind": "refresh", "section": 2, "path": "/m/x"}, "started"),
        ({"kind": "refresh", "section": 2, "force": True}, "started"),
        ({"kind": "refresh", "section": 1, "state": "cancelled"}, "not_running"),
        ({"kind": "refresh", "section": 2, "state": "cancelled"}, "cancelled"),
        ({"kind": "analyze", "section": 1}, "started"),
        ({"kind": "empty_trash", "section": 1}, "started"),
        ({"kind": "butler", "task": "MusicAnalysis"}, "started"),
        (
            {"kind": "butler", "task": "MusicAnalysis", "state": "cancelled"},
            "not_running",
        ),
        ({"kind": "butler", "state": "cancelled"}, "cancelled"),
    ],
)
def test_tasks(library: Library, args: dict[str, Any], status: str) -> None:
    result = run_task(library, **args)
    assert result["status"] == status
    assert result["changed"] is (status in ("started", "cancelled"))


def test_butler_runs_once(library: Library) -> None:
    butler = {"kind": "butler", "task": "MusicAnalysis"}
    assert run_task(library, **butler)["status"] == "started"
    assert run_task(library, **butler)["status"] == "already_running"
    assert run_task(library, **butler, state="cancelled")["status"] == "cancelled"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"kind": "butler", "task": "MusicAnalyis"}, "MusicAnalysis"),
        ({"kind": "refresh", "section": 9}, "no library with id 9"),
        ({"kind": "butler"}, "task is needed"),
        ({"kind": "analyze", "section": 1, "state": "cancelled"}, "only be started"),
        ({"kind": "refresh"}, "section"),
    ],
)
def test_refused_tasks(library: Library, args: dict[str, Any], message: str) -> None:
    result = run_task(library, **args)
    assert result["failed"]
    assert message in result["msg"]


def test_check_mode_starts_nothing(library: Library) -> None:
    assert run_task(library, True, kind="butler", task="MusicAnalysis")["changed"]
    assert library.running == set()


def test_path_and_force_travel(library: Library) -> None:
    with serving(library.script()) as server:
        args = {"url": server.url, "kind": "refresh", "section": 1}
        path = "/media/plex/Films d'auteur/é"
        result = run_module(plex_task.main, {**args, "path": path, "token": "tok"})
        (seen,) = server.requests("GET", "/library/sections/1/refresh")
    assert result["activity"] == "u-1"
    assert seen.query == {"path": [path]}
    assert seen.headers["x-plex-token"] == "tok"
