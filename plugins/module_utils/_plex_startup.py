# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""How far a starting Plex server is: pure classification.

Plex has two start-up gates (``plex-facts §3.1``): first every request gets a
503 while the database is migrated, then reads work but libraries cannot be
created yet ("still starting up"). ``/identity`` never contains the word Plex
(L47).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    is_starting,
    startup_status,
)

State = t.Literal["down", "maintenance", "starting", "ready"]


@dataclass(frozen=True)
class Answer:
    """Status and body of one answer; status 0 means that none came."""

    status: int
    text: str = ""


@dataclass(frozen=True)
class Readiness:
    """One look at a starting server."""

    state: State
    message: str

    @property
    def ready(self) -> bool:
        """True past both gates and claimed as expected."""
        return self.state == "ready"


def judge_identity(answer: Answer) -> Readiness | None:
    """The verdict on ``/identity``; None when the first gate is open."""
    if answer.status == 0:
        return Readiness("down", answer.text or "no answer")
    if is_starting(answer.status, answer.text):
        sentence = startup_status(answer.text) or "HTTP 503"
        return Readiness("maintenance", sentence)
    if not 200 <= answer.status < 300:
        return Readiness("down", f"/identity answered {answer.status}")
    return None


def judge_gate(gate: Answer, claimed: bool, expect_claimed: bool | None) -> Readiness:
    """The verdict on the second gate and on the claim."""
    if expect_claimed is not None and claimed != expect_claimed:
        wanted = "claimed" if expect_claimed else "unclaimed"
        found = "claimed" if claimed else "not claimed"
        return Readiness("starting", f"the server is {found}, expected {wanted}")
    if gate.status == 0:
        return Readiness("down", gate.text or "no answer")
    if is_starting(gate.status, gate.text):
        return Readiness("starting", "the library is still starting up")
    if gate.status in (401, 403):
        return Readiness(
            "starting",
            f"the library answered {gate.status}: whether it is open cannot be seen"
            " without the token of the server's owner",
        )
    if gate.status >= 500:
        return Readiness("starting", f"the library answered {gate.status}")
    return Readiness("ready", "identity answers and the library is open")
