# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured over all runs: losses, detection times, the line at the end. Pure."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.chaos.reaction import (
    LIMITS,
    Record,
    held_for,
    read_journal,
    unnoticed,
)

TO_FENCED, TO_FIRST_BYTE = 1.0, 2.0


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least ``share`` of the values do not exceed."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


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
    not_struck: int
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
        # A run that no fault struck shows nothing, unless it lost something.
        struck = [record for record in records if is_struck(record)]
        status = Counter(record["status"] for record in struck)
        # A run that stopped with a reason is started again, as it says: that end counts.
        ends = [record["end"] for record in records]
        return cls(
            runs=len(struck),
            not_struck=len(records) - len(struck),
            ok=status["ok"],
            with_reason=status["reason"],
            endless=len(struck) - status["ok"] - status["reason"],
            rows_lost=sum(end["rows_lost"] for end in ends),
            items_lost=sum(end["items_lost"] for end in ends),
            in_trash=sum(end["in_trash"] for end in ends),
            wrong_ok=sum(bool(record["wrong_ok"]) for record in records),
            undone=sum(record.get("trashed_meanwhile", 0) > 0 for record in records),
        )


def is_struck(record: Record) -> bool:
    return record.get("struck") is not None


def unproven(records: Sequence[Record]) -> list[str]:
    """Faults of which no seed was struck: nothing was shown of them."""
    seeds, struck = Counter(r["fault"] for r in records), strikes(records)
    return [
        f"{fault}: none of its {count} runs was struck, which shows nothing"
        for fault, count in sorted(seeds.items())
        if not struck[fault]
    ]


def strikes(records: Sequence[Record]) -> Counter[str]:
    """How many runs each fault struck."""
    return Counter(record["fault"] for record in records if is_struck(record))


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
        if unnoticed(record):
            found.append(f"{name}: not noticed in {held_for(record):.1f} s")
        running = (record.get("guard") or {}).get("running")
        if running:
            found.append(f"{name}: processes {list(running)} of Plex ran in a fence")
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
    """p95 of detection by fault, of fencing and of the first byte, with the counts.

    A fault that was never noticed counts with the time that it lasted: it took longer.
    """
    table: dict[str, dict[str, Any]] = {}
    met = [record for record in records if record.get("guard")]
    for fault in sorted({record["fault"] for record in met}):
        own = [record for record in met if record["fault"] == fault]
        missed = [held_for(record) for record in own if unnoticed(record)]
        seen = [r["guard"] for r in own if r["guard"].get("detected") is not None]
        times = [guard["detected"] for guard in seen] + missed
        if times:
            row = _row(times, LIMITS.get(fault))
            verdicts = dict(Counter(guard["verdict"] for guard in seen))
            table[fault] = {**row, "missed": len(missed), "verdicts": verdicts}
    for name, key, limit in (
        ("detection to fenced", "fenced", TO_FENCED),
        ("remount to first byte", "repaired", TO_FIRST_BYTE),
    ):
        times = [r["guard"][key] for r in met if r["guard"].get(key) is not None]
        if times:
            table[name] = _row(times, limit)
    return table


def _row(times: Sequence[float], limit: float | None) -> dict[str, Any]:
    return {"n": len(times), "p95": percentile(times, 0.95), "limit": limit}


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
            + (f"  {row['missed']} never noticed" if row.get("missed") else "")
        )
    text += _struck(guarded) + _code(records)
    parts = []
    if guarded:
        t = Totals.of(guarded)
        seconds = sum(r["seconds"] for r in guarded) / len(guarded)
        parts.append(
            f"guarded: {t.runs} runs ({seconds:.0f} s each){_spared(t)}, {t.ok} ok,"
            f" {t.with_reason} with a reason, {t.endless} without an end;"
            f" rows hard-deleted {t.rows_lost}, wrongly in the trash {t.in_trash},"
            f" ok with a wrong count {t.wrong_ok}, soft deletes undone in {t.undone} runs"
        )
    if bare:
        t = Totals.of(bare)
        losing = sum(r["end"]["items_lost"] > 0 for r in bare)
        parts.append(
            f"bare: {t.runs} runs{_spared(t)}, {t.items_lost} items hard-deleted in {losing} runs,"
            f" {t.in_trash} wrongly in the trash"
        )
    return [*text, "chaos: " + " | ".join(parts)]


def _spared(totals: Totals) -> str:
    return f" and {totals.not_struck} not struck" if totals.not_struck else ""


def _struck(records: Sequence[Record]) -> list[str]:
    seeds, struck = Counter(r["fault"] for r in records), strikes(records)
    told = [f"{fault} {struck[fault]} of {n}" for fault, n in sorted(seeds.items())]
    return [f"struck: {', '.join(told)}"] if told else []


def _code(records: Sequence[Record]) -> list[str]:
    codes = Counter(str(record.get("code") or "unknown") for record in records)
    return ["code: " + ", ".join(f"{name} {n} runs" for name, n in codes.items())]
