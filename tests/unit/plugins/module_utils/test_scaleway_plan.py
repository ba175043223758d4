# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions about the instance."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.module_utils._bill import (
    bill,
    hours_between,
    server_lines,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._controller_address import (
    Viewpoint,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import (
    PlanError,
    authorized_key_tag,
    candidates,
    check_burst_name,
    make_burst_id,
    root_volume,
    ssh_rules,
    with_deadline,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    GB,
    Part,
    Server,
    VolumeRef,
    burst_tags,
    is_ours,
    leftover,
    server_part,
    tag_value,
)
from tests.support.fake_cloud import START, offer

SERVER = Server(
    "id",
    "n",
    "fr-par-1",
    "GP1-S",
    "running",
    datetime.fromtimestamp(START, tz=timezone.utc),
)


@pytest.mark.parametrize("name", ["plex", "a", "my-burst-2", "a" * 40])
def test_burst_names(name: str) -> None:
    assert check_burst_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "Plex", "-a", "a-", "a b", "a/b", "a" * 41, "é", "a,b"]
)
def test_names_that_cannot_be_tags(name: str) -> None:
    with pytest.raises(PlanError, match="lower-case"):
        check_burst_name(name)


def test_identity_is_the_moment_in_utc() -> None:
    assert make_burst_id("plex", 0) == "plex-19700101T000000"


@pytest.mark.parametrize(
    ("key", "tag"),
    [
        ("ssh-ed25519 AAAA me@host x", "AUTHORIZED_KEY=ssh-ed25519_AAAA"),
        ("ecdsa-sha2-nistp256 BBBB", "AUTHORIZED_KEY=ecdsa-sha2-nistp256_BBBB"),
    ],
)
def test_the_key_as_a_tag(key: str, tag: str) -> None:
    assert authorized_key_tag(key) == tag


@pytest.mark.parametrize("key", ["", "AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----"])
def test_what_is_no_public_key(key: str) -> None:
    with pytest.raises(PlanError, match="public key"):
        authorized_key_tag(key)


@pytest.mark.parametrize(
    ("types", "zones", "offers", "expected"),
    [
        (["A", "B"], ["1", "2"], [], ["A1", "A2", "B1", "B2"]),
        (["A"], ["1"], [{"type": "C", "zone": "9"}], ["C9"]),
        (["A", "A"], ["1"], [], ["A1"]),
    ],
)
def test_order_of_candidates(
    types: list[str],
    zones: list[str],
    offers: list[dict[str, str]],
    expected: list[str],
) -> None:
    assert [c.type + c.zone for c in candidates(types, zones, offers)] == expected


def test_no_candidate_at_all() -> None:
    with pytest.raises(PlanError, match="types and zones"):
        candidates([], ["fr-par-1"], [])


@pytest.mark.parametrize(
    ("local_gb", "wanted", "kind"),
    [
        (20, 20, "l_ssd"),
        (20, 40, "sbs_volume"),
        (0, 10, "sbs_volume"),
        (300, 100, "l_ssd"),
    ],
)
def test_local_storage_where_there_is_enough(
    local_gb: int, wanted: int, kind: str
) -> None:
    root = root_volume(offer("X", local_max=local_gb * GB), wanted)
    assert (root.kind, root.size) == (kind, wanted * GB)


@given(st.lists(st.text(min_size=1, max_size=20), max_size=6), st.integers(0, 2**40))
def test_one_deadline_whatever_the_tags_were(tags: list[str], deadline: int) -> None:
    new = with_deadline(with_deadline(tags, 1), deadline)
    assert [t for t in new if t.startswith("expires-at=")] == [f"expires-at={deadline}"]
    assert [t for t in new if not t.startswith("expires-at=")] == [
        t for t in tags if not t.startswith("expires-at=")
    ]


@pytest.mark.parametrize(
    ("tags", "mine", "any_burst"),
    [
        (burst_tags("plex"), True, True),
        ([*burst_tags("plex"), "x"], True, True),
        (burst_tags("plex2"), False, True),
        (["burst=plex"], False, False),
        (["managed-by=cloudburst.plex"], False, True),
        (["managed-by=cloudburst.plexx", "burst=plex"], False, False),
        ([], False, False),
    ],
)
def test_whose_it_is(tags: list[str], mine: bool, any_burst: bool) -> None:
    assert is_ours(tags, "plex") is mine
    assert is_ours(tags, None) is any_burst


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5"])
def test_a_damaged_deadline_is_none(value: str) -> None:
    assert replace(SERVER, tags=(f"expires-at={value}",)).expires_at == 0


def test_tags_with_several_equal_signs() -> None:
    assert tag_value(["a=b=c", "a=d"], "a") == "b=c"


@pytest.mark.parametrize(
    ("state", "command"),
    [
        (
            "running",
            "scw instance server terminate id zone=fr-par-1 with-ip=true with-block=true",
        ),
        (
            "stopped",
            "scw instance server delete id zone=fr-par-1 with-volumes=all with-ip=true",
        ),
    ],
)
def test_the_command_that_removes_it(state: str, command: str) -> None:
    left = leftover(server_part(replace(SERVER, state=state)))
    assert left["command"] == command and left["kind"] == "server"


def test_every_kind_has_a_command() -> None:
    for kind in (
        "volume",
        "block_volume",
        "snapshot",
        "block_snapshot",
        "ip",
        "security_group",
    ):
        command = Part(kind, "x", "fr-par-1").command
        assert command.startswith("scw ") and " x zone=fr-par-1" in command


# --- the firewall ---------------------------------------------------------------------------
def test_rules_are_networks_once_each() -> None:
    rules = ssh_rules(["198.51.100.7", "198.51.100.7/32", "10.1.2.3/8"])
    assert [(r.ip_range, r.port) for r in rules] == [
        ("10.0.0.0/8", 22),
        ("198.51.100.7/32", 22),
    ]


@pytest.mark.parametrize("given_ranges", [[], ["here"], ["1.2.3.4/33"]])
def test_no_rule_is_never_all(given_ranges: list[str]) -> None:
    with pytest.raises(PlanError, match="provision_controller_cidr|allowed_ssh_cidr"):
        ssh_rules(given_ranges)


def viewpoint(
    route: str, answer: str = "", explicit: tuple[str, ...] = ()
) -> Viewpoint:
    def inquire(url: str) -> str:
        if not answer:
            raise OSError("no route")
        return answer

    return Viewpoint(
        explicit, "https://ip.example", route=lambda _: route, inquire=inquire
    )


@pytest.mark.parametrize(
    ("destination", "route", "answer", "expected"),
    [
        ("172.30.77.9", "172.30.77.1", "", "172.30.77.1/32"),
        ("51.15.1.1", "192.168.1.5", "203.0.114.9", "203.0.114.9/32"),
        ("51.15.1.1", "8.8.4.4", "", "8.8.4.4/32"),
    ],
)
def test_where_we_come_from(
    destination: str, route: str, answer: str, expected: str
) -> None:
    assert viewpoint(route, answer).ranges(destination) == [expected]


def test_explicit_networks_win() -> None:
    view = viewpoint("192.168.1.5", "203.0.114.9", ("0.0.0.0/0",))
    assert view.ranges("51.15.1.1") == ["0.0.0.0/0"]


@pytest.mark.parametrize("answer", ["", "<html>hello</html>"])
def test_not_knowing_is_an_error_that_names_the_variable(answer: str) -> None:
    with pytest.raises(PlanError, match="provision_controller_cidr"):
        viewpoint("192.168.1.5", answer).ranges("51.15.1.1")


def test_the_service_is_asked_once() -> None:
    asked = []

    def inquire(url: str) -> str:
        asked.append(url)
        return "203.0.114.9"

    view = Viewpoint(
        (), "https://ip.example", route=lambda _: "10.0.0.2", inquire=inquire
    )
    view.ranges("51.15.1.1")
    view.ranges("51.15.1.2")
    assert asked == ["https://ip.example"]


# --- money ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("hours", "billed"), [(0.0, 1.0), (0.5, 1.0), (1.0, 1.0), (1.01, 2.0), (71.5, 72.0)]
)
def test_servers_are_charged_by_started_hour(hours: float, billed: float) -> None:
    (line,) = server_lines(SERVER, 0.2, START + hours * 3600, {})
    assert line.billed_hours == billed
    assert line.euros == pytest.approx(0.2 * billed)


def test_volumes_are_charged_by_size_and_time() -> None:
    refs = (VolumeRef("a", "l_ssd", "0", 100 * GB), VolumeRef("b", "sbs_volume", "1"))
    lines = server_lines(
        replace(SERVER, volumes=refs), 0.2, START + 36000, {"b": 10 * GB}
    )
    assert [line.euros for line in lines[1:]] == [
        pytest.approx(0.000044 * 100 * 10),
        pytest.approx(0.000118 * 10 * 10),
    ]


def test_an_unknown_price_is_said_and_not_zero() -> None:
    refs = (VolumeRef("a", "scratch", "0", GB), VolumeRef("b", "l_ssd", "1"))
    total = bill(server_lines(replace(SERVER, volumes=refs), None, START, {}))
    assert total["complete"] is False
    assert [line["euros"] for line in total["lines"]] == [None, None, None]
    assert bill([]) == {
        "lines": [],
        "total_euros": 0,
        "complete": True,
        "currency": "EUR",
    }


def test_clocks_that_disagree_cost_nothing_negative() -> None:
    assert hours_between(SERVER.created, START - 100) == 0.0
    assert hours_between(None, START) == 0.0
