# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deadlines, retries, and what a refusal means (scaleway-rclone A5, A6)."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    AccessDenied,
    ApiError,
    DeadlineExceeded,
    LostReply,
    NotFound,
    OutOfStock,
    QuotaExceeded,
    Rejected,
    ServerFault,
    Throttled,
    api_error,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_http import (
    Patience,
    Transport,
)
from tests.support.fake_cloud import Clock
from tests.support.http_server import Reply, ScriptedServer, serving

PATIENCE = Patience(connect=1, read=0.3, total=20)
SECRET = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, "", Throttled),
        (409, '{"type": "transient_state", "current_state": "stopping"}', Throttled),
        (409, '{"type": "conflict"}', Rejected),
        (412, '{"type": "out_of_stock", "resource": "DEV1-S"}', OutOfStock),
        (400, '{"message": "server type is out of stock"}', OutOfStock),
        (403, '{"type": "quotas_exceeded", "details": [{"quota": 1}]}', QuotaExceeded),
        (403, '{"message": "Quota exceeded for this resource"}', QuotaExceeded),
        (
            403,
            '{"type": "permissions_denied", "details": [{"action": "write"}]}',
            AccessDenied,
        ),
        (401, '{"type": "denied_authentication", "method": "api_key"}', AccessDenied),
        (404, "", NotFound),
        (404, '{"type": "not_found", "resource_id": "x"}', NotFound),
        (502, "<html>bad gateway</html>", ServerFault),
        (500, "", ServerFault),
        (
            400,
            '{"type": "invalid_arguments", "details": [{"argument_name": "tags"}]}',
            Rejected,
        ),
        (418, "[1]", Rejected),
    ],
)
def test_a_refusal_by_its_type_before_its_status(
    status: int, body: str, kind: type[ApiError]
) -> None:
    error = api_error(status, body, "GET /x")
    assert type(error) is kind
    assert "GET /x" in str(error) and f"HTTP {status}" in str(error)


def test_the_details_of_a_refusal_are_in_its_message() -> None:
    body = {
        "type": "invalid_arguments",
        "message": "invalid argument(s)",
        "details": [{"argument_name": "volumes", "help_message": "at most 20 GB"}],
    }
    text = str(api_error(400, json.dumps(body), "POST /servers"))
    assert "volumes" in text and "at most 20 GB" in text


def transport(server: ScriptedServer, clock: Clock) -> Transport:
    return Transport(
        server.url,
        SECRET,
        "test",
        patience=PATIENCE,
        clock=lambda: clock.now,
        sleep=clock.sleep,
    )


def send(server: ScriptedServer, method: str = "GET", body: Any = None) -> Any:
    return transport(server, Clock()).send(method, "/x", {}, {}, body)


GOOD = Reply(200, {"ok": True})
PASSING = [Reply(429), Reply(502), Reply(409, {"type": "transient_state"}), Reply(503)]


@pytest.mark.parametrize("bad", PASSING)
def test_what_passes_is_waited_for(bad: Reply) -> None:
    with serving({"GET /x": [bad, bad, GOOD]}) as server:
        assert send(server).json() == {"ok": True}
        assert len(server.seen) == 3


def test_a_cut_answer_is_asked_for_again() -> None:
    cut = Reply(200, '{"ok": tr', {"Content-Type": "application/json"})
    with serving({"GET /x": [cut, GOOD]}) as server:
        assert send(server).json() == {"ok": True}


@pytest.mark.parametrize("bad", [Reply(400, {}), Reply(403, {}), Reply(404)])
def test_what_stays_is_said_at_once(bad: Reply) -> None:
    with serving({"GET /x": bad}) as server:
        with pytest.raises(ApiError):
            send(server)
        assert len(server.seen) == 1


def test_patience_ends() -> None:
    clock = Clock()
    began = clock.now
    with serving({"GET /x": Reply(429)}) as server:
        with pytest.raises(DeadlineExceeded, match=r"20 s.*HTTP 429"):
            transport(server, clock).send("GET", "/x", {}, {}, None)
        assert 10 < clock.now - began <= 20
        assert len(server.seen) < 12, "the pause has to grow"


def test_a_post_is_repeated_only_when_it_was_refused_unseen() -> None:
    with serving({"POST /x": [Reply(429), GOOD]}) as server:
        assert send(server, "POST").json() == {"ok": True}
    with serving({"POST /x": [Reply(500), GOOD]}) as server:
        with pytest.raises(LostReply, match="not known"):
            send(server, "POST")
        assert len(server.seen) == 1


def test_nobody_there_is_retried_then_said_even_for_post() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        clock = Clock()
        alone = Transport(
            url,
            SECRET,
            "t",
            patience=PATIENCE,
            clock=lambda: clock.now,
            sleep=clock.sleep,
        )
        with pytest.raises(DeadlineExceeded, match="no connection"):
            alone.send("POST", "/x", {}, {}, None)


def test_a_stalled_answer_does_not_block() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(8)
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        stalled = Transport(url, SECRET, "t", patience=PATIENCE)
        with pytest.raises(LostReply):
            stalled.send("POST", "/x", {}, {}, None)


def test_no_secret_in_any_message() -> None:
    for reply in (Reply(500), Reply(401, {"message": "denied"})):
        with serving({"POST /x": reply}) as server:
            with pytest.raises((LostReply, AccessDenied)) as caught:
                send(server, "POST")
            assert SECRET not in str(caught.value)
            assert server.seen[0].headers["x-auth-token"] == SECRET


def test_lists_become_repeated_parameters_and_none_is_left_out() -> None:
    with serving({"GET /x": GOOD}) as server:
        params = {"tags": "a,b", "ids": ["1", "2"], "no": None}
        transport(server, Clock()).send("GET", "/x", params, {}, None)
        assert server.seen[0].query == {"tags": ["a,b"], "ids": ["1", "2"]}


def test_the_total_count_reaches_the_body() -> None:
    with serving(
        {"GET /x": Reply(200, {"servers": []}, {"X-Total-Count": "7"})}
    ) as server:
        assert send(server).json() == {"servers": [], "total_count": 7}
