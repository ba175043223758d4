# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mount_health and the journal's modules, run as modules."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.cloudburst.plex.plugins.modules import (
    burst_journal,
    burst_journal_info,
    mount_health,
)
from tests.support.module_run import run_module


def test_healthy_folder(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "film.mkv").write_bytes(os.urandom(200_000))
    args = {
        "path": str(tmp_path / "m"),
        "need_mount": False,
        "state_dir": str(tmp_path),
    }
    result = run_module(mount_health.main, args)
    assert result["verdict"] == "healthy"
    assert result["latency_ms"] is not None
    assert result["evidence"]["bytes_read"] == 65536


def test_small_file_is_whole(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"abc")
    args = {"path": str(tmp_path), "need_mount": False, "state_dir": str(tmp_path)}
    assert run_module(mount_health.main, args)["verdict"] == "healthy"


def test_not_mounted_is_a_verdict_not_a_failure(tmp_path: Path) -> None:
    result = run_module(mount_health.main, {"path": str(tmp_path)})
    assert (result["failed"], result["verdict"]) == (False, "absent")
    assert result["latency_ms"] is None


def test_hanging_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hangs")
    args = {
        "path": str(tmp_path),
        "file": "hangs",
        "timeout": 0.2,
        "need_mount": False,
        "state_dir": str(tmp_path / "run"),
    }
    result = run_module(mount_health.main, args)
    assert result["verdict"] == "backend_down"
    assert result["evidence"]["read"]["outcome"] == "timeout"


def test_journal(tmp_path: Path) -> None:
    path = str(tmp_path / "journal.jsonl")
    args = {"path": path, "phase": "scan", "key": "1", "data": {"added": 2}}
    assert run_module(burst_journal.main, args, check_mode=True)["changed"]
    assert not os.path.exists(path)
    assert run_module(burst_journal.main, args)["changed"]
    again = run_module(burst_journal.main, args)
    assert not again["changed"]
    assert again["record"]["data"] == {"added": 2}
    info = run_module(burst_journal_info.main, {"path": path})
    assert info["done"] == {"scan": ["1"]}
    assert len(info["records"]) == 1


def test_journal_info_reports_torn_lines(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"phase": "scan", "k')
    info = run_module(burst_journal_info.main, {"path": str(path)})
    assert info["records"] == []
    assert len(info["torn"]) == 1


def test_journal_that_cannot_be_read(tmp_path: Path) -> None:
    result = run_module(burst_journal_info.main, {"path": str(tmp_path)})
    assert result["failed"]
    assert str(tmp_path) in result["msg"]
