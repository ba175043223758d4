# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: what a burst costs, item by item.

Prices of servers come from the API at run time. Storage prices are not in the API that
is used here: they are list prices with a date (scaleway-rclone A4) and can be given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    GB,
    Server,
    VolumeRef,
)

#: EUR per GB and hour, FAQ of 2025-03-25
STORAGE_RATES = {"l_ssd": 0.000044, "sbs_volume": 0.000118}
STORAGE_SOURCE = "list price of 2025-03"
API_SOURCE = "Scaleway API"


@dataclass(frozen=True)
class Line:
    """One thing, how long, and for how much. ``euros`` is None when no price is known."""

    item: str
    id: str
    hours: float
    billed_hours: float
    rate: float | None
    source: str

    @property
    def euros(self) -> float | None:
        return None if self.rate is None else self.rate * self.billed_hours

    def as_dict(self) -> dict[str, Any]:
        return {
            "item": self.item,
            "id": self.id,
            "hours": round(self.hours, 3),
            "billed_hours": round(self.billed_hours, 3),
            "euros_per_hour": self.rate,
            "euros": None if self.euros is None else round(self.euros, 6),
            "source": self.source,
        }


def hours_between(created: datetime | None, now: float) -> float:
    """Hours since creation, never negative; 0 when the creation is not known."""
    if created is None:
        return 0.0
    return max(0.0, now - created.timestamp()) / 3600


def server_lines(
    server: Server, hourly_price: float | None, now: float, sizes: Mapping[str, int]
) -> list[Line]:
    """A server and its volumes. CPU servers are charged by started hour (A3)."""
    hours = hours_between(server.created, now)
    billed = float(max(1, math.ceil(hours)))
    lines = [
        Line(
            f"{server.type} in {server.zone}",
            server.id,
            hours,
            billed,
            hourly_price,
            API_SOURCE,
        )
    ]
    return lines + [_volume_line(ref, hours, sizes) for ref in server.volumes]


def _volume_line(ref: VolumeRef, hours: float, sizes: Mapping[str, int]) -> Line:
    size = ref.size or sizes.get(ref.id, 0)
    rate = STORAGE_RATES.get(ref.kind)
    known = rate is not None and size > 0
    return Line(
        f"{ref.kind} {size // GB} GB" if size else f"{ref.kind} of unknown size",
        ref.id,
        hours,
        hours,
        (rate or 0.0) * size / GB if known else None,
        STORAGE_SOURCE,
    )


def bill(lines: Sequence[Line]) -> dict[str, Any]:
    """The lines with their sum; ``complete`` is false when a price is missing."""
    known = [line.euros for line in lines if line.euros is not None]
    return {
        "lines": [line.as_dict() for line in lines],
        "total_euros": round(sum(known), 4),
        "complete": len(known) == len(lines),
        "currency": "EUR",
    }
