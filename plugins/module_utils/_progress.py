# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""One sample of progress, put together and judged.

A sample knows only the sample before it; who waits, how long, and what counts
as a stall is the caller's (L53).
"""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    Held,
    fenced_seconds,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_activity import (
    Activity,
    busy_with,
    running_butler_tasks,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_counters import (
    LEAVES,
    TRACK,
    FullCounts,
    QuickCounts,
    SectionRow,
)

Sample = dict[str, t.Any]

# A full pass may take this share of the time; on a 15 GB database it reads
# most of the file and competes with the analysis (sqlite-lab §2).
FULL_PASS_SHARE = 0.05

# What has to stand still before a library counts as settled or stalled.
COUNTERS = (
    "leaves",
    "deleted",
    "media",
    "analysed",
    "sonic_vectors",
    "sonic_done",
    "thumbs_missing",
    "refreshed",
)


@dataclass(frozen=True)
class SectionState:
    """What the API says about one library."""

    id: int
    refreshing: bool


@dataclass(frozen=True)
class ContainerState:
    """What Docker says about the container that Plex runs in."""

    running: bool
    status: str
    oom_killed: bool
    restarts: int
    cpu_percent: float | None
    memory_bytes: int | None
    memory_limit_bytes: int | None
    exit_code: int | None = None

    def as_dict(self) -> dict[str, t.Any]:
        """A JSON-ready copy."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class GuardView:
    """What the guard of the mount says; a host without one is never fenced."""

    state: str = "absent"
    fenced: bool = False
    message: str = ""
    fences: tuple[Held, ...] = ()

    def fenced_seconds(self, since: float, now: float) -> float:
        """How long Plex was stopped between two moments."""
        return fenced_seconds(self.fences, since, now)

    def as_dict(self) -> dict[str, t.Any]:
        """A JSON-ready copy without the history."""
        return {"state": self.state, "fenced": self.fenced, "message": self.message}


def full_pass_due(previous: t.Mapping[str, t.Any], now: float) -> bool:
    """Whether the costly counters are counted this time."""
    counted_at = previous.get("full_at")
    seconds = previous.get("full_seconds")
    if counted_at is None or seconds is None:
        return True
    age = now - float(counted_at)
    return age < 0 or float(seconds) <= FULL_PASS_SHARE * age


def section_sample(
    row: SectionRow,
    quick: QuickCounts,
    full: FullCounts | None,
    vectors: int,
    before: t.Mapping[str, t.Any],
    refreshing: bool,
) -> dict[str, t.Any]:
    """All counters of one library."""
    leaves: dict[str, int] = {}
    deleted = 0
    for code, name in LEAVES.items():
        gone = quick.deleted.get((row.id, code), 0)
        leaves[name] = quick.total.get((row.id, code), 0) - gone
        deleted += gone
    live = sum(leaves.values())
    sample = {
        "id": row.id,
        "name": row.name,
        "type": row.type,
        "leaves": leaves,
        "live": live,
        "deleted": deleted,
        "media": quick.media.get(row.id, 0),
        "analysed": live - quick.unanalysed.get(row.id, 0),
        "sonic_total": leaves[LEAVES[TRACK]],
        "sonic_vectors": vectors,
        "scanned_at": row.scanned_at,
        "refreshing": refreshing,
    }
    return {**sample, **_costly(row.id, full, vectors, before)}


def _costly(
    number: int,
    full: FullCounts | None,
    vectors: int,
    before: t.Mapping[str, t.Any],
) -> dict[str, t.Any]:
    if full is not None:
        return {
            "sonic_done": full.sonic_marked.get(number, 0),
            "thumbs_missing": full.thumbs_missing.get(number, 0),
            "refreshed": full.refreshed.get(number, 0),
        }
    # Between two full passes every new vector is a newly analysed track.
    gained = vectors - int(before.get("sonic_vectors", vectors))
    done = before.get("sonic_done")
    return {
        "sonic_done": None if done is None else int(done) + max(0, gained),
        "thumbs_missing": before.get("thumbs_missing"),
        "refreshed": before.get("refreshed"),
    }


def assemble(
    now: float,
    sections: t.Mapping[int, dict[str, t.Any]],
    activities: t.Sequence[Activity],
    refreshing: t.Collection[int],
    container: ContainerState | None,
    previous: t.Mapping[str, t.Any],
    cpu_idle: float | None,
    guard: GuardView | None = None,
) -> Sample:
    """The sample with its verdicts: busy, quiet, settled."""
    guard = guard or GuardView()
    busy = busy_with(activities, refreshing)
    cpu = container.cpu_percent if container else None
    quiet = not busy and not _cpu_busy(cpu, cpu_idle)
    moved = movement(sections, previous.get("sections") or {})
    streak = quiet_streak(quiet, bool(moved), int(previous.get("quiet_streak") or 0))
    still_since = now if moved else float(previous.get("still_since") or now)
    begun = previous.get("baseline") or baseline(now, sections)
    still = now - still_since - guard.fenced_seconds(still_since, now)
    return {
        "time": now,
        "sections": {str(number): row for number, row in sections.items()},
        "activities": [activity.as_dict() for activity in activities],
        "busy": busy,
        "butler": {"running": running_butler_tasks(activities)},
        "container": container.as_dict() if container else None,
        "cpu_percent": cpu,
        "moved": moved,
        "still_since": still_since,
        # Timers stand still while Plex is fenced (L87).
        "still_seconds": max(0.0, still),
        "fenced_seconds": guard.fenced_seconds(float(begun["time"]), now),
        "guard": guard.as_dict(),
        "quiet_streak": streak,
        "settled": streak >= 2,
        "baseline": begun,
    }


def fenced_sample(
    now: float, previous: t.Mapping[str, t.Any], guard: GuardView
) -> Sample:
    """The sample of a Plex that is stopped: nobody answers, and no time passes."""
    still_since = float(previous.get("still_since") or now)
    began = float(previous["baseline"]["time"])
    still = now - still_since - guard.fenced_seconds(still_since, now)
    return {
        **previous,
        "time": now,
        "activities": [],
        "busy": True,
        "butler": {"running": []},
        "cpu_percent": None,
        "moved": {},
        "still_seconds": max(0.0, still),
        "fenced_seconds": guard.fenced_seconds(began, now),
        "guard": guard.as_dict(),
        "quiet_streak": 0,
        "settled": False,
    }


def quiet_streak(quiet: bool, moved: bool, before: int) -> int:
    """Looks in a row that found nothing going on and nothing moved.

    A library is settled at two (plex-facts §3.3: `refreshing` goes false while
    items still move).
    """
    if not quiet:
        return 0
    return 1 if moved else before + 1


def baseline(
    now: float, sections: t.Mapping[int, t.Mapping[str, t.Any]]
) -> dict[str, t.Any]:
    """What the first sample of a phase counted, for rates over the phase."""
    kept = (*COUNTERS, "live")
    rows = {str(n): {k: row.get(k) for k in kept} for n, row in sections.items()}
    return {"time": now, "sections": rows}


def _cpu_busy(cpu: float | None, cpu_idle: float | None) -> bool:
    if cpu_idle is None:
        return False
    # Asked for an idle CPU and cannot see it: unknown is not idle.
    return cpu is None or cpu > cpu_idle


def movement(
    sections: t.Mapping[int, t.Mapping[str, t.Any]], before: t.Mapping[str, t.Any]
) -> dict[str, dict[str, int]]:
    """Differences of the counters to the previous sample, per library."""
    moved: dict[str, dict[str, int]] = {}
    for number, row in sections.items():
        old = before.get(str(number))
        if not old:
            continue
        steps = {}
        for name in COUNTERS:
            if row.get(name) is None or old.get(name) is None:
                continue
            step = _total(row[name]) - _total(old[name])
            if step:
                steps[name] = step
        if steps:
            moved[str(number)] = steps
    return moved


def _total(value: t.Any) -> int:
    if isinstance(value, t.Mapping):
        return sum(int(x) for x in value.values())
    return int(value or 0)


@dataclass(frozen=True)
class Pace:
    """Speed of one counter since the phase began."""

    per_hour: float
    eta_seconds: float | None


def pace(started: float, now: float, done_then: int, done: int, total: int) -> Pace:
    """Average speed and the time left; no time without a speed."""
    hours = (now - started) / 3600
    gained = done - done_then
    if hours <= 0 or gained <= 0:
        return Pace(0.0, 0.0 if done >= total else None)
    per_hour = gained / hours
    return Pace(per_hour, max(0, total - done) / per_hour * 3600)


class SampleFile:
    """The last sample of a phase, on the target (an edge of ten lines)."""

    def __init__(self, path: str | None) -> None:
        self.path = path

    def load(self) -> Sample:
        """The kept sample; empty when there is none, or half of one."""
        if not self.path:
            return {}
        try:
            with open(self.path, encoding="utf-8") as handle:
                data = json.load(handle)
        except (FileNotFoundError, ValueError):
            # Without a previous sample everything is counted again, no more.
            return {}
        return data if isinstance(data, dict) else {}

    def save(self, sample: Sample) -> None:
        """Replace the kept sample in one step."""
        if not self.path:
            return
        partial = f"{self.path}.partial"
        with open(partial, "w", encoding="utf-8") as handle:
            json.dump(sample, handle)
        os.replace(partial, self.path)
