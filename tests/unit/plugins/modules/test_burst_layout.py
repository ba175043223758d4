# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""burst_layout: the module around the arithmetic."""

from __future__ import annotations

from typing import Any

from ansible_collections.cloudburst.plex.plugins.modules import burst_layout
from tests.support.module_run import run_module


def lay_out(**changes: Any) -> dict[str, Any]:
    args = {
        "available": [
            {"id": 7, "name": "Movies", "locations": [{"id": 1, "path": "/old/Movies"}]}
        ],
        "mappings": [
            {"from": "/old", "to": "/media/plex"},
            {"from": "/x/", "to": "/x"},
        ],
        "directories": ["Movies"],
        "depth": 1,
        **changes,
    }
    return run_module(burst_layout.main, args)


def test_the_plan_of_the_paths() -> None:
    result = lay_out()
    assert result["media_root"] == "/media/plex"
    assert result["mappings"] == [{"from": "/old", "to": "/media/plex"}]
    section = {"id": 7, "name": "Movies", "locations": ["/media/plex/Movies"]}
    assert result["sections"] == [{**section, "home_locations": ["/old/Movies"]}]
    assert not result["changed"]


def test_problems_fail_with_their_text() -> None:
    assert "'Moovies'" in lay_out(names=["Moovies"])["msg"]
    assert "outside every mount" in lay_out(directories=["Music"])["msg"]
    assert (
        "not an absolute path" in lay_out(mappings=[{"from": "x", "to": "/y"}])["msg"]
    )
