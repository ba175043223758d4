# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers: creation, changes and deletion (A1, A2)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from cloudburst_lab.scaleway import billing, catalogue, network, storage
from cloudburst_lab.scaleway.errors import (
    invalid_arguments,
    invalid_request,
    not_found,
    precondition_failed,
    transient_state,
)
from cloudburst_lab.scaleway.model import (
    L_SSD,
    SBS,
    Server,
    Volume,
    World,
    new_id,
)

DEFAULT_ROOT_SIZE = 10_000_000_000


@dataclass(frozen=True)
class Timing:
    """How long the cloud takes, in seconds."""

    server: float = 0.5
    volume: float = 0.5


def find_server(world: World, zone: str, server_id: str) -> Server:
    server = world.servers.get(server_id)
    if server is None or server.zone != zone:
        raise not_found("instance_server", server_id)
    return server


# --- create ------------------------------------------------------------------------------
def create(
    world: World,
    now: float,
    zone: str,
    project: str,
    body: dict[str, Any],
    timing: Timing,
) -> Server:
    """Create a stopped server with its volumes; the caller must power it on."""
    kind = catalogue.server_types(zone).get(str(body.get("commercial_type", "")))
    if kind is None:
        raise invalid_arguments(
            "commercial_type", "unknown", "unknown or not sold in this zone"
        )
    image = catalogue.images().get(str(body.get("image", "")))
    if image is None or image.zone != zone:
        raise not_found("instance_image", str(body.get("image", "")))
    if kind.name not in catalogue.compatible_types(image):
        raise invalid_arguments(
            "image", "constraint", f"{kind.name} cannot boot this image"
        )
    name = str(body.get("name") or f"srv-{secrets.token_hex(4)}")
    templates = _templates(body, image, kind)
    server = Server(
        id=new_id(),
        name=name,
        zone=zone,
        commercial_type=kind.name,
        image_id=image.id,
        project=project,
        created=now,
        modified=now,
        security_group_id=_group_id(world, now, zone, project, body),
        mac="de:00:00:" + ":".join(f"{byte:02x}" for byte in secrets.token_bytes(3)),
        tags=[str(tag) for tag in body.get("tags") or []],
        dynamic_ip_required=bool(body.get("dynamic_ip_required", True)),
        protected=bool(body.get("protected", False)),
        boot_type=str(body.get("boot_type") or "local"),
    )
    addresses = [
        network.find_ip(world, zone, str(key)) for key in body.get("public_ips") or []
    ]
    _attach_volumes(world, server, image, templates, now, timing)
    for address in addresses:
        network.attach_ip(address, server)
    world.servers[server.id] = server
    return server


def _group_id(
    world: World, now: float, zone: str, project: str, body: dict[str, Any]
) -> str:
    wanted = body.get("security_group")
    if wanted:
        return network.find_group(world, zone, str(wanted)).id
    return network.default_group(world, now, zone, project).id


def _templates(
    body: dict[str, Any], image: catalogue.CatalogueImage, kind: catalogue.ServerType
) -> dict[str, dict[str, Any]]:
    """Return the volumes asked for, the root filled in, refused where they cannot be."""
    templates = {
        str(key): dict(value) for key, value in (body.get("volumes") or {}).items()
    }
    root = templates.setdefault("0", {})
    if not root.get("id"):
        root.setdefault("volume_type", image.root_kind)
        root["size"] = root.get("size") or DEFAULT_ROOT_SIZE
        if root["volume_type"] != image.root_kind:
            help_message = (
                f"image {image.id} has a root volume of type {image.root_kind}"
            )
            raise invalid_arguments("volumes.0.volume_type", "constraint", help_message)
    local = sum(
        int(item.get("size") or 0)
        for item in templates.values()
        if item.get("volume_type") == L_SSD
    )
    if local > kind.l_ssd_max:
        help_message = (
            f"total l_ssd size of {kind.name} must be at most {kind.l_ssd_max} bytes"
        )
        raise invalid_arguments("volumes", "constraint", help_message)
    return templates


def _attach_volumes(
    world: World,
    server: Server,
    image: catalogue.CatalogueImage,
    templates: dict[str, dict[str, Any]],
    now: float,
    timing: Timing,
) -> None:
    existing = {
        key: _existing(world, server.zone, str(item["id"]))
        for key, item in templates.items()
        if item.get("id")
    }
    for key in sorted(templates):
        volume = existing.get(key) or _new_volume(
            world, server, image, key, templates[key], now
        )
        storage.attach(volume, server, now)
        server.volumes[key] = volume.id


def _existing(world: World, zone: str, volume_id: str) -> Volume:
    volume = world.volumes.get(volume_id)
    if volume is None or volume.zone != zone:
        raise not_found("instance_volume", volume_id)
    if volume.server_id is not None:
        raise invalid_request("volume is already attached to a server")
    return volume


def _new_volume(
    world: World,
    server: Server,
    image: catalogue.CatalogueImage,
    key: str,
    template: dict[str, Any],
    now: float,
) -> Volume:
    kind = str(template.get("volume_type") or image.root_kind)
    root = key == "0"
    name = f"{image.name}_sbs_volume_{key}" if kind == SBS else image.name
    return storage.create_volume(
        world,
        now,
        zone=server.zone,
        kind=kind,
        size=int(template.get("size") or DEFAULT_ROOT_SIZE),
        name=str(template.get("name") or name),
        project=server.project,
        parent_snapshot=image.root_id if root and kind == SBS else None,
    )


# --- change ------------------------------------------------------------------------------
def patch(world: World, server: Server, body: dict[str, Any], now: float) -> None:
    """Apply a PATCH: name, tags, protection, security group, addresses, type."""
    if "commercial_type" in body and server.state != "stopped":
        raise invalid_request("server should be stopped")
    for name in ("name", "boot_type", "commercial_type"):
        if body.get(name):
            setattr(server, name, str(body[name]))
    for name in ("protected", "dynamic_ip_required", "enable_ipv6"):
        if body.get(name) is not None:
            setattr(server, name, bool(body[name]))
    if body.get("tags") is not None:
        server.tags = [str(tag) for tag in body["tags"]]
        billing.retag(world, server.id, server.tags)
    if body.get("security_group"):
        group_id = str(body["security_group"]["id"])
        server.security_group_id = network.find_group(world, server.zone, group_id).id
    if body.get("public_ips") is not None:
        wanted = [
            network.find_ip(world, server.zone, str(key)) for key in body["public_ips"]
        ]
        for ip in world.ips_of(server.id):
            ip.server_id = None if ip not in wanted and not ip.dynamic else ip.server_id
        for ip in wanted:
            network.attach_ip(ip, server)
    server.modified = now


def delete(world: World, server: Server, now: float, timing: Timing) -> None:
    """DELETE a stopped server: every volume survives, local ones too (A1)."""
    refuse_protected(server)
    if server.action or server.state in ("starting", "stopping"):
        raise transient_state("instance_server", server.id, server.state)
    if server.state != "stopped":
        raise invalid_request("server should be stopped")
    for volume in world.volumes_of(server.id):
        storage.detach(volume, now, timing.volume)
    forget(world, server, now)


def refuse_protected(server: Server) -> None:
    if server.protected:
        raise precondition_failed(
            "resource_protected", "server is protected: unprotect it first"
        )


def forget(world: World, server: Server, now: float) -> None:
    for ip in world.ips_of(server.id):
        if ip.dynamic:
            del world.ips[ip.id]
        ip.server_id = None
    billing.close(world, server.id, now)
    world.servers.pop(server.id, None)
