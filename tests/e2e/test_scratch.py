# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``scan.yml`` makes the libraries of a file in an empty Plex and fills them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.conftest import Player
from tests.e2e.harness import Lab
from tests.e2e.pairs import unpack

LIBRARIES = {
    "libraries": [
        {"name": "Movies", "type": "movie", "locations": ["/media/plex/Movies"]},
        {"name": "Classical", "type": "artist", "locations": ["/media/plex/Classical"]},
        {"name": "Photos", "type": "photo", "locations": ["/media/plex/Photos"]},
    ]
}


def test_libraries_are_created_and_filled(
    lab: Lab, player: Player, tmp_path: Path
) -> None:
    libraries = tmp_path / "plex_libraries.json"
    libraries.write_text(json.dumps(LIBRARIES), encoding="utf-8")
    version = lab.config.plex_version
    run = player(
        "scan.yml",
        *("-e", "profile=superpower"),
        *("-e", f"libraries={libraries}"),
        *("-e", f"plex_version={version}"),
    )
    assert run.ok, run.tail()
    pair = unpack(player.archives[-1], tmp_path / "result")
    files = lab.bucket_files()
    expected = {
        "Movies": [name for name in files if name.startswith("Movies/")],
        "Classical": [name for name in files if name.startswith("Classical/")],
        "Photos": [name for name in files if name.startswith("Photos/")],
    }
    assert set(pair.section_ids()) == set(expected)
    kinds = {
        "Movies": ".mkv",
        "Classical": ".flac",
        "Photos": ".jpg",
    }  # covers are no tracks
    for section, names in expected.items():
        wanted = sorted(
            f"/media/plex/{name}" for name in names if name.endswith(kinds[section])
        )
        assert pair.live_files(section) == wanted
    analysed = set(pair.vectors()) & set(pair.tracks(section="Classical"))
    assert len(analysed) >= len(pair.tracks(section="Classical")) - 2
    assert player.left() == {}
