# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""The journal of a burst: what is done, on the instance itself.

One JSON object a line, appended and forced to disk. A line that was cut by a
power loss is reported and never believed; the next record starts on a line of
its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import typing as t
from dataclasses import dataclass

Record = dict[str, t.Any]

STATUSES = ("started", "done", "failed", "skipped")


class JournalUnreadable(Exception):
    """The file is there but cannot be read or written."""


@dataclass(frozen=True)
class JournalView:
    """All good records, and what was wrong with the others."""

    records: tuple[Record, ...]
    torn: tuple[str, ...]

    def done(self) -> dict[str, list[str]]:
        """Keys per phase whose last record says that they are done."""
        result: dict[str, list[str]] = {}
        for (phase, key), record in self.last().items():
            if record.get("status") in ("done", "skipped"):
                result.setdefault(phase, []).append(key)
        return result

    def last(self) -> dict[tuple[str, str], Record]:
        """The last record of each phase and key."""
        return {(str(r["phase"]), str(r["key"])): r for r in self.records}


def parse_journal(text: str) -> JournalView:
    """Read the lines; torn ones are named with their number."""
    records: list[Record] = []
    torn: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        record = _record(line)
        if record is None:
            torn.append(f"line {number} is no record: {line[:80]}")
        else:
            records.append(record)
    return JournalView(tuple(records), tuple(torn))


def _record(line: str) -> Record | None:
    try:
        data = json.loads(line)
    except ValueError:
        return None
    if isinstance(data, dict) and "phase" in data and "key" in data:
        return data
    return None


def same(record: Record | None, wanted: Record) -> bool:
    """True when a record says already what ``wanted`` says; times aside."""
    if record is None:
        return False
    return all(record.get(name) == wanted[name] for name in ("status", "data"))


class Journal:
    """The file."""

    def __init__(self, path: str, clock: t.Callable[[], float] = time.time) -> None:
        self.path = path
        self.clock = clock

    def read(self) -> JournalView:
        """All records; a missing file is an empty journal."""
        try:
            with open(self.path, encoding="utf-8", errors="replace") as handle:
                return parse_journal(handle.read())
        except FileNotFoundError:
            return JournalView((), ())
        except OSError as exc:
            raise JournalUnreadable(f"Cannot read {self.path}: {exc.strerror}") from exc

    def append(self, record: Record) -> Record:
        """Add one record in one write and force it to disk."""
        stamped = {"time": round(self.clock(), 3), **record}
        line = json.dumps(stamped, sort_keys=True, separators=(",", ":"))
        try:
            self._write(line.encode("utf-8") + b"\n")
        except OSError as exc:
            raise JournalUnreadable(
                f"Cannot write {self.path}: {exc.strerror}"
            ) from exc
        return stamped

    def _write(self, line: bytes) -> None:
        folder = os.path.dirname(os.path.abspath(self.path))
        os.makedirs(folder, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            # After a torn line the new record still begins on its own.
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        parent = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
