# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tests.e2e.chaos --runs 20 --seed 1``: see ``docs/chaos.md``."""

from __future__ import annotations

import argparse
import fcntl
import sys
from pathlib import Path

from tests.e2e.chaos.driver import MODES, Driver
from tests.e2e.chaos.report import (
    Results,
    late,
    lines,
    reactions,
    unproven,
    violations,
)
from tests.e2e.chaos.seeds import RESULTS, run_seeds


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.chaos")
    parser.add_argument("--runs", type=int, default=20, help="how many seeds")
    parser.add_argument("--seed", type=int, default=1, help="the first of them")
    parser.add_argument("--results", type=Path, default=RESULTS)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--bare", action="store_true", help="only without protection")
    only.add_argument("--guarded", action="store_true", help="only with protection")
    parser.add_argument(
        "--remove", action="store_true", help="end the instance after it"
    )
    return parser.parse_args()


def say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """Run the seeds; 1 when a guarded run did what it must not, or a bare set lost nothing."""
    given = options()
    modes = ("bare",) if given.bare else ("guarded",) if given.guarded else MODES
    driver, results = Driver(say), Results(given.results)
    given.results.parent.mkdir(parents=True, exist_ok=True)
    with (given.results.parent / "chaos.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # there is one instance
        seeds = range(given.seed, given.seed + given.runs)
        records = run_seeds(driver, seeds, modes, results)
        if given.remove:
            driver.remove()
    guarded = [r for r in records if r["mode"] == "guarded"]
    bare = [r for r in records if r["mode"] == "bare"]
    wrong = violations(guarded) + unproven(guarded) + late(reactions(guarded))
    if bare and not any(r["end"]["items_lost"] for r in bare):
        wrong.append("no bare run lost anything: these faults prove nothing")
    for line in wrong:
        say(f"WRONG  {line}")
    for line in lines(records):
        say(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
