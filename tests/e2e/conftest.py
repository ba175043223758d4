# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab for the whole suite; every test brings its own burst name and result folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cloudburst_lab.config import LabConfig
from tests.e2e.harness import REPO, Lab, Run, play, read_environment


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Lab:
    """Bring the lab up (a no-op when it is) and, once a session, to its initial state.

    ``CLOUDBURST_E2E_NO_RESET=1`` leaves it as it is, for a test beside a run of one's own.
    """
    command = str(Path(sys.executable).with_name("lab"))
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    with (shared / "lab.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "lab.ready").exists():
            subprocess.run([command, "up"], check=True)
            if not os.environ.get("CLOUDBURST_E2E_NO_RESET"):
                subprocess.run([command, "reset"], check=True)
            (shared / "lab.ready").touch()
    config = LabConfig.load()
    return Lab(config, read_environment(config.env_file))


@dataclass
class Player:
    """Runs playbooks as one burst: a name of its own and a folder for its results."""

    lab: Lab
    burst: str
    directory: Path
    count: int = 0

    @property
    def results(self) -> Path:
        return self.directory / "results"

    @property
    def archives(self) -> list[Path]:
        """Results that came home, oldest first."""
        found = [p for p in self.results.rglob("*.tar.zst") if "logs" not in p.name]
        return sorted(found, key=lambda path: path.stat().st_mtime)

    def __call__(
        self,
        playbook: str,
        *arguments: str,
        env: dict[str, str] | None = None,
        cwd: Path = REPO,
    ) -> Run:
        self.count += 1
        return play(
            self.directory / f"{self.count:02d}",
            playbook,
            {**self.lab.environment, **(env or {})},
            *("-e", f"burst_name={self.burst}", "-e", f"output_dir={self.results}"),
            *arguments,
            cwd=cwd,
        )

    def left(self) -> dict[str, list[dict[str, Any]]]:
        """What of this burst is still billed."""
        return self.lab.billable(self.burst)


@pytest.fixture(scope="module")
def module_player(
    lab: Lab, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Player:
    """One burst for a whole module."""
    name = request.module.__name__.rpartition(".test_")[2].replace("_", "-")
    return Player(lab, f"e2e-{name}", tmp_path_factory.mktemp(name))


@pytest.fixture
def player(lab: Lab, request: pytest.FixtureRequest, tmp_path: Path) -> Player:
    """A burst of the test's own."""
    name = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]
    return Player(lab, f"e2e-{name}", tmp_path / "play")
