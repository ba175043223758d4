# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a starting server (L47): both gates, the claim, silence."""

from __future__ import annotations

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_startup import (
    Answer,
    judge_gate,
    judge_identity,
)

MAINTENANCE = '<Response code="503" title="Maintenance" status="running migrations"/>'


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Answer(0, "connection refused"), "down"),
        (Answer(503, MAINTENANCE), "maintenance"),
        (Answer(500, "oops"), "down"),
        (Answer(200, "{}"), None),
    ],
)
def test_identity(answer: Answer, state: str | None) -> None:
    verdict = judge_identity(answer)
    assert (verdict.state if verdict else None) == state


def test_maintenance_repeats_plex_words() -> None:
    verdict = judge_identity(Answer(503, MAINTENANCE))
    assert verdict is not None
    assert verdict.message == "running migrations"


@pytest.mark.parametrize(
    ("gate", "claimed", "expected", "state"),
    [
        (Answer(400, "bad request"), False, None, "ready"),
        (Answer(400, "bad request"), False, False, "ready"),
        (Answer(400, "bad request"), False, True, "starting"),
        (Answer(400, "bad request"), True, False, "starting"),
        (Answer(400, "bad request"), True, True, "ready"),
        (Answer(400, "the server is still starting up."), True, True, "starting"),
        (Answer(503, ""), False, None, "starting"),
        (Answer(401, ""), True, True, "starting"),
        (Answer(500, ""), True, True, "starting"),
        (Answer(0, "refused"), True, True, "down"),
    ],
)
def test_gate(gate: Answer, claimed: bool, expected: bool | None, state: str) -> None:
    verdict = judge_gate(gate, claimed, expected)
    assert verdict.state == state
    assert verdict.ready is (state == "ready")


def test_unseen_gate_says_what_is_missing() -> None:
    assert "token" in judge_gate(Answer(401), True, None).message
