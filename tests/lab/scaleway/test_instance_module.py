# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance modules, through the real SDK, against the stand-in and its faults."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_http import (
    Patience,
)
from ansible_collections.cloudburst.plex.plugins.modules import (
    scaleway_burst_info,
    scaleway_instance,
    scaleway_offer_info,
)
from tests.support.module_run import run_module

from .conftest import Api

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJx me@here"
PRINT = "256 SHA256:" + "A" * 43 + " root@cloudburst (ED25519)"


@pytest.fixture
def account(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The API as a user's environment names it, with quick polls."""
    environment = {
        "SCW_ACCESS_KEY": "SCW" + "A" * 17,
        "SCW_SECRET_KEY": api.cloud.secret_key,
        "SCW_DEFAULT_PROJECT_ID": api.cloud.project,
        "SCW_API_URL": api.url,
        "SCW_CONFIG_PATH": "/nonexistent/scw.yaml",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SCW_PROFILE", raising=False)
    utils = "ansible_collections.cloudburst.plex.plugins.module_utils."
    for module in ("_scaleway_boot", "_scaleway_launch", "_scaleway_remove"):
        monkeypatch.setattr(f"{utils}{module}.POLL", 0.05)
    monkeypatch.setattr(f"{utils}_scaleway_launch.APPEARS_WITHIN", 0.5)
    quick = Patience(first_pause=0.02, total=20)
    monkeypatch.setattr(f"{utils}_scaleway_http.Patience", lambda: quick)
    yield api


def instance(check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    args = {
        "burst": "plex",
        "types": ["GP1-S", "PRO2-S"],
        "zones": ["fr-par-1"],
        "volume_gb": 100,
        "ssh_public_key": KEY,
        "user_data": {"cloud-init": "#cloud-config\n"},
        "host_key_timeout": 0,
        "removal_timeout": 10,
        **changes,
    }
    return run_module(scaleway_instance.main, args, check_mode)


def absent(**changes: Any) -> dict[str, Any]:
    return instance(state="absent", **changes)


def things(api: Api) -> dict[str, int]:
    """What exists, counted by somebody else: the lab's own state."""
    world = api.cloud.world
    own = [g for g in world.security_groups.values() if g.name.startswith("cloudburst")]
    return {
        "servers": len(world.servers),
        "volumes": len(world.volumes),
        "ips": len(world.ips),
        "groups": len(own),
    }


NOTHING = {"servers": 0, "volumes": 0, "ips": 0, "groups": 0}


def test_there_and_back(account: Api) -> None:
    first = instance()
    assert not first["failed"] and first["changed"], first
    server = first["server"]
    assert server["state"] == "running" and server["hourly_price"] == 0.19074
    assert server["trusts_key"] and server["ip"]
    assert account.cloud.world.servers[server["id"]].user_data["cloud-init"]
    again = instance()
    assert not again["changed"] and again["server"]["id"] == server["id"]
    assert instance(check_mode=True)["changed"] is False
    gone = absent()
    assert gone["changed"] and gone["left"] == [] and gone["bill"]["total_euros"] > 0.19
    assert things(account) == NOTHING
    assert absent()["changed"] is False


def test_block_storage_leaves_nothing_either(account: Api) -> None:
    made = instance(types=["PRO2-S"])
    volume = made["server"]["volumes"][0]
    assert volume["kind"] == "sbs_volume"
    assert "burst=plex" in account.cloud.world.volumes[volume["id"]].tags
    assert absent()["left"] == [] and things(account) == NOTHING


def test_the_firewall_has_one_way_in(account: Api) -> None:
    made = instance(allowed_ssh_cidr=["198.51.100.7"])
    server = account.cloud.world.servers[made["server"]["id"]]
    group = account.cloud.world.security_groups[server.security_group_id]
    rules = [(r.direction, r.action, r.ip_range, r.dest_port_from) for r in group.rules]
    assert group.inbound_default_policy == "drop"
    assert rules == [("inbound", "accept", "198.51.100.7/32", 22)]
    moved = instance(allowed_ssh_cidr=["198.51.100.8"])
    assert moved["changed"] and moved["allowed_ssh_cidr"] == ["198.51.100.8/32"]


def test_host_keys_are_waited_for(account: Api) -> None:
    def publish() -> None:
        while not account.cloud.world.servers:
            time.sleep(0.02)
        (server,) = account.cloud.world.servers.values()
        while server.state != "running":
            time.sleep(0.02)
        server.set_user_data("ssh-host-fingerprints", PRINT.encode())

    threading.Thread(target=publish, daemon=True).start()
    assert instance(host_key_timeout=10)["server"]["host_keys"] == [PRINT]


@pytest.mark.parametrize("kind", ["rate_limited", "server_error", "slow"])
def test_a_bad_day_delays_and_breaks_nothing(account: Api, kind: str) -> None:
    account.fault(kind, method="GET", count=4, delay=0.1)
    assert not instance()["failed"]
    account.fault(kind, method="GET", count=4, delay=0.1)
    assert absent()["left"] == [] and things(account) == NOTHING


@pytest.mark.parametrize(
    "path", ["/servers$", "/action$", "/security_groups$", "/user_data/", "/rules$"]
)
def test_a_lost_answer_makes_nothing_twice(account: Api, path: str) -> None:
    account.fault("lost_response", path=path, count=1, method="")
    made = instance()
    assert not made["failed"], made
    found = things(account)
    assert (found["servers"], found["volumes"], found["groups"]) == (1, 1, 1)


@pytest.mark.parametrize("kind", ["lost_response", "delete_refused"])
def test_a_removal_that_was_not_heard_is_looked_up(account: Api, kind: str) -> None:
    instance(types=["PRO2-S"])
    account.fault(kind, path="/(action|volumes/[^/]+)$", count=2, status=500)
    assert not absent()["failed"] and things(account) == NOTHING


@pytest.mark.parametrize(("at", "status"), [("create", 412), ("poweron", 0)])
def test_out_of_stock_takes_the_next_type(account: Api, at: str, status: int) -> None:
    account.fault("out_of_stock", type="GP1-S", at=at, status=status)
    made = instance()
    assert made["server"]["type"] == "PRO2-S"
    assert made["refused"][0]["type"] == "GP1-S" and made["refused"][0]["reason"]
    assert things(account)["servers"] == 1 and things(account)["volumes"] == 1


def test_a_boot_that_falls_back_takes_the_next_type(account: Api) -> None:
    account.fault("boot_failure", count=1)
    assert instance()["server"]["type"] == "PRO2-S"
    assert things(account)["servers"] == 1


def test_quota_everywhere_says_so_and_leaves_nothing(account: Api) -> None:
    account.fault("quota")
    result = instance()
    assert result["failed"] and "quota" in result["msg"].lower()
    assert len(result["refused"]) == 2 and things(account) == NOTHING


def test_killed_between_creation_and_power_on(account: Api) -> None:
    """What a controller leaves that died there is completed by the next one (L61)."""
    half = account.create(
        tags=["managed-by=cloudburst.plex", "burst=plex"], commercial_type="GP1-S"
    )
    made = instance()
    assert made["server"]["id"] == half["id"] and made["server"]["state"] == "running"
    other = account.create(tags=["managed-by=cloudburst.plex", "burst=plex"])
    assert other["id"] not in str(instance()["server"])
    assert things(account)["servers"] == 1


def test_ambiguous_is_an_error_and_absent_takes_both(account: Api) -> None:
    tags = ["managed-by=cloudburst.plex", "burst=plex"]
    ids = [account.running(tags=tags)["id"] for _ in range(2)]
    result = instance()
    assert result["failed"] and all(i in result["msg"] for i in ids)
    assert absent()["left"] == [] and things(account)["servers"] == 0


def test_standby_from_inside_is_terminated_all_the_same(account: Api) -> None:
    server = account.running(tags=["managed-by=cloudburst.plex", "burst=plex"])
    assert account.act(server["id"], "stop_in_place").status_code == 202
    account.wait(
        lambda: account.server(server["id"])["state"] == "stopped in place", "standby"
    )
    assert absent()["left"] == [] and things(account) == NOTHING


def test_bystanders_survive(account: Api) -> None:
    near = account.running(
        tags=["managed-by=cloudburst.plex", "burst=plex2"], name="cloudburst-plex"
    )
    instance()
    absent()
    assert list(account.cloud.world.servers) == [near["id"]]


def test_what_cannot_be_deleted_is_a_loud_leftover(account: Api) -> None:
    instance(types=["PRO2-S"])
    account.fault("delete_refused", path="/block/", status=412)
    result = absent(removal_timeout=1)
    assert result["failed"] and "scw block volume delete" in result["msg"]
    assert [part["kind"] for part in result["left"]] == ["block_volume"]


def test_check_mode_touches_nothing(account: Api) -> None:
    planned = instance(check_mode=True)
    assert planned["changed"] and planned["server"] == {}
    assert things(account) == NOTHING
    instance()
    would = absent(check_mode=True)
    assert would["changed"] and len(would["removed"]) == 2
    assert things(account)["servers"] == 1


def test_attaching_creates_and_starts_nothing(account: Api) -> None:
    assert instance(state="attached")["server"] == {}
    account.create(tags=["managed-by=cloudburst.plex", "burst=plex"])
    assert instance(state="attached")["server"] == {}
    made = instance(types=["DEV1-S"], volume_gb=10)
    found = instance(state="attached", allowed_ssh_cidr=["198.51.100.9"])
    assert found["server"]["id"] == made["server"]["id"] and found["changed"]
    assert found["allowed_ssh_cidr"] == ["198.51.100.9/32"]
    assert things(account)["servers"] == 1


def test_info_lists_what_bills(account: Api) -> None:
    empty = run_module(scaleway_burst_info.main, {})
    assert empty["servers"] == [] and empty["bill"]["total_euros"] == 0
    made = instance(types=["PRO2-S"])
    info = run_module(scaleway_burst_info.main, {"burst": "plex"})
    assert [s["id"] for s in info["servers"]] == [made["server"]["id"]]
    assert [v["kind"] for v in info["volumes"]] == ["block_volume"]
    assert [g["name"] for g in info["security_groups"]] == ["cloudburst-plex"]
    assert info["bill"]["complete"] and info["bill"]["total_euros"] >= 0.22
    assert run_module(scaleway_burst_info.main, {"burst": "other"})["servers"] == []


def test_offers_have_price_and_stock(account: Api) -> None:
    account.fault("out_of_stock", type="GP1-S", zone="fr-par-2")
    args = {"types": ["GP1-S", "NOPE"], "zones": ["fr-par-1", "fr-par-2"]}
    found = run_module(scaleway_offer_info.main, args)
    usable = [(o["zone"], o["usable"]) for o in found["offers"]]
    assert usable == [("fr-par-1", True), ("fr-par-2", False)]
    assert found["offers"][0]["hourly_price"] == 0.19074
    assert len(found["refused"]) == 3


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SCW_SECRET_KEY", None, "SCW_ACCESS_KEY.*scw init"),
        ("SCW_ACCESS_KEY", None, "SCW_ACCESS_KEY.*scw init"),
        ("SCW_DEFAULT_PROJECT_ID", None, "SCW_DEFAULT_PROJECT_ID"),
        ("SCW_SECRET_KEY", "hello-i-am-secret", "malformed"),
        ("SCW_PROFILE", "nobody", "nobody"),
        ("SCW_SECRET_KEY", "11111111-2222-3333-4444-555555555555", "denied|refused"),
    ],
)
def test_bad_credentials_are_one_clear_message(
    account: Api,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str | None,
    message: str,
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    result = instance()
    assert result["failed"]
    assert re.search(message, result["msg"]), result["msg"]
    assert "hello-i-am-secret" not in result["msg"] and things(account) == NOTHING


def test_credentials_from_the_configuration_file(
    account: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"access_key: {'SCW' + 'A' * 17}\nsecret_key: {account.cloud.secret_key}\n"
        f"default_project_id: {account.cloud.project}\napi_url: {account.url}\n"
    )
    for name in (
        "SCW_ACCESS_KEY",
        "SCW_SECRET_KEY",
        "SCW_DEFAULT_PROJECT_ID",
        "SCW_API_URL",
    ):
        monkeypatch.delenv(name)
    assert not run_module(scaleway_burst_info.main, {"config_file": str(path)})[
        "failed"
    ]
