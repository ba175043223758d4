# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module plex_db_snapshot as a play sees it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import plex_db_snapshot
from cloudburst_lab.plex_schema import Pair
from tests.unit.conftest import ModuleFailedError, RunModule


def test_it_copies_the_pair(run_module: RunModule, pair: Pair, tmp_path: Path) -> None:
    dest = tmp_path / "out"
    params = {"library": pair.library, "blobs": pair.blobs, "dest": dest}
    assert run_module(plex_db_snapshot, params, check=True)["files"] == []
    assert not dest.exists()
    result = run_module(plex_db_snapshot, params)
    assert result["changed"] is True
    assert [Path(item["path"]).name for item in result["files"]] == [
        pair.library.name,
        pair.blobs.name,
    ]
    for item in result["files"]:
        data = Path(item["path"]).read_bytes()
        assert (item["size"], item["sha256"]) == (len(data), sha256(data).hexdigest())


def test_the_databases_own_folder_is_no_destination(
    run_module: RunModule, pair: Pair
) -> None:
    params = {"library": pair.library, "blobs": pair.blobs, "dest": pair.library.parent}
    with pytest.raises(ModuleFailedError, match="dest"):
        run_module(plex_db_snapshot, params)


def test_half_a_pair_is_refused(
    run_module: RunModule, pair: Pair, tmp_path: Path
) -> None:
    pair.blobs.unlink()
    params = {"library": pair.library, "blobs": pair.blobs, "dest": tmp_path / "out"}
    with pytest.raises(ModuleFailedError, match="blobs.db"):
        run_module(plex_db_snapshot, params)
    assert not (tmp_path / "out").exists()
