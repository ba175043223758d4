# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scaleway-rclone A1, A2, A3: what a server does and what survives it; driven over raw HTTP."""

from __future__ import annotations

from typing import Any

import pytest

L_SSD_20 = {"0": {"volume_type": "l_ssd", "size": 20_000_000_000}}


def block(api: Any, volume_id: str) -> Any:
    return api.http.get(f"/block/v1/zones/{api.zone}/volumes/{volume_id}")


def test_A1_create_answers_201_and_leaves_the_server_stopped(api: Any) -> None:
    server = api.create()
    assert server["state"] == "stopped"
    assert server["allowed_actions"] == ["poweron", "backup"]
    assert api.server(server["id"])["state"] == "stopped"


def test_A1_user_data_patch_is_204_and_read_back(api: Any) -> None:
    server = api.create()
    path = api.path(f"servers/{server['id']}/user_data/cloud-init")
    headers = {"Content-Type": "text/plain"}
    assert (
        api.http.patch(path, content=b"#cloud-config", headers=headers).status_code
        == 204
    )
    assert api.http.get(path).content == b"#cloud-config"
    assert api.http.get(path).headers["content-type"] == "text/plain"


def test_A1_poweron_is_202_with_a_fake_task_that_cannot_be_polled(api: Any) -> None:
    server = api.create()
    reply = api.act(server["id"], "poweron")
    assert reply.status_code == 202
    task = reply.json()["task"]
    assert task["id"] == "00000000-0000-0000-0000-000000000000"
    assert api.http.get(api.path(f"tasks/{task['id']}")).status_code == 404


def test_A1_states_on_the_way_up(api: Any) -> None:
    server = api.create()
    api.act(server["id"], "poweron")
    first = api.server(server["id"])
    assert (first["state"], first["state_detail"]) == ("starting", "allocating node")
    assert first["allowed_actions"] == ["stop_in_place", "backup"]
    api.wait(lambda: api.server(server["id"])["state"] == "running", "running")
    last = api.server(server["id"])
    assert last["state_detail"] == "booting kernel"
    assert last["allowed_actions"] == [
        "poweroff",
        "terminate",
        "reboot",
        "stop_in_place",
        "backup",
    ]
    assert last["location"]["zone_id"] == api.zone


def test_A1_terminate_goes_over_stopping_to_404(api: Any) -> None:
    server = api.running()
    assert api.act(server["id"], "terminate").status_code == 202
    dying = api.server(server["id"])
    assert (dying["state"], dying["state_detail"]) == ("stopping", "terminating")
    assert dying["allowed_actions"] == []
    api.gone(server["id"])
    body = api.http.get(api.path(f"servers/{server['id']}")).json()
    assert body == {
        "type": "not_found",
        "message": "resource is not found",
        "resource": "instance_server",
        "resource_id": server["id"],
    }


def test_A1_terminate_of_a_stopped_server_is_refused(api: Any) -> None:
    server = api.create()
    reply = api.act(server["id"], "terminate")
    assert reply.status_code == 400
    assert "running" in reply.json()["message"]


def test_A1_delete_of_a_running_server_is_refused(api: Any) -> None:
    server = api.running()
    assert api.http.delete(api.path(f"servers/{server['id']}")).status_code == 400
    assert api.server(server["id"])["state"] == "running"


def test_A1_delete_of_a_stopped_server_keeps_even_its_local_volume(api: Any) -> None:
    server = api.create(volumes=L_SSD_20)
    volume = server["volumes"]["0"]["id"]
    assert api.http.delete(api.path(f"servers/{server['id']}")).status_code == 204
    found = api.http.get(api.path(f"volumes/{volume}")).json()["volume"]
    assert (found["state"], found["server"]) == ("available", None)
    assert api.http.delete(api.path(f"volumes/{volume}")).status_code == 204
    assert api.http.get(api.path(f"volumes/{volume}")).status_code == 404


def test_A2_local_volume_ends_with_terminate(api: Any) -> None:
    server = api.running(volumes=L_SSD_20)
    volume = server["volumes"]["0"]["id"]
    api.act(server["id"], "terminate")
    path = api.path(f"volumes/{volume}")
    assert api.http.get(path).json()["volume"]["state"] == "deleting"
    api.gone(server["id"])
    assert api.http.get(path).status_code == 404
    assert block(api, volume).status_code == 404


def test_A2_sbs_root_survives_terminate_and_is_available_later(api: Any) -> None:
    server = api.running(image=api.image("instance_sbs"))
    volume = server["volumes"]["0"]["id"]
    assert server["volumes"]["0"]["volume_type"] == "sbs_volume"
    api.act(server["id"], "terminate")
    assert block(api, volume).json()["status"] == "in_use"
    api.gone(server["id"])
    found = api.wait(
        lambda: (v := block(api, volume).json())["status"] == "available" and v,
        "available",
    )
    assert found["references"] == [] and found["last_detached_at"]
    assert found["tags"] == []  # A9: volumes made with a server carry no tags
    assert (
        api.http.delete(f"/block/v1/zones/{api.zone}/volumes/{volume}").status_code
        == 204
    )
    assert block(api, volume).json()["resource"] == "volume"


def test_A2_default_root_volume_of_the_sbs_image_is_10_GB_sbs(api: Any) -> None:
    server = api.create(image=api.image("instance_sbs"))
    volume = block(api, server["volumes"]["0"]["id"]).json()
    assert (volume["size"], volume["type"]) == (10_000_000_000, "sbs_5k")
    assert volume["parent_snapshot_id"]


def test_A2_instance_api_answers_404_for_sbs_volumes(api: Any) -> None:
    server = api.create(image=api.image("instance_sbs"))
    reply = api.http.get(api.path(f"volumes/{server['volumes']['0']['id']}"))
    assert reply.status_code == 404
    assert reply.json()["resource"] == "instance_volume"


def test_A2_sbs_volume_in_use_cannot_be_deleted(api: Any) -> None:
    server = api.running(image=api.image("instance_sbs"))
    volume = server["volumes"]["0"]["id"]
    reply = api.http.delete(f"/block/v1/zones/{api.zone}/volumes/{volume}")
    assert reply.status_code == 412
    assert block(api, volume).status_code == 200


def test_A2_flexible_ip_survives_terminate_detached(api: Any) -> None:
    ip = api.http.post(
        api.path("ips"), json={"type": "routed_ipv4", "tags": ["t"]}
    ).json()["ip"]
    server = api.running(public_ips=[ip["id"]])
    assert server["public_ips"][0]["address"] == ip["address"]
    assert server["public_ips"][0]["dynamic"] is False
    api.act(server["id"], "terminate")
    api.gone(server["id"])
    left = api.http.get(api.path(f"ips/{ip['id']}")).json()["ip"]
    assert (left["state"], left["server"], left["tags"]) == ("detached", None, ["t"])


def test_A2_dynamic_ip_comes_at_poweron_and_goes_at_poweroff(api: Any) -> None:
    server = api.create(dynamic_ip_required=True)
    assert server["public_ips"] == [] and server["public_ip"] is None
    api.act(server["id"], "poweron")
    api.wait(lambda: api.server(server["id"])["state"] == "running", "running")
    up = api.server(server["id"])
    assert (
        up["public_ip"]["dynamic"] is True and up["public_ips"][0]["family"] == "inet"
    )
    assert api.http.get(api.path("ips")).json()["ips"] == []
    api.act(server["id"], "poweroff")
    api.wait(lambda: api.server(server["id"])["state"] == "stopped", "stopped")
    assert api.server(server["id"])["public_ips"] == []


def test_A2_no_ip_at_all_unless_wanted(api: Any) -> None:
    assert api.running(dynamic_ip_required=False)["public_ips"] == []


def test_A2_security_group_in_use_cannot_be_deleted_and_survives(api: Any) -> None:
    group = api.http.post(api.path("security_groups"), json={"name": "g"}).json()[
        "security_group"
    ]
    path = api.path(f"security_groups/{group['id']}")
    server = api.running(security_group=group["id"])
    assert api.http.delete(path).status_code == 400
    api.act(server["id"], "terminate")
    api.gone(server["id"])
    assert api.http.get(path).json()["security_group"]["servers"] == []
    assert api.http.delete(path).status_code == 204


def test_A2_local_root_needs_a_local_image_and_fits_the_type(api: Any) -> None:
    body = {
        "commercial_type": "DEV1-S",
        "image": api.image("instance_sbs"),
        "volumes": L_SSD_20,
    }
    assert api.http.post(api.path("servers"), json=body).status_code == 400
    body["image"] = api.image()
    body["volumes"] = {"0": {"volume_type": "l_ssd", "size": 21_000_000_000}}
    reply = api.http.post(api.path("servers"), json=body)
    assert reply.json()["type"] == "invalid_arguments"
    assert reply.json()["details"][0]["argument_name"] == "volumes"


@pytest.mark.parametrize("kind", ["PRO2-S", "PLAY2-NANO", "BASIC3-X2C-4G"])
def test_A2_newer_types_have_block_storage_only(api: Any, kind: str) -> None:
    body = {"commercial_type": kind, "image": api.image()}
    assert api.http.post(api.path("servers"), json=body).status_code == 400
    assert (
        api.create(commercial_type=kind, image=api.image("instance_sbs"))["state"]
        == "stopped"
    )


def test_A3_standby_is_billed_and_poweroff_is_not(api: Any) -> None:
    def running_meters() -> list[str]:
        lines = api.http.get("/lab/bill").json()["lines"]
        return [line["what"] for line in lines if line["ended"] is None]

    server = api.running(volumes=L_SSD_20)
    api.act(server["id"], "stop_in_place")
    api.wait(lambda: api.server(server["id"])["state"] == "stopped in place", "standby")
    assert running_meters() == ["l_ssd 20 GB", "DEV1-S"]
    api.act(server["id"], "poweron")
    api.wait(lambda: api.server(server["id"])["state"] == "running", "running")
    api.act(server["id"], "poweroff")
    api.wait(lambda: api.server(server["id"])["state"] == "stopped", "stopped")
    assert running_meters() == ["l_ssd 20 GB"]


def test_A3_bill_counts_started_hours_and_the_minimum_of_an_ip(api: Any) -> None:
    ip = api.http.post(api.path("ips"), json={}).json()["ip"]
    api.http.delete(api.path(f"ips/{ip['id']}"))
    server = api.running(tags=["burst=x"])
    api.act(server["id"], "terminate")
    api.gone(server["id"])
    answer = api.http.get("/lab/bill").json()
    lines = {line["resource"]: line for line in answer["lines"]}
    assert lines["ip"]["euros"] == 0.01
    assert lines["server"]["billed_hours"] == 1.0
    assert lines["server"]["euros"] == pytest.approx(0.008976)
    assert answer["total_euros"] == pytest.approx(
        sum(line["euros"] for line in answer["lines"]), abs=1e-5
    )
    tagged = api.http.get("/lab/bill", params={"tag": "burst=x"}).json()["lines"]
    assert [line["resource"] for line in tagged] == ["server"]


def test_A5_protected_server_is_not_terminated(api: Any) -> None:
    server = api.running(protected=True)
    assert api.act(server["id"], "terminate").status_code == 412
    api.http.patch(api.path(f"servers/{server['id']}"), json={"protected": False})
    assert api.act(server["id"], "terminate").status_code == 202


def test_A6_second_action_meets_a_transient_state(api: Any) -> None:
    server = api.create()
    api.act(server["id"], "poweron")
    reply = api.act(server["id"], "terminate")
    assert reply.status_code == 409
    assert reply.json()["type"] == "transient_state"
    assert reply.json()["current_state"] == "starting"
