# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole play twice: the second converges on the same instance and redoes nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.e2e.conftest import Player
from tests.e2e.harness import Lab


def _digests(results: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in results.rglob("*.tar.zst")
        if "logs" not in path.name
    }


def test_second_run_converges_and_teardown_ends_it(lab: Lab, player: Player) -> None:
    arguments = ("delta_sync.yml", "-e", "profile=power", "-e", "keep=yes")
    first = player(*arguments)
    assert first.ok, first.tail()
    servers = lab.billable()["servers"]
    assert len(servers) == 1
    results = first.artifacts.parents[2] / "results"
    before = _digests(results)

    second = player(*arguments)
    assert second.ok, second.tail()
    assert [row["id"] for row in lab.billable()["servers"]] == [servers[0]["id"]]
    assert _digests(results) == before
    redone = [
        task
        for task in second.changed
        if any(
            word in task.lower()
            for word in ("inject", "refresh", "scan", "sonic", "pack")
        )
    ]
    assert redone == [], redone

    gone = player("teardown.yml")
    assert gone.ok, gone.tail()
    assert lab.billable() == {}
