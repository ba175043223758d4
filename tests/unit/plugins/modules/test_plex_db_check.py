# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module plex_db_check as a play sees it."""

from __future__ import annotations

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import plex_db_check
from cloudburst_lab.plex_schema import Pair
from tests.unit.conftest import ModuleFailedError, RunModule
from tests.unit.plugins.module_utils import db_faults


def params(pair: Pair, **more: object) -> dict[str, object]:
    return {"library": pair.library, "blobs": pair.blobs, "oracle": "stock", **more}


@pytest.mark.parametrize("check", [False, True])
def test_a_healthy_pair(run_module: RunModule, pair: Pair, check: bool) -> None:
    result = run_module(plex_db_check, params(pair), check=check)
    assert result["ok"] is True
    assert result["changed"] is False
    assert (result["oracle"], result["level"]) == ("stock", "full")
    assert result["findings"] == []


def test_damage_fails_with_one_clear_message(run_module: RunModule, pair: Pair) -> None:
    db_faults.index_leaf(pair.library)
    with pytest.raises(ModuleFailedError) as failure:
        run_module(plex_db_check, params(pair, level="quick"))
    message = str(failure.value)
    assert message.startswith(f"damaged database: {pair.library}: ")
    assert "index index_media_parts_on_file of table media_parts" in message
    assert "take an intact copy" in message
    assert failure.value.result["ok"] is False
    assert failure.value.result["findings"][0]["kind"] == "index_page"


def test_damage_can_be_only_reported(run_module: RunModule, pair: Pair) -> None:
    pair.blobs.unlink()
    result = run_module(plex_db_check, params(pair, fail_on_damage=False))
    assert result["ok"] is False
    assert [item["kind"] for item in result["findings"]] == ["missing"]


def test_an_oracle_that_cannot_be_had_is_no_verdict(
    run_module: RunModule, pair: Pair
) -> None:
    with pytest.raises(ModuleFailedError, match="could not be checked: oracle=plex"):
        run_module(plex_db_check, params(pair, oracle="plex", image=""))
