# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: what exists at Scaleway, as values.

Everything of a burst is known by its tags, which are set in the call that creates it
(L61); nothing is remembered anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MANAGED_BY = "managed-by=cloudburst.plex"
#: user data that the image publishes once it has booted (scaleway-rclone A5)
FINGERPRINTS_KEY = "ssh-host-fingerprints"
GB = 10**9


def tag_value(tags: Iterable[str], key: str) -> str:
    """The value of a ``key=value`` tag; empty when there is none."""
    prefix = key + "="
    for tag in tags:
        if tag.startswith(prefix):
            return tag[len(prefix) :]
    return ""


def burst_tags(burst: str) -> list[str]:
    """The two tags that every part of a burst carries."""
    return [MANAGED_BY, f"burst={burst}"]


def is_ours(tags: Iterable[str], burst: str | None) -> bool:
    """Whether tags say that a thing belongs to this burst; None: to any burst."""
    have = set(tags)
    if burst is None:
        return MANAGED_BY in have
    return have.issuperset(burst_tags(burst))


def public_tags(tags: Iterable[str]) -> list[str]:
    """The tags without the long key."""
    return [tag for tag in tags if not tag.startswith("AUTHORIZED_KEY=")]


@dataclass(frozen=True)
class Offer:
    """A type of server in one zone, with its price without storage and address."""

    type: str
    zone: str
    hourly_price: float
    availability: str  # available, scarce, shortage
    vcpus: int
    ram_gb: float
    arch: str
    #: largest total of local storage in bytes; 0: block storage only
    local_max: int
    end_of_service: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "zone": self.zone,
            "hourly_price": self.hourly_price,
            "availability": self.availability,
            "vcpus": self.vcpus,
            "ram_gb": self.ram_gb,
            "arch": self.arch,
            "local_storage_gb": self.local_max // GB,
            "end_of_service": self.end_of_service,
        }


@dataclass(frozen=True)
class Address:
    """A public address of a server. A dynamic one goes away with the server."""

    id: str
    address: str
    dynamic: bool
    family: str = "inet"


@dataclass(frozen=True)
class VolumeRef:
    """A volume as its server names it. Slot 0 is the root."""

    id: str
    kind: str  # l_ssd, sbs_volume, scratch, ...
    slot: str
    size: int = 0


@dataclass(frozen=True)
class Server:
    """One server."""

    id: str
    name: str
    zone: str
    type: str
    state: str
    created: datetime | None
    tags: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    volumes: tuple[VolumeRef, ...] = ()
    actions: tuple[str, ...] = ()
    group_id: str = ""
    image_name: str = ""

    @property
    def burst(self) -> str:
        return tag_value(self.tags, "burst")

    @property
    def burst_id(self) -> str:
        return tag_value(self.tags, "burst-id")

    @property
    def expires_at(self) -> int:
        """Deadline in epoch seconds; 0 when the tag is absent or damaged."""
        value = tag_value(self.tags, "expires-at")
        return int(value) if value.isdigit() else 0

    @property
    def ip(self) -> str:
        for address in self.addresses:
            if address.family == "inet":
                return address.address
        return ""

    def as_dict(self, hourly_price: float | None) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "zone": self.zone,
            "type": self.type,
            "state": self.state,
            "ip": self.ip,
            "hourly_price": hourly_price,
            "created": self.created.isoformat() if self.created else "",
            "burst": self.burst,
            "burst_id": self.burst_id,
            "expires_at": self.expires_at,
            "volumes": [
                {"id": ref.id, "kind": ref.kind, "slot": ref.slot, "size": ref.size}
                for ref in self.volumes
            ],
            "tags": public_tags(self.tags),
        }


#: every kind of part, with the command that removes one by hand
REMOVE_COMMANDS = {
    "server": "scw instance server terminate {id} zone={zone} with-ip=true with-block=true",
    "stopped_server": "scw instance server delete {id} zone={zone} with-volumes=all with-ip=true",
    "volume": "scw instance volume delete {id} zone={zone}",
    "block_volume": "scw block volume delete {id} zone={zone}",
    "snapshot": "scw instance snapshot delete {id} zone={zone}",
    "block_snapshot": "scw block snapshot delete {id} zone={zone}",
    "ip": "scw instance ip delete {id} zone={zone}",
    "security_group": "scw instance security-group delete {id} zone={zone}",
}


@dataclass(frozen=True)
class Part:
    """A thing beside the server: volume, snapshot, address, security group."""

    kind: str
    id: str
    zone: str
    name: str = ""
    tags: tuple[str, ...] = ()
    size: int = 0
    state: str = ""
    #: the server, or the volume of a snapshot, that it belongs to
    owner: str = ""

    @property
    def command(self) -> str:
        return REMOVE_COMMANDS[self.kind].format(id=self.id, zone=self.zone)

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "id": self.id,
            "zone": self.zone,
            "name": self.name,
            "size": self.size,
            "state": self.state,
            "owner": self.owner,
            "tags": public_tags(self.tags),
            "burst": tag_value(self.tags, "burst"),
            "burst_id": tag_value(self.tags, "burst-id"),
            "command": self.command,
        }


def server_part(server: Server) -> Part:
    """A server as a part, for lists of what is left."""
    kind = "stopped_server" if server.state == "stopped" else "server"
    return Part(
        kind=kind,
        id=server.id,
        zone=server.zone,
        name=server.name,
        tags=server.tags,
        state=server.state,
    )


def leftover(part: Part) -> dict[str, Any]:
    """A part that should be gone, with the command to remove it."""
    return {
        "kind": part.kind.replace("stopped_", ""),
        "id": part.id,
        "zone": part.zone,
        "name": part.name,
        "state": part.state,
        "command": part.command,
    }
