# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: decisions about the instance, without doing any of them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    CloudError,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    GB,
    Offer,
    Server,
    burst_tags,
)

BURST_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")
L_SSD = "l_ssd"
SBS = "sbs_volume"


class PlanError(CloudError):
    """What was asked for cannot be planned."""


class Ambiguous(PlanError):
    """More than one server could be meant."""


def check_burst_name(name: str) -> str:
    """A name that can be a tag, a host name and a folder."""
    if not BURST_NAME.match(name):
        raise PlanError(
            f"burst name {name!r}: use 1 to 40 lower-case letters, digits and hyphens,"
            " beginning and ending with a letter or digit"
        )
    return name


def make_burst_id(burst: str, now: float) -> str:
    """Identity of one burst: its name and the moment it began, in UTC."""
    moment = datetime.fromtimestamp(now, tz=timezone.utc)
    return f"{burst}-{moment:%Y%m%dT%H%M%S}"


def authorized_key_tag(public_key: str) -> str:
    """The tag by which one server trusts one key; blanks become underscores (A5)."""
    fields = public_key.split()
    if len(fields) < 2 or not fields[0].startswith(("ssh-", "ecdsa-", "sk-")):
        raise PlanError(
            "ssh_public_key: not an OpenSSH public key; give the line of the .pub file"
        )
    return "AUTHORIZED_KEY=" + "_".join(fields[:2])


def launch_tags(
    burst: str, burst_id: str, expires_at: int, public_key: str, extra: Sequence[str]
) -> list[str]:
    """All tags of a new server, for the create call itself (L61)."""
    own = [
        *burst_tags(burst),
        f"burst-id={burst_id}",
        f"expires-at={expires_at}",
        authorized_key_tag(public_key),
    ]
    return own + [tag for tag in extra if tag not in own]


def with_deadline(tags: Iterable[str], expires_at: int) -> list[str]:
    """The tags with another deadline."""
    kept = [tag for tag in tags if not tag.startswith("expires-at=")]
    return [*kept, f"expires-at={expires_at}"]


# --- which machine -------------------------------------------------------------------
@dataclass(frozen=True)
class RootVolume:
    """Root storage: local where the type has it, so that terminate leaves nothing (A2)."""

    kind: str
    size: int

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "size_gb": self.size // GB}


def root_volume(offer: Offer, volume_gb: int) -> RootVolume:
    """Local storage when this type has that much of it, else block storage."""
    size = volume_gb * GB
    return RootVolume(L_SSD if size <= offer.local_max else SBS, size)


@dataclass(frozen=True)
class Candidate:
    """A type in a zone, in the order in which they are tried."""

    type: str
    zone: str


def candidates(
    types: Sequence[str], zones: Sequence[str], offers: Sequence[Mapping[str, Any]]
) -> list[Candidate]:
    """Offers as given, else each type in each zone before the next type is taken."""
    if offers:
        pairs = [(str(item["type"]), str(item["zone"])) for item in offers]
    else:
        pairs = [(kind, zone) for kind in types for zone in zones]
    unique = dict.fromkeys(Candidate(kind, zone) for kind, zone in pairs)
    if not unique:
        raise PlanError("no instance type or no zone given: set types and zones")
    return list(unique)


def refusal(offer: Offer | None, candidate: Candidate) -> str:
    """Why a candidate is not worth a try; empty when it is."""
    if offer is None:
        return f"the type {candidate.type} is not offered in {candidate.zone}"
    if offer.end_of_service:
        return "the type is at its end of service"
    if offer.availability == "shortage":
        return "out of stock (availability: shortage)"
    return ""


def nothing_to_be_had(refused: Sequence[Mapping[str, str]]) -> str:
    """The message when every candidate was refused."""
    lines = "; ".join(f"{r['type']} in {r['zone']}: {r['reason']}" for r in refused)
    return (
        f"no instance could be created ({lines}). Allow other types with"
        " instance_types, other zones with zones, or try again later"
    )


# --- what is there already -----------------------------------------------------------
@dataclass(frozen=True)
class Decision:
    """What to do with the servers that carry the burst's tags."""

    action: str  # create, adopt, complete, wait_gone
    server: Server | None = None
    #: made by a request whose answer was lost, never booted: to be removed
    duplicates: tuple[Server, ...] = ()


def _summary(servers: Iterable[Server]) -> str:
    return ", ".join(
        f"{s.id} in {s.zone} ({s.state}, burst-id {s.burst_id or 'none'})"
        for s in servers
    )


def decide(
    burst: str, servers: Sequence[Server], has_booted: Callable[[Server], bool]
) -> Decision:
    """Adopt, complete or create. Two servers that did work are never guessed between."""
    if not servers:
        return Decision("create")
    raw = [s for s in servers if s.state == "stopped" and not has_booted(s)]
    real = [s for s in servers if s not in raw]
    if len(real) > 1:
        raise Ambiguous(
            f"more than one server has the tag burst={burst}: {_summary(real)}."
            " Remove the wrong one, or use another burst_name"
        )
    if real:
        action = "wait_gone" if real[0].state == "stopping" else "adopt"
        return Decision(action, real[0], tuple(raw))
    newest = sorted(raw, key=lambda s: (str(s.created), s.id))
    return Decision("complete", newest[-1], tuple(newest[:-1]))


# --- who may come in -----------------------------------------------------------------
def network(address: str) -> str:
    """An address or network, as a network."""
    try:
        return str(ipaddress.ip_network(address.strip(), strict=False))
    except ValueError as exc:
        raise PlanError(
            f"allowed_ssh_cidr {address!r}: not an address or network ({exc});"
            " write for example 203.0.113.7/32"
        ) from exc


def is_public(address: str) -> bool:
    """Whether an address can be reached over the internet."""
    return ipaddress.ip_address(address).is_global


@dataclass(frozen=True)
class Rule:
    """An inbound permission of a security group."""

    ip_range: str
    port: int

    def as_dict(self) -> dict[str, Any]:
        return {"ip_range": self.ip_range, "port": self.port, "protocol": "TCP"}


def ssh_rules(ranges: Iterable[str]) -> list[Rule]:
    """SSH from these networks and nothing else; Plex is reached through SSH (L91)."""
    wanted = sorted({network(item) for item in ranges})
    if not wanted:
        raise PlanError(
            "no network may reach SSH: set allowed_ssh_cidr (provision_controller_cidr)"
        )
    return [Rule(item, 22) for item in wanted]
