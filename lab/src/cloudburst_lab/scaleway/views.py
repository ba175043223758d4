# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How things look in JSON: key sets and order as recorded."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from cloudburst_lab.scaleway import actions, catalogue, network
from cloudburst_lab.scaleway.model import (
    LOCAL_KINDS,
    SBS,
    Ip,
    Rule,
    SecurityGroup,
    Server,
    Snapshot,
    Volume,
    World,
)

JSON = dict[str, Any]
#: the organization that publishes the marketplace's images
PUBLISHER = "51b656e3-4865-41e8-adbc-0c45bdd780db"


def stamp(seconds: float) -> str:
    """Time as the instance API writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def zulu(seconds: float | None) -> str | None:
    """Time as the block and IAM APIs write it."""
    return None if seconds is None else stamp(seconds).replace("+00:00", "Z")


def image(item: catalogue.CatalogueImage) -> JSON:
    if item.root_kind == SBS:
        root: JSON = {
            "volume_type": "sbs_snapshot",
            "id": item.root_id,
            "size": 0,
            "name": "",
        }
    else:
        root = {
            "id": item.root_id,
            "name": item.name,
            "volume_type": "l_ssd",
            "size": 10**10,
        }
    return {
        "id": item.id,
        "name": item.name,
        "organization": PUBLISHER,
        "project": PUBLISHER,
        "root_volume": root,
        "extra_volumes": {},
        "public": True,
        "arch": item.arch,
        "creation_date": stamp(catalogue.IMAGE_CREATED),
        "modification_date": stamp(catalogue.IMAGE_CREATED),
        "default_bootscript": None,
        "from_server": "",
        "state": "available",
        "tags": [],
        "zone": item.zone,
    }


def server_ip(ip: Ip, gateway: str) -> JSON:
    """An address as it appears inside a server."""
    return {
        "id": ip.id,
        "address": ip.address,
        "dynamic": ip.dynamic,
        "gateway": gateway,
        "netmask": "32",
        "family": "inet",
        "provisioning_mode": "dhcp",
        "tags": ip.tags,
        "state": "pending" if ip.dynamic else "attached",
        "ipam_id": ip.ipam_id,
    }


def server_volume(world: World, volume: Volume) -> JSON:
    """A volume as it appears inside a server: SBS ones show little more than their id."""
    if volume.kind == SBS:
        return {
            "boot": False,
            "volume_type": SBS,
            "id": volume.id,
            "state": "available",
            "zone": volume.zone,
        }
    return {"boot": False, **instance_volume(world, volume)}


def instance_volume(world: World, volume: Volume) -> JSON:
    holder = world.servers.get(volume.server_id or "")
    return {
        "id": volume.id,
        "name": volume.name,
        "volume_type": volume.kind,
        "organization": volume.project,
        "project": volume.project,
        "server": {"id": holder.id, "name": holder.name} if holder else None,
        "size": volume.size,
        "state": volume.state,
        "creation_date": stamp(volume.created),
        "modification_date": stamp(volume.modified),
        "tags": volume.tags,
        "zone": volume.zone,
    }


def block_volume(volume: Volume) -> JSON:
    references = []
    if volume.server_id is not None:
        references.append(
            {
                "id": volume.reference_id,
                "product_resource_type": "instance_server",
                "product_resource_id": volume.server_id,
                "created_at": zulu(volume.reference_created),
                "type": "exclusive",
                "status": volume.reference_status,
            }
        )
    return {
        "id": volume.id,
        "name": volume.name,
        "type": f"sbs_{volume.perf_iops // 1000}k",
        "size": volume.size,
        "project_id": volume.project,
        "created_at": zulu(volume.created),
        "updated_at": zulu(volume.modified),
        "references": references,
        "parent_snapshot_id": volume.parent_snapshot,
        "status": volume.state,
        "tags": volume.tags,
        "specs": {"perf_iops": volume.perf_iops, "class": "sbs"},
        "last_detached_at": zulu(volume.last_detached),
        "zone": volume.zone,
    }


def location(server: Server) -> JSON | None:
    """Where a server runs; a node stays allocated until it is stopped."""
    if server.state in ("stopped", "starting"):
        return None
    number = int(hashlib.sha256(server.id.encode()).hexdigest()[:6], 16)
    return {
        "zone_id": server.zone,
        "platform_id": "14",
        "cluster_id": str(number % 64),
        "hypervisor_id": str(number % 512),
        "node_id": str(number % 48),
    }


def server(world: World, item: Server, gateway: str) -> JSON:
    # A dynamic address shows only once the server runs.
    shown = [
        ip
        for ip in world.ips_of(item.id)
        if not (ip.dynamic and item.state == "starting")
    ]
    addresses = [server_ip(ip, gateway) for ip in shown]
    group = world.security_groups[item.security_group_id]
    volumes = {
        key: server_volume(world, world.volumes[volume_id])
        for key, volume_id in sorted(item.volumes.items())
        if volume_id in world.volumes
    }
    return {
        "id": item.id,
        "name": item.name,
        "arch": catalogue.images()[item.image_id].arch,
        "commercial_type": item.commercial_type,
        "boot_type": item.boot_type,
        "organization": item.project,
        "project": item.project,
        "hostname": item.name,
        "image": image(catalogue.images()[item.image_id]),
        "volumes": volumes,
        "tags": item.tags,
        "state": item.state,
        "protected": item.protected,
        "state_detail": item.state_detail,
        "public_ip": addresses[0] if addresses else None,
        "public_ips": addresses,
        "mac_address": item.mac,
        "routed_ip_enabled": True,
        "ipv6": None,
        "extra_networks": [],
        "dynamic_ip_required": item.dynamic_ip_required,
        "enable_ipv6": item.enable_ipv6,
        "private_ip": None,
        "creation_date": stamp(item.created),
        "modification_date": stamp(item.modified),
        "bootscript": None,
        "security_group": {"id": group.id, "name": group.name},
        "location": location(item),
        "maintenances": [],
        "allowed_actions": actions.allowed_actions(item),
        "placement_group": None,
        "private_nics": [],
        "zone": item.zone,
        "filesystems": [],
        "end_of_service": False,
    }


def task(item: Server, now: float) -> JSON:
    """The "fake task" of 2026: its id is zero, so that nobody can poll it (A1)."""
    return {
        "id": "00000000-0000-0000-0000-000000000000",
        "description": "fake task",
        "status": "pending",
        "href_from": f"/servers/{item.id}/action",
        "href_result": f"/servers/{item.id}",
        "started_at": stamp(now),
        "terminated_at": None,
        "progress": 0,
        "zone": item.zone,
    }


def ip(world: World, item: Ip) -> JSON:
    holder = world.servers.get(item.server_id or "")
    return {
        "id": item.id,
        "address": item.address,
        "prefix": None,
        "reverse": item.reverse,
        "server": {"id": holder.id, "name": holder.name} if holder else None,
        "organization": item.project,
        "project": item.project,
        "zone": item.zone,
        "type": "routed_ipv4",
        "state": "attached" if holder else "detached",
        "tags": item.tags,
        "ipam_id": item.ipam_id,
    }


def security_group(world: World, item: SecurityGroup) -> JSON:
    members = [s for s in world.servers.values() if s.security_group_id == item.id]
    return {
        "id": item.id,
        "creation_date": stamp(item.created),
        "modification_date": stamp(item.modified),
        "name": item.name,
        "description": item.description,
        "organization": item.project,
        "project": item.project,
        "servers": [{"id": s.id, "name": s.name} for s in members],
        "stateful": item.stateful,
        "inbound_default_policy": item.inbound_default_policy,
        "outbound_default_policy": item.outbound_default_policy,
        "organization_default": item.project_default,
        "project_default": item.project_default,
        "enable_default_security": item.enable_default_security,
        "state": "available",
        "tags": item.tags,
        "zone": item.zone,
    }


def rule(item: Rule, zone: str) -> JSON:
    return {
        "id": item.id,
        "protocol": item.protocol,
        "direction": item.direction,
        "ip_range": item.ip_range,
        "dest_ip_range": None,
        "dest_port_from": item.dest_port_from,
        "dest_port_to": item.dest_port_to,
        "position": item.position,
        "editable": item.editable,
        "action": item.action,
        "zone": zone,
    }


def rules(group: SecurityGroup) -> list[JSON]:
    """Every rule in the order in which it counts, numbered through."""
    shown = [rule(item, group.zone) for item in network.all_rules(group)]
    for position, entry in enumerate(shown, start=1):
        entry["position"] = position
    return shown


def snapshot(item: Snapshot) -> JSON:
    if item.kind not in LOCAL_KINDS:
        return {
            "id": item.id,
            "name": item.name,
            "size": item.size,
            "project_id": item.project,
            "created_at": zulu(item.created),
            "updated_at": zulu(item.modified),
            "parent_volume": {
                "id": item.volume_id,
                "name": item.volume_name,
                "type": "sbs_5k",
            },
            "status": "available",
            "tags": item.tags,
            "references": [],
            "class": "sbs",
            "zone": item.zone,
        }
    return {
        "id": item.id,
        "name": item.name,
        "organization": item.project,
        "project": item.project,
        "tags": item.tags,
        "volume_type": item.kind,
        "size": item.size,
        "state": "available",
        "base_volume": {"id": item.volume_id, "name": item.volume_name},
        "creation_date": stamp(item.created),
        "modification_date": stamp(item.modified),
        "zone": item.zone,
        "error_reason": None,
    }
