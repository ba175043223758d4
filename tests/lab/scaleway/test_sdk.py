# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real ``scaleway`` SDK drives the API (A1, A2, A5, A9): a client that nobody here wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from scaleway import Client
from scaleway.block.v1 import BlockV1API
from scaleway.iam.v1alpha1 import IamV1Alpha1API
from scaleway.instance.v1 import InstanceV1API, VolumeServerTemplate
from scaleway.instance.v1.custom_api import InstanceUtilsV1API
from scaleway.marketplace.v2 import MarketplaceV2API
from scaleway_core.api import ScalewayException

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHYoUqmxAZO3oN1QKTA9/iGmhpPi+BwfN2z4YOXdGsTb me"


def image(api: Any, kind: str) -> str:
    images = MarketplaceV2API(api.sdk).list_local_images(
        image_label="debian_bookworm", zone=api.zone, type_=kind
    )
    return next(i.id for i in images.local_images if i.arch == "x86_64")


def create(api: Any, kind: str = "instance_local", **changes: Any) -> Any:
    local = {"0": VolumeServerTemplate(volume_type="l_ssd", size=20_000_000_000)}
    settings = {
        "commercial_type": "DEV1-S",
        "name": "burst",
        "image": image(api, kind),
        "protected": False,
        "dynamic_ip_required": True,
        "volumes": local if kind == "instance_local" else None,
        **changes,
    }
    return InstanceUtilsV1API(api.sdk).create_server(**settings).server


def state(api: Any, server_id: str) -> str:
    return str(InstanceV1API(api.sdk).get_server(server_id=server_id).server.state)


def gone(api: Any, server_id: str) -> bool:
    try:
        InstanceV1API(api.sdk).get_server(server_id=server_id)
    except ScalewayException as error:
        assert error.status_code == 404
        return True
    return False


def test_A1_sdk_create_user_data_poweron_running_terminate_404(api: Any) -> None:
    instance = InstanceUtilsV1API(api.sdk)
    server = create(api, tags=["managed-by=cloudburst.plex", "burst=x"])
    assert server.state == "stopped"
    instance.set_server_user_data(
        server_id=server.id, key="cloud-init", content=b"#cloud-config\n{}\n"
    )
    task = instance.server_action(server_id=server.id, action="poweron").task
    assert task.description == "fake task"
    api.wait(lambda: state(api, server.id) == "running", "running")
    found = instance.get_server(server_id=server.id).server
    assert found.public_ips[0].dynamic and found.hostname == "burst"
    instance.server_action(server_id=server.id, action="terminate")
    api.wait(lambda: gone(api, server.id), "404")
    assert instance.list_volumes_all() == []
    assert instance.list_ips_all() == []


def test_A2_sdk_sees_the_surviving_sbs_volume_and_deletes_it(api: Any) -> None:
    block, instance = BlockV1API(api.sdk), InstanceV1API(api.sdk)
    server = create(api, "instance_sbs")
    volume = server.volumes["0"].id
    instance.server_action(server_id=server.id, action="poweron")
    api.wait(lambda: state(api, server.id) == "running", "running")
    instance.server_action(server_id=server.id, action="terminate")
    api.wait(lambda: gone(api, server.id), "404")
    api.wait(
        lambda: block.get_volume(volume_id=volume).status == "available", "available"
    )
    assert [found.id for found in block.list_volumes_all(include_deleted=False)] == [
        volume
    ]
    block.delete_volume(volume_id=volume)
    assert block.list_volumes_all(include_deleted=False) == []


def test_A2_sdk_attaches_an_existing_sbs_volume(api: Any) -> None:
    reply = api.http.post(
        f"/block/v1/zones/{api.zone}/volumes",
        json={
            "name": "data",
            "from_empty": {"size": 10_000_000_000},
            "tags": ["burst=x"],
        },
    )
    volume = reply.json()["id"]
    template = VolumeServerTemplate(
        id=volume, volume_type="sbs_volume", size=None, boot=None
    )
    root = VolumeServerTemplate(volume_type="l_ssd", size=10_000_000_000)
    server = create(api, volumes={"0": root, "1": template})
    assert server.volumes["1"].id == volume
    found = (
        BlockV1API(api.sdk)
        .list_volumes(product_resource_id=server.id, include_deleted=False)
        .volumes
    )
    assert [item.id for item in found] == [volume]


def test_A4_sdk_reads_prices_and_availability(api: Any) -> None:
    instance = InstanceV1API(api.sdk)
    types = instance.list_servers_types().servers
    assert types["DEV1-S"].hourly_price == pytest.approx(0.008976)
    assert types["GP1-S"].hourly_price == pytest.approx(0.19074)
    assert types["GP1-M"].hourly_price == pytest.approx(0.38352)
    assert (types["GP1-S"].ncpus, types["GP1-S"].ram) == (8, 32 * 2**30)
    assert not types["DEV1-S"].end_of_service
    stock = instance.get_server_types_availability().servers
    assert stock["GP1-S"].availability == "available"


def test_A4_dev1_and_gp1_are_absent_in_milan(api: Any) -> None:
    types = InstanceV1API(api.sdk).list_servers_types(zone="it-mil-1").servers
    assert types and not [name for name in types if name.startswith(("DEV1", "GP1"))]


def test_A5_sdk_needs_an_empty_page_past_the_end(api: Any) -> None:
    for number in range(3):
        api.create(name=f"srv-{number}")
    found = InstanceV1API(api.sdk).list_servers_all(per_page=2)
    assert len(found) == 3
    reply = api.http.get(api.path("servers"), params={"page": 9})
    assert reply.json() == {"servers": []}
    assert reply.headers["X-Total-Count"] == "3"


def test_A5_list_filters_by_exact_tags_and_part_of_the_name(api: Any) -> None:
    wanted = api.create(name="plex-one", tags=["burst=plex", "managed-by=x"])["id"]
    api.create(name="other", tags=["burst=plex2"])
    instance = InstanceV1API(api.sdk)

    def ids(**filters: Any) -> list[str]:
        return [server.id for server in instance.list_servers(**filters).servers]

    assert ids(tags=["burst=plex"]) == [wanted]
    assert ids(tags=["burst=plex", "managed-by=x"]) == [wanted]
    assert ids(tags=["burst=ple"]) == []
    assert ids(name="lex-") == [wanted]
    assert len(ids()) == 2


def test_A5_get_with_a_json_body_is_answered(api: Any) -> None:
    server = api.create()
    reply = api.http.request("GET", api.path(f"servers/{server['id']}"), json={})
    assert reply.status_code == 200


def test_A5_missing_user_data_has_an_empty_body_so_the_sdk_raises_a_value_error(
    api: Any,
) -> None:
    server = api.create()
    with pytest.raises(ValueError):
        InstanceUtilsV1API(api.sdk).get_server_user_data(
            server_id=server["id"], key="nothing"
        )


def test_A5_sdk_raises_a_value_error_on_429_and_502(api: Any) -> None:
    instance = InstanceV1API(api.sdk)
    for kind in ("rate_limited", "server_error"):
        api.fault(kind, count=1)
        with pytest.raises(requests.exceptions.JSONDecodeError):
            instance.list_servers()
        instance.list_servers()


def test_A5_user_data_is_kept_per_zone(api: Any) -> None:
    images = api.http.get(
        "/marketplace/v2/local-images",
        params={
            "image_label": "debian_bookworm",
            "zone": "nl-ams-1",
            "type": "instance_local",
        },
    ).json()["local_images"]
    body = {"commercial_type": "DEV1-S", "image": images[0]["id"]}
    server = api.http.post(api.path("servers", "nl-ams-1"), json=body).json()["server"]
    instance = InstanceUtilsV1API(api.sdk)
    instance.set_server_user_data(
        server_id=server["id"], key="k", content=b"v", zone="nl-ams-1"
    )
    reply = instance.get_server_user_data(
        server_id=server["id"], key="k", zone="nl-ams-1"
    )
    assert reply.content == b"v"
    assert (
        api.http.get(api.path(f"servers/{server['id']}/user_data/k")).status_code == 404
    )


def test_A5_iam_ssh_keys(api: Any) -> None:
    iam = IamV1Alpha1API(api.sdk)
    key = iam.create_ssh_key(public_key=KEY, name="mine")
    assert key.project_id == api.cloud.project
    assert [found.id for found in iam.list_ssh_keys_all()] == [key.id]
    iam.delete_ssh_key(ssh_key_id=key.id)
    assert iam.list_ssh_keys_all() == []


def test_A5_api_keys_work_until_they_expire(api: Any) -> None:
    iam = IamV1Alpha1API(api.sdk)

    def status(lifetime: timedelta) -> int:
        key = iam.create_api_key(
            description="dead-man switch",
            application_id=api.cloud.project,
            expires_at=datetime.now(UTC) + lifetime,
        )
        headers = {"X-Auth-Token": key.secret_key}
        return int(api.http.get(api.path("servers"), headers=headers).status_code)

    assert status(timedelta(minutes=5)) == 200
    assert status(timedelta(minutes=-5)) == 401


def test_A5_quotas_can_be_listed(api: Any) -> None:
    quota = IamV1Alpha1API(api.sdk).list_quota_all()
    assert "instance_gp1_s" in {item.name for item in quota}


def test_A5_security_group_with_rules(api: Any) -> None:
    instance = InstanceV1API(api.sdk)
    group = instance.create_security_group(
        name="burst",
        description="",
        stateful=True,
        inbound_default_policy="drop",
        outbound_default_policy="accept",
    ).security_group
    rule = instance.create_security_group_rule(
        security_group_id=group.id,
        protocol="TCP",
        direction="inbound",
        action="accept",
        ip_range="198.51.100.7/32",
        dest_port_from=22,
        position=0,
        editable=True,
    ).rule
    rules = instance.list_security_group_rules_all(security_group_id=group.id)
    assert [item.id for item in rules if item.editable] == [rule.id]
    assert len([item for item in rules if not item.editable]) == 6
    server = create(api, security_group=group.id)
    assert server.security_group.id == group.id


def test_A6_wrong_key_is_401_denied_authentication(api: Any) -> None:
    stranger = Client(
        access_key="SCW" + "B" * 17,
        secret_key="11111111-1111-4111-8111-111111111111",
        api_url=api.url,
        default_zone=api.zone,
    )
    with pytest.raises(ScalewayException) as caught:
        InstanceV1API(stranger).list_servers()
    assert caught.value.status_code == 401
    body = api.http.get(api.path("servers"), headers={"X-Auth-Token": "x"}).json()
    assert body["type"] == "denied_authentication"
    assert set(body) == {"type", "message", "method", "reason"}


def test_A9_tags_on_volumes_and_ips_and_snapshots_are_listed(api: Any) -> None:
    tags = ["managed-by=cloudburst.plex"]
    zone = f"/block/v1/zones/{api.zone}"
    volume = {"name": "v", "from_empty": {"size": 10**10}, "tags": tags}
    made = api.http.post(f"{zone}/volumes", json=volume).json()
    api.http.post(api.path("ips"), json={"tags": tags})
    api.http.post(
        f"{zone}/snapshots", json={"volume_id": made["id"], "name": "s", "tags": tags}
    )
    instance, block = InstanceV1API(api.sdk), BlockV1API(api.sdk)
    assert len(block.list_volumes_all(tags=tags, include_deleted=False)) == 1
    assert len(instance.list_ips_all(tags=tags)) == 1
    assert len(block.list_snapshots_all(tags=tags, include_deleted=False)) == 1
    assert block.list_volumes_all(tags=["other"], include_deleted=False) == []
