# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP edge: every status is data, no secret in any error."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._http import (
    HttpClient,
    HttpUnreachable,
    with_query,
)
from tests.support.http_server import Reply, Seen, serving


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (None, "http://h/p"),
        ({"a": "x y"}, "http://h/p?a=x%20y"),
        ([("l", "/a b"), ("l", "/ç")], "http://h/p?l=%2Fa%20b&l=%2F%C3%A7"),
        ({"prefs[k]": "1"}, "http://h/p?prefs%5Bk%5D=1"),
    ],
)
def test_queries(params: object, expected: str) -> None:
    assert with_query("http://h/p", params) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [200, 202, 302, 401, 404, 500, 503])
def test_every_status_is_an_answer(status: int) -> None:
    with serving({"GET /x": Reply(status, "body", {"Location": "/y"})}) as server:
        reply = HttpClient(server.url, {"X-Plex-Token": "t"}).request("GET", "/x")
    assert (reply.status, reply.text) == (status, "body")
    assert server.seen[0].headers["x-plex-token"] == "t"
    assert len(server.seen) == 1


def test_nothing_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(HttpUnreachable, match="connection refused"):
        HttpClient(f"http://127.0.0.1:{port}").request("GET", "/identity")


def test_too_late() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        client = HttpClient(f"http://127.0.0.1:{port}", timeout=0.1)
        with pytest.raises(HttpUnreachable, match="no answer within"):
            client.request("GET", "/identity")


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp//x"])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(HttpUnreachable):
        HttpClient(url).request("GET", "/x")


def test_error_never_repeats_the_query() -> None:
    with pytest.raises(HttpUnreachable) as caught:
        HttpClient("http://127.0.0.1:1").request(
            "POST", "/c", {"token": "claim-SECRET"}
        )
    assert "SECRET" not in str(caught.value)


def test_callable_script_sees_the_request() -> None:
    def echo(seen: Seen) -> Reply:
        return Reply(200, {"q": seen.query})

    with serving({"PUT /p": echo}) as server:
        reply = HttpClient(server.url).request("PUT", "/p", {"a": "1"})
    assert reply.json() == {"q": {"a": ["1"]}}
