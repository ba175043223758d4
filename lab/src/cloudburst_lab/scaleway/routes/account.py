# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marketplace, product catalog and IAM: SSH keys, API keys, quotas."""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from cloudburst_lab.scaleway import catalogue, views
from cloudburst_lab.scaleway.cloud import Cloud
from cloudburst_lab.scaleway.errors import invalid_arguments, not_found
from cloudburst_lab.scaleway.model import ZONES, ApiKey, SshKey, new_id
from cloudburst_lab.scaleway.routes.common import (
    Body,
    TheCloud,
    keep,
    listing_with_total,
    no_content,
)

router = APIRouter()
#: how many servers the account may have; what a fresh organization roughly gets
SERVER_QUOTA = 10


# --- marketplace --------------------------------------------------------------------------
@router.get("/marketplace/v2/local-images")
async def list_local_images(request: Request) -> Response:
    query = request.query_params
    found = [
        {
            "id": image.id,
            "arch": image.arch,
            "zone": image.zone,
            "compatible_commercial_types": catalogue.compatible_types(image),
            "label": image.label,
            "type": image.local_type,
        }
        for image in catalogue.images().values()
        if query.get("image_label", image.label) == image.label
        and query.get("zone", image.zone) == image.zone
        and query.get("arch", image.arch) == image.arch
        and query.get("type", image.local_type) in (image.local_type, "unknown_type")
    ]
    return listing_with_total(request, "local_images", found)


@router.get("/marketplace/v2/local-images/{image_id}")
async def get_local_image(image_id: str) -> Response:
    image = catalogue.images().get(image_id)
    if image is None:
        raise not_found("local_image", image_id)
    view = {
        "id": image.id,
        "arch": image.arch,
        "zone": image.zone,
        "compatible_commercial_types": catalogue.compatible_types(image),
        "label": image.label,
        "type": image.local_type,
    }
    return JSONResponse(view)


# --- product catalog ----------------------------------------------------------------------
def catalog_product(kind: catalogue.ServerType, zone: str) -> dict[str, Any]:
    """One server type as the public catalog shows it; same price as ``products/servers``."""
    bandwidth = kind.bandwidth_mbit * 1_000_000
    mbit = f"{kind.bandwidth_mbit} Mb/s"
    storage = "Dynamic local: 1 x SSD, Block" if kind.local_storage else "Block"
    euros, nanos = divmod(int(kind.hourly_price * 10**9), 10**9)  # cut off, as recorded
    place = zone.replace("fr-par-", "par").replace("-", "_")
    cpu = {"description": f"x64, vCPUs: {kind.ncpus}", "arch": "x64", "type": "x64"}
    ram = {"description": f"{kind.ram_gib} GiB", "size": kind.ram_gib * 2**30}
    network = {"internal_bandwidth": bandwidth, "public_bandwidth": bandwidth}
    return {
        "sku": f"/compute/{kind.name.lower().replace('-', '_')}/run_{place}",
        "service_category": "Compute",
        "product_category": "Instance",
        "product": kind.name,
        "variant": f"{kind.name} - {zone}",
        "description": f"{kind.name} - {zone} ({kind.hourly_price}€ per hour)",
        "locality": {"zone": zone},
        "price": {
            "retail_price": {"currency_code": "EUR", "units": euros, "nanos": nanos}
        },
        "properties": {
            "hardware": {
                "cpu": {**cpu, "virtual": {"count": kind.ncpus}, "threads": kind.ncpus},
                "ram": {**ram, "type": "", "ecc_type": "standard"},
                "storage": {"description": storage, "total": 0},
                "network": {
                    "description": f"Internal: {mbit}, Public: {mbit}",
                    **network,
                    "max_public_bandwidth": bandwidth,
                },
            },
            "instance": {
                "range": kind.range,
                "offer_id": kind.name,
                "recommended_replacement_offer_ids": [],
            },
        },
        "environmental_impact_estimation": {
            "kg_co2_equivalent": 0.0007,
            "m3_water_usage": 7e-08,
        },
        "unit_of_measure": {"unit": "hour", "size": 1},
        "status": "general_availability",
        "badges": [],
    }


@router.get("/product-catalog/v2alpha1/public-catalog/products")
async def list_catalog(request: Request) -> Response:
    wanted = request.query_params.get("zone")
    found = [
        catalog_product(kind, zone)
        for zone in ZONES
        if wanted in (None, "", zone)
        for kind in catalogue.server_types(zone).values()
    ]
    return listing_with_total(request, "products", found)


# --- IAM: SSH keys ------------------------------------------------------------------------
def fingerprint(public_key: str) -> str:
    parts = public_key.split()
    if len(parts) < 2 or not parts[0].startswith(("ssh-", "ecdsa-", "sk-")):
        raise invalid_arguments("public_key", "format", "not an SSH public key")
    try:
        digest = hashlib.md5(
            base64.b64decode(parts[1], validate=True), usedforsecurity=False
        )
    except ValueError as error:
        raise invalid_arguments(
            "public_key", "format", "not an SSH public key"
        ) from error
    pairs = ":".join(f"{byte:02x}" for byte in digest.digest())
    return f"256 MD5:{pairs} {' '.join(parts[2:])} ({parts[0]})"


def show_key(cloud: Cloud, key: SshKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "public_key": key.public_key,
        "fingerprint": fingerprint(key.public_key),
        "created_at": views.zulu(key.created),
        "updated_at": views.zulu(key.modified),
        "organization_id": cloud.organization,
        "project_id": key.project,
        "disabled": key.disabled,
    }


def find_key(cloud: Cloud, key_id: str) -> SshKey:
    if key_id not in cloud.world.ssh_keys:
        raise not_found("ssh_key", key_id)
    return cloud.world.ssh_keys[key_id]


@router.get("/iam/v1alpha1/ssh-keys")
async def list_ssh_keys(request: Request, cloud: TheCloud) -> Response:
    found = keep(request, cloud.world.ssh_keys.values(), "")
    return listing_with_total(
        request, "ssh_keys", [show_key(cloud, key) for key in found]
    )


@router.post("/iam/v1alpha1/ssh-keys")
async def create_ssh_key(cloud: TheCloud, body: Body) -> Response:
    now, text = cloud.now(), str(body.get("public_key") or "").strip()
    fingerprint(text)
    project = str(body.get("project_id") or cloud.project)
    key = SshKey(new_id(), str(body.get("name") or "key"), text, project, now, now)
    cloud.world.ssh_keys[key.id] = key
    cloud.save()
    return JSONResponse(show_key(cloud, key))


@router.get("/iam/v1alpha1/ssh-keys/{key_id}")
async def get_ssh_key(cloud: TheCloud, key_id: str) -> Response:
    return JSONResponse(show_key(cloud, find_key(cloud, key_id)))


@router.patch("/iam/v1alpha1/ssh-keys/{key_id}")
async def patch_ssh_key(cloud: TheCloud, key_id: str, body: Body) -> Response:
    key = find_key(cloud, key_id)
    key.name = str(body.get("name") or key.name)
    key.disabled = bool(body.get("disabled", key.disabled))
    key.modified = cloud.now()
    cloud.save()
    return JSONResponse(show_key(cloud, key))


@router.delete("/iam/v1alpha1/ssh-keys/{key_id}")
async def delete_ssh_key(cloud: TheCloud, key_id: str) -> Response:
    find_key(cloud, key_id)
    del cloud.world.ssh_keys[key_id]
    cloud.save()
    return no_content()


# --- IAM: API keys ------------------------------------------------------------------------
def show_api_key(key: ApiKey, *, secret: bool) -> dict[str, Any]:
    """An API key; its secret is shown once, by the call that makes it."""
    return {
        "access_key": key.access_key,
        "secret_key": key.secret_key if secret else None,
        "application_id": key.application_id,
        "user_id": key.user_id,
        "description": key.description,
        "created_at": views.zulu(key.created),
        "updated_at": views.zulu(key.created),
        "expires_at": views.zulu(key.expires),
        "default_project_id": key.project,
        "editable": True,
        "deletable": True,
        "managed": False,
        "creation_ip": "172.30.77.1",
    }


@router.post("/iam/v1alpha1/api-keys")
async def create_api_key(cloud: TheCloud, body: Body) -> Response:
    if not (body.get("application_id") or body.get("user_id")):
        raise invalid_arguments(
            "application_id", "required", "application_id or user_id is needed"
        )
    expires = body.get("expires_at")
    letters = string.ascii_uppercase + string.digits
    key = ApiKey(
        access_key="SCW" + "".join(secrets.choice(letters) for _ in range(17)),
        secret_key=new_id(),
        description=str(body.get("description") or ""),
        project=str(body.get("default_project_id") or cloud.project),
        created=cloud.now(),
        application_id=body.get("application_id"),
        user_id=body.get("user_id"),
        expires=datetime.fromisoformat(expires).timestamp() if expires else None,
    )
    cloud.world.api_keys[key.access_key] = key
    cloud.save()
    return JSONResponse(show_api_key(key, secret=True))


@router.get("/iam/v1alpha1/api-keys")
async def list_api_keys(request: Request, cloud: TheCloud) -> Response:
    shown = [show_api_key(key, secret=False) for key in cloud.world.api_keys.values()]
    return listing_with_total(request, "api_keys", shown)


@router.get("/iam/v1alpha1/api-keys/{access_key}")
async def get_api_key(cloud: TheCloud, access_key: str) -> Response:
    if access_key not in cloud.world.api_keys:
        raise not_found("api_key", access_key)
    return JSONResponse(show_api_key(cloud.world.api_keys[access_key], secret=False))


@router.delete("/iam/v1alpha1/api-keys/{access_key}")
async def delete_api_key(cloud: TheCloud, access_key: str) -> Response:
    if cloud.world.api_keys.pop(access_key, None) is None:
        raise not_found("api_key", access_key)
    cloud.save()
    return no_content()


# --- IAM: quotas --------------------------------------------------------------------------
def quotum(name: str, pretty: str, limit: int) -> dict[str, Any]:
    return {
        "name": name,
        "pretty_name": pretty,
        "unit": "",
        "description": "",
        "locality_type": "zone",
        "limits": [{"zone": zone, "limit": limit} for zone in ZONES],
    }


@router.get("/iam/v1alpha1/quota")
async def list_quota(request: Request) -> Response:
    names = sorted({name for zone in ZONES for name in catalogue.server_types(zone)})
    quota = [
        quotum(
            "instance_" + name.lower().replace("-", "_"),
            f"Instance {name}",
            SERVER_QUOTA,
        )
        for name in names
    ]
    return listing_with_total(request, "quota", quota)
