# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module plex_db_remap as a play sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import plex_db_remap
from cloudburst_lab.plex_schema import Pair
from tests.unit.conftest import ModuleFailedError, RunModule

MAPPINGS = [{"from": "/media/plex/Music", "to": "/mnt/Musique d'été"}]


def test_check_mode_says_what_a_run_does_and_a_repeat_does_nothing(
    run_module: RunModule, pair: Pair, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    params = {"library": pair.library, "mappings": MAPPINGS, "backup_dir": folder}
    before = pair.library.read_bytes()
    planned = run_module(plex_db_remap, params, check=True)
    assert pair.library.read_bytes() == before
    assert not folder.exists()
    done = run_module(plex_db_remap, params)
    assert Path(done["backup"]).read_bytes() == before
    assert {**done, "backup": ""} == planned
    assert done["changed"] is True
    assert done["rows"]["media_parts"] == 50
    assert done["mappings"][0]["files"] == 50
    assert "/media/plex/Music\n" in done["diff"]["before"]
    assert "/mnt/Musique d'été\n" in done["diff"]["after"]
    again = run_module(plex_db_remap, params)
    assert again["changed"] is False
    assert again["diff"]["before"] == again["diff"]["after"]


def test_backups_are_beside_the_database_by_default(
    run_module: RunModule, pair: Pair
) -> None:
    done = run_module(plex_db_remap, {"library": pair.library, "mappings": MAPPINGS})
    assert Path(done["backup"]).parent == pair.library.parent


def test_nothing_to_map(run_module: RunModule, pair: Pair) -> None:
    done = run_module(plex_db_remap, {"library": pair.library, "mappings": []})
    assert done["changed"] is False
    assert set(done["rows"].values()) == {0}


@pytest.mark.parametrize(
    ("mapping", "message"),
    [({"from": "media", "to": "/x"}, "'media'"), ({"from": "/x"}, "missing required")],
)
def test_a_mapping_that_cannot_be_meant(
    run_module: RunModule, pair: Pair, mapping: dict[str, str], message: str
) -> None:
    with pytest.raises(ModuleFailedError, match=message):
        run_module(plex_db_remap, {"library": pair.library, "mappings": [mapping]})
