# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module plex_path_check as a play sees it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import plex_path_check
from cloudburst_lab.plex_schema import Pair
from tests.unit.conftest import NOW, ModuleFailedError, RunModule


@pytest.fixture
def mount(pair: Pair, tmp_path: Path) -> Path:
    """All files of the library, as the database has them."""
    root = tmp_path / "mount"
    with closing(sqlite3.connect(pair.library)) as connection:
        for (file,) in connection.execute("SELECT file FROM media_parts"):
            path = root / file.removeprefix("/media/plex/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    return root


def run(run_module: RunModule, pair: Pair, mount: Path, **more: Any) -> dict[str, Any]:
    root_map = {"/media/plex": str(mount)}
    params = {"library": pair.library, "root_map": root_map, **more}
    return run_module(plex_path_check, params)


def test_a_mount_that_has_everything(
    run_module: RunModule, pair: Pair, mount: Path
) -> None:
    result = run(run_module, pair, mount, compare_folders=True, sample=20)
    assert len(result["locations"]) == 6
    for location in result["locations"]:
        assert location["reachable"], location
        assert (location["missing"], location["missing_share"]) == (0, 0.0)
        assert location["sampled"] == min(20, location["total"])
        assert location["mtime_drift"]["drifted"] == location["sampled"]
        assert f"{NOW} in the database" in location["mtime_drift"]["examples"][0]
    assert result["stale_folders"] == []
    assert result["unknown_folders"] == []
    assert result["folders_complete"] is True
    assert result["incomplete"] == []
    assert set(result["outside"].values()) == {0}
    assert result["changed"] is False


def test_moved_folders_are_counted_by_location(
    run_module: RunModule, pair: Pair, mount: Path
) -> None:
    (mount / "M2" / "Artist 0").rename(mount / "M2" / "Artist zero")
    result = run(run_module, pair, mount, sections=[4], compare_folders=True)
    first, second = result["locations"]
    assert (first["path"], first["missing"]) == ("/media/plex/Music", 0)
    assert (second["total"], second["missing"]) == (10, 2)
    assert second["missing_share"] == 0.2
    assert {item["path"] for item in result["stale_folders"]} == {
        "/media/plex/M2/Artist 0/Album 0",
        "/media/plex/M2/Artist 0/Album 5",
    }
    assert [item["path"] for item in result["unknown_folders"]] == [
        "/media/plex/M2/Artist zero"
    ]


def test_one_of_two_locations_is_not_mounted(
    run_module: RunModule, pair: Pair, mount: Path
) -> None:
    root_map = {"/media/plex/Music": str(mount / "Music")}
    params = {"library": pair.library, "sections": [4], "root_map": root_map}
    first, second = run_module(plex_path_check, params, check=True)["locations"]
    assert first["reachable"] is True
    assert second["reachable"] is False
    assert "outside every mount" in second["reason"]
    assert second["missing_share"] is None


def test_folders_are_not_compared_unless_asked(
    run_module: RunModule, pair: Pair, mount: Path
) -> None:
    result = run(run_module, pair, mount)
    assert result["folders_complete"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [({"sections": [99]}, "section id 99"), ({"root_map": {"x": "/y"}}, "'x'")],
)
def test_parameters_that_cannot_be_meant(
    run_module: RunModule, pair: Pair, mount: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModuleFailedError, match=message):
        run(run_module, pair, mount, **change)
