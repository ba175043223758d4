# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes, snapshots, IPs, images and products of the instance API."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from cloudburst_lab.scaleway import catalogue, network, storage, views
from cloudburst_lab.scaleway.errors import invalid_arguments, not_found
from cloudburst_lab.scaleway.model import L_SSD, LOCAL_KINDS
from cloudburst_lab.scaleway.routes.common import (
    Body,
    TheCloud,
    Zone,
    created,
    keep,
    listing,
    no_content,
    page_of,
)

router = APIRouter(prefix="/instance/v1/zones/{zone}")


# --- volumes ------------------------------------------------------------------------------
@router.post("/volumes")
async def create_volume(
    request: Request, cloud: TheCloud, zone: Zone, body: Body
) -> Response:
    kind = str(body.get("volume_type") or L_SSD)
    if kind not in LOCAL_KINDS:
        raise invalid_arguments(
            "volume_type", "constraint", "use the block API for SBS volumes"
        )
    volume = storage.create_volume(
        cloud.world,
        cloud.now(),
        zone=zone,
        kind=kind,
        size=int(body.get("size") or 0),
        name=str(body.get("name") or "volume"),
        project=str(body.get("project") or cloud.project),
        tags=[str(tag) for tag in body.get("tags") or []],
    )
    cloud.save()
    return created(request, "volume", views.instance_volume(cloud.world, volume))


@router.get("/volumes")
async def list_volumes(request: Request, cloud: TheCloud, zone: Zone) -> Response:
    wanted = request.query_params.get("volume_type")
    found = [
        views.instance_volume(cloud.world, volume)
        for volume in keep(request, cloud.world.volumes.values(), zone)
        if volume.kind in LOCAL_KINDS and wanted in (None, "", volume.kind)
    ]
    return listing(request, "volumes", found)


@router.get("/volumes/{volume_id}")
async def get_volume(cloud: TheCloud, zone: Zone, volume_id: str) -> Response:
    volume = storage.find_volume(cloud.world, zone, volume_id, local=True)
    return JSONResponse({"volume": views.instance_volume(cloud.world, volume)})


@router.patch("/volumes/{volume_id}")
async def patch_volume(
    cloud: TheCloud, zone: Zone, volume_id: str, body: Body
) -> Response:
    volume = storage.find_volume(cloud.world, zone, volume_id, local=True)
    if body.get("name"):
        volume.name = str(body["name"])
    if body.get("tags") is not None:
        volume.tags = [str(tag) for tag in body["tags"]]
    volume.modified = cloud.now()
    cloud.save()
    return JSONResponse({"volume": views.instance_volume(cloud.world, volume)})


@router.delete("/volumes/{volume_id}")
async def delete_volume(cloud: TheCloud, zone: Zone, volume_id: str) -> Response:
    volume = storage.find_volume(cloud.world, zone, volume_id, local=True)
    storage.delete_volume(cloud.world, volume, cloud.now())
    cloud.save()
    return no_content()


# --- snapshots ----------------------------------------------------------------------------
@router.post("/snapshots")
async def create_snapshot(
    request: Request, cloud: TheCloud, zone: Zone, body: Body
) -> Response:
    volume = storage.find_volume(
        cloud.world, zone, str(body.get("volume_id", "")), local=True
    )
    name = str(body.get("name") or f"snap-{volume.name}")
    tags = [str(tag) for tag in body.get("tags") or []]
    snapshot = storage.create_snapshot(cloud.world, cloud.now(), volume, name, tags)
    cloud.save()
    return created(request, "snapshot", views.snapshot(snapshot))


@router.get("/snapshots")
async def list_snapshots(request: Request, cloud: TheCloud, zone: Zone) -> Response:
    found = keep(request, cloud.world.snapshots.values(), zone)
    shown = [views.snapshot(item) for item in found if item.kind in LOCAL_KINDS]
    return listing(request, "snapshots", shown)


@router.get("/snapshots/{snapshot_id}")
async def get_snapshot(cloud: TheCloud, zone: Zone, snapshot_id: str) -> Response:
    snapshot = storage.find_snapshot(cloud.world, zone, snapshot_id, local=True)
    return JSONResponse({"snapshot": views.snapshot(snapshot)})


@router.delete("/snapshots/{snapshot_id}")
async def delete_snapshot(cloud: TheCloud, zone: Zone, snapshot_id: str) -> Response:
    snapshot = storage.find_snapshot(cloud.world, zone, snapshot_id, local=True)
    storage.delete_snapshot(cloud.world, snapshot, cloud.now())
    cloud.save()
    return no_content()


# --- addresses ----------------------------------------------------------------------------
@router.post("/ips")
async def create_ip(
    request: Request, cloud: TheCloud, zone: Zone, body: Body
) -> Response:
    if str(body.get("type") or "routed_ipv4") != "routed_ipv4":
        raise invalid_arguments(
            "type", "constraint", "the lab gives out routed_ipv4 only"
        )
    ip = network.create_ip(
        cloud.world,
        cloud.now(),
        cloud.pool,
        zone=zone,
        project=str(body.get("project") or cloud.project),
        tags=[str(tag) for tag in body.get("tags") or []],
    )
    server = cloud.world.servers.get(str(body.get("server") or ""))
    if server is not None:
        network.attach_ip(ip, server)
    cloud.save()
    return created(request, "ip", views.ip(cloud.world, ip))


@router.get("/ips")
async def list_ips(request: Request, cloud: TheCloud, zone: Zone) -> Response:
    found = keep(request, cloud.world.ips.values(), zone)
    shown = [views.ip(cloud.world, item) for item in found if not item.dynamic]
    return listing(request, "ips", shown)


@router.get("/ips/{key}")
async def get_ip(cloud: TheCloud, zone: Zone, key: str) -> Response:
    ip = network.find_ip(cloud.world, zone, key)
    return JSONResponse({"ip": views.ip(cloud.world, ip)})


@router.patch("/ips/{key}")
async def patch_ip(cloud: TheCloud, zone: Zone, key: str, body: Body) -> Response:
    ip = network.find_ip(cloud.world, zone, key)
    if body.get("tags") is not None:
        ip.tags = [str(tag) for tag in body["tags"]]
    if "reverse" in body:
        ip.reverse = body["reverse"]
    if "server" in body:
        ip.server_id = None
        server = cloud.world.servers.get(str(body["server"] or ""))
        if server is not None:
            network.attach_ip(ip, server)
    cloud.save()
    return JSONResponse({"ip": views.ip(cloud.world, ip)})


@router.delete("/ips/{key}")
async def delete_ip(cloud: TheCloud, zone: Zone, key: str) -> Response:
    ip = network.find_ip(cloud.world, zone, key)
    network.delete_ip(cloud.world, ip, cloud.now())
    cloud.save()
    return no_content()


# --- images -------------------------------------------------------------------------------
@router.get("/images")
async def list_images(request: Request, cloud: TheCloud, zone: Zone) -> Response:
    if request.query_params.get("public", "true") == "false":
        return listing(request, "images", [])
    found = keep(request, catalogue.images().values(), zone)
    return listing(request, "images", [views.image(item) for item in found])


@router.get("/images/{image_id}")
async def get_image(cloud: TheCloud, zone: Zone, image_id: str) -> Response:
    image = catalogue.images().get(image_id)
    if image is None or image.zone != zone:
        raise not_found("instance_image", image_id)
    return JSONResponse({"image": views.image(image)})


# --- products -----------------------------------------------------------------------------
def product(kind: catalogue.ServerType) -> dict[str, Any]:
    """One server type as ``products/servers`` shows it."""
    bandwidth = kind.bandwidth_mbit * 1_000_000
    interface = {"internal_bandwidth": bandwidth, "internet_bandwidth": bandwidth}
    local = {"min_size": 1_000_000_000, "max_size": 800_000_000_000}
    return {
        "alt_names": [],
        "arch": "x86_64",
        "ncpus": kind.ncpus,
        "ram": kind.ram_gib * 2**30,
        "gpu": 0,
        "gpu_info": None,
        "mig_profile": None,
        "volumes_constraint": {"min_size": 0, "max_size": kind.l_ssd_max},
        "per_volume_constraint": {
            "l_ssd": local if kind.local_storage else {"min_size": 0, "max_size": 0}
        },
        "scratch_storage_max_size": 0,
        "scratch_storage_max_volumes_count": 0,
        "monthly_price": round(kind.hourly_price * catalogue.HOURS_PER_MONTH, 5),
        "hourly_price": kind.hourly_price,
        "capabilities": {
            "boot_types": ["local", "rescue"],
            "placement_groups": True,
            "block_storage": True,
            "hot_snapshots_local_volume": kind.hot_snapshots,
            "private_network": 8,
            "max_file_systems": kind.file_systems,
        },
        "network": {
            "ipv6_support": True,
            "sum_internal_bandwidth": bandwidth,
            "sum_internet_bandwidth": bandwidth,
            "interfaces": [interface],
        },
        "block_bandwidth": kind.block_bandwidth,
        "end_of_service": False,
    }


@router.get("/products/servers")
async def list_products(request: Request, cloud: TheCloud, zone: Zone) -> Response:
    page, headers = page_of(request, list(catalogue.server_types(zone).values()))
    shown = {kind.name: product(kind) for kind in page}
    return JSONResponse({"servers": shown}, headers=headers)


@router.get("/products/servers/availability")
async def list_availability(request: Request, cloud: TheCloud, zone: Zone) -> Response:
    page, headers = page_of(request, list(catalogue.server_types(zone)))
    now = cloud.now()
    shown = {
        name: {
            "availability": (
                "shortage"
                if cloud.faults.shows("out_of_stock", now, zone, name)
                else "available"
            )
        }
        for name in page
    }
    return JSONResponse({"servers": shown}, headers=headers)


@router.get("/products/volumes")
async def list_volume_products(cloud: TheCloud, zone: Zone) -> Response:
    shown = {
        "l_ssd": {
            "display_name": "Local SSD",
            "capabilities": {"snapshot": True},
            "constraints": {"min": 1_000_000_000, "max": 800_000_000_000},
        }
    }
    return JSONResponse({"volumes": shown})
