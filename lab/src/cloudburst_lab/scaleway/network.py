# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IP addresses and security groups."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cloudburst_lab.scaleway import billing
from cloudburst_lab.scaleway.errors import (
    ApiError,
    invalid_arguments,
    invalid_request,
    not_found,
)
from cloudburst_lab.scaleway.model import Ip, Rule, SecurityGroup, Server, World, new_id

DEFAULT_GROUP = "Default security group"
#: what enable_default_security adds: outgoing mail is dropped
MAIL_PORTS = (25, 465, 587)
PROTOCOLS = ("TCP", "UDP", "ICMP", "ANY")


@dataclass(frozen=True)
class AddressPool:
    """The addresses that the lab's cloud may give out."""

    first: str
    last: str

    def next_free(self, used: Iterable[str]) -> str:
        """Return the lowest free address; raise the quota error when there is none."""
        taken = {ipaddress.ip_address(address) for address in used}
        candidate = ipaddress.ip_address(self.first)
        while candidate <= ipaddress.ip_address(self.last):  # type: ignore[operator]
            if candidate not in taken:
                return str(candidate)
            candidate += 1
        raise ApiError(403, {"type": "quotas_exceeded", "message": "no free address"})


# --- addresses ---------------------------------------------------------------------------
def create_ip(
    world: World,
    now: float,
    pool: AddressPool,
    *,
    zone: str,
    project: str,
    tags: Iterable[str] = (),
    dynamic: bool = False,
) -> Ip:
    """Reserve an address. A flexible one costs money from now on; a dynamic one does not."""
    address = pool.next_free(ip.address for ip in world.ips.values())
    ip = Ip(
        new_id(), address, zone, project, now, new_id(), list(tags), dynamic=dynamic
    )
    world.ips[ip.id] = ip
    if not dynamic:
        billing.open_ip(world, ip, now)
    return ip


def find_ip(world: World, zone: str, key: str) -> Ip:
    """Return a flexible IP by id or by address."""
    for ip in world.ips.values():
        if ip.zone == zone and key in (ip.id, ip.address) and not ip.dynamic:
            return ip
    raise not_found("instance_ip", key)


def delete_ip(world: World, ip: Ip, now: float) -> None:
    """Release an address, attached or not (recorded: DELETE of an attached IP is a 204)."""
    del world.ips[ip.id]
    billing.close(world, ip.id, now)


def attach_ip(ip: Ip, server: Server) -> None:
    if ip.server_id not in (None, server.id):
        raise invalid_request("ip is already attached to a server")
    ip.server_id = server.id


# --- security groups ---------------------------------------------------------------------
def default_rules() -> list[Rule]:
    """Return the six read-only rules as recorded: three ports, IPv4 and IPv6."""
    return [
        Rule(
            id=f"11111111-2222-4333-8444-{number:012d}",
            protocol="TCP",
            direction="outbound",
            action="drop",
            ip_range=ip_range,
            dest_port_from=port,
            dest_port_to=None,
            position=number,
            editable=False,
        )
        for number, (ip_range, port) in enumerate(
            ((r, p) for r in ("0.0.0.0/0", "::/0") for p in MAIL_PORTS), start=1
        )
    ]


def all_rules(group: SecurityGroup) -> list[Rule]:
    """Return the user's rules by position, after them those of the default security."""
    own = sorted(group.rules, key=lambda rule: rule.position)
    return [*own, *(default_rules() if group.enable_default_security else [])]


def default_group(world: World, now: float, zone: str, project: str) -> SecurityGroup:
    """Return the project's default group, made on first use."""
    for group in world.security_groups.values():
        if (group.zone, group.project, group.project_default) == (zone, project, True):
            return group
    group = SecurityGroup(
        new_id(),
        DEFAULT_GROUP,
        zone,
        project,
        now,
        now,
        "Auto generated security group.",
    )
    group.project_default = True
    world.security_groups[group.id] = group
    return group


def find_group(world: World, zone: str, group_id: str) -> SecurityGroup:
    group = world.security_groups.get(group_id)
    if group is None or group.zone != zone:
        raise not_found("instance_security_group", group_id)
    return group


def set_policies(group: SecurityGroup, body: dict[str, Any]) -> None:
    """Take over what a request says about a group's behaviour."""
    for name in ("inbound_default_policy", "outbound_default_policy"):
        value = body.get(name)
        if value is not None:
            if value not in ("accept", "drop"):
                raise invalid_arguments(name, "constraint", "must be accept or drop")
            setattr(group, name, value)
    for name in ("stateful", "enable_default_security", "project_default"):
        if body.get(name) is not None:
            setattr(group, name, bool(body[name]))


def delete_group(world: World, group: SecurityGroup) -> None:
    if any(server.security_group_id == group.id for server in world.servers.values()):
        raise invalid_request("group is in use. you cannot delete it.")
    if group.project_default:
        raise invalid_request("you cannot delete the default group")
    del world.security_groups[group.id]


def make_rule(body: dict[str, Any], position: int) -> Rule:
    """Build a rule from a request; unreadable values are refused by name."""
    protocol = str(body.get("protocol", "TCP"))
    direction = str(body.get("direction", "inbound"))
    action = str(body.get("action", "accept"))
    if protocol not in PROTOCOLS:
        raise invalid_arguments("protocol", "constraint", f"must be one of {PROTOCOLS}")
    if direction not in ("inbound", "outbound"):
        raise invalid_arguments(
            "direction", "constraint", "must be inbound or outbound"
        )
    if action not in ("accept", "drop"):
        raise invalid_arguments("action", "constraint", "must be accept or drop")
    try:
        ip_range = str(
            ipaddress.ip_network(str(body.get("ip_range", "0.0.0.0/0")), strict=False)
        )
    except ValueError as error:
        raise invalid_arguments("ip_range", "format", str(error)) from error
    return Rule(
        id=str(body.get("id") or new_id()),
        protocol=protocol,
        direction=direction,
        action=action,
        ip_range=ip_range,
        dest_port_from=_port(body.get("dest_port_from")),
        dest_port_to=_port(body.get("dest_port_to")),
        position=int(body.get("position") or position),
    )


def _port(value: object) -> int | None:
    if value in (None, 0):
        return None
    port = int(str(value))
    if not 1 <= port <= 65535:
        raise invalid_arguments(
            "dest_port_from", "constraint", "must be within 1 and 65535"
        )
    return port


def find_rule(group: SecurityGroup, rule_id: str) -> Rule:
    for rule in group.rules:
        if rule.id == rule_id:
            return rule
    raise not_found("instance_security_group_rule", rule_id)


def add_rule(group: SecurityGroup, body: dict[str, Any], now: float) -> Rule:
    """Append a rule, or insert it at the position that the request names."""
    rule = make_rule(body, len(group.rules) + 1)
    rules = sorted(group.rules, key=lambda item: item.position)
    rules.insert(max(0, rule.position - 1), rule)
    renumber(group, rules, now)
    return rule


def renumber(group: SecurityGroup, rules: Sequence[Rule], now: float) -> None:
    for position, rule in enumerate(rules, start=1):
        rule.position = position
    group.rules, group.modified = list(rules), now
