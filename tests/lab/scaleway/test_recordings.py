# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scaleway-rclone A7: the recorded exchanges, sent to the lab's API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloudburst_lab.scaleway.servers import Timing

from . import replay
from .conftest import make_cloud, serve

NAMES = (
    "test-create-server-ips-run-with-dynamic-ip",
    "test-create-server-simple-default",
    "test-create-server-volumes-valid-single-local-volume",
    "test-security-group-get-get",
    "test-server-action-manual-poweron",
    "test-server-delete-only-local-volumes",
    "test-server-delete-with-sbs-volumes",
    "test-server-terminate-with-ip",
    "test-server-terminate-without-block",
    "test-server-terminate-without-ip",
    "test-server-type-list-on-fr-par1",
    "test-user-data-file-upload-on-cloud-init",
    "test-user-data-get-get-an-nonexistent-key",
    "test-user-data-list-simple",
)


@pytest.fixture
def recordings(fixtures_folder: Path) -> Path:
    return fixtures_folder / "scaleway"


def test_A7_every_recording_is_replayed(recordings: Path) -> None:
    assert {path.stem for path in recordings.glob("*.yaml")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_A7_replay(name: str, recordings: Path) -> None:
    exchanges = replay.load(recordings / f"{name}.yaml")
    assert exchanges
    # slow enough that every recorded state can be seen on the way
    cloud = make_cloud(timing=Timing(server=0.4, volume=0.3))
    for api in serve(cloud):
        # prices of 2026-07-01 are the lab's; the older recordings had others (A4)
        same_prices = name == "test-server-type-list-on-fr-par1"
        run = replay.Replay(api.http, compare_prices=same_prices)
        run.run(exchanges)
        assert run.differences == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "running"}, "state"),
        ({"tags": None}, "tags"),
        ({"extra": 1}, "not recorded"),
    ],
)
def test_comparison_notices(change: dict[str, Any], said: str) -> None:
    recorded = {"server": {"state": "stopped", "tags": [], "id": "x"}}
    ours = {"server": {**recorded["server"], **change}}
    found = replay.compare(recorded, ours, "GET", ignore_prices=True)
    assert len(found) == 1 and said in found[0]


def test_comparison_notices_a_wrong_status() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"server": {}})

    client = httpx.Client(transport=httpx.MockTransport(reply), base_url="http://lab")
    body = json.dumps({"server": {}})
    exchange = replay.Exchange("POST", "/x", "{}", "", 201, {}, body)
    run = replay.Replay(client)
    run.run([exchange])
    assert "status 200, recorded 201" in run.differences[0]
