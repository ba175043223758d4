# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""When the guard's probes are sent, and when they are given up. Pure."""

from __future__ import annotations

import statistics

from ansible_collections.cloudburst.plex.plugins.module_utils._guard import Patience
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_sight import (
    TOUCHES_FUSE,
    Kind,
    Sight,
)

LATEST_FIRST: tuple[Kind, ...] = ("store", "read", "statvfs")
# A deadline is this many times what is usual here (L94), within bounds.
USUAL_TIMES = 4.0
MOST_TIMES = 6.0
# A read that has to look for its file first lists folders, each of them a request.
SEARCH_TIMES = 2.0


def due(sight: Sight, patience: Patience, now: float, fenced: bool) -> list[Kind]:
    """Which probes are to be sent now; one at most of those that touch FUSE.

    Two of them that hang would be two that cannot be killed. A read follows a
    ``statvfs`` that went well, which tells a frozen rclone from a frozen store.
    """
    if not sight.table.mounted:
        return []
    pause = patience.fenced_interval if fenced else patience.byte_interval
    wanted: list[Kind] = []
    if not sight.hung and not any(sight.track(k).running for k in TOUCHES_FUSE):
        first, moment = sight.statvfs, sight.read.began + pause
        answered = first.probe.outcome == "ok" and first.ended > moment
        if now >= moment and answered:
            wanted.append("read")
        elif now - first.began >= patience.tick or first.began < moment <= now:
            wanted.append("statvfs")
    if not sight.store.running and now - sight.store.began >= pause:
        wanted.append("store")
    return wanted


def deadline(sight: Sight, kind: Kind, patience: Patience, fenced: bool) -> float:
    """Seconds that a probe may take, by what is usual here."""
    if kind == "statvfs":
        # Nothing is at stake while Plex is fenced, and three failures remount.
        return patience.statvfs_deadline / (2 if fenced else 1)
    base = patience.byte_deadline
    usual = max(usual_ms(sight, "read"), usual_ms(sight, "store")) / 1000
    adapted = min(max(base, usual * USUAL_TIMES), base * MOST_TIMES)
    return adapted * (patience.fenced_factor if fenced else 1.0)


def usual_ms(sight: Sight, kind: Kind) -> float:
    """The median of the last latencies of one kind; 0 without any."""
    known = [ms for name, ms in sight.latencies if name == kind]
    return statistics.median(known) if known else 0.0


def overdue(sight: Sight, patience: Patience, now: float, fenced: bool) -> list[Kind]:
    """Which probes are to be given up, the store's first: it tells the others apart."""
    late: list[Kind] = []
    for kind in LATEST_FIRST:
        track = sight.track(kind)
        limit = deadline(sight, kind, patience, fenced)
        if kind == "read" and _store_answered(sight, patience):
            # Slow is not dead: with the store at hand a read may take longer.
            ratio = patience.wedge_deadline / patience.byte_deadline
            limit *= max(1.0, ratio) * (SEARCH_TIMES if track.search else 1.0)
        if track.running and now - track.began >= limit:
            late.append(kind)
    return late


def _store_answered(sight: Sight, patience: Patience) -> bool:
    # The store's probe of this round may have ended before the read was sent.
    store, recently = sight.store, sight.read.began - patience.byte_interval
    return store.probe.outcome == "ok" and store.ended >= recently
