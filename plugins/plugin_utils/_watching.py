# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""How long to wait, when to give up, and the line that says how far it is. Pure.

The samples come from ``plex_progress``.
"""

from __future__ import annotations

import math
import time
import typing as t

from ansible_collections.cloudburst.plex.plugins.module_utils._progress import pace

Sample = t.Mapping[str, t.Any]
Verdict = t.Literal[
    "running", "settled", "reached", "stalled", "too_late", "crashed", "unguarded"
]

# A small library settles in seconds, a big one takes hours: look often at
# first, then at the interval of the monitoring profile.
RAMP = (1, 1, 2, 2, 3, 3, 5, 5, 5, 10, 10, 15, 20, 30)

# Which counter a phase moves: (done, total), both names of a section's sample.
COUNTER = {
    "analysis": ("analysed", "live"),
    "refresh": ("refreshed", "live"),
    "sonic": ("sonic_vectors", "sonic_total"),
}

# Counters that move when a phase has worked.
TRACES = ("live", "deleted", "analysed", "thumbs_missing", "sonic_vectors")


def poll_pauses(limit_seconds: float, interval: float) -> list[float]:
    """Pauses between looks, as many as fill the time limit."""
    pauses: list[float] = []
    left, interval = float(limit_seconds), float(interval)
    for pause in RAMP:
        if pause >= interval or left <= 0:
            break
        pauses.append(float(pause))
        left -= pause
    # Rounded up: to stop looking before the limit would be to give up too early.
    more = math.ceil(max(0.0, left) / interval)
    return pauses + [float(interval)] * (more if pauses else max(1, more))


def verdict(sample: Sample, rules: t.Mapping[str, t.Any]) -> Verdict:
    """What the sample means under these rules.

    Rules: ``limit_seconds``, ``stall_seconds``, ``cpu_idle`` (percent), ``quiet``
    (looks in a row that make it settled, 2), ``target`` (Sonic vectors to add),
    ``started`` and ``grace_seconds`` (see :func:`_end_was_seen`).
    """
    rules = _numbers(rules)
    container = sample.get("container")
    if container and not container["running"]:
        return "crashed"
    guard = sample.get("guard") or {}
    if guard.get("state") == "dead":
        return "unguarded"
    if guard.get("fenced"):
        # Nothing can end or stall in a Plex that is stopped.
        return "running"
    if rules.get("target") and gained(sample, "sonic_vectors") >= rules["target"]:
        return "reached"
    quiet = sample["quiet_streak"] >= max(2, int(rules.get("quiet", 2)))
    if quiet and _end_was_seen(sample, rules):
        return "settled"
    if elapsed(sample) >= rules["limit_seconds"]:
        return "too_late"
    still = sample["still_seconds"] >= rules["stall_seconds"]
    # Nothing counted moves while Plex works on one long file: that is no stall.
    if still and not _cpu_works(sample, rules.get("cpu_idle")):
        return "stalled"
    return "running"


def _numbers(rules: t.Mapping[str, t.Any]) -> dict[str, float]:
    """The rules as numbers: a template gives text under older versions of Ansible."""
    return {k: float(v) for k, v in rules.items() if v is not None and v != ""}


def _end_was_seen(sample: Sample, rules: t.Mapping[str, t.Any]) -> bool:
    """Whether quiet means over, and not yet begun.

    Plex queues work for seconds and gives nothing to follow it by; a small scan
    ends between two looks, and ``scanned_at`` may stay where it is when nothing
    changed (plex-facts §3.3). So either a trace of the work was seen, or the
    grace time has to pass.
    """
    if elapsed(sample) >= float(rules.get("grace_seconds", 0)):
        return True
    if any(gained(sample, counter) for counter in TRACES):
        return True
    started = rules.get("started")
    scans = [row.get("scanned_at") for row in sample["sections"].values()]
    if not started or not scans:
        return False
    return all(x and x >= int(started) for x in scans)


def _cpu_works(sample: Sample, idle: float | None) -> bool:
    cpu = sample.get("cpu_percent")
    return cpu is not None and idle is not None and cpu > idle


def elapsed(sample: Sample) -> float:
    """Seconds since the phase began in which Plex could work."""
    passed = float(sample["time"]) - float(sample["baseline"]["time"])
    return passed - float(sample.get("fenced_seconds") or 0)


def gained(sample: Sample, counter: str) -> int:
    """How much the counter moved since the phase began."""
    before = sample["baseline"]["sections"]
    now = _sum(sample["sections"].values(), counter)
    return now - _sum((before.get(x, {}) for x in sample["sections"]), counter)


def progress_line(
    sample: Sample, phase: str, name: str, clock: t.Callable[[float], str] | None = None
) -> str:
    """One line: time, phase, what moved, how fast, how long still (L51)."""
    stamp = (clock or _clock)(float(sample["time"]))
    parts = [f"[{stamp}] {phase:<8} {name}", *_counted(sample, phase)]
    guard = sample.get("guard") or {}
    if guard.get("fenced"):
        parts.append(f"Plex is fenced: {guard['message']}")
    if sample.get("cpu_percent") is not None:
        parts.append(f"cpu {sample['cpu_percent']:.0f} %")
    doing = _doing(sample)
    if doing:
        parts.append(doing)
    return "  ".join(parts)


def _counted(sample: Sample, phase: str) -> list[str]:
    rows = list(sample["sections"].values())
    if phase not in COUNTER:
        live, gone = _sum(rows, "live"), gained(sample, "deleted")
        parts = [f"{live:,} items", f"{gained(sample, 'live'):+,}"]
        return parts + ([f"{gone:,} into the trash"] if gone else [])
    done_name, total_name = COUNTER[phase]
    done, total = _sum(rows, done_name), _sum(rows, total_name)
    parts = [f"{done:,}/{total:,}"]
    if total:
        parts[0] += f" {100 * done / total:.1f} %"
    speed = pace(
        float(sample["baseline"]["time"]),
        float(sample["time"]),
        done - gained(sample, done_name),
        done,
        total,
    )
    if speed.per_hour:
        parts.append(f"{speed.per_hour / 60:+,.0f}/min")
        if speed.eta_seconds:
            parts.append(f"ETA {duration(speed.eta_seconds)}")
    bare = _sum((x for x in rows if x.get("type") != "artist"), "thumbs_missing")
    if phase == "analysis" and bare:
        # Tracks show their album's picture and have none of their own.
        parts.append(f"{bare:,} thumbnails missing")
    return parts


def _doing(sample: Sample) -> str:
    for activity in sample.get("activities") or []:
        if activity["kind"] not in ("idle", "other"):
            title = activity["title"] or activity["type"]
            subtitle = activity["subtitle"]
            return f"{title}: {subtitle}" if subtitle else str(title)
    return ""


def _sum(rows: t.Iterable[t.Mapping[str, t.Any]], counter: str) -> int:
    return sum(int(row.get(counter) or 0) for row in rows)


def duration(seconds: float) -> str:
    """``2h08``, ``12 min``, ``40 s``."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60}h{minutes % 60:02d}"


def _clock(moment: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(moment))


def explain(
    outcome: str, sample: Sample, rules: t.Mapping[str, t.Any], what: str
) -> str:
    """Why a phase ended, in words a person can act on."""
    rules = _numbers(rules)
    if outcome == "stalled":
        cpu = sample.get("cpu_percent")
        load = "its load is unknown" if cpu is None else f"the CPU is at {cpu} %"
        return (
            f"{what} stands still: no counter moved for {duration(sample['still_seconds'])}"
            f" (limit {duration(rules['stall_seconds'])}) and {load}."
            " Look at the Plex log; raise"
            " monitoring_options.stall_threshold if this is normal for this library"
        )
    if outcome == "too_late":
        return (
            f"{what} is not finished after {duration(elapsed(sample))}"
            f" (limit {duration(rules['limit_seconds'])}). It still runs; raise"
            " scan_limits and start the same command again to go on"
        )
    if outcome == "unguarded":
        guard = sample.get("guard") or {}
        return (
            f"{what} goes on unguarded, so it is not waited for: {guard.get('message')}."
            " Look at the service cloudburst-guard; start the same command again to go on"
        )
    if outcome == "crashed":
        state = sample.get("container") or {}
        memory = " It was killed for lack of memory." if state.get("oom_killed") else ""
        return f"Plex's container is {state.get('status')} during {what}.{memory}"
    return f"{what}: {outcome} after {duration(elapsed(sample))}"
