# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured over all runs: losses, detection times, the line at the end. Pure."""

from __future__ import annotations

import contextlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Record = Mapping[str, Any]
#: Seconds (p95) from the fault to its detection, at cloud patience.
LIMITS = {
    "rclone_killed": 3.0,
    "rclone_frozen": 12.0,
    "s3_frozen": 8.0,
}
TO_FENCED, TO_FIRST_BYTE = 1.0, 2.0


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least ``share`` of the values do not exceed."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


# --- the guard's journal ----------------------------------------------------------------------
@dataclass(frozen=True)
class Reaction:
    """How the guard met a fault; seconds, None for what did not happen."""

    verdict: str
    detected: float | None
    fenced: float | None
    repaired: float | None
    fences: int
    repairs: int

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}


def reaction(journal: Iterable[Record], struck: float) -> Reaction:
    """Read the journal of one run for what followed the fault that struck at ``struck``.

    A fence tells when its reason was known and when Plex stood still. A repair ends when the
    unit of the mount has started, for which it must have read bytes.
    """
    events = [event for event in journal if event.get("time", 0) >= struck]
    fences = [event for event in events if event["event"] == "fenced"]
    mounted = [e for e in events if e["event"] == "mounted" and e.get("ok")]
    first = fences[0] if fences else None
    known = float(first.get("detected") or first["time"]) if first else None
    return Reaction(
        verdict=str(first["verdict"]) if first else "",
        detected=round(known - struck, 3) if known else None,
        fenced=round(first["time"] - known, 3) if first and known else None,
        repaired=mounted[0]["seconds"] if mounted else None,
        fences=len(fences),
        repairs=sum(event["event"] == "repairing" for event in events),
    )


def read_journal(text: str) -> list[dict[str, Any]]:
    """The whole lines of a journal; one that was cut by a crash is none."""
    records = []
    for line in text.splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            records.append(json.loads(line))
    return records


# --- the results file -------------------------------------------------------------------------
class Results:
    """A JSON-lines file: one record per finished run; a finished seed is not run again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return read_journal(self.path.read_text(encoding="utf-8"))

    def find(self, seed: int, mode: str) -> dict[str, Any] | None:
        found = [r for r in self.all() if (r["seed"], r["mode"]) == (seed, mode)]
        return found[-1] if found else None

    def add(self, record: Record) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        torn = self.path.exists() and not self.path.read_text("utf-8").endswith("\n")
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write("\n" * torn + json.dumps(record, sort_keys=True) + "\n")


# --- the verdict ------------------------------------------------------------------------------
@dataclass(frozen=True)
class Totals:
    """The runs of one mode, added up."""

    runs: int
    ok: int
    with_reason: int
    endless: int
    rows_lost: int
    items_lost: int
    in_trash: int
    wrong_ok: int
    undone: int

    @classmethod
    def of(cls, records: Sequence[Record]) -> Totals:
        status = Counter(record["status"] for record in records)
        # A run that stopped with a reason is started again, as it says: that end counts.
        ends = [record["end"] for record in records]
        return cls(
            runs=len(records),
            ok=status["ok"],
            with_reason=status["reason"],
            endless=len(records) - status["ok"] - status["reason"],
            rows_lost=sum(end["rows_lost"] for end in ends),
            items_lost=sum(end["items_lost"] for end in ends),
            in_trash=sum(end["in_trash"] for end in ends),
            wrong_ok=sum(bool(record["wrong_ok"]) for record in records),
            undone=sum(record.get("trashed_meanwhile", 0) > 0 for record in records),
        )


def violations(records: Sequence[Record]) -> list[str]:
    """Whatever a guarded run must not do, one line each."""
    found = []
    for record in records:
        name, end = f"seed {record['seed']} ({record['fault']})", record["end"]
        if record["status"] not in ("ok", "reason"):
            found.append(f"{name}: no end with a reason: {record['reason']}")
        for key in ("rows_lost", "items_lost", "in_trash"):
            if end[key]:
                found.append(f"{name}: {key} {end[key]}: {', '.join(end['examples'])}")
        if record["wrong_ok"]:
            found.append(f"{name}: ended ok with a wrong count: {record['wrong_ok']}")
        if record.get("again") not in (None, "ok"):
            found.append(f"{name}: its second run did not end well: {record['again']}")
        if record["fault"] == "s3_slow":
            found += _slow(name, record)
    return found


def _slow(name: str, record: Record) -> list[str]:
    guard = record.get("guard") or {}
    fences, repairs = guard.get("fences", 0), guard.get("repairs", 0)
    found = []
    if fences or repairs:
        found.append(f"{name}: {fences} fences and {repairs} remounts on a slow store")
    if record["status"] != "ok":
        found.append(f"{name}: not complete on a slow store: {record['reason']}")
    return found


def reactions(records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """p95 of detection by fault, of fencing and of the first byte, with the counts."""
    table: dict[str, dict[str, Any]] = {}
    guards = [(r["fault"], r["guard"]) for r in records if r.get("guard")]
    for fault in sorted({fault for fault, _guard in guards}):
        own = [guard for name, guard in guards if name == fault]
        times = [g["detected"] for g in own if g.get("detected") is not None]
        if times:
            verdicts = Counter(
                g["verdict"] for g in own if g.get("detected") is not None
            )
            table[fault] = {
                "n": len(times),
                "p95": percentile(times, 0.95),
                "limit": LIMITS.get(fault),
                "verdicts": dict(verdicts),
            }
    for name, key, limit in (
        ("detection to fenced", "fenced", TO_FENCED),
        ("remount to first byte", "repaired", TO_FIRST_BYTE),
    ):
        times = [g[key] for _fault, g in guards if g.get(key) is not None]
        if times:
            table[name] = {
                "n": len(times),
                "p95": percentile(times, 0.95),
                "limit": limit,
            }
    return table


def late(table: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The times that are over their limit."""
    return [
        f"{name}: p95 {row['p95']:.1f} s of {row['n']}, limit {row['limit']:g} s"
        for name, row in table.items()
        if row["limit"] is not None and row["p95"] > row["limit"]
    ]


def lines(records: Sequence[Record]) -> list[str]:
    """The table of times, then the one line that holds all figures."""
    guarded = [r for r in records if r["mode"] == "guarded"]
    bare = [r for r in records if r["mode"] == "bare"]
    text = []
    for name, row in reactions(guarded).items():
        limit = f"limit {row['limit']:g} s" if row["limit"] else "no limit set"
        verdicts = ", ".join(f"{k} {v}" for k, v in row.get("verdicts", {}).items())
        text.append(
            f"{name:<22} p95 {row['p95']:6.2f} s  n {row['n']:>3}  {limit}"
            + (f"  ({verdicts})" if verdicts else "")
        )
    parts = []
    if guarded:
        t = Totals.of(guarded)
        seconds = sum(r["seconds"] for r in guarded) / len(guarded)
        parts.append(
            f"guarded: {t.runs} runs ({seconds:.0f} s each), {t.ok} ok,"
            f" {t.with_reason} with a reason, {t.endless} without an end;"
            f" rows hard-deleted {t.rows_lost}, wrongly in the trash {t.in_trash},"
            f" ok with a wrong count {t.wrong_ok}, soft deletes undone in {t.undone} runs"
        )
    if bare:
        t = Totals.of(bare)
        losing = sum(r["end"]["items_lost"] > 0 for r in bare)
        parts.append(
            f"bare: {t.runs} runs, {t.items_lost} items hard-deleted in {losing} runs,"
            f" {t.in_trash} wrongly in the trash"
        )
    return [*text, "chaos: " + " | ".join(parts)]
