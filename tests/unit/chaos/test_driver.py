# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that was over before its fault is made again, and not for ever."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip(
    "ansible_runner", reason="the driver's tools are not installed here"
)

from tests.e2e.chaos.driver import STRIKE_TRIES, Driver
from tests.e2e.chaos.schedule import Trial, trial

CLEAN = {"rows_lost": 0, "items_lost": 0, "in_trash": 0, "examples": []}


class Scripted(Driver):
    """Answers with the next of its records."""

    def script(self, *records: dict[str, Any]) -> Scripted:
        self.left, self.delays = list(records), list[float]()
        return self

    def _run_and_judge(self, mode: str, plan: Trial | None) -> dict[str, Any]:
        assert plan is not None
        self.delays.append(plan.delay)
        record = {"mode": mode, "status": "ok", "reason": "", "wrong_ok": ""}
        return record | plan.as_dict() | {"end": CLEAN} | self.left.pop(0)


def scripted(*records: dict[str, Any]) -> Scripted:
    return Scripted(print).script(*records)


def test_a_run_that_was_struck_is_made_once() -> None:
    driver = scripted({"struck": 1.0}, {"struck": 2.0})
    assert driver.run(7, "guarded")["tries"] == 1


def test_a_run_that_was_not_struck_is_made_again_with_an_earlier_moment() -> None:
    driver = scripted({"struck": None}, {"struck": 2.0})
    record = driver.run(7, "guarded")
    planned = trial(7, 1).delay
    assert (record["struck"], record["tries"]) == (2.0, 2)
    assert driver.delays == [planned, round(planned / 2, 1)]


def test_it_is_not_made_again_for_ever() -> None:
    record = scripted(*[{"struck": None}] * 9).run(7, "bare")
    assert (record["struck"], record["tries"]) == (None, STRIKE_TRIES)


def test_a_run_that_did_wrong_is_kept_though_nothing_struck_it() -> None:
    driver = scripted({"struck": None, "end": {**CLEAN, "rows_lost": 1}}, {"struck": 1})
    assert driver.run(7, "guarded")["end"]["rows_lost"] == 1
