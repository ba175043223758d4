# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the outside refuses: stock, Plex Pass, an expired claim; one burst meets all three."""

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
def test_each_refusal_says_what_is_wrong_and_costs_no_more_than_it_must(
    lab: Lab, player: Player
) -> None:
    arguments = ("delta_sync.yml", "-e", "profile=power", "-e", "sections=Classical")
    lab.command("faults", "set", "out_of_stock", "--type", "GP1-S")
    lab.plex_tv(claim_seconds=-1)
    broken = player(*arguments)
    assert broken.status == "failed"
    assert any("claim" in message for message in broken.failures), broken.failures
    assert "GP1-S" in broken.output
    (server,) = player.left()["servers"]
    assert server["commercial_type"] != "GP1-S"

    lab.plex_tv(claim_seconds=240, plex_pass=False)
    again = player(*arguments)
    assert again.ok, again.tail()
    assert server["name"] in again.output or server["id"] in again.output
    assert re.search(r"Sonic.*Plex Pass|Plex Pass.*Sonic", again.output)
    assert player.left() == {}
