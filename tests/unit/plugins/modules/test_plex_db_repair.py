# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module plex_db_repair as a play sees it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import plex_db_repair
from cloudburst_lab.plex_schema import Pair
from tests.unit.conftest import ModuleFailedError, RunModule
from tests.unit.plugins.module_utils import db_faults


def params(pair: Pair, tmp_path: Path, **more: object) -> dict[str, object]:
    places = {"library": pair.library, "blobs": pair.blobs, "dest": tmp_path / "sound"}
    return {**places, "oracle": "stock", **more}


@pytest.mark.parametrize("check", [False, True])
def test_a_healthy_pair(
    run_module: RunModule, pair: Pair, tmp_path: Path, check: bool
) -> None:
    result = run_module(plex_db_repair, params(pair, tmp_path), check=check)
    assert (result["status"], result["changed"]) == ("healthy", False)
    assert result["library"] == str(pair.library)
    assert not (tmp_path / "sound").exists()


def test_an_intact_copy_is_named(
    run_module: RunModule, pair: Pair, tmp_path: Path
) -> None:
    for path in (pair.library, pair.blobs):
        shutil.copyfile(path, f"{path}-2026-11-18")
    db_faults.table_leaf(pair.library)
    planned = run_module(plex_db_repair, params(pair, tmp_path), check=True)
    assert (planned["status"], planned["changed"]) == ("damaged", True)
    assert not (tmp_path / "sound").exists()
    result = run_module(plex_db_repair, params(pair, tmp_path))
    assert (result["status"], result["changed"]) == ("copied", True)
    assert planned["source"] == result["source"] == "Plex's backup of 2026-11-18"
    assert "media_parts" in result["damage"][0]
    assert Path(result["blobs"]).parent == tmp_path / "sound"


def test_a_salvage_reports_each_table(
    run_module: RunModule, pair: Pair, tmp_path: Path
) -> None:
    db_faults.index_leaf(pair.library)
    result = run_module(plex_db_repair, params(pair, tmp_path, salvage=True))
    assert (result["status"], result["lost"]) == ("salvaged", 0)
    tables = {row["table"]: row for row in result["tables"]["library"]}
    assert tables["media_items"]["before"] == tables["media_items"]["after"] == 119
    assert tables["media_items"]["before_is"] == "counted"
    assert set(result["tables"]) == {"library"}


def test_a_refusal_carries_what_is_known(
    run_module: RunModule, pair: Pair, tmp_path: Path
) -> None:
    db_faults.table_leaf(pair.library)
    with pytest.raises(
        ModuleFailedError, match="^not repaired: .*too much is lost"
    ) as e:
        run_module(plex_db_repair, params(pair, tmp_path, salvage=True))
    assert e.value.result["status"] == "refused"
    assert e.value.result["lost"] > 0
    assert e.value.result["tables"]["library"]
    (line,) = [text for text in e.value.result["report"] if "media_parts" in text]
    assert line.startswith("com.plexapp.plugins.library.db, media_parts: ")
    assert " of 119 rows (counted), " in line


@pytest.mark.parametrize("max_loss", [-0.1, 1])
def test_a_share_is_a_share(
    run_module: RunModule, pair: Pair, tmp_path: Path, max_loss: float
) -> None:
    with pytest.raises(ModuleFailedError, match="max_loss is a part"):
        run_module(plex_db_repair, params(pair, tmp_path, max_loss=max_loss))


def test_an_oracle_that_cannot_be_had_repairs_nothing(
    run_module: RunModule, pair: Pair, tmp_path: Path
) -> None:
    with pytest.raises(ModuleFailedError, match="not repaired: oracle=plex"):
        run_module(plex_db_repair, params(pair, tmp_path, oracle="plex"))
