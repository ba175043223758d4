# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the outside refuses: stock, Plex Pass, an expired claim."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Player
from tests.e2e.harness import Lab


@pytest.fixture
def calm(lab: Lab) -> Iterator[None]:
    """Leave the lab without faults, whatever the test did."""
    yield
    lab.command("faults", "clear")
    lab.plex_tv(plex_pass=True, claim_seconds=240)


@pytest.mark.alone
@pytest.mark.usefixtures("calm")
def test_out_of_stock_takes_the_next_type_and_no_plex_pass_skips_sonic(
    lab: Lab, player: Player
) -> None:
    lab.command("faults", "set", "out_of_stock", "--type", "GP1-S")
    lab.plex_tv(plex_pass=False)
    run = player(
        "delta_sync.yml", "-e", "profile=power", "-e", "sections=Classical,Photos"
    )
    assert run.ok, run.tail()
    assert "GP1-S" in run.output
    assert re.search(r"Sonic.*Plex Pass|Plex Pass.*Sonic", run.output)
    assert player.left() == {}


@pytest.mark.alone
@pytest.mark.usefixtures("calm")
def test_expired_claim_keeps_the_instance_and_a_second_run_goes_on(
    lab: Lab, player: Player
) -> None:
    arguments = ("delta_sync.yml", "-e", "profile=lite", "-e", "sections=Photos")
    lab.plex_tv(claim_seconds=-1)
    broken = player(*arguments)
    assert broken.status == "failed"
    assert any("claim" in message for message in broken.failures), broken.failures
    (server,) = player.left()["servers"]

    lab.plex_tv(claim_seconds=240)
    again = player(*arguments)
    assert again.ok, again.tail()
    assert server["name"] in again.output or server["id"] in again.output
    assert player.left() == {}
