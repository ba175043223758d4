# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything of a burst goes, nothing else does, and the proof is a listing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_door import (
    Report,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    AccessDenied,
    DeadlineExceeded,
    Rejected,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import SBS
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_remove import (
    Removal,
    absence_message,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    GB,
    Address,
    Part,
    VolumeRef,
    burst_tags,
)
from tests.support.fake_cloud import Clock, FakeCloud

TAGS = tuple(burst_tags("plex"))
ROOT = VolumeRef("root", SBS, "0", 100 * GB)


def removal(cloud: FakeCloud, *zones: str) -> tuple[Removal, Report]:
    report = Report()
    pace = cloud.clock.pace()
    places = zones or ("fr-par-1",)
    return Removal(cloud, "plex", places, report, pace, timeout=60), report  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "calls"),
    [
        ("running", ["terminate"]),
        ("stopped", ["delete_server"]),
        ("stopped_in_place", ["power_on", "terminate"]),
        ("starting", ["terminate"]),
        ("stopping", []),
    ],
)
@pytest.mark.parametrize("kind", ["l_ssd", SBS])
def test_no_state_leaves_anything(state: str, calls: list[str], kind: str) -> None:
    cloud = FakeCloud(Clock())
    cloud.make(tags=TAGS, state=state, volumes=(replace(ROOT, kind=kind),))
    cloud.create_group("fr-par-1", "cloudburst-plex", TAGS)
    made, report = removal(cloud)
    assert made.run() == [] and report.changed
    assert not cloud.world and not cloud.others
    assert [c for c in cloud.calls if " " not in c][1:] == calls


def test_nothing_there_is_no_change() -> None:
    made, report = removal(FakeCloud(Clock()))
    assert made.run() == [] and not report.changed and not made.removed


@pytest.mark.parametrize("lost", ["lose", "swallow"])
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_lost_answers_are_looked_up(lost: str, state: str) -> None:
    cloud = FakeCloud(Clock())
    cloud.make(tags=TAGS, state=state, volumes=(ROOT,))
    call = "terminate" if state == "running" else "delete_server"
    setattr(cloud, lost, [call, "delete block_volume"])
    made, _report = removal(cloud)
    assert made.run() == [] and not cloud.world and not cloud.others


def test_parts_without_a_server_are_found_by_tag_in_every_zone() -> None:
    cloud = FakeCloud(Clock())
    for number, kind in enumerate(("block_volume", "volume", "ip")):
        part = Part(kind, f"part-{number}", f"nl-ams-{number + 1}", tags=TAGS)
        cloud.others[part.id] = part
    made, _report = removal(cloud, "nl-ams-1", "nl-ams-2", "nl-ams-3")
    assert made.run() == [] and not cloud.others


def test_what_is_not_ours_stays() -> None:
    cloud = FakeCloud(Clock())
    foreign = VolumeRef("somebody's", SBS, "1", GB)
    cloud.make(tags=TAGS, state="running", volumes=(ROOT, foreign))
    other = cloud.make(tags=("managed-by=x", "burst=plex"), state="running")
    cloud.others["ip"] = Part("ip", "ip", "fr-par-1", tags=("burst=plex",))
    made, report = removal(cloud)
    assert made.run() == []
    assert set(cloud.world) == {other.id}
    assert set(cloud.others) == {"somebody's", "ip", other.volumes[0].id}
    assert any("keeping block volume somebody's" in step for step in report.steps)


def test_a_snapshot_of_our_volume_is_left_and_named() -> None:
    cloud = FakeCloud(Clock())
    cloud.make(tags=TAGS, state="running", volumes=(ROOT,))
    snap = Part("block_snapshot", "snap", "fr-par-1", "before", owner="root")
    cloud.others["snap"] = snap
    made, _report = removal(cloud)
    left = made.run()
    assert left == [snap]
    text = absence_message("plex", left)
    assert (
        "scw block snapshot delete snap zone=fr-par-1" in text
        and "teardown.yml" in text
    )


class Stubborn(FakeCloud):
    """A cloud that refuses to delete, some times or for ever."""

    refusals = 10**9
    error: type[Rejected] | type[AccessDenied] = Rejected

    def delete_part(self, part: Part) -> None:
        if self.refusals > 0:
            self.refusals -= 1
            raise self.error(412, "DELETE", "resource is still in use")
        super().delete_part(part)


def stubborn(**changes: Any) -> Stubborn:
    cloud = Stubborn(Clock())
    for name, value in changes.items():
        setattr(cloud, name, value)
    cloud.make(tags=TAGS, state="running", volumes=(ROOT,))
    return cloud


def test_a_delete_that_is_refused_once_is_repeated() -> None:
    cloud = stubborn(refusals=2)
    made, _report = removal(cloud)
    assert made.run() == [] and not cloud.others


def test_a_delete_that_is_refused_for_ever_is_a_leftover() -> None:
    cloud = stubborn()
    made, report = removal(cloud)
    left = made.run()
    assert [part.id for part in left] == ["root"]
    assert any("is still there" in step for step in report.steps)
    assert "scw block volume delete root zone=fr-par-1" in absence_message("plex", left)


def test_a_key_that_may_not_delete_is_said_at_once() -> None:
    cloud = stubborn(error=AccessDenied)
    made, _report = removal(cloud)
    with pytest.raises(AccessDenied):
        made.run()


class Undying(FakeCloud):
    """A cloud that accepts and does nothing."""

    def terminate(self, server: Any) -> None:
        self.calls.append("terminate")


def test_a_server_that_does_not_die_ends_loudly_and_is_asked_again() -> None:
    cloud = Undying(Clock())
    server = cloud.make(tags=TAGS, state="running")
    made, _report = removal(cloud)
    with pytest.raises(
        DeadlineExceeded, match=r"billed on.*scw instance server terminate"
    ):
        made.run()
    assert cloud.calls == ["terminate", "terminate"] and server.id in cloud.world


def test_a_flexible_address_somebody_attached_is_kept() -> None:
    cloud = FakeCloud(Clock())
    cloud.others["flex"] = Part("ip", "flex", "fr-par-1")
    cloud.make(
        tags=TAGS, state="running", addresses=(Address("flex", "1.2.3.4", False),)
    )
    made, _report = removal(cloud)
    assert made.run() == [] and set(cloud.others) == {"flex"}
