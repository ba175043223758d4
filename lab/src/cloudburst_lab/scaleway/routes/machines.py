# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers, their actions, user data and volume attachment."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from cloudburst_lab.scaleway import servers, storage, views
from cloudburst_lab.scaleway.cloud import Cloud
from cloudburst_lab.scaleway.errors import (
    ApiError,
    invalid_arguments,
    not_found,
    out_of_stock,
    permissions_denied,
    quotas_exceeded,
)
from cloudburst_lab.scaleway.model import Server
from cloudburst_lab.scaleway.routes.common import (
    Body,
    TheCloud,
    Zone,
    created,
    keep,
    listing,
    no_content,
)

router = APIRouter(prefix="/instance/v1/zones/{zone}/servers")
USER_DATA_LIMIT = 128_000


def show(cloud: Cloud, server: Server) -> dict[str, Any]:
    return views.server(cloud.world, server, cloud.gateway)


def refuse_creation(cloud: Cloud, zone: str, kind: str) -> None:
    """Raise what a fault has in store for new servers."""
    where: dict[str, str] = {"zone": zone, "commercial_type": kind}
    fault = cloud.faults.take("out_of_stock", cloud.now(), at="create", **where)
    if fault is not None:
        raise out_of_stock(kind, fault.status or 412)
    if cloud.faults.take("quota", cloud.now(), **where):
        have = sum(s.commercial_type == kind for s in cloud.world.servers.values())
        resource = "instance_" + kind.lower().replace("-", "_")
        raise quotas_exceeded(resource, have, have)


@router.post("")
async def create_server(
    request: Request, cloud: TheCloud, zone: Zone, body: Body
) -> Response:
    refuse_creation(cloud, zone, str(body.get("commercial_type", "")))
    project = str(body.get("project") or body.get("organization") or cloud.project)
    server = servers.create(cloud.world, cloud.now(), zone, project, body, cloud.timing)
    cloud.save()
    return created(request, "server", show(cloud, server))


@router.get("")
async def list_servers(request: Request, cloud: TheCloud, zone: Zone) -> Response:
    query = request.query_params
    found = keep(request, cloud.world.servers.values(), zone)
    chosen = [
        server
        for server in found
        if query.get("state", server.state) == server.state
        and query.get("commercial_type", server.commercial_type)
        == server.commercial_type
    ]
    chosen.sort(key=lambda server: server.created, reverse=True)
    return listing(request, "servers", [show(cloud, server) for server in chosen])


@router.get("/{server_id}")
async def get_server(cloud: TheCloud, zone: Zone, server_id: str) -> Response:
    server = servers.find_server(cloud.world, zone, server_id)
    return JSONResponse({"server": show(cloud, server)})


@router.patch("/{server_id}")
async def patch_server(
    cloud: TheCloud, zone: Zone, server_id: str, body: Body
) -> Response:
    server = servers.find_server(cloud.world, zone, server_id)
    servers.patch(cloud.world, server, body, cloud.now())
    cloud.save()
    if body.get("security_group"):
        await cloud.refilter(server.security_group_id)
    return JSONResponse({"server": show(cloud, server)})


@router.delete("/{server_id}")
async def delete_server(cloud: TheCloud, zone: Zone, server_id: str) -> Response:
    server = servers.find_server(cloud.world, zone, server_id)
    servers.delete(cloud.world, server, cloud.now(), cloud.timing)
    cloud.save()
    cloud.spawn(cloud.forget_machine(server))
    return no_content()


@router.post("/{server_id}/action")
async def act(
    request: Request, cloud: TheCloud, zone: Zone, server_id: str, body: Body
) -> Response:
    server = servers.find_server(cloud.world, zone, server_id)
    action = str(body.get("action") or "poweron")
    if action == "terminate":
        where = {"zone": zone, "commercial_type": server.commercial_type}
        fault = cloud.faults.take(
            "delete_refused", cloud.now(), path=request.url.path, **where
        )
        if fault is not None:
            raise refused(fault.status)
    cloud.act(server, action)
    task = views.task(server, cloud.now())
    place = str(request.url_for("get_task", zone=zone, task_id=task["id"]))
    return JSONResponse({"task": task}, 202, {"Location": place})


def refused(status: int) -> ApiError:
    """The answer of the fault ``delete_refused``."""
    error = permissions_denied("instance_server", "delete")
    return ApiError(status, error.body) if status else error


# --- user data ----------------------------------------------------------------------------
@router.get("/{server_id}/user_data")
async def list_user_data(cloud: TheCloud, zone: Zone, server_id: str) -> Response:
    server = servers.find_server(cloud.world, zone, server_id)
    return JSONResponse({"user_data": sorted(server.user_data)})


@router.get("/{server_id}/user_data/{key}")
async def get_user_data(
    cloud: TheCloud, zone: Zone, server_id: str, key: str
) -> Response:
    value = servers.find_server(cloud.world, zone, server_id).get_user_data(key)
    if value is None:
        # recorded: 404 with an EMPTY text/plain body
        return Response(status_code=404, headers={"Content-Type": "text/plain"})
    return Response(value, headers={"Content-Type": "text/plain"})


@router.patch("/{server_id}/user_data/{key}")
async def set_user_data(
    request: Request, cloud: TheCloud, zone: Zone, server_id: str, key: str
) -> Response:
    server = servers.find_server(cloud.world, zone, server_id)
    value = await request.body()
    if len(value) > USER_DATA_LIMIT:
        raise invalid_arguments("content", "constraint", "user data is too long")
    server.set_user_data(key, value)
    cloud.save()
    return no_content("text/plain")


@router.delete("/{server_id}/user_data/{key}")
async def delete_user_data(
    cloud: TheCloud, zone: Zone, server_id: str, key: str
) -> Response:
    server = servers.find_server(cloud.world, zone, server_id)
    if server.user_data.pop(key, None) is None:
        return Response(status_code=404, headers={"Content-Type": "text/plain"})
    cloud.save()
    return no_content("text/plain")


# --- attachments --------------------------------------------------------------------------
@router.post("/{server_id}/attach-volume")
async def attach_volume(
    cloud: TheCloud, zone: Zone, server_id: str, body: Body
) -> Response:
    server = servers.find_server(cloud.world, zone, server_id)
    volume = cloud.world.volumes.get(str(body.get("volume_id", "")))
    if volume is None or volume.zone != zone:
        raise not_found("instance_volume", str(body.get("volume_id", "")))
    storage.attach(volume, server, cloud.now())
    key = next(
        str(n) for n in range(len(server.volumes) + 1) if str(n) not in server.volumes
    )
    server.volumes[key] = volume.id
    server.busy_until = (
        cloud.now() + cloud.timing.volume
    )  # recorded: no allowed_actions
    cloud.save()
    return JSONResponse({"server": show(cloud, server)})


@router.post("/{server_id}/detach-volume")
async def detach_volume(
    cloud: TheCloud, zone: Zone, server_id: str, body: Body
) -> Response:
    server = servers.find_server(cloud.world, zone, server_id)
    volume_id = str(body.get("volume_id", ""))
    if volume_id not in server.volumes.values():
        raise not_found("instance_volume", volume_id)
    server.volumes = {k: v for k, v in server.volumes.items() if v != volume_id}
    storage.detach(cloud.world.volumes[volume_id], cloud.now(), cloud.timing.volume)
    cloud.save()
    return JSONResponse({"server": show(cloud, server)})


@router.get("/{server_id}/private_nics")
async def list_private_nics(cloud: TheCloud, zone: Zone, server_id: str) -> Response:
    servers.find_server(cloud.world, zone, server_id)
    return JSONResponse({"private_nics": []})


tasks = APIRouter(prefix="/instance/v1/zones/{zone}/tasks")


@tasks.get("/{task_id}", name="get_task")
async def get_task(zone: Zone, task_id: str) -> Response:
    raise not_found("instance_task", task_id)
