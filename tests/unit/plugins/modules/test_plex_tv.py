# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account's modules against plex.tv's shapes, JSON and XML."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import (
    plex_account_info,
    plex_claim_token,
    plex_tv_server,
)
from tests.support.http_server import Reply, Script, Seen, serving
from tests.support.module_run import run_module

USER_JSON = Reply(
    200,
    {
        "id": 1,
        "uuid": "u",
        "username": "someone",
        "email": "someone@example.org",
        "subscription": {
            "active": True,
            "status": "Active",
            "plan": "lifetime",
            "features": ["pass", "music-analysis"],
        },
    },
)
USER_XML = Reply(
    200,
    '<user id="1" username="someone"><subscription active="1" status="Active"'
    ' plan="lifetime"><features><feature id="pass"/></features></subscription></user>',
)
USER_FREE = Reply(
    200,
    {"username": "someone", "subscription": {"active": False, "status": "Inactive"}},
)


class Account:
    """The devices of an account, some of which go slowly."""

    def __init__(self, stubborn: int = 0) -> None:
        self.devices = {
            "11": ("home", "server", "HOME"),
            "12": ("worker", "server,client", "WORKER"),
            "13": ("phone", "player", "WORKER"),
        }
        self.stubborn = stubborn
        self.dying: set[str] = set()

    def listed(self, seen: Seen) -> Reply:
        for number in list(self.dying):
            if self.stubborn <= 0:
                self.devices.pop(number, None)
        self.stubborn -= bool(self.dying)
        rows = "".join(
            f'<Device id="{number}" name="{name}" provides="{provides}"'
            f' clientIdentifier="{identifier}" product="Plex" token="DEVICETOKEN"/>'
            for number, (name, provides, identifier) in self.devices.items()
        )
        return Reply(
            200, f'<MediaContainer publicAddress="1.2.3.4">{rows}</MediaContainer>'
        )

    def delete(self, seen: Seen) -> Reply:
        number = seen.path.rsplit("/", 1)[1].removesuffix(".xml")
        self.dying.add(number)
        return Reply(200)

    def script(self, user: Reply = USER_JSON) -> dict[str, Script]:
        script: dict[str, Script] = {
            "GET /api/v2/user": user,
            "GET /devices.xml": self.listed,
            "GET /api/claim/token.json": Reply(200, {"token": "claim-abc"}),
        }
        for number in self.devices:
            script[f"DELETE /devices/{number}.xml"] = self.delete
        return script


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plex_tv_server, "POLL_SECONDS", 0.01)


def run(
    module: Any, script: dict[str, Script], check: bool = False, **args: Any
) -> Any:
    with serving(script) as server:
        given = {"plex_tv_url": server.url, "token": "ACCOUNT", **args}
        result = run_module(module.main, given, check)
        assert all(x.headers["x-plex-token"] == "ACCOUNT" for x in server.seen)
    return result


@pytest.mark.parametrize(
    ("user", "plex_pass", "status"),
    [
        (USER_JSON, True, "Active"),
        (USER_XML, True, "Active"),
        (USER_FREE, False, "Inactive"),
    ],
)
def test_account(user: Reply, plex_pass: bool, status: str) -> None:
    result = run(plex_account_info, Account().script(user))
    assert (result["username"], result["plex_pass"]) == ("someone", plex_pass)
    assert result["subscription"] == status
    assert [server["name"] for server in result["servers"]] == ["home", "worker"]
    assert "DEVICETOKEN" not in repr(result)


def test_refused_token_says_what_to_do() -> None:
    result = run(plex_account_info, {"GET /api/v2/user": Reply(401, {"errors": []})})
    assert result["failed"]
    assert "plex_account_token_file" in result["msg"]
    assert "ACCOUNT " not in result["msg"]


def test_no_answer() -> None:
    args = {"plex_tv_url": "http://127.0.0.1:1", "token": "x"}
    result = run_module(plex_account_info.main, args)
    assert "plex.tv does not answer" in result["msg"]


def test_claim_token() -> None:
    assert run(plex_claim_token, Account().script())["claim_token"] == "claim-abc"
    check = run(plex_claim_token, Account().script(), True)
    assert check["claim_token"] == ""


def test_only_the_worker_is_removed() -> None:
    account = Account(stubborn=2)
    result = run(plex_tv_server, account.script(), client_identifier="WORKER")
    assert result["changed"]
    assert [row["id"] for row in result["removed"]] == ["12"]
    assert set(account.devices) == {"11", "13"}
    again = run(plex_tv_server, account.script(), client_identifier="WORKER")
    assert not again["changed"]


def test_check_mode_removes_nothing() -> None:
    account = Account()
    result = run(plex_tv_server, account.script(), True, client_identifier="WORKER")
    assert result["changed"]
    assert account.dying == set()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"client_identifier": ""}, "empty"),
        ({"client_identifier": "HOME", "home_identifier": "HOME"}, "home server"),
    ],
)
def test_home_and_nobody_are_safe(args: dict[str, str], message: str) -> None:
    account = Account()
    result = run(plex_tv_server, account.script(), **args)
    assert result["failed"]
    assert message in result["msg"]
    assert account.dying == set()


def test_still_listed_is_a_failure() -> None:
    account = Account(stubborn=10**6)
    args = {"client_identifier": "WORKER", "wait": 0}
    result = run(plex_tv_server, account.script(), **args)
    assert result["failed"]
    assert "still lists" in result["msg"]
