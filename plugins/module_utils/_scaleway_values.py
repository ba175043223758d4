# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: from the SDK's objects to the values of this collection."""

from __future__ import annotations

from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import Rule
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    Address,
    Offer,
    Part,
    Server,
    VolumeRef,
)

GIB = 2**30


def offer_from(name: str, zone: str, kind: Any, availability: str | None) -> Offer:
    """A ``ServerType``. Local storage counts only if both limits allow some."""
    per_volume = kind.per_volume_constraint and kind.per_volume_constraint.l_ssd
    total = kind.volumes_constraint
    local = min(
        per_volume.max_size if per_volume else 0, total.max_size if total else 0
    )
    return Offer(
        type=name,
        zone=zone,
        hourly_price=float(kind.hourly_price),
        # Absent from the stock list is not the same as in stock.
        availability=availability or "unknown",
        vcpus=int(kind.ncpus),
        ram_gb=round(kind.ram / GIB, 2),
        arch=str(kind.arch),
        local_max=int(local or 0),
        end_of_service=bool(kind.end_of_service),
    )


def image_matches(image: Any, server_type: str) -> bool:
    return server_type in image.compatible_commercial_types


def server_from(item: Any) -> Server:
    return Server(
        id=item.id,
        name=item.name,
        zone=str(item.zone),
        type=item.commercial_type,
        # The API writes "stopped in place", the SDK's enum stopped_in_place.
        state=str(item.state).replace(" ", "_"),
        created=item.creation_date,
        tags=tuple(item.tags),
        addresses=tuple(
            Address(ip.id, ip.address, bool(ip.dynamic), str(ip.family))
            for ip in item.public_ips
        ),
        volumes=tuple(
            VolumeRef(vol.id, str(vol.volume_type), slot, int(vol.size or 0))
            for slot, vol in sorted(item.volumes.items())
        ),
        actions=tuple(str(action) for action in item.allowed_actions),
        group_id=item.security_group.id if item.security_group else "",
        image_name=item.image.name if item.image else "",
    )


def part_from(kind: str, zone: str, item: Any) -> Part:
    """A volume, snapshot or address of either service."""
    return Part(
        kind=kind,
        id=item.id,
        zone=zone,
        name=str(getattr(item, "name", "") or getattr(item, "address", "")),
        tags=tuple(item.tags or ()),
        size=int(getattr(item, "size", 0) or 0),
        state=str(getattr(item, "status", "") or getattr(item, "state", "")),
        owner=_owner(item),
    )


def _owner(item: Any) -> str:
    for field in ("server", "base_volume", "parent_volume"):
        linked = getattr(item, field, None)
        if linked is not None:
            return str(linked.id)
    for reference in getattr(item, "references", None) or ():
        return str(reference.product_resource_id)
    return ""


def group_part(item: Any) -> Part:
    return Part(
        kind="security_group",
        id=item.id,
        zone=str(item.zone),
        name=item.name,
        tags=tuple(item.tags or ()),
        state=str(item.state),
        owner=item.servers[0].id if item.servers else "",
    )


def rule_from(item: Any) -> Rule | None:
    """An inbound permission; None for Scaleway's own rules and everything else."""
    inbound = str(item.direction).lower() == "inbound"
    accepts = str(item.action).lower() == "accept"
    if not (item.editable and inbound and accepts):
        return None
    return Rule(item.ip_range, int(item.dest_port_from or 0))
