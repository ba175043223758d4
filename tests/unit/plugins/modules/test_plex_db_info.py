# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module plex_db_info as a play sees it."""

from __future__ import annotations

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import plex_db_info
from cloudburst_lab.plex_schema import SCHEMA_HEAD, Pair
from tests.unit.conftest import ModuleFailedError, RunModule


def test_it_tells_what_the_pair_holds(run_module: RunModule, pair: Pair) -> None:
    params = {"library": pair.library, "blobs": pair.blobs}
    result = run_module(plex_db_info, params)
    assert result["changed"] is False
    assert [section["name"] for section in result["sections"]][0] == "Movies"
    assert result["totals"]["photo"] == {"live": 8, "deleted": 0}
    assert result["thumbs"] == {"movie": 21, "episode": 9, "track": 60, "photo": 8}
    assert result["sonic"]["vectors"] == 20
    assert result["schema_head"] == SCHEMA_HEAD
    assert (result["page_size"], result["journal_mode"]) == (1024, "wal")
    assert result["size"]["blobs"] == pair.blobs.stat().st_size
    assert result["in_use"] is False
    assert run_module(plex_db_info, params, check=True) == result


def test_without_blobs_vectors_are_null(run_module: RunModule, pair: Pair) -> None:
    result = run_module(plex_db_info, {"library": pair.library})
    assert result["sonic"]["vectors"] is None
    assert "blobs" not in result["size"]


@pytest.mark.parametrize("what", ["gone", "empty", "text"])
def test_what_cannot_be_read_fails(
    run_module: RunModule, pair: Pair, what: str
) -> None:
    """Never a count of 0 (L20)."""
    if what == "gone":
        pair.library.unlink()
    else:
        pair.library.write_bytes(b"" if what == "empty" else b"x" * 5000)
    with pytest.raises(ModuleFailedError, match=str(pair.library)):
        run_module(plex_db_info, {"library": pair.library})
