# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: ``faults.json`` in the config volume, or the admin port.

``{"slow_start": 30, "corrupt": "data", "crash": "scan", "hang": 20, "sticky": false}``.
A fault is used up when it strikes, unless ``sticky``.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from .logs import LOG

KNOWN = {
    "slow_start": "seconds of maintenance (503) at the next start",
    "corrupt": "'data' or 'index': damage such a page of the library DB at the next start",
    "crash": "'start', 'scan', 'analysis' or 'sonic': die there of SIGSEGV",
    "hang": "seconds for which no request is answered",
    "sticky": "keep the faults after they struck",
}
_PAGES = {"data": "metadata_items", "index": "index_metadata_items_on_guid"}


class Faults:
    """The faults that wait to strike."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> dict[str, Any]:
        if not self.path.exists():
            return {}
        values: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return values

    def put(self, values: dict[str, Any]) -> None:
        unknown = set(values) - set(KNOWN)
        if unknown:
            raise ValueError(f"unknown faults {sorted(unknown)}; known: {KNOWN}")
        self.path.write_text(json.dumps(values), encoding="utf-8")

    def take(self, name: str) -> Any:
        """The value of a fault, None without; used up unless sticky."""
        values = self.all()
        if name not in values:
            return None
        value = values[name]
        if not values.get("sticky"):
            del values[name]
            self.put(values)
        return value

    def crash_point(self, point: str) -> None:
        """Die here if that was asked for, as a segmentation fault does."""
        if self.all().get("crash") == point:
            self.take("crash")
            LOG.error("Fault: crashing at %s", point)
            os.kill(os.getpid(), signal.SIGSEGV)


def corrupt(database: Path, kind: str) -> None:
    """Really damage one page of a closed database."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name=?", (_PAGES[kind],)
        ).fetchone()
    with database.open("r+b") as handle:
        handle.seek((page - 1) * size)
        handle.write(b"\xff" * (size // 2))
    LOG.error("Fault: damaged page %d of %s", page, database.name)
