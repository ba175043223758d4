# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built tarball, installed offline into an empty path, does the same by FQCN.

It runs as a quick test, so that this option is seen at work as well.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import Player
from tests.e2e.harness import REPO, Lab
from tests.e2e.pairs import unpack


def _galaxy(cwd: Path, *arguments: str) -> None:
    """Run ansible-galaxy where nothing makes the checkout an installed collection."""
    binary = str(Path(sys.executable).with_name("ansible-galaxy"))
    bare = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
    subprocess.run([binary, "collection", *arguments], check=True, cwd=cwd, env=bare)


def test_installed_collection_runs_delta_sync(
    lab: Lab, player: Player, tmp_path: Path
) -> None:
    _galaxy(tmp_path, "build", str(REPO), "--output-path", str(tmp_path))
    (tarball,) = tmp_path.glob("cloudburst-plex-*.tar.gz")
    empty = tmp_path / "collections"
    _galaxy(tmp_path, "install", str(tarball), "-p", str(empty), "--offline")
    elsewhere = tmp_path / "anywhere"
    elsewhere.mkdir()
    run = player(
        "cloudburst.plex.delta_sync",
        *("-e", "profile=lite", "-e", "sections=Music", "-e", "quick_test=true"),
        env={"ANSIBLE_COLLECTIONS_PATH": str(empty)},
        cwd=elsewhere,
    )
    assert run.ok, run.tail()
    home = unpack(lab.archive, tmp_path / "home")
    result = unpack(player.archives[-1], tmp_path / "result")
    assert result.vectors() == home.vectors(), "a quick test analysed music"
    assert set(result.live_files("Music")) > set(home.live_files("Music")) - set(
        result.trashed_files("Music")
    )
    assert "quick_test" in run.output
    assert player.left() == {}
