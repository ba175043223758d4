# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the fidelity suite: a running lab, an API of its own, the recordings.

The recordings are not part of the project. They are looked for in ``CLOUDBURST_FIXTURES`` and
in the folder ``shared/fixtures`` beside the checkout; tests that need them are skipped, saying
so, where there are none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudburst_lab import env_file
from cloudburst_lab.cli import locked
from cloudburst_lab.components import Outcome, bring_up, chosen
from cloudburst_lab.config import LabConfig
from cloudburst_lab.sweep import sweep

REPOSITORY = Path(__file__).resolve().parents[2]


def start_lab(*names: str) -> LabConfig:
    """Bring up the named components (all without names) and return the lab."""
    config = LabConfig.load()
    with locked(config):  # workers of pytest-xdist come here at the same time
        outcomes = bring_up(config, chosen(names), lambda _: None)
    failed: list[Outcome] = [outcome for outcome in outcomes if outcome.error]
    if failed:
        pytest.fail("; ".join(f"{o.name}: {o.error}" for o in failed), pytrace=False)
    env_file.write(config)
    return config


@pytest.fixture(scope="session")
def lab() -> LabConfig:
    """The whole lab, running; it stays up afterwards (``lab down`` ends it)."""
    sweep(LabConfig.load(), docker_too=False)
    return start_lab()


@pytest.fixture(scope="session")
def lab_cloud() -> LabConfig:
    """The lab's Scaleway with servers that boot, and what it needs."""
    return start_lab("scaleway", "registry")


@pytest.fixture(scope="session")
def fixtures_folder() -> Path:
    """The folder of recordings and dumps."""
    named = os.environ.get("CLOUDBURST_FIXTURES")
    place = Path(named) if named else REPOSITORY.parent / "shared" / "fixtures"
    if not place.is_dir():
        pytest.skip(
            "no recordings: set CLOUDBURST_FIXTURES or put them into the folder "
            "shared/fixtures beside the checkout"
        )
    return place


@pytest.fixture
def lab_environment(
    lab: LabConfig, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LabConfig]:
    """The environment of a user of the lab, as ``lab.env`` exports it."""
    for name, value in env_file.variables(lab).items():
        monkeypatch.setenv(name, value)
    yield lab
