# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry questions: token login, mirrors without login, what is not there."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._registry import (
    parse_challenge,
    repository,
)
from ansible_collections.cloudburst.plex.plugins.modules import registry_image_info
from tests.support.http_server import Reply, Script, Seen, serving
from tests.support.module_run import run_module

DIGEST = "sha256:" + "4b" * 32
TAG = "1.42.2.10156-f737b826c"
MANIFEST = f"/v2/plexinc/pms-docker/manifests/{TAG}"
FOUND = Reply(
    200, "", {"Docker-Content-Digest": DIGEST, "RateLimit-Remaining": "98;w=21600"}
)


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("plexinc/pms-docker", "plexinc/pms-docker"),
        ("debian", "library/debian"),
        ("docker.io/debian", "library/debian"),
        ("docker.io/plexinc/pms-docker", "plexinc/pms-docker"),
        ("ghcr.io/x/y", "x/y"),
        ("172.30.77.1:5000/plex", "plex"),
        ("localhost/a/b", "a/b"),
    ],
)
def test_names(image: str, name: str) -> None:
    assert repository(image) == name


def test_challenge() -> None:
    header = 'Bearer realm="https://a/t",service="r",scope="repository:x:pull"'
    assert parse_challenge(header) == {
        "scheme": "bearer",
        "realm": "https://a/t",
        "service": "r",
        "scope": "repository:x:pull",
    }
    assert parse_challenge("")["scheme"] == ""


def look(script: dict[str, Script], **args: Any) -> dict[str, Any]:
    with serving(script) as server:
        given = {"registry_url": server.url, "image": "plexinc/pms-docker", "tag": TAG}
        return run_module(registry_image_info.main, {**given, **args})


def test_plain_mirror() -> None:
    result = look({f"HEAD {MANIFEST}": FOUND})
    assert (result["exists"], result["digest"]) == (True, DIGEST)
    assert result["remaining_pulls"] == 98


def test_missing_tag_is_a_result() -> None:
    result = look({f"HEAD {MANIFEST}": Reply(404)})
    assert (result["failed"], result["exists"], result["digest"]) == (False, False, "")


def test_get_where_head_is_not_allowed() -> None:
    script: dict[str, Script] = {
        f"HEAD {MANIFEST}": Reply(405),
        f"GET {MANIFEST}": FOUND,
    }
    assert look(script)["exists"] is True


def test_token_login() -> None:
    tokens: list[Seen] = []

    def manifest(seen: Seen) -> Reply:
        if seen.headers.get("authorization") == "Bearer T":
            return FOUND
        realm = f"http://{seen.headers['host']}/token"
        header = f'Bearer realm="{realm}",service="registry.docker.io"'
        return Reply(401, "", {"WWW-Authenticate": header})

    def token(seen: Seen) -> Reply:
        tokens.append(seen)
        return Reply(200, {"token": "T"})

    result = look({f"HEAD {MANIFEST}": manifest, "GET /token": token})
    assert result["exists"] is True
    assert tokens[0].query["scope"] == ["repository:plexinc/pms-docker:pull"]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(401), "does not exist, or it needs a login"),
        (Reply(429), "registry_mirror"),
        (Reply(500), "answered 500"),
    ],
)
def test_what_cannot_be_known_is_a_failure(reply: Reply, message: str) -> None:
    result = look({f"HEAD {MANIFEST}": reply})
    assert result["failed"]
    assert message in result["msg"]


def test_no_answer() -> None:
    args = {"registry_url": "http://127.0.0.1:1", "image": "a/b", "tag": "1"}
    assert "does not answer" in run_module(registry_image_info.main, args)["msg"]
