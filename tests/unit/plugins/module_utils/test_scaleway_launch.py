# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance comes into being once, whatever happens on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._controller_address import (
    Viewpoint,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_door import (
    Door,
    Report,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    CloudError,
    DeadlineExceeded,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_launch import (
    Launch,
    Wanted,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import (
    SBS,
    Ambiguous,
    PlanError,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_remove import (
    Removal,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    FINGERPRINTS_KEY,
    GB,
    Server,
    VolumeRef,
    burst_tags,
    tag_value,
)
from tests.support.fake_cloud import START, Clock, FakeCloud, offer

KEY = "ssh-ed25519 AAAAC3Nz me@here"
TAGS = (*burst_tags("plex"), "burst-id=plex-1", f"expires-at={int(START) + 9999}")


def make(**changes: Any) -> FakeCloud:
    cloud = FakeCloud(Clock())
    cloud.market = [offer("GP1-S"), offer("PRO2-S", local_max=0)]
    cloud.market.append(offer("GP1-S", "nl-ams-1"))
    for name, value in changes.items():
        setattr(cloud, name, value)
    return cloud


def launch(
    cloud: FakeCloud, check_mode: bool = False, **changes: Any
) -> tuple[Launch, Report]:
    usual = Wanted(
        burst="plex",
        zones=("fr-par-1", "nl-ams-1"),
        types=("GP1-S", "PRO2-S"),
        offers=(),
        image_label="debian_bookworm",
        volume_gb=100,
        public_key=KEY,
        lifetime_hours=96,
        user_data={"cloud-init": "#cloud-config"},
    )
    wanted = replace(usual, **changes)
    report = Report()
    pace = cloud.clock.pace(boot_timeout=60, host_key_timeout=10)
    door = Door(cloud, "plex", Viewpoint(["198.51.100.7"], ""), report)  # type: ignore[arg-type]
    removal = Removal(cloud, "plex", wanted.zones, report, pace, timeout=60)  # type: ignore[arg-type]
    made = Launch(
        cloud,  # type: ignore[arg-type]
        wanted,
        door,
        report,
        pace,
        remove=removal.remove_server,
        check_mode=check_mode,
    )
    return made, report


def run(cloud: FakeCloud, **changes: Any) -> tuple[Server, Report]:
    made, report = launch(cloud, **changes)
    server = made.run()
    assert server is not None
    return server, report


def test_creates_with_tags_user_data_and_firewall_before_power_on() -> None:
    cloud = make()
    server, report = run(cloud)
    assert server.state == "running" and server.ip and report.changed
    assert cloud.calls == [
        "create_group",
        "set_rules",
        "create_server",
        "user_data cloud-init",
        "power_on",
    ]
    assert set(TAGS[:2]) <= set(server.tags)
    assert tag_value(server.tags, "burst-id").startswith("plex-2025")
    assert server.expires_at == int(START + 96 * 3600)
    assert "AUTHORIZED_KEY=ssh-ed25519_AAAAC3Nz" in server.tags
    assert server.volumes[0].kind == "l_ssd" and server.volumes[0].size == 100 * GB


def test_a_second_run_adopts_and_changes_nothing() -> None:
    cloud = make()
    first, _report = run(cloud)
    cloud.calls.clear()
    second, report = run(cloud)
    assert second.id == first.id and not report.changed and cloud.calls == []


def test_block_storage_is_tagged_because_it_outlives_the_server() -> None:
    cloud = make(market=[offer("PRO2-S", local_max=0)])
    server, _report = run(cloud)
    assert server.volumes[0].kind == SBS
    tags = cloud.others[server.volumes[0].id].tags
    assert set(TAGS[:2]) <= set(tags) and not any("AUTHORIZED" in t for t in tags)


@pytest.mark.parametrize(
    ("market", "expected", "reasons"),
    [
        ([offer("GP1-S"), offer("PRO2-S")], "GP1-S fr-par-1", 0),
        (
            [offer("GP1-S", availability="shortage"), offer("PRO2-S")],
            "PRO2-S fr-par-1",
            2,
        ),
        ([offer("GP1-S", "nl-ams-1"), offer("PRO2-S")], "GP1-S nl-ams-1", 1),
        (
            [offer("GP1-S", end_of_service=True), offer("PRO2-S", "nl-ams-1")],
            "PRO2-S nl-ams-1",
            3,
        ),
    ],
)
def test_the_next_allowed_type_or_zone(
    market: Any, expected: str, reasons: int
) -> None:
    server, report = run(make(market=market))
    assert f"{server.type} {server.zone}" == expected
    assert len(report.refused) == reasons and all(r["reason"] for r in report.refused)


def test_out_of_stock_at_creation_goes_on_and_says_so() -> None:
    server, report = run(make(no_room={"GP1-S"}))
    assert server.type == "PRO2-S"
    assert [r["zone"] for r in report.refused] == ["fr-par-1", "nl-ams-1"]
    assert all("out of stock" in r["reason"] for r in report.refused)


def test_a_server_that_falls_back_to_stopped_is_removed_with_its_volume() -> None:
    cloud = make(falls_back={"GP1-S"})
    server, report = run(cloud)
    assert server.type == "PRO2-S"
    assert list(cloud.world) == [server.id]
    volumes = [p.id for p in cloud.others.values() if "volume" in p.kind]
    assert volumes == [server.volumes[0].id]
    assert "no capacity when it was started" in report.refused[0]["reason"]


def test_nothing_to_be_had_names_every_reason_and_leaves_nothing() -> None:
    cloud = make(no_room={"GP1-S", "PRO2-S"})
    with pytest.raises(PlanError, match="instance_types.*zones") as caught:
        run(cloud)
    assert "GP1-S in nl-ams-1: out of stock" in str(caught.value)
    assert not cloud.world and not cloud.others


@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_answer_to_the_creation_makes_no_second_server(times: int) -> None:
    cloud = make(lose=["create_server"] * times)
    server, report = run(cloud)
    assert list(cloud.world) == [server.id]
    assert cloud.calls.count("create_server") == 1
    assert any("lost" in step for step in report.steps)


def test_a_creation_that_never_arrived_is_asked_for_again() -> None:
    cloud = make(swallow=["create_server"])
    server, _report = run(cloud)
    assert list(cloud.world) == [server.id]
    assert cloud.calls.count("create_server") == 2


def test_creations_without_any_answer_end_with_what_to_do() -> None:
    cloud = make(swallow=["create_server"] * 3)
    with pytest.raises(CloudError, match="run again, a late one is adopted"):
        run(cloud)


@pytest.mark.parametrize("step", ["power_on", "create_group"])
def test_lost_answers_of_other_steps_are_looked_up(step: str) -> None:
    cloud = make(lose=[step])
    server, _report = run(cloud)
    assert server.state == "running" and cloud.calls.count(step) == 1


def test_a_half_made_server_is_completed() -> None:
    cloud = make()
    half = cloud.make(tags=TAGS)
    server, report = run(cloud)
    assert server.id == half.id and report.changed
    assert cloud.calls.index("user_data cloud-init") < cloud.calls.index("power_on")
    assert "create_server" not in cloud.calls


def test_a_half_made_server_of_another_type_is_removed_first() -> None:
    cloud = make()
    half = cloud.make(tags=TAGS, type="DEV1-S")
    server, _report = run(cloud)
    assert list(cloud.world) == [server.id] and server.id != half.id


def test_a_stopped_server_that_has_worked_is_started_not_set_up_again() -> None:
    cloud = make()
    used = cloud.make(tags=TAGS)
    cloud.data[used.id] = {FINGERPRINTS_KEY: "256 SHA256:x"}
    server, _report = run(cloud)
    assert server.id == used.id
    assert "user_data cloud-init" not in cloud.calls and "power_on" in cloud.calls


def test_standby_is_started_again() -> None:
    cloud = make()
    asleep = cloud.make(tags=TAGS, state="stopped_in_place")
    cloud.data[asleep.id] = {FINGERPRINTS_KEY: "256 SHA256:x"}
    assert run(cloud)[0].id == asleep.id


def test_two_servers_that_work_are_an_error_that_names_both() -> None:
    cloud = make()
    ids = [cloud.make(tags=TAGS, state="running").id for _ in range(2)]
    with pytest.raises(Ambiguous, match="more than one") as caught:
        run(cloud)
    assert all(name in str(caught.value) for name in ids)
    assert len(cloud.world) == 2


def test_a_late_twin_that_never_booted_is_removed() -> None:
    cloud = make()
    real, _report = run(cloud)
    cloud.make(tags=real.tags)
    server, _report = run(cloud)
    assert list(cloud.world) == [server.id] == [real.id]


def test_bystanders_are_left_alone() -> None:
    cloud = make()
    tags = ("burst=plex", "managed-by=somebody")
    other = cloud.make(tags=tags, state="running", name="cloudburst-plex")
    near = cloud.make(tags=(*burst_tags("plex-2"), "burst=plexx"), state="running")
    server, _report = run(cloud)
    assert {other.id, near.id, server.id} == set(cloud.world)
    assert cloud.world[other.id] == other


def test_a_server_past_its_deadline_gets_a_new_one() -> None:
    cloud = make()
    late = (*burst_tags("plex"), f"expires-at={int(START) - 60}")
    old = cloud.make(tags=late, state="running")
    cloud.world[old.id] = replace(cloud.world[old.id], addresses=(_address(),))
    server, report = run(cloud)
    assert cloud.world[old.id].expires_at > START and report.changed
    assert server.id == old.id


def _address() -> Any:
    from tests.support.fake_cloud import Address

    return Address("ip", "10.0.0.9", True)


def test_a_server_that_never_runs_ends_at_the_deadline() -> None:
    cloud = make()
    stuck = cloud.make(tags=TAGS, state="running")  # without an address
    with pytest.raises(DeadlineExceeded, match=f"{stuck.id}.*teardown"):
        run(cloud)
    assert cloud.clock.now - START < 70


def test_the_controller_moved_so_the_rule_moves_along() -> None:
    cloud = make()
    server, _report = run(cloud)
    cloud.firewall[server.group_id] = []
    cloud.calls.clear()
    _server, report = run(cloud)
    assert cloud.calls == ["set_rules"] and report.changed


class TestCheckMode:
    def test_creates_nothing_and_says_what_it_would_do(self) -> None:
        cloud = make()
        made, report = launch(cloud, check_mode=True)
        assert made.run() is None and report.changed
        assert cloud.calls == [] and report.steps == ["would create GP1-S in fr-par-1"]

    def test_an_instance_that_is_as_wanted_is_no_change(self) -> None:
        cloud = make()
        run(cloud)
        cloud.calls.clear()
        made, report = launch(cloud, check_mode=True)
        assert made.run() is not None and not report.changed and cloud.calls == []

    def test_nothing_to_be_had_is_said_for_free(self) -> None:
        cloud = make(market=[offer("GP1-S", availability="shortage")])
        made, _report = launch(cloud, check_mode=True)
        with pytest.raises(PlanError, match="shortage"):
            made.run()

    def test_half_made_servers_stay(self) -> None:
        cloud = make()
        cloud.make(tags=TAGS, type="DEV1-S")
        made, report = launch(cloud, check_mode=True)
        made.run()
        assert len(cloud.world) == 1 and report.changed


def test_the_root_volume_of_an_adopted_server_is_tagged_too() -> None:
    cloud = make()
    ref = VolumeRef("vol-x", SBS, "0", 100 * GB)
    cloud.make(tags=TAGS, type="PRO2-S", volumes=(ref,))
    run(cloud)
    assert set(TAGS[:2]) <= set(cloud.others["vol-x"].tags)
