# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's cloud would cost: real seconds times a stated factor (A2, A3, A4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cloudburst_lab.scaleway import catalogue
from cloudburst_lab.scaleway.model import Ip, Meter, Server, Snapshot, Volume, World

GB = 10**9


@dataclass(frozen=True)
class BillLine:
    """One metered thing: simulated hours, the hours that are charged, euros."""

    meter: Meter
    hours: float
    billed_hours: float
    euros: float


def open_server(world: World, server: Server, now: float) -> None:
    """Start the meter of a server that was powered on; standby keeps it running (A3)."""
    if not _find(world, server.id):
        kind = catalogue.server_types(server.zone)[server.commercial_type]
        price = kind.hourly_price
        world.meters.append(
            Meter(
                "server",
                server.id,
                server.name,
                kind.name,
                server.zone,
                price,
                now,
                None,
                list(server.tags),
            )
        )


def open_volume(world: World, volume: Volume, now: float) -> None:
    hourly = catalogue.storage_price(volume.kind) * volume.size / GB
    what = f"{volume.kind} {volume.size / GB:.0f} GB"
    world.meters.append(
        Meter(
            "volume",
            volume.id,
            volume.name,
            what,
            volume.zone,
            hourly,
            now,
            None,
            list(volume.tags),
        )
    )


def open_ip(world: World, ip: Ip, now: float) -> None:
    """A flexible IP costs from creation to deletion, attached or not (A2)."""
    hourly = catalogue.ip_price()[0]
    world.meters.append(
        Meter(
            "ip",
            ip.id,
            ip.address,
            "flexible IPv4",
            ip.zone,
            hourly,
            now,
            None,
            list(ip.tags),
        )
    )


def open_snapshot(world: World, snapshot: Snapshot, now: float) -> None:
    hourly = catalogue.storage_price("snapshot") * snapshot.size / GB
    what = f"snapshot {snapshot.size / GB:.0f} GB"
    world.meters.append(
        Meter("snapshot", snapshot.id, snapshot.name, what, snapshot.zone, hourly, now)
    )


def close(world: World, resource_id: str, now: float) -> None:
    """Stop the meter of a thing; one that does not run stays as it is."""
    meter = _find(world, resource_id)
    if meter is not None:
        meter.ended = now


def retag(world: World, resource_id: str, tags: list[str]) -> None:
    meter = _find(world, resource_id)
    if meter is not None:
        meter.tags = list(tags)


def _find(world: World, resource_id: str) -> Meter | None:
    running = (
        m for m in world.meters if m.resource_id == resource_id and m.ended is None
    )
    return next(running, None)


def bill_line(meter: Meter, now: float, factor: float) -> BillLine:
    """Price one meter. Servers are charged by started hour, IPs have a minimum (A3)."""
    ended = now if meter.ended is None else meter.ended
    hours = max(0.0, ended - meter.started) * factor / 3600
    billed = float(max(1, math.ceil(hours))) if meter.resource == "server" else hours
    euros = billed * meter.hourly
    if meter.resource == "ip":
        euros = max(euros, catalogue.ip_price()[1])
    return BillLine(meter, hours, billed, euros)


def bill(world: World, now: float, factor: float, tag: str = "") -> list[BillLine]:
    """Return the bill, oldest first; ``tag`` keeps the lines whose resource carries it."""
    chosen = [m for m in world.meters if not tag or tag in m.tags]
    return [
        bill_line(meter, now, factor)
        for meter in sorted(chosen, key=lambda m: m.started)
    ]
