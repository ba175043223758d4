# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plex_ready, plex_claim and plex_token against a small real server and real files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import (
    plex_claim,
    plex_ready,
    plex_token,
)
from tests.support.http_server import Reply, Script, Seen, serving
from tests.support.module_run import run_module

MACHINE = "5f3cd1c5a6e1f0aa0c2f1a2b3c4d5e6f70819203"
VERSION = "1.42.2.10156-f737b826c"
MAINTENANCE = Reply(
    503,
    '<Response code="503" title="Maintenance" status="Plex Media Server is currently'
    ' running startup maintenance tasks."/>',
)
UNAUTHORIZED = Reply(
    401,
    "<html><head><title>Unauthorized</title></head><body><h1>401 Unauthorized</h1>"
    "</body></html>",
)
STARTING = Reply(400, "the server is still starting up. Please retry later")
OPEN = Reply(400, "Bad Request")


def identity(claimed: bool = False) -> Reply:
    return Reply(
        200,
        {
            "MediaContainer": {
                "size": 0,
                "apiVersion": "1.2.3",
                "claimed": claimed,
                "machineIdentifier": MACHINE,
                "version": VERSION,
            }
        },
    )


@pytest.mark.parametrize(
    ("first", "gate", "expect", "state", "status"),
    [
        (MAINTENANCE, OPEN, None, "maintenance", 503),
        (identity(), STARTING, None, "starting", 400),
        (identity(), OPEN, None, "ready", 400),
        (identity(True), OPEN, False, "starting", 400),
        (identity(True), OPEN, True, "ready", 400),
        (identity(True), UNAUTHORIZED, True, "starting", 401),
        (
            Reply(
                200,
                f'<MediaContainer size="0" claimed="1" machineIdentifier="{MACHINE}"'
                f' version="{VERSION}"/>',
            ),
            OPEN,
            True,
            "ready",
            400,
        ),
    ],
)
def test_ready(
    first: Reply, gate: Reply, expect: bool | None, state: str, status: int
) -> None:
    script: dict[str, Script] = {"GET /identity": first, "POST /library/sections": gate}
    with serving(script) as server:
        args = {"url": server.url, "expect_claimed": expect}
        result = run_module(plex_ready.main, args)
    assert (result["state"], result["http_status"]) == (state, status)
    assert result["ready"] is (state == "ready")
    assert result["failed"] is False
    if first.status == 200:
        assert (result["version"], result["machine_identifier"]) == (VERSION, MACHINE)


def test_ready_reads_the_token_of_a_claimed_server(tmp_path: Path) -> None:
    def gate(seen: Seen) -> Reply:
        return OPEN if seen.headers.get("x-plex-token") == "own" else UNAUTHORIZED

    file = tmp_path / "Preferences.xml"
    script: dict[str, Script] = {
        "GET /identity": identity(True),
        "POST /library/sections": gate,
    }
    with serving(script) as server:
        args = {"url": server.url, "preferences": str(file)}
        states = []
        for content in ("", "<Preferences/>", '<Preferences PlexOnlineToken="own"/>'):
            file.write_text(content)
            states.append(run_module(plex_ready.main, args)["state"])
        file.unlink()
        states.append(run_module(plex_ready.main, args)["state"])
    assert states == ["starting", "starting", "ready", "starting"]


def test_silence_is_a_result_not_a_failure() -> None:
    result = run_module(plex_ready.main, {"url": "http://127.0.0.1:1", "timeout": 1})
    assert (result["ready"], result["state"], result["http_status"]) == (
        False,
        "down",
        0,
    )
    assert result["claimed"] is None


class Claimable:
    """A server that becomes claimed, or signed out, some looks later."""

    def __init__(self, claimed: bool, delay: int = 1, refuse: int = 0) -> None:
        self.claimed = claimed
        self.delay = delay
        self.refuse = refuse
        self.pending: bool | None = None

    def identity(self, seen: Seen) -> Reply:
        if self.pending is not None:
            self.delay -= 1
            if self.delay < 0:
                self.claimed, self.pending = self.pending, None
        return identity(self.claimed)

    def claim(self, seen: Seen) -> Reply:
        if self.refuse:
            return Reply(self.refuse, f"bad token {seen.query['token'][0]}")
        self.pending = True
        return Reply(200, '<MyPlex username="someone" signInState="ok"/>')

    def unclaim(self, seen: Seen) -> Reply:
        self.pending = False
        return Reply(200, "")

    def script(self) -> dict[str, Script]:
        return {
            "GET /identity": self.identity,
            "POST /myplex/claim": self.claim,
            "DELETE /myplex/account": self.unclaim,
        }


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plex_claim, "POLL_SECONDS", 0.01)


def claim(server: Claimable, **args: Any) -> dict[str, Any]:
    check_mode = args.pop("check_mode", False)
    with serving(server.script()) as running:
        given = {"url": running.url, "claim_token": "claim-SECRET", "wait": 1, **args}
        return run_module(plex_claim.main, given, check_mode)


def test_claim_is_proved() -> None:
    server = Claimable(False)
    result = claim(server)
    assert (result["changed"], result["claimed"], server.claimed) == (True, True, True)


def test_claimed_already() -> None:
    assert claim(Claimable(True))["changed"] is False


def test_check_mode_claims_nothing() -> None:
    server = Claimable(False)
    assert claim(server, check_mode=True)["changed"] is True
    assert server.pending is None


def test_sign_out() -> None:
    server = Claimable(True)
    assert claim(server, state="absent", token="t")["changed"] is True
    assert server.claimed is False
    assert claim(Claimable(False), state="absent")["changed"] is False


def test_expired_token_is_explained_without_repeating_it() -> None:
    result = claim(Claimable(False, refuse=400))
    assert result["failed"]
    assert "four minutes" in result["msg"]
    assert "SECRET" not in result["msg"]


def test_accepted_but_not_claimed() -> None:
    result = claim(Claimable(False, delay=10**6), wait=0)
    assert result["failed"]
    assert "is not claimed after" in result["msg"]


def test_claim_without_token() -> None:
    assert "claim_token is needed" in claim(Claimable(False), claim_token=None)["msg"]


PREFERENCES = (
    '<?xml version="1.0" encoding="utf-8"?>\n<Preferences MachineIdentifier="uuid"'
    f' ProcessedMachineIdentifier="{MACHINE}" {{more}}/>'
)


@pytest.mark.parametrize(
    ("more", "present"),
    [
        ("", False),
        ('PlexOnlineToken=""', False),
        ('PlexOnlineToken="t" PlexOnlineUsername="someone"', True),
    ],
)
def test_token(tmp_path: Path, more: str, present: bool) -> None:
    file = tmp_path / "Preferences.xml"
    file.write_text(PREFERENCES.format(more=more))
    result = run_module(plex_token.main, {"preferences": str(file)})
    assert result["present"] is present
    assert result["machine_identifier"] == MACHINE
    if present:
        assert (result["token"], result["username"]) == ("t", "someone")


def test_no_file_yet_is_a_result(tmp_path: Path) -> None:
    result = run_module(plex_token.main, {"preferences": str(tmp_path / "none")})
    assert (result["failed"], result["present"]) == (False, False)


@pytest.mark.parametrize("content", ["", "<Preferences", "plain"])
def test_a_broken_file_is_a_failure(tmp_path: Path, content: str) -> None:
    file = tmp_path / "Preferences.xml"
    file.write_text(content)
    result = run_module(plex_token.main, {"preferences": str(file)})
    assert result["failed"]
    assert os.fspath(file) in result["msg"]
