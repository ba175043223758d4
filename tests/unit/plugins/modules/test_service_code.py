# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""service_code: what it leaves on a host runs there without Ansible."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.cloudburst.plex.plugins.modules import service_code
from tests.support.module_run import run_module


def args(dest: Path) -> dict[str, str]:
    return {"service": "guard", "dest": str(dest)}


def test_the_guard_starts_from_it_alone(tmp_path: Path) -> None:
    placed = run_module(service_code.main, args(tmp_path))
    done = subprocess.run(
        [sys.executable, "-S", "-m", placed["program"], str(tmp_path / "none.json")],
        env={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    # It came as far as its configuration, which is not there.
    assert done.returncode != 0
    assert "none.json" in done.stderr
    assert "No module named" not in done.stderr


def test_again_changes_nothing_and_a_new_version_everything_that_differs(
    tmp_path: Path,
) -> None:
    placed = run_module(service_code.main, args(tmp_path))
    assert placed["changed"]
    assert not run_module(service_code.main, args(tmp_path))["changed"]
    entry = tmp_path / f"{placed['program'].replace('.', '/')}.py"
    good = entry.read_bytes()
    entry.write_text("old")
    old = entry.with_name("_gone.py")
    old.write_text("old")
    assert run_module(service_code.main, args(tmp_path), check_mode=True)["changed"]
    assert (entry.read_text(), old.exists()) == ("old", True)
    assert run_module(service_code.main, args(tmp_path))["changed"]
    assert (entry.read_bytes(), old.exists()) == (good, False)
    assert entry.stat().st_mode & 0o777 == 0o644


def test_it_is_the_closure_and_nothing_else(tmp_path: Path) -> None:
    files = run_module(service_code.main, args(tmp_path))["files"]
    names = {Path(name).name for name in files}
    assert {"_guard_service.py", "_guard.py", "_mount_probe.py"} <= names
    assert not names & {"_plex_api.py", "_progress.py"}
    for name in files:
        assert "from ansible." not in (tmp_path / name).read_text()


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    failed = run_module(service_code.main, args(tmp_path / "file"))
    assert failed["failed"]
    assert "cannot be placed" in failed["msg"]
