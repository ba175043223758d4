# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand (A5, A6): each ends by itself and leaves behind what the real one would."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest


def create(api: Any) -> httpx.Response:
    body = {"commercial_type": "DEV1-S", "image": api.image(), "name": "x"}
    reply: httpx.Response = api.http.post(api.path("servers"), json=body)
    return reply


def test_A6_429_has_an_empty_body_and_no_retry_after(api: Any) -> None:
    api.fault("rate_limited", count=1)
    reply = api.http.get(api.path("servers"))
    assert (reply.status_code, reply.content) == (429, b"")
    assert reply.headers["X-Envoy-Ratelimited"] == "true"
    assert "Retry-After" not in reply.headers
    assert api.http.get(api.path("servers")).status_code == 200


def test_A6_out_of_stock_at_create_leaves_nothing(api: Any) -> None:
    api.fault("out_of_stock", type="DEV1-S", count=1)
    reply = create(api)
    assert reply.json()["type"] == "out_of_stock"
    assert api.cloud.world.volumes == {} and api.cloud.world.servers == {}
    assert create(api).status_code == 201


def test_A6_out_of_stock_at_poweron_leaves_server_and_volume(api: Any) -> None:
    api.fault("out_of_stock", at="poweron")
    server = create(api).json()["server"]
    assert api.act(server["id"], "poweron").json()["type"] == "out_of_stock"
    assert api.server(server["id"])["state"] == "stopped"
    assert len(api.cloud.world.volumes) == 1


def test_A4_out_of_stock_shows_in_the_availability_of_that_type_and_zone(
    api: Any,
) -> None:
    api.fault("out_of_stock", type="GP1-S", zone="fr-par-1")

    def stock(zone: str) -> dict[str, str]:
        found = api.http.get(api.path("products/servers/availability", zone)).json()[
            "servers"
        ]
        return {name: item["availability"] for name, item in found.items()}

    assert stock("fr-par-1")["GP1-S"] == "shortage"
    assert stock("fr-par-1")["DEV1-S"] == "available"
    assert stock("fr-par-2")["GP1-S"] == "available"


def test_A6_quota(api: Any) -> None:
    api.fault("quota", count=1)
    reply = create(api)
    assert reply.status_code == 403
    assert reply.json()["type"] == "quotas_exceeded"
    assert set(reply.json()["details"][0]) == {"resource", "quota", "current"}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_A5_server_errors_do_nothing(api: Any, status: int) -> None:
    api.fault("server_error", status=status, method="POST", count=1)
    assert create(api).status_code == status
    assert api.cloud.world.servers == {}


def test_A5_lost_response_after_the_work_was_done(api: Any) -> None:
    api.fault("lost_response", method="POST", path="/servers$", count=1)
    with pytest.raises(httpx.TransportError):
        create(api)
    assert len(api.http.get(api.path("servers")).json()["servers"]) == 1


def test_A5_slow(api: Any) -> None:
    api.fault("slow", delay=0.4, count=1)
    start = time.monotonic()
    api.http.get(api.path("servers"))
    assert time.monotonic() - start >= 0.4


def test_A6_delete_refused_for_delete_and_terminate(api: Any) -> None:
    server = api.running()
    fault = api.fault("delete_refused")
    assert api.act(server["id"], "terminate").status_code == 403
    reply = api.http.delete(api.path(f"servers/{server['id']}"))
    assert reply.json()["type"] == "permissions_denied"
    assert api.server(server["id"])["state"] == "running"
    api.http.delete(f"/lab/faults/{fault}")
    assert api.act(server["id"], "terminate").status_code == 202


def test_boot_failure_falls_back_to_stopped_and_is_not_billed_on(api: Any) -> None:
    api.fault("boot_failure", count=1)
    server = create(api).json()["server"]
    api.act(server["id"], "poweron")
    api.wait(lambda: api.server(server["id"])["state"] == "stopped", "stopped")
    lines = api.http.get("/lab/bill").json()["lines"]
    assert [
        line["ended"] is None for line in lines if line["resource"] == "server"
    ] == [False]


def test_a_fault_ends_after_its_seconds(api: Any) -> None:
    api.fault("rate_limited", seconds=0.3)
    assert api.http.get(api.path("servers")).status_code == 429
    time.sleep(0.35)
    assert api.http.get(api.path("servers")).status_code == 200


def test_faults_are_listed_and_cleared(api: Any) -> None:
    api.fault("quota")
    api.fault("slow", delay=9)
    assert len(api.http.get("/lab/faults").json()["faults"]) == 2
    assert api.http.delete("/lab/faults").json() == {"removed": 2}


def test_unknown_faults_are_refused(api: Any) -> None:
    assert api.http.post("/lab/faults", json={"kind": "meteor"}).status_code == 400
    assert (
        api.http.post("/lab/faults", json={"kind": "slow", "dellay": 1}).status_code
        == 400
    )
