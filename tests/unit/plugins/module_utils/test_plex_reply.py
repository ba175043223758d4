# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of Plex in JSON and XML end in the same dictionaries."""

from __future__ import annotations

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexBadReply,
    as_bool,
    as_int,
    as_list,
    is_starting,
    parse_container,
    startup_status,
)

MIGRATING = (
    '<Response code="503" title="Maintenance" status="Plex Media Server is currently'
    ' running database migrations."/>'
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", {}),
        (b'{"MediaContainer": {"size": 1}}', {"size": 1}),
        (b'{"ButlerTasks": {"ButlerTask": []}}', {"ButlerTask": []}),
        (b'{"a": 1, "b": 2}', {"a": 1, "b": 2}),
        (b'<MediaContainer size="0"/>', {"size": "0"}),
        (
            b'<M a="1"><D key="2"><L path="/x"/></D><D key="3"/></M>',
            {"a": "1", "D": [{"key": "2", "L": [{"path": "/x"}]}, {"key": "3"}]},
        ),
    ],
)
def test_containers(body: bytes, expected: dict[str, object]) -> None:
    assert parse_container(body) == expected


@pytest.mark.parametrize("body", [b"hello", b"{", b"<a", b"[1]"])
def test_garbage_is_an_error(body: bytes) -> None:
    with pytest.raises(PlexBadReply):
        parse_container(body)


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (503, MIGRATING, True),
        (503, "", True),
        (400, "the server is still starting up. Please retry later", True),
        (400, "Bad Request", False),
        (200, "", False),
    ],
)
def test_both_gates_and_only_those(status: int, text: str, expected: bool) -> None:
    assert is_starting(status, text) is expected


def test_status_sentence() -> None:
    assert startup_status(MIGRATING).endswith("running database migrations.")
    assert startup_status("plain  words") == "plain words"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1", True),
        ("0", False),
        (True, True),
        (0, False),
        ("true", True),
        (None, False),
    ],
)
def test_booleans(raw: object, expected: bool) -> None:
    assert as_bool(raw) is expected


def test_numbers_and_lists() -> None:
    assert (as_int("7"), as_int(None), as_int("x")) == (7, None, None)
    assert as_list(None) == []
    assert as_list({"a": 1}) == [{"a": 1}]
    assert as_list([{"a": 1}, "text"]) == [{"a": 1}]
