# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scaleway_instance, scaleway_burst_info and scaleway_offer_info on a cloud in memory."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils import (
    _scaleway_boot,
    _scaleway_module,
    _scaleway_remove,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    FINGERPRINTS_KEY,
    burst_tags,
)
from ansible_collections.cloudburst.plex.plugins.modules import (
    scaleway_burst_info,
    scaleway_instance,
    scaleway_offer_info,
)
from tests.support.fake_cloud import Clock, FakeCloud, offer
from tests.support.module_run import run_module

KEY = "ssh-ed25519 AAAAC3Nz me@here"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    fake = FakeCloud(Clock())
    fake.market = [offer("GP1-S"), offer("GP1-M", availability="shortage")]
    monkeypatch.setattr(_scaleway_module, "connect", lambda module: fake)
    monkeypatch.setattr(_scaleway_remove, "POLL", 0)
    monkeypatch.setattr(_scaleway_boot, "POLL", 0)
    return fake


def instance(check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    args = {
        "burst": "plex",
        "types": ["GP1-S"],
        "ssh_public_key": KEY,
        "allowed_ssh_cidr": ["198.51.100.7"],
        **changes,
    }
    return run_module(scaleway_instance.main, args, check_mode)


def test_present_returns_all_that_the_next_role_needs(cloud: FakeCloud) -> None:
    result = instance()
    server = result["server"]
    assert result["changed"] and server["hourly_price"] == 0.2 and server["trusts_key"]
    assert server["host_keys"][0].startswith("256 SHA256:")
    assert result["allowed_ssh_cidr"] == ["198.51.100.7/32"]
    assert result["diff"]["before"] == {"servers": []}
    assert [s["id"] for s in result["diff"]["after"]["servers"]] == [server["id"]]
    assert not [tag for tag in server["tags"] if "AUTHORIZED_KEY" in tag]


def test_another_controllers_instance_does_not_trust_our_key(cloud: FakeCloud) -> None:
    instance()
    assert instance(ssh_public_key="ssh-ed25519 BBBB")["server"]["trusts_key"] is False


def test_a_failure_carries_the_reasons(cloud: FakeCloud) -> None:
    result = instance(types=["GP1-M"])
    assert result["failed"] and "shortage" in result["msg"]
    assert result["refused"][0]["type"] == "GP1-M" and result["steps"]


def test_a_bad_name_is_refused(cloud: FakeCloud) -> None:
    assert "burst name 'My Burst'" in instance(burst="My Burst")["msg"]


def test_absent_bills_and_proves(cloud: FakeCloud) -> None:
    instance()
    would = instance(check_mode=True, state="absent")
    assert would["changed"] and cloud.world
    result = instance(state="absent")
    assert not result["failed"] and result["left"] == [] and not cloud.world
    assert [part["kind"] for part in result["removed"]] == ["server", "security_group"]
    assert result["bill"]["lines"][0]["euros_per_hour"] == 0.2
    assert instance(state="absent")["changed"] is False


def test_info_and_offers(cloud: FakeCloud) -> None:
    made = instance()["server"]["id"]
    info = run_module(scaleway_burst_info.main, {"burst": "plex"})
    assert [s["id"] for s in info["servers"]] == [made]
    assert info["servers"][0]["cost"]["total_euros"] > 0
    assert len(info["security_groups"]) == 1
    every = run_module(scaleway_offer_info.main, {})
    assert {o["type"]: o["usable"] for o in every["offers"]} == {
        "GP1-M": False,
        "GP1-S": True,
    }


def test_a_missing_sdk_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        _scaleway_module, "SDK_IMPORT_ERROR", "no module named scaleway"
    )
    for main in (
        scaleway_instance.main,
        scaleway_burst_info.main,
        scaleway_offer_info.main,
    ):
        result = run_module(
            main, {"burst": "plex"} if main is scaleway_instance.main else {}
        )
        assert (
            result["failed"] and "scaleway" in result["msg"] and "pypi" in result["msg"]
        )


def test_another_zone_is_not_missed(cloud: FakeCloud) -> None:
    """What was made with other zones is adopted, listed and removed without naming them."""
    cloud.market.append(offer("GP1-S", "nl-ams-1"))
    made = instance(zones=["nl-ams-1"])["server"]
    assert made["zone"] == "nl-ams-1"
    assert instance()["server"]["id"] == made["id"] and len(cloud.world) == 1
    attached = instance(state="attached", types=[], ssh_public_key="")
    assert attached["server"]["id"] == made["id"]
    info = run_module(scaleway_burst_info.main, {})
    assert [s["id"] for s in info["servers"]] == [made["id"]]
    assert info["servers"][0]["cost"]["total_euros"] > 0
    assert instance(state="absent")["left"] == [] and not cloud.world


@pytest.mark.parametrize(
    ("state", "published", "booted"),
    [
        ("stopped", False, False),
        ("stopped", True, True),
        ("running", False, True),
        ("stopped_in_place", False, True),
    ],
)
def test_a_server_that_never_came_up_is_told_from_one_that_did(
    cloud: FakeCloud, state: str, published: bool, booted: bool
) -> None:
    made = cloud.make(state=state, tags=tuple(burst_tags("plex")))
    if published:
        cloud.data[made.id] = {FINGERPRINTS_KEY: "256 SHA256:x root@host (ED25519)"}
    info = run_module(scaleway_burst_info.main, {"burst": "plex"})
    assert [s["booted"] for s in info["servers"]] == [booted]


def test_a_search_can_be_narrowed(cloud: FakeCloud) -> None:
    cloud.market.append(offer("GP1-S", "nl-ams-1"))
    instance(zones=["nl-ams-1"])
    narrow = instance(state="absent", search_zones=["fr-par-2"])
    assert not narrow["changed"] and len(cloud.world) == 1
