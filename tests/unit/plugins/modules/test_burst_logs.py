# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""burst_logs run as a module."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import burst_logs
from tests.unit.conftest import ModuleFailedError, RunModule

SECRET = "QWERTYqwerty123456"


@pytest.fixture
def params(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "rclone.log").write_text(f"{'a' * 500}\nkey {SECRET}\nthe end\n")
    return {
        "dest": tmp_path / "logs.tar.gz",
        "sources": [
            {"name": "rclone.log", "path": str(tmp_path / "rclone.log")},
            {"name": "said.log", "command": ["echo", SECRET]},
            {"name": "gone.log", "path": str(tmp_path / "gone.log")},
        ],
        "secrets": [SECRET],
    }


def content(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as opened:
        return {
            row.name: opened.extractfile(row).read()  # type: ignore[union-attr]
            for row in opened
        }


def test_it_packs_what_is_there_and_names_what_is_not(
    run_module: RunModule, params: dict[str, Any]
) -> None:
    result = run_module(burst_logs, params)
    assert result["changed"] is True
    assert result["dest"] == str(params["dest"])
    assert result["members"] == ["rclone.log", "said.log"]
    assert [x.endswith("gone.log: is not there") for x in result["missing"]] == [True]
    found = content(params["dest"])
    assert sorted(found) == ["rclone.log", "said.log"]
    assert all(SECRET.encode() not in data for data in found.values())
    assert found["rclone.log"].endswith(b"key <hidden>\nthe end\n")
    assert params["dest"].stat().st_mode & 0o777 == 0o600


def test_of_a_long_file_its_end_is_packed(
    run_module: RunModule, params: dict[str, Any]
) -> None:
    run_module(burst_logs, {**params, "max_bytes": 8})
    assert content(params["dest"])["rclone.log"] == b"the end\n"


def test_check_mode_writes_nothing(
    run_module: RunModule, params: dict[str, Any]
) -> None:
    assert run_module(burst_logs, params, check=True)["changed"] is True
    assert not params["dest"].exists()


def test_a_second_run_replaces_the_archive(
    run_module: RunModule, params: dict[str, Any]
) -> None:
    run_module(burst_logs, params)
    run_module(burst_logs, {**params, "sources": params["sources"][:1]})
    assert list(content(params["dest"])) == ["rclone.log"]
    assert [x.name for x in params["dest"].parent.glob("logs.*")] == ["logs.tar.gz"]


def test_a_folder_that_is_not_there_fails_by_name(
    run_module: RunModule, params: dict[str, Any], tmp_path: Path
) -> None:
    dest = tmp_path / "none" / "logs.tar.gz"
    with pytest.raises(ModuleFailedError, match=r"none/logs\.tar\.gz: No such file"):
        run_module(burst_logs, {**params, "dest": dest})


@pytest.mark.parametrize(
    "source",
    [
        {"name": "neither"},
        {"name": "both", "path": "/x", "command": ["true"]},
        {"path": "/x"},
    ],
)
def test_a_source_is_a_path_or_a_command_with_a_name(
    run_module: RunModule, params: dict[str, Any], source: dict[str, Any]
) -> None:
    with pytest.raises(ModuleFailedError):
        run_module(burst_logs, {**params, "sources": [source]})
    assert not params["dest"].exists()
