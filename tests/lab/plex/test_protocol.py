# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the server talks: shapes, headers, pages, authorisation, gates (plex-facts §3.1)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import httpx
import pytest
from plexlab import Plex, PlexTv, Start

from cloudburst_lab.docker_cli import docker
from cloudburst_lab.processes import wait_until

UNAUTHORIZED = (
    "<html><head><title>Unauthorized</title></head>"
    "<body><h1>401 Unauthorized</h1></body></html>"
)
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def plex(start: Start, films: Path) -> Plex:
    running = start(films)
    running.create("Movies", "movie")
    return running


@pytest.fixture(scope="module")
def claimed(start: Start, films: Path, plextv: PlexTv) -> Plex:
    running = start(films, environment={"PLEX_CLAIM": plextv.claim()})
    running.token = running.preferences["PlexOnlineToken"]
    return running


def test_s3_1_xml_is_the_default_and_booleans_are_digits(plex: Plex) -> None:
    reply = plex.http("GET", "/library/sections")
    assert reply.headers["Content-Type"] == "text/xml;charset=utf-8"
    section = ElementTree.fromstring(reply.content).find("Directory")
    assert section is not None and section.get("refreshing") == "0"
    assert section.find("Location") is not None


def test_s3_1_json_has_real_types_but_text_keys(plex: Plex) -> None:
    container = plex.json("/library/sections")["MediaContainer"]
    section = container["Directory"][0]
    assert section["refreshing"] is False and isinstance(section["scannedAt"], int)
    assert isinstance(section["key"], str)
    item = plex.json(f"/library/sections/{section['key']}/all")["MediaContainer"]
    assert isinstance(item["Metadata"][0]["ratingKey"], str)


def test_s3_1_items_are_named_by_type_in_xml_and_metadata_in_json(plex: Plex) -> None:
    assert {child.tag for child in plex.get("/library/sections/1/all")} == {"Video"}
    assert "Metadata" in plex.json("/library/sections/1/all")["MediaContainer"]


@pytest.mark.parametrize("path", ["/identity", "/library/sections", "/:/prefs"])
def test_s3_1_headers_of_every_reply(plex: Plex, path: str) -> None:
    reply = plex.http("GET", path)
    assert reply.headers["X-Plex-Protocol"] == "1.0"
    assert reply.headers["Cache-Control"] == "no-cache"
    assert reply.headers["Connection"] == "Keep-Alive"
    assert reply.headers["Keep-Alive"] == "timeout=20"
    length = str(len(reply.content))
    assert reply.headers["X-Plex-Content-Original-Length"] == length
    assert reply.headers["X-Plex-Content-Compressed-Length"] == length


def test_s3_1_commands_answer_200_with_an_empty_html_body(plex: Plex) -> None:
    reply = plex.http("GET", "/library/sections/1/refresh")
    plex.settle()
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["Content-Type"].startswith("text/html")
    assert reply.headers["Content-Length"] == "0"


def test_s3_1_paging_by_header_or_query(plex: Plex) -> None:
    path = "/library/sections/1/all"
    start, size = "X-Plex-Container-Start", "X-Plex-Container-Size"
    reply = plex.http("GET", path, headers={**JSON, start: "1", size: "1"})
    page = reply.json()["MediaContainer"]
    assert (page["size"], page["totalSize"], page["offset"]) == (1, 2, 1)
    assert reply.headers["X-Plex-Container-Start"] == "1"
    assert reply.headers["X-Plex-Container-Total-Size"] == "2"
    whole = plex.json(path)["MediaContainer"]
    assert "totalSize" not in whole and len(whole["Metadata"]) == 2
    count = plex.get(path, params={size: "0", start: "0"})
    assert (count.get("totalSize"), len(count)) == ("2", 0)


def test_s3_1_unclaimed_and_local_needs_no_token(plex: Plex) -> None:
    assert plex.http("GET", "/library/sections").status_code == 200


def test_s3_1_a_host_name_makes_a_request_non_local(plex: Plex) -> None:
    reply = plex.http("GET", "/library/sections", headers={"Host": "plex:32400"})
    assert reply.status_code == 401


def test_s3_1_docker_exec_on_loopback_always_works_unclaimed(plex: Plex) -> None:
    done = plex.exec("curl", "-sf", "http://127.0.0.1:32400/library/sections")
    assert "MediaContainer" in done.stdout


@pytest.mark.parametrize("token", ["", "wrong"])
def test_s3_1_no_or_wrong_token_is_the_exact_html_401(
    claimed: Plex, token: str
) -> None:
    reply = claimed.http("GET", "/library/sections", token=token, headers=JSON)
    assert reply.status_code == 401
    assert reply.headers["Content-Type"].startswith("text/html")
    assert reply.text == UNAUTHORIZED and len(reply.content) == 91


def test_s3_1_identity_never_needs_a_token(claimed: Plex) -> None:
    assert claimed.http("GET", "/identity", token="").status_code == 200


@pytest.mark.parametrize("place", ["header", "query"])
def test_s3_1_tokens_of_server_and_owner_pass(
    claimed: Plex, plextv: PlexTv, place: str
) -> None:
    wait_for_owner(claimed)
    for token in (claimed.token, plextv.account_token):
        params = {"X-Plex-Token": token} if place == "query" else {}
        own = "" if place == "query" else token
        reply = claimed.http("GET", "/library/sections", token=own, params=params)
        assert reply.status_code == 200


def wait_for_owner(plex: Plex) -> None:
    wait_until(
        lambda: "PlexOnlineUsername" in plex.preferences, timeout=10, what="owner"
    )


def test_s3_1_claimed_needs_a_token_on_loopback_too(claimed: Plex) -> None:
    done = claimed.exec(
        *("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"),
        "http://127.0.0.1:32400/library/sections",
    )
    assert done.stdout == "401"


def test_s3_1_both_gates_in_order(start: Start, films: Path) -> None:
    plex = start(films, ready=False, tuning={"maintenance": 2.0, "startup": 2.0})
    seen: list[str] = []
    while "ready" not in seen[-1:]:
        try:
            identity = plex.http("GET", "/identity")
            creation = plex.http(
                "POST",
                "/library/sections",
                params={"name": "M", "type": "movie", "location": "/media/plex/Movies"},
            )
        except httpx.TransportError:
            continue
        if identity.status_code == 503:
            root = ElementTree.fromstring(identity.content)
            assert (root.tag, root.get("code")) == ("Response", "503")
            assert root.get("title") == "Maintenance"
            assert "currently running" in str(root.get("status"))
            stage = "maintenance"
        elif creation.status_code == 400:
            assert (
                creation.text == "the server is still starting up. Please retry later"
            )
            assert plex.put("/:/prefs", params={"logDebug": "1"}).status_code == 200
            stage = "starting"
        else:
            stage = "ready" if creation.status_code == 201 else "turning"
        if seen[-1:] != [stage]:
            seen.append(stage)
    assert [s for s in seen if s != "turning"] == ["maintenance", "starting", "ready"]


def test_s3_1_a_long_maintenance_makes_the_container_unhealthy_not_stopped(
    plex: Plex,
) -> None:
    form = "{{json .Config.Healthcheck}}"
    check = docker("inspect", "-f", form, plex.name)
    assert "healthcheck.sh" in check and '"Retries":20' in check
    assert '"Interval":5000000000' in check and '"Timeout":2000000000' in check
    assert plex.exec("/healthcheck.sh").returncode == 0
