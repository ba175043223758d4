# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module plex_db_inject as a play sees it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import plex_db_inject
from cloudburst_lab.plex_schema import Pair
from tests.unit.conftest import ModuleFailedError, RunModule


@pytest.fixture
def params(pair: Pair, tmp_path: Path) -> dict[str, Any]:
    return {
        "source_library": pair.library,
        "source_blobs": pair.blobs,
        "databases": tmp_path / "plex" / "a" / "Databases",
        "base_dir": tmp_path / "base",
        "burst_id": "b1",
        "uid": os.getuid(),
        "gid": os.getgid(),
    }


def test_check_mode_then_run_then_repeat(
    run_module: RunModule, params: dict[str, Any], tmp_path: Path
) -> None:
    planned = run_module(plex_db_inject, params, check=True)
    assert planned["changed"] is True
    assert not (tmp_path / "plex").exists()
    done = run_module(plex_db_inject, params)
    assert done["changed"] is True
    assert len(done["base"]["base"]["library_sha256"]) == 64
    assert done["diff"] == planned["diff"]
    again = run_module(plex_db_inject, params)
    assert again["changed"] is False
    assert again["base"] == done["base"]


def test_a_missing_blobs_database_is_refused(
    run_module: RunModule, params: dict[str, Any], pair: Pair, tmp_path: Path
) -> None:
    pair.blobs.unlink()
    with pytest.raises(ModuleFailedError, match="blobs.db: cannot be read"):
        run_module(plex_db_inject, params)
    assert not (tmp_path / "plex").exists()


def test_an_offset_of_nothing_is_refused(
    run_module: RunModule, params: dict[str, Any]
) -> None:
    with pytest.raises(ModuleFailedError, match="sequence_offset"):
        run_module(plex_db_inject, {**params, "sequence_offset": 0})
