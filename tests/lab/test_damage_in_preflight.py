# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With repair_database, what cannot be repaired is refused before anything is paid.

Needs no running lab, only its schema and Ansible.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from cloudburst_lab.plex_schema import create_pair
from tests.unit.conftest import NOW, fill_pair
from tests.unit.plugins.module_utils import db_faults

ROOT = Path(__file__).resolve().parents[2]
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: cloudburst.plex.preflight
        tasks_from: archive
"""


@pytest.mark.parametrize(
    ("max_loss", "told"),
    [
        (0.01, ["cannot be salvaged", "media_parts: ", "set repair_max_loss"]),
        (0.5, ["a salvage would lose", "__preflight_sections"]),
    ],
    ids=["refused", "goes-on"],
)
def test_a_loss_is_estimated_where_nothing_costs_anything(
    tmp_path: Path, max_loss: float, told: list[str]
) -> None:
    (tmp_path / "home").mkdir()
    pair = create_pair(tmp_path / "home", clock=NOW)
    fill_pair(pair)
    db_faults.table_leaf(pair.library)
    with tarfile.open(tmp_path / "home.tar", "w") as archive:
        for path in (pair.library, pair.blobs):
            archive.add(path, arcname=path.name)
    done = play(tmp_path, tmp_path / "home.tar", max_loss)
    assert (done.returncode == 0) == (max_loss > 0.1), done.stdout
    for text in told:
        assert text in done.stdout
    assert not (tmp_path / "work").exists()


def play(
    folder: Path, archive: Path, max_loss: float
) -> subprocess.CompletedProcess[str]:
    (folder / "play.yml").write_text(PLAY)
    given = {
        "burst": {"archive": str(archive), "plex_version": "1.42"},
        "preflight_repair": True,
        "preflight_max_loss": max_loss,
        "preflight_work_dir": str(folder / "work"),
        "ansible_python_interpreter": sys.executable,
    }
    command = [Path(sys.executable).with_name("ansible-playbook"), "-v"]
    return subprocess.run(
        [*command, "-i", "localhost,", "-e", json.dumps(given), folder / "play.yml"],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "ANSIBLE_NOCOLOR": "true",
        },
        capture_output=True,
        text=True,
        check=False,
    )
