# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run what is not finished of some seeds, one line each."""

from __future__ import annotations

import subprocess
from typing import Any

from tests.e2e.chaos.driver import Driver
from tests.e2e.chaos.report import Results
from tests.e2e.chaos.schedule import Trial
from tests.e2e.harness import REPO

RESULTS = REPO / "build" / "chaos.jsonl"


def code_state() -> str:
    """The commit that a result belongs to."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def run_seeds(
    driver: Driver, seeds: range, modes: tuple[str, ...], results: Results
) -> list[dict[str, Any]]:
    """Run what is not finished; the records of all these seeds."""
    todo = [(s, m) for s in seeds for m in modes if results.find(s, m) is None]
    if todo:
        driver.say(f"chaos: the instance is ready after {driver.have():.0f} s")
        healthy = driver.healthy()
        driver.say(f"chaos: a run without a fault takes {healthy['seconds']} s")
    for seed, mode in todo:
        record = driver.run(seed, mode) | {"code": code_state()}
        results.add(record)
        driver.say(_line(record))
    return [r for s in seeds for m in modes if (r := results.find(s, m))]


def _line(record: dict[str, Any]) -> str:
    plan = Trial(*(record[k] for k in ("seed", "fault", "anchor", "delay", "lasts")))
    end, guard = record["end"], record.get("guard", {})
    lost = f"lost {end['items_lost']}, in the trash {end['in_trash']}"
    fence = (
        f", {guard['verdict']} after {guard['detected']:.1f} s"
        if "detected" in guard
        else ""
    )
    again = f", again: {record['again'][:80]}" if record["again"] else ""
    missed = "" if record["struck"] else ", not struck"
    return (
        f"{record['mode']:<8} {plan}: {record['status']}{again}, {lost}{fence}{missed}"
        f" ({record['seconds']} s)"
    )
