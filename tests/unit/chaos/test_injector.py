# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault strikes at its moment, ends at its time, and never outside of the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

import pytest

pytest.importorskip(
    "ansible_runner", reason="the driver's tools are not installed here"
)

from cloudburst_lab.errors import LabError
from tests.e2e.chaos import injector
from tests.e2e.chaos.burst import Burst
from tests.e2e.chaos.injector import HEAL, STRIKE, Injector
from tests.e2e.chaos.schedule import FAULTS, MOMENTARY, Trial


class FakeStore:
    def __init__(self) -> None:
        self.done: list[str] = []
        self.refusals = 0

    def freeze(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise LabError("not yet")
        self.done.append("freeze")

    def clear(self) -> None:
        self.done.append("clear")


class FakeBurst:
    def __init__(self) -> None:
        self.s3 = FakeStore()


def made(
    anchor: str, delay: float = 0.0, lasts: float | None = 0.05
) -> tuple[Injector, list[str]]:
    burst = FakeBurst()
    trial = Trial(1, "s3_frozen", anchor, delay, lasts)
    return Injector(cast(Burst, burst), trial), burst.s3.done


def task(name: str) -> dict[str, Any]:
    return {"event": "playbook_on_task_start", "event_data": {"task": name}}


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not found() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert found()


def test_every_fault_can_be_struck_and_what_lasts_can_be_ended() -> None:
    assert set(STRIKE) == set(FAULTS)
    assert set(HEAL) == set(FAULTS) - MOMENTARY


def test_it_strikes_when_the_run_begins_and_ends_after_its_time() -> None:
    found, done = made("run")
    found.start()
    until(lambda: done == ["freeze", "clear"])
    found.finish()
    assert found.struck and found.healed and found.healed - found.struck >= 0.05


def test_it_waits_for_its_scan() -> None:
    found, done = made("scan 2", lasts=None)
    found.start()
    found.event(task("cloudburst.plex.scan : Start the scan of Movies"))
    found.event(task("cloudburst.plex.scan : Watch it"))
    time.sleep(0.02)
    assert done == []
    found.event(task("cloudburst.plex.scan : Start the scan of Photos"))
    until(lambda: done == ["freeze"])
    found.finish()
    assert done == ["freeze"], "what lasts to the end is ended by the caller"


def test_a_run_that_is_over_is_not_struck() -> None:
    found, done = made("scan 1")
    found.start()
    found.finish()
    assert done == [] and found.struck is None


def test_what_is_just_being_started_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(injector, "PAUSE", 0.001)
    found, done = made("run", lasts=None)
    cast(FakeBurst, found.burst).s3.refusals = 3
    found.start()
    until(lambda: done == ["freeze"])
    found.finish()
    assert found.problem == ""
