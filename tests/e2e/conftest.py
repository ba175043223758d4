# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab for the whole suite; every test brings its own burst name and result folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloudburst_lab.config import LabConfig
from tests.e2e.harness import Lab, Run, play, read_environment

Player = Callable[..., Run]


@pytest.fixture(scope="session")
def lab() -> Lab:
    """Bring the lab up (a no-op when it is) and to its initial state."""
    command = str(Path(sys.executable).with_name("lab"))
    subprocess.run([command, "up"], check=True)
    subprocess.run([command, "reset"], check=True)
    config = LabConfig.load()
    return Lab(config, read_environment(config.env_file))


@pytest.fixture(scope="module")
def player(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """Return ``run(playbook, *arguments)`` with a burst name of the module's own."""
    directory = tmp_path_factory.mktemp("play")
    burst = "e2e-" + directory.name.rstrip("0123456789") + directory.name[-1]
    count = 0

    def run(
        playbook: str, *arguments: str, env: dict[str, str] | None = None, **kw: Path
    ) -> Run:
        nonlocal count
        count += 1
        return play(
            directory / f"{count:02d}",
            playbook,
            {**lab.environment, **(env or {})},
            "-e",
            f"burst_name={burst}",
            "-e",
            f"output_dir={directory / 'results'}",
            *arguments,
            **kw,
        )

    yield run
