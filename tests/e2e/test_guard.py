# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard on an instance: how soon it notices, how soon Plex stands still, how soon it goes on.

All times are the ones of the guard's journal; the lab's instances share this machine's clock.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cloudburst_lab.instance_faults import InstanceFaults
from tests.e2e.conftest import Player
from tests.e2e.harness import Lab

ROUNDS = int(os.environ.get("CLOUDBURST_GUARD_ROUNDS", "2"))
# Seconds: what is promised, as p95.
STALE, WEDGED, FROZEN, TO_FENCED, TO_FIRST_BYTE = 3.0, 12.0, 8.0, 1.0, 2.0
CONTAINER = "cloudburst-plex"


def p95(values: list[float]) -> float:
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


@dataclass
class Guarded:
    """One instance with a guard."""

    lab: Lab
    inside: InstanceFaults

    def journal(self, event: str, since: float = 0.0) -> list[dict[str, Any]]:
        text = (self.inside.root / "srv/cloudburst/guard.jsonl").read_text("utf-8")
        records = []
        for line in text.splitlines():
            with contextlib.suppress(ValueError):
                records.append(json.loads(line))
        return [x for x in records if x["event"] == event and x["time"] >= since]

    def status(self) -> dict[str, Any]:
        file = self.inside.root / "run/cloudburst/guard.json"
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return found

    def states(self) -> set[str]:
        """First letters of the states of all processes of Plex's container."""
        listed = self.inside.sh(f"docker top {CONTAINER} -eo pid,stat")
        return {line.split()[1][0] for line in listed.splitlines()[1:]}

    def until(self, true: Callable[[], Any], seconds: float, what: str) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := true()):
            assert time.monotonic() < deadline, f"{what}; the guard: {self.status()}"
            time.sleep(0.1)
        return found

    def strike(self, *fault: str, heal: tuple[str, ...] = ()) -> dict[str, Any]:
        """Set a fault, see Plex held, end the fault, see Plex go on."""
        began = time.time()
        self.lab.command("faults", *fault)
        # The command itself takes time: the fault is not there before it ends its work.
        struck = began if fault[0] == "s3" else time.time()
        fence, *_more = self.until(
            lambda: self.journal("fenced", began), 20, f"no fence after {fault}"
        )
        assert self.states() <= {"T", "t", "D", "Z"}, "something of Plex runs"
        assert "Up" in self.inside.sh(f"docker ps --filter name={CONTAINER}")
        if heal:
            self.lab.command("faults", *heal)
        self.until(lambda: self.journal("released", began), 90, "Plex stays fenced")
        self.until(lambda: not self.states() & {"T", "t"}, 5, "something stays stopped")
        repaired = self.journal("repaired", began)
        # Some moments of calm, never the same phase of the probes.
        time.sleep(2.5 + (struck * 7) % 2)
        return {
            "detected": max(0.0, fence["detected"] - struck),
            "fenced": fence["seconds"],
            "verdict": fence["verdict"],
            "repaired": repaired[0]["seconds"] if repaired else None,
        }


@pytest.fixture(scope="module")
def guarded(lab: Lab, module_player: Player) -> Iterator[Guarded]:
    arguments = ("-e", "profile=lite", "-e", "sections=Photos")
    run = module_player("tests/e2e/guarded.yml", *arguments)
    assert run.ok, run.tail()
    (server,) = module_player.left()["servers"]
    yield Guarded(lab, InstanceFaults(lab.config, server["id"]))
    lab.command("faults", "s3", "clear")
    gone = module_player("teardown.yml", "-e", "teardown_without_result=true")
    assert gone.ok, gone.tail()
    assert module_player.left() == {}


@pytest.fixture(autouse=True)
def calm(lab: Lab) -> Iterator[None]:
    yield
    lab.command("faults", "s3", "clear")


FAULTS = [
    (("instance", "kill-rclone"), (), {"stale", "absent"}, STALE),
    (("instance", "freeze-rclone"), (), {"wedged"}, WEDGED),
    (("s3", "freeze"), ("s3", "thaw"), {"backend_down", "wedged"}, FROZEN),
    (("s3", "hang_reads"), ("s3", "clear"), {"backend_down", "wedged"}, FROZEN),
]


@pytest.mark.alone
@pytest.mark.parametrize(("fault", "heal", "verdicts", "limit"), FAULTS)
def test_detection_fence_and_repair_are_in_time(
    guarded: Guarded,
    fault: tuple[str, ...],
    heal: tuple[str, ...],
    verdicts: set[str],
    limit: float,
) -> None:
    rounds = [guarded.strike(*fault, heal=heal) for _round in range(ROUNDS)]
    detected = [x["detected"] for x in rounds]
    repaired = [x["repaired"] for x in rounds if x["repaired"] is not None]
    print(
        f"{' '.join(fault)}: detected {', '.join(f'{x:.2f}' for x in detected)} s (p95"
        f" {p95(detected):.2f}, limit {limit:g}); fenced after"
        f" {p95([x['fenced'] for x in rounds]):.3f} s; first byte of a remount:"
        f" {', '.join(f'{x:.2f}' for x in repaired) or 'none was needed'}"
    )
    assert {x["verdict"] for x in rounds} <= verdicts
    assert p95(detected) <= limit
    assert p95([x["fenced"] for x in rounds]) <= TO_FENCED
    assert not repaired or p95(repaired) <= TO_FIRST_BYTE
    assert len(repaired) == (ROUNDS if fault[0] == "instance" else 0)


@pytest.mark.alone
def test_a_slow_store_is_never_fenced(lab: Lab, guarded: Guarded) -> None:
    began = time.time()
    lab.command("faults", "s3", "slow_reads", "--latency", "2")
    time.sleep(45)
    assert guarded.journal("fenced", began) == []
    assert guarded.journal("repairing", began) == []
    assert guarded.status()["verdict"] in ("healthy", "slow")


@pytest.mark.alone
def test_plex_stays_fenced_when_the_guard_dies(lab: Lab, guarded: Guarded) -> None:
    began = time.time()
    lab.command("faults", "s3", "freeze")
    guarded.until(lambda: guarded.journal("fenced", began), 20, "no fence")
    guarded.inside.sh("systemctl kill --signal=SIGKILL cloudburst-guard")
    assert guarded.states() <= {"T", "t", "D", "Z"}
    guarded.until(
        lambda: guarded.journal("started", began), 10, "it does not come back"
    )
    assert guarded.journal("died", began)
    time.sleep(2)
    assert guarded.states() <= {"T", "t", "D", "Z"}
    assert guarded.status()["fenced"]
    lab.command("faults", "s3", "thaw")
    guarded.until(lambda: guarded.journal("released", began), 60, "Plex stays fenced")


@pytest.mark.alone
def test_what_is_started_in_a_fenced_container_is_stopped(
    lab: Lab, guarded: Guarded
) -> None:
    began = time.time()
    lab.command("faults", "s3", "freeze")
    guarded.until(lambda: guarded.journal("fenced", began), 20, "no fence")
    # Docker waits for what it starts, and that may be stopped before it is ready.
    loop = f"docker exec -d {CONTAINER} sh -c 'while :; do :; done'"
    guarded.inside.sh(f"{loop} >/dev/null 2>&1 &")
    started = "pgrep -f '^(sh -c while|runc init)' || true"
    guarded.until(lambda: guarded.inside.sh(started), 10, "nothing was started")
    time.sleep(1)
    assert guarded.states() <= {"T", "t", "D", "Z"}
    lab.command("faults", "s3", "thaw")
    guarded.until(lambda: guarded.journal("released", began), 60, "Plex stays fenced")
    end = "until pkill -f 'while [:]'; do sleep 0.2; done"
    guarded.inside.sh(f'docker exec {CONTAINER} timeout 20 sh -c "{end}"')
