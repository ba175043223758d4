# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plex_folder_scan: one folder at a time, each settled before the next."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_api import PlexApi
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexError,
    PlexNotFound,
)
from ansible_collections.cloudburst.plex.plugins.modules import plex_folder_scan
from ansible_collections.cloudburst.plex.plugins.modules.plex_folder_scan import (
    FolderScanner,
)
from tests.support.http_server import Reply, Seen, serving
from tests.support.module_run import run_module

PATHS = ["/media/plex/TV Shows/Kaamelott/Season 1", "/media/plex/TV Shows/L'été"]


class Server:
    """A Plex with one library whose scans last for some looks, after a pause of one."""

    def __init__(self, looks: int, busy: int = 0) -> None:
        self.looks = looks
        self.busy = busy
        self.events: list[str] = []

    def listed(self, seen: Seen) -> Reply:
        refreshing = 0 < self.busy <= self.looks
        self.busy = max(self.busy - 1, 0)
        row: dict[str, Any] = {"key": "2", "title": "TV", "refreshing": refreshing}
        return Reply(200, {"MediaContainer": {"Directory": [row]}})

    def refresh(self, seen: Seen) -> Reply:
        self.events.append(f"{seen.query['path'][0]} {'busy' if self.busy else 'idle'}")
        self.busy = self.looks + 1
        return Reply(200)

    def script(self) -> dict[str, Any]:
        return {
            "GET /library/sections": self.listed,
            "GET /library/sections/2/refresh": self.refresh,
        }


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def _scanner(url: str, section: int = 2, limit: float = 60) -> FolderScanner:
    clock = Clock()
    return FolderScanner(PlexApi(url), section, limit, clock, clock.sleep)


@pytest.mark.parametrize("looks", [0, 1, 5])
def test_each_scan_begins_when_the_one_before_has_ended(looks: int) -> None:
    server = Server(looks, busy=looks)
    with serving(server.script()) as web:
        result = _scanner(web.url).scan(PATHS)
    assert server.events == [f"{path} idle" for path in PATHS]
    assert (result["scanned"], result["changed"]) == (2, True)


def test_a_scan_that_does_not_end_is_named() -> None:
    server = Server(looks=10_000)
    too_long = pytest.raises(PlexError, match="Season 1 did not end within 5 s")
    with serving(server.script()) as web, too_long:
        _scanner(web.url, limit=5).scan(PATHS)
    assert len(server.events) == 1


def test_an_unknown_library_is_named() -> None:
    server = Server(looks=1)
    unknown = pytest.raises(PlexNotFound, match="no library with id 7")
    with serving(server.script()) as web, unknown:
        _scanner(web.url, section=7).scan(PATHS)
    assert server.events == []


def test_check_mode_scans_nothing() -> None:
    server = Server(looks=1)
    with serving(server.script()) as web:
        params = {"url": web.url, "section": 2, "paths": PATHS}
        result = run_module(plex_folder_scan.main, params, check_mode=True)
    assert (result["scanned"], result["changed"], server.events) == (2, True, [])
