# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules plex_archive and plex_archive_info as a play sees them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import (
    plex_archive,
    plex_archive_info,
)
from cloudburst_lab.plex_schema import Pair
from tests.unit.conftest import ModuleFailedError, RunModule

pytestmark = pytest.mark.skipif(
    shutil.which("zstd") is None, reason="needs the zstd command"
)


@pytest.fixture
def packing(pair: Pair, tmp_path: Path) -> dict[str, Any]:
    return {
        "state": "packed",
        "archive": tmp_path / "out" / "home.tar.zst",
        "databases": pair.library.parent,
        "manifest": {"pms_version": "1.42", "created": 1},
    }


def test_pack_look_unpack(
    run_module: RunModule, packing: dict[str, Any], pair: Pair, tmp_path: Path
) -> None:
    planned = run_module(plex_archive, packing, check=True)
    assert planned["changed"] is True
    assert not (tmp_path / "out").exists()
    packed = run_module(plex_archive, packing)
    assert packed["manifest"] == planned["manifest"]
    assert run_module(plex_archive, packing)["changed"] is False
    assert run_module(plex_archive, packing, check=True)["changed"] is False

    found = run_module(plex_archive_info, {"archive": packing["archive"]})
    assert (found["ok"], found["errors"], found["notes"]) == (True, [], [])
    assert found["sha256"] == packed["sha256"]
    assert found["manifest"]["pms_version"] == "1.42"
    assert len(found["members"]) == 2

    dest = tmp_path / "in"
    params = {"state": "extracted", "archive": packing["archive"], "dest": dest}
    assert run_module(plex_archive, params, check=True)["changed"] is True
    assert not dest.exists()
    unpacked = run_module(plex_archive, params)
    assert Path(unpacked["library"]).read_bytes() == pair.library.read_bytes()
    assert Path(unpacked["blobs"]).read_bytes() == pair.blobs.read_bytes()
    again = run_module(plex_archive, params)
    assert again["changed"] is False
    assert again["manifest"] == packed["manifest"]


def test_a_missing_archive_is_named(run_module: RunModule, tmp_path: Path) -> None:
    path = tmp_path / "none.tar.zst"
    found = run_module(plex_archive_info, {"archive": path})
    assert found["ok"] is False
    assert str(path) in found["errors"][0]
    params = {"state": "extracted", "archive": path, "dest": tmp_path / "in"}
    with pytest.raises(ModuleFailedError, match=str(path)):
        run_module(plex_archive, params)


def test_a_wrong_promise_is_refused(
    run_module: RunModule, packing: dict[str, Any], tmp_path: Path
) -> None:
    run_module(plex_archive, packing)
    promise = {"archive": packing["archive"], "sha256": "0" * 64}
    assert "was promised" in run_module(plex_archive_info, promise)["errors"][0]
    with pytest.raises(ModuleFailedError, match="was promised"):
        run_module(
            plex_archive, {"state": "extracted", "dest": tmp_path / "in", **promise}
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"manifest": {"files": {}}}, "cannot be set"),
        ({"archive": "/tmp/x.zip"}, "name it"),
        ({"metadata": ["/tmp"]}, "only folders called Metadata and Media"),
    ],
)
def test_parameters_that_cannot_be_meant(
    run_module: RunModule, packing: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    for check in (True, False):
        with pytest.raises(ModuleFailedError, match=message):
            run_module(plex_archive, {**packing, **change}, check=check)


@pytest.mark.parametrize("state", ["packed", "extracted"])
def test_each_state_needs_its_folder(run_module: RunModule, state: str) -> None:
    with pytest.raises(ModuleFailedError, match="databases|dest"):
        run_module(plex_archive, {"state": state, "archive": "/x.tar"})
