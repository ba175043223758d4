# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure parts: state that persists, rules as iptables, seeds, metadata, the bill."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudburst_lab.scaleway import billing, firewall, metadata, network, seed
from cloudburst_lab.scaleway.model import Meter, Rule, SecurityGroup, Server, World

from .conftest import make_cloud, serve


def group(**changes: Any) -> SecurityGroup:
    return SecurityGroup("g", "g", "fr-par-1", "p", 0, 0, **changes)


def server(**changes: Any) -> Server:
    return Server("s", "srv", "fr-par-1", "DEV1-S", "i", "p", 0, 0, "g", "m", **changes)


def test_a_restarted_api_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "scaleway.json"
    first = make_cloud(state_file=file)
    for api in serve(first):
        ip = api.http.post(api.path("ips"), json={}).json()["ip"]
        made = api.running(public_ips=[ip["id"]], tags=["a"])
        fields = {"name": "g", "inbound_default_policy": "drop"}
        found = api.http.post(api.path("security_groups"), json=fields).json()[
            "security_group"
        ]
        rule = {"ip_range": "0.0.0.0/0", "dest_port_from": 22}
        api.http.post(api.path(f"security_groups/{found['id']}/rules"), json=rule)
        before = api.http.get("/lab/state").json()
    assert file.stat().st_mode & 0o777 == 0o600
    second = make_cloud(state_file=file, secret_key=first.secret_key)
    for api in serve(second):
        assert api.http.get("/lab/state").json() == before
        assert api.server(made["id"])["state"] == "running"


def test_an_action_cut_short_by_a_restart_is_completed(tmp_path: Path) -> None:
    file = tmp_path / "scaleway.json"
    for api in serve(make_cloud(state_file=file)):
        made = api.running()
        api.act(made["id"], "terminate")
    for api in serve(make_cloud(state_file=file)):
        api.gone(made["id"])
        assert api.cloud.world.volumes == {}


def test_drop_policy_with_one_rule_as_iptables() -> None:
    closed = group(inbound_default_policy="drop")
    network.add_rule(closed, {"ip_range": "198.51.100.7", "dest_port_from": 22}, 0)
    text = firewall.restore_text(closed).splitlines()
    assert text[0] == "*mangle" and text[-1] == "COMMIT"
    inbound = [line for line in text if line.startswith("-A SCW-IN")]
    assert inbound == [
        "-A SCW-IN -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN",
        "-A SCW-IN -s 198.51.100.7/32 -p tcp --dport 22:22 -j RETURN",
        "-A SCW-IN -j DROP",
    ]
    assert "-A SCW-OUT -d 0.0.0.0/0 -p tcp --dport 25:25 -j DROP" in text
    assert text[-2] == "-A SCW-OUT -j RETURN"


def test_rules_count_by_position() -> None:
    one = group()
    for port in (1, 2, 3):
        network.add_rule(one, {"ip_range": "0.0.0.0/0", "dest_port_from": port}, 0)
    network.add_rule(
        one, {"ip_range": "0.0.0.0/0", "dest_port_from": 9, "position": 1}, 0
    )
    assert [rule.dest_port_from for rule in one.rules] == [9, 1, 2, 3]
    assert [rule.position for rule in one.rules] == [1, 2, 3, 4]


@given(
    st.lists(
        st.builds(
            Rule,
            id=st.uuids().map(str),
            protocol=st.sampled_from(network.PROTOCOLS),
            direction=st.sampled_from(["inbound", "outbound"]),
            action=st.sampled_from(["accept", "drop"]),
            ip_range=st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "::/0"]),
            dest_port_from=st.none() | st.integers(1, 65535),
            dest_port_to=st.none(),
            position=st.integers(1, 9),
        ),
        max_size=6,
    )
)
def test_every_ipv4_rule_is_one_line_and_the_policy_is_last(rules: list[Rule]) -> None:
    text = firewall.restore_text(
        group(rules=rules, enable_default_security=False, stateful=False)
    )
    lines = [line for line in text.splitlines() if line.startswith("-A")]
    assert len(lines) == 2 + sum(":" not in rule.ip_range for rule in rules)
    assert [line for line in lines if line.startswith("-A SCW-IN")][
        -1
    ] == "-A SCW-IN -j RETURN"


@pytest.mark.parametrize(
    "content", [b"#cloud-config\n{}\n", b"\x00\xff\n", b"x" * 100_000]
)
def test_the_seed_carries_the_user_data_as_it_was_set(content: bytes) -> None:
    item = server()
    item.set_user_data("cloud-init", content)
    with tarfile.open(fileobj=io.BytesIO(seed.seed_tar(item))) as archive:
        found = archive.extractfile("var/lib/cloud/seed/nocloud/user-data")
        meta = archive.extractfile("var/lib/cloud/seed/nocloud/meta-data")
        assert found is not None and found.read() == content
        assert meta is not None and json.loads(meta.read())["instance-id"] == "s"


def test_A5_metadata_shell_form_lists_tags_and_keys() -> None:
    item = server(tags=["AUTHORIZED_KEY=ssh-ed25519_AAAA", "it's"])
    lines = metadata.shell(metadata.conf(World(), item, []))
    assert "TAGS=2" in lines
    assert "TAGS_0=AUTHORIZED_KEY=ssh-ed25519_AAAA" in lines
    assert "SSH_PUBLIC_KEYS=0" in lines


@given(st.floats(0, 1e6), st.floats(0.1, 3600))
def test_A3_a_server_costs_whole_hours_and_at_least_one(
    seconds: float, factor: float
) -> None:
    meter = Meter("server", "s", "n", "GP1-S", "fr-par-1", 0.19074, 0.0, seconds)
    line = billing.bill_line(meter, 1e9, factor)
    assert line.billed_hours == int(line.billed_hours) >= max(1, line.hours)
    assert line.euros == pytest.approx(line.billed_hours * 0.19074)


def test_A4_storage_costs_by_size_and_time() -> None:
    world = World()
    volume = billing.catalogue.storage_price("sbs_volume")
    assert volume == 0.000118
    meter = Meter(
        "volume", "v", "n", "sbs_volume 100 GB", "fr-par-1", volume * 100, 0.0, 3600.0
    )
    world.meters.append(meter)
    assert billing.bill(world, 9e9, 1.0)[0].euros == pytest.approx(0.0118)


def test_addresses_run_out_with_the_quota_error() -> None:
    pool = network.AddressPool("10.0.0.1", "10.0.0.2")
    assert pool.next_free(["10.0.0.1"]) == "10.0.0.2"
    with pytest.raises(Exception, match="quotas_exceeded"):
        pool.next_free(["10.0.0.1", "10.0.0.2"])
