# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""The guard's journal and status: written by the guard, read by everyone else."""

from __future__ import annotations

import json
import os
import time
import typing as t
from collections import deque
from dataclasses import asdict, dataclass

Record = dict[str, t.Any]
GuardState = t.Literal["watching", "fencing", "fenced", "stopped", "dead", "absent"]

# A status older than this comes from a guard that is no more.
FRESH_SECONDS = 10.0
# The service brings a guard that ended back within this time.
GRACE_SECONDS = 5.0
# Records that wait for a full disk to have room again.
KEPT_RECORDS = 1000


class GuardJournal:
    """Appends records; a full disk delays them and does not stop the guard."""

    def __init__(self, path: str, clock: t.Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock
        self.problem = ""
        self._waiting: deque[str] = deque(maxlen=KEPT_RECORDS)

    def write(self, event: str, **data: t.Any) -> Record:
        """Append one record."""
        record: Record = {"time": round(self.clock(), 3), "event": event, **data}
        self._waiting.append(json.dumps(record, ensure_ascii=False))
        self.flush()
        return record

    def flush(self) -> None:
        """Write what waits."""
        if not self._waiting:
            return
        text = "".join(f"{line}\n" for line in self._waiting).encode("utf-8")
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(self.path, flags, 0o644)
            try:
                written = os.write(descriptor, text)
                if written < len(text):
                    os.write(descriptor, b"\n")
                    raise OSError(f"{self.path}: only {written} bytes went in")
            finally:
                os.close(descriptor)
        except OSError as exc:
            self.problem = str(exc)
            return
        self.problem = ""
        self._waiting.clear()


class StatusFile:
    """The guard's state of the moment, on a file system in memory."""

    def __init__(self, path: str) -> None:
        self.path = path

    def write(self, status: Record) -> None:
        """Replace it in one step."""
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        partial = f"{self.path}.partial"
        with open(partial, "w", encoding="utf-8") as handle:
            json.dump(status, handle)
        os.replace(partial, self.path)

    def read(self) -> Record:
        """What was written; empty when there is none that can be read."""
        try:
            with open(self.path, encoding="utf-8") as handle:
                data = json.load(handle)
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}


def read_journal(path: str) -> list[Record]:
    """All whole records; half of one, from a machine that fell, is passed over."""
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            lines = handle.read().splitlines()
    except FileNotFoundError:
        return []
    return [record for line in lines for record in _record(line)]


def _record(line: str) -> list[Record]:
    try:
        data = json.loads(line)
    except ValueError:
        return []
    whole = isinstance(data, dict) and "time" in data and "event" in data
    return [data] if whole else []


@dataclass(frozen=True)
class Held:
    """One time that Plex was fenced; ``end`` is None while it is."""

    begin: float
    end: float | None
    verdict: str
    message: str

    def as_dict(self) -> Record:
        """A JSON-ready copy."""
        return asdict(self)


def fences(records: t.Iterable[Record]) -> list[Held]:
    """The fences of a journal. One that a guard died in goes on in the next."""
    found: list[Held] = []
    begun: Record | None = None
    for record in records:
        if record["event"] in ("fencing", "fenced") and begun is None:
            begun = record
        elif record["event"] == "released" and begun is not None:
            found.append(_held(begun, float(record["time"])))
            begun = None
    return [*found, _held(begun, None)] if begun else found


def unwritten(records: t.Iterable[Record]) -> bool:
    """Whether no record says that what is fenced now was held."""
    about = ("fencing", "fenced", "released")
    told = [x["event"] for x in records if x["event"] in about]
    return told[-1:] != ["fenced"]


def _held(begun: Record, end: float | None) -> Held:
    # From the last proof on: Plex may have read a bad mount until it was stopped.
    begin = float(begun.get("good_until") or begun.get("detected") or begun["time"])
    verdict, message = str(begun.get("verdict", "")), str(begun.get("message", ""))
    return Held(begin, end, verdict, message)


def overlapping(held: t.Iterable[Held], since: float) -> list[Held]:
    """The fences that did not end before a moment."""
    return [fence for fence in held if fence.end is None or fence.end >= since]


def fenced_seconds(held: t.Iterable[Held], since: float, now: float) -> float:
    """How long Plex was fenced between two moments."""
    parts = (min(x.end or now, now) - max(x.begin, since) for x in held)
    return round(sum(max(0.0, part) for part in parts), 3)


@dataclass(frozen=True)
class GuardReport:
    """What the guard's files say."""

    state: GuardState
    fenced: bool
    message: str
    verdict: str
    #: The moment of the last proof, by the burst host's clock; None without one.
    good_until: float | None = None


def report(
    status: Record,
    records: t.Sequence[Record],
    now: float,
    alive: bool,
    begun: bool = False,
) -> GuardReport:
    """The state; whatever is not proven to watch is dead or absent, never well.

    ``begun``: there is a journal, so that a guard was here, though it may hold nothing.
    """
    held = fences(records)
    open_fence = held[-1] if held and held[-1].end is None else None
    verdict = str(status.get("verdict", "")) or (
        open_fence.verdict if open_fence else ""
    )
    last = records[-1]["event"] if records else ""
    if status.get("state") == "stopped" or (not status and last == "stopped"):
        fenced = bool(status.get("fenced", open_fence is not None))
        return GuardReport("stopped", fenced, "the guard was stopped", verdict)
    if not status and not records and not begun:
        return GuardReport("absent", False, "no guard has run here", verdict)
    age = now - float(status.get("time") or 0)
    fenced = bool(status.get("fenced")) or open_fence is not None
    fresh = FRESH_SECONDS if alive else GRACE_SECONDS
    if not status or not -FRESH_SECONDS <= age <= fresh:
        said = f"its last word is {age:.0f} s old" if status else "it left no status"
        rest = "Plex is still fenced" if fenced else "nobody watches the mount"
        return GuardReport(
            "dead", fenced, f"the guard is gone: {said}; {rest}", verdict
        )
    if status.get("state") == "fencing":
        return GuardReport("fencing", False, str(status.get("message", "")), verdict)
    if fenced:
        return GuardReport("fenced", True, str(status.get("message", "")), verdict)
    message, good_until = str(status.get("message", "")), status.get("good_until")
    return GuardReport("watching", False, message, verdict, good_until)


class GuardFiles:
    """Reads both files (an edge)."""

    def __init__(self, journal: str, status: str) -> None:
        self.journal = journal
        self.status = StatusFile(status)

    def look(self, now: float) -> tuple[GuardReport, list[Held]]:
        """The report of the moment, and all fences."""
        status = self.status.read()
        records = read_journal(self.journal)
        pid = int(status.get("pid") or 0)
        alive = bool(pid) and os.path.exists(f"/proc/{pid}")
        begun = os.path.exists(self.journal)
        return report(status, records, now, alive, begun), fences(records)
