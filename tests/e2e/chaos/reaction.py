# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the guard met a fault, as its journal tells. Pure."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]
#: Seconds (p95) from the fault to its detection, at cloud patience. The others concern no mount.
LIMITS = {
    "rclone_killed": 3.0,
    "rclone_frozen": 12.0,
    "s3_frozen": 8.0,
    "s3_down": 8.0,
    "s3_revoked": 8.0,
    "s3_reads_hang": 8.0,
}
#: Seconds that the blow itself may take; the clock runs from before it.
BLOW = 1.0


@dataclass(frozen=True)
class Reaction:
    """How the guard met a fault; seconds, None for what did not happen.

    ``running`` are processes of Plex that a fence did not hold.
    """

    verdict: str
    detected: float | None
    fenced: float | None
    repaired: float | None
    fences: int
    repairs: int
    running: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}


def reaction(journal: Iterable[Record], struck: float) -> Reaction:
    """Read the journal of one run for what followed the fault that struck at ``struck``.

    A fence tells when its reason was known and when Plex stood still. A repair ends when the
    unit of the mount has started, for which it must have read bytes.
    """
    events = [event for event in journal if event.get("time", 0) >= struck]
    tried = [event for event in events if event["event"] in ("fencing", "fenced")]
    left = tuple(pid for event in tried for pid in event.get("running") or ())
    # A fence that holds not all of Plex is none.
    fences = [e for e in tried if e["event"] == "fenced" and not e.get("running")]
    mounted = [e for e in events if e["event"] == "mounted" and e.get("ok")]
    first = tried[0] if tried else None
    known = float(first.get("detected") or first["time"]) if first else None
    held = fences[0]["time"] if fences else None
    return Reaction(
        verdict=str(first["verdict"]) if first else "",
        detected=round(known - struck, 3) if known else None,
        fenced=round(held - known, 3) if held and known else None,
        repaired=mounted[0]["seconds"] if mounted else None,
        fences=len(fences),
        repairs=sum(event["event"] == "repairing" for event in events),
        running=left,
    )


def held_for(record: Record) -> float:
    """Seconds that a fault was there while the run went on; one that strikes once stays."""
    struck, ended = record.get("struck"), record.get("ended")
    if struck is None or ended is None:
        return 0.0
    return float(min(record.get("healed") or ended, ended)) - float(struck)


def unnoticed(record: Record) -> bool:
    """Whether a fault outlasted its limit and the guard never said so.

    One that ends before, or with the run, need not be noticed.
    """
    limit = LIMITS.get(record["fault"])
    known = (record.get("guard") or {}).get("detected")
    return limit is not None and known is None and held_for(record) > limit + BLOW


def read_journal(text: str) -> list[dict[str, Any]]:
    """The whole lines of a journal; one that was cut by a crash is none."""
    records = []
    for line in text.splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            records.append(json.loads(line))
    return records
