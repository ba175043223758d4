# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SBS volumes and snapshots: /block/v1, and /block/v1alpha1 as older clients call it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from cloudburst_lab.scaleway import storage, views
from cloudburst_lab.scaleway.errors import invalid_arguments
from cloudburst_lab.scaleway.model import LOCAL_KINDS, SBS
from cloudburst_lab.scaleway.routes.common import (
    Body,
    TheCloud,
    Zone,
    keep,
    listing_with_total,
    no_content,
)

router = APIRouter(prefix="/block/{version}/zones/{zone}")
#: what one step of performance costs in requests per second
IOPS = (5000, 15000)


def source_size(body: dict[str, Any]) -> int:
    source = body.get("from_empty") or body.get("from_snapshot")
    if not source:
        raise invalid_arguments(
            "from_empty", "required", "from_empty or from_snapshot is needed"
        )
    return int(source.get("size") or 0)


@router.post("/volumes")
async def create_volume(cloud: TheCloud, zone: Zone, body: Body) -> Response:
    iops = int(body.get("perf_iops") or IOPS[0])
    if iops not in IOPS:
        raise invalid_arguments("perf_iops", "constraint", f"must be one of {IOPS}")
    parent = (body.get("from_snapshot") or {}).get("snapshot_id")
    size = source_size(body)
    if parent and not size:
        size = storage.find_snapshot(cloud.world, zone, str(parent), local=False).size
    volume = storage.create_volume(
        cloud.world,
        cloud.now(),
        zone=zone,
        kind=SBS,
        size=size,
        name=str(body.get("name") or "volume"),
        project=str(body.get("project_id") or cloud.project),
        tags=[str(tag) for tag in body.get("tags") or []],
        parent_snapshot=parent,
        perf_iops=iops,
        ready_in=cloud.timing.volume,
    )
    cloud.save()
    return JSONResponse(views.block_volume(volume))


@router.get("/volumes")
async def list_volumes(request: Request, cloud: TheCloud, zone: Zone) -> Response:
    holder = request.query_params.get("product_resource_id")
    shown = [
        views.block_volume(volume)
        for volume in keep(request, cloud.world.volumes.values(), zone)
        if volume.kind == SBS and holder in (None, "", volume.server_id)
    ]
    return listing_with_total(request, "volumes", shown)


@router.get("/volumes/{volume_id}")
async def get_volume(cloud: TheCloud, zone: Zone, volume_id: str) -> Response:
    volume = storage.find_volume(cloud.world, zone, volume_id, local=False)
    return JSONResponse(views.block_volume(volume))


@router.patch("/volumes/{volume_id}")
async def patch_volume(
    cloud: TheCloud, zone: Zone, volume_id: str, body: Body
) -> Response:
    volume = storage.find_volume(cloud.world, zone, volume_id, local=False)
    if body.get("name"):
        volume.name = str(body["name"])
    if body.get("tags") is not None:
        volume.tags = [str(tag) for tag in body["tags"]]
    if body.get("size"):
        if int(body["size"]) < volume.size:
            raise invalid_arguments("size", "constraint", "a volume cannot shrink")
        volume.size = int(body["size"])
    volume.modified = cloud.now()
    cloud.save()
    return JSONResponse(views.block_volume(volume))


@router.delete("/volumes/{volume_id}")
async def delete_volume(cloud: TheCloud, zone: Zone, volume_id: str) -> Response:
    volume = storage.find_volume(cloud.world, zone, volume_id, local=False)
    storage.delete_volume(cloud.world, volume, cloud.now())
    cloud.save()
    return no_content()


@router.post("/snapshots")
async def create_snapshot(cloud: TheCloud, zone: Zone, body: Body) -> Response:
    volume = storage.find_volume(
        cloud.world, zone, str(body.get("volume_id", "")), local=False
    )
    name = str(body.get("name") or f"snap-{volume.name}")
    tags = [str(tag) for tag in body.get("tags") or []]
    snapshot = storage.create_snapshot(cloud.world, cloud.now(), volume, name, tags)
    cloud.save()
    return JSONResponse(views.snapshot(snapshot))


@router.get("/snapshots")
async def list_snapshots(request: Request, cloud: TheCloud, zone: Zone) -> Response:
    found = keep(request, cloud.world.snapshots.values(), zone)
    shown = [views.snapshot(item) for item in found if item.kind not in LOCAL_KINDS]
    return listing_with_total(request, "snapshots", shown)


@router.get("/snapshots/{snapshot_id}")
async def get_snapshot(cloud: TheCloud, zone: Zone, snapshot_id: str) -> Response:
    snapshot = storage.find_snapshot(cloud.world, zone, snapshot_id, local=False)
    return JSONResponse(views.snapshot(snapshot))


@router.delete("/snapshots/{snapshot_id}")
async def delete_snapshot(cloud: TheCloud, zone: Zone, snapshot_id: str) -> Response:
    snapshot = storage.find_snapshot(cloud.world, zone, snapshot_id, local=False)
    storage.delete_snapshot(cloud.world, snapshot, cloud.now())
    cloud.save()
    return no_content()
