# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: what the real cloud does on a bad day (scaleway-rclone A6).

A fault ends by itself after ``count`` hits or ``seconds``; it can be narrowed to a zone, a
server type, a method and a path (regular expression, searched).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

KINDS: dict[str, str] = {
    "out_of_stock": "refuse to create (at=create), start (at=poweron) or both (at=both)",
    "quota": "refuse to create a server: quota exceeded",
    "rate_limited": "429 with an empty body",
    "server_error": "5xx (status, default 502) with an empty body, nothing is done",
    "slow": "answer after `delay` seconds",
    "lost_response": "do the work, then drop the connection without an answer",
    "delete_refused": "refuse DELETE and terminate (status, default 403)",
    "no_boot": "servers that are powered on answer the API but boot nothing",
    "boot_failure": "a server that is powered on falls back to stopped",
}
#: kinds that hit any request unless narrowed; the others know where they belong
EVERYWHERE = ("rate_limited", "server_error", "slow", "lost_response")


@dataclass(frozen=True)
class Fault:
    """One fault; ``count`` and ``expires`` None mean without such a limit."""

    id: str
    kind: str
    zone: str = ""
    type: str = ""
    method: str = ""
    path: str = ""
    at: str = "create"
    status: int = 0
    delay: float = 1.0
    count: int | None = None
    expires: float | None = None
    hits: int = 0

    def alive(self, now: float) -> bool:
        spent = self.count is not None and self.hits >= self.count
        return not spent and (self.expires is None or now < self.expires)

    def matches(self, method: str, path: str, zone: str, commercial_type: str) -> bool:
        """Tell whether a request is one that this fault is for."""
        return (
            (not self.zone or self.zone == zone)
            and (not self.type or self.type == commercial_type)
            and (not self.method or self.method.upper() == method)
            and (not self.path or re.search(self.path, path) is not None)
        )


class FaultBox:
    """The faults that are set."""

    def __init__(self) -> None:
        self.faults: dict[str, Fault] = {}

    def add(self, fault: Fault) -> None:
        self.faults[fault.id] = fault

    def clear(self, fault_id: str = "") -> int:
        """Remove one fault, or all; return how many."""
        gone = (
            [fault_id]
            if fault_id in self.faults
            else ([] if fault_id else list(self.faults))
        )
        for key in gone:
            del self.faults[key]
        return len(gone)

    def active(self, now: float) -> list[Fault]:
        return [fault for fault in self.faults.values() if fault.alive(now)]

    def take(
        self,
        kind: str,
        now: float,
        *,
        method: str = "",
        path: str = "",
        zone: str = "",
        commercial_type: str = "",
        at: str = "",
    ) -> Fault | None:
        """Return the first fault that hits, and count the hit."""
        for fault in self.active(now):
            here = not at or fault.at in (at, "both")
            if (
                fault.kind == kind
                and here
                and fault.matches(method, path, zone, commercial_type)
            ):
                self.faults[fault.id] = replace(fault, hits=fault.hits + 1)
                return fault
        return None

    def shows(self, kind: str, now: float, zone: str, commercial_type: str) -> bool:
        """Tell whether a fault is in force, without counting a hit (for availability)."""
        return any(
            fault.kind == kind and fault.matches("", "", zone, commercial_type)
            for fault in self.active(now)
            if not fault.method and not fault.path
        )
