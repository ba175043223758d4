# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exists in the lab's cloud: plain values, one ``World`` that holds and persists them.

Times are seconds since the epoch, sizes bytes, prices euros.
"""

from __future__ import annotations

import base64
import dataclasses
import uuid
from dataclasses import dataclass, field
from typing import Any, TypeVar

ZONES: tuple[str, ...] = (
    *("fr-par-1", "fr-par-2", "fr-par-3", "nl-ams-1", "nl-ams-2", "nl-ams-3"),
    *("pl-waw-1", "pl-waw-2", "pl-waw-3", "it-mil-1"),
)
L_SSD = "l_ssd"
SBS = "sbs_volume"
SCRATCH = "scratch"
LOCAL_KINDS = (L_SSD, SCRATCH)


def new_id() -> str:
    return str(uuid.uuid4())


@dataclass
class Volume:
    """A volume of either API: local ones live at /instance, SBS ones at /block (A2)."""

    id: str
    name: str
    zone: str
    kind: str
    size: int
    project: str
    created: float
    modified: float
    state: str = "available"
    tags: list[str] = field(default_factory=list)
    server_id: str | None = None
    parent_snapshot: str | None = None
    perf_iops: int = 5000
    reference_id: str = ""
    reference_created: float = 0.0
    reference_status: str = "attached"
    last_detached: float | None = None
    #: when a "creating" or "detaching" volume becomes available
    due: float | None = None


@dataclass
class Ip:
    id: str
    address: str
    zone: str
    project: str
    created: float
    ipam_id: str
    tags: list[str] = field(default_factory=list)
    server_id: str | None = None
    dynamic: bool = False
    reverse: str | None = None


@dataclass
class Rule:
    id: str
    protocol: str
    direction: str
    action: str
    ip_range: str
    dest_port_from: int | None
    dest_port_to: int | None
    position: int
    editable: bool = True


@dataclass
class SecurityGroup:
    id: str
    name: str
    zone: str
    project: str
    created: float
    modified: float
    description: str | None = None
    tags: list[str] = field(default_factory=list)
    stateful: bool = True
    inbound_default_policy: str = "accept"
    outbound_default_policy: str = "accept"
    enable_default_security: bool = True
    project_default: bool = False
    rules: list[Rule] = field(default_factory=list)


@dataclass
class Snapshot:
    id: str
    name: str
    zone: str
    kind: str
    size: int
    project: str
    created: float
    modified: float
    volume_id: str
    volume_name: str
    tags: list[str] = field(default_factory=list)


@dataclass
class SshKey:
    id: str
    name: str
    public_key: str
    project: str
    created: float
    modified: float
    disabled: bool = False


@dataclass
class ApiKey:
    access_key: str
    secret_key: str
    description: str
    project: str
    created: float
    application_id: str | None = None
    user_id: str | None = None
    expires: float | None = None


@dataclass
class Server:
    id: str
    name: str
    zone: str
    commercial_type: str
    image_id: str
    project: str
    created: float
    modified: float
    security_group_id: str
    mac: str
    tags: list[str] = field(default_factory=list)
    volumes: dict[str, str] = field(default_factory=dict)
    dynamic_ip_required: bool = True
    enable_ipv6: bool = False
    protected: bool = False
    boot_type: str = "local"
    state: str = "stopped"
    state_detail: str = ""
    #: the action that is under way: poweron, poweroff, reboot, stop_in_place, terminate
    action: str = ""
    #: values base64-encoded: user data may be any bytes
    user_data: dict[str, str] = field(default_factory=dict)
    #: False: answers the API but boots nothing
    boots: bool = True
    failure: str = ""
    #: until then the server takes no action (a volume is being attached)
    busy_until: float | None = None

    def get_user_data(self, key: str) -> bytes | None:
        value = self.user_data.get(key)
        return None if value is None else base64.b64decode(value)

    def set_user_data(self, key: str, value: bytes) -> None:
        self.user_data[key] = base64.b64encode(value).decode()


@dataclass
class Meter:
    """One thing that costs money, from when to when."""

    resource: str
    resource_id: str
    name: str
    what: str
    zone: str
    hourly: float
    started: float
    ended: float | None = None
    tags: list[str] = field(default_factory=list)


T = TypeVar("T")


@dataclass
class World:
    """Everything in the cloud, by id."""

    servers: dict[str, Server] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    ips: dict[str, Ip] = field(default_factory=dict)
    security_groups: dict[str, SecurityGroup] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    ssh_keys: dict[str, SshKey] = field(default_factory=dict)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    meters: list[Meter] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> World:
        """Rebuild a world that ``to_json`` wrote."""
        world = cls(meters=[Meter(**item) for item in data["meters"]])
        for name, kind in KINDS.items():
            items = {key: kind(**value) for key, value in data[name].items()}
            setattr(world, name, items)
        for group in world.security_groups.values():
            group.rules = [Rule(**item) for item in group.rules]  # type: ignore[arg-type]
        return world

    def ips_of(self, server_id: str) -> list[Ip]:
        return [ip for ip in self.ips.values() if ip.server_id == server_id]

    def volumes_of(self, server_id: str) -> list[Volume]:
        return [vol for vol in self.volumes.values() if vol.server_id == server_id]


KINDS: dict[str, type[Any]] = {
    "servers": Server,
    "volumes": Volume,
    "ips": Ip,
    "security_groups": SecurityGroup,
    "snapshots": Snapshot,
    "ssh_keys": SshKey,
    "api_keys": ApiKey,
}
