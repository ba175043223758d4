# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: what a repair is asked for, what came of it, and its record."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._db_copies import (
    Copy,
    copies_of,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    BLOBS,
    LIBRARY,
    DbError,
    file_sha256,
    write_atomically,
)

RECORD = "repair.json"
NAMES = {"library": LIBRARY, "blobs": BLOBS}


class RepairRefusedError(DbError):
    """No sound pair can be had; the outcome says what was tried and how much is lost."""

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome = outcome


@dataclass(frozen=True)
class Repair:
    """A damaged pair, where the sound one is to be, and what may be done for it."""

    library: str
    blobs: str
    dest: str
    copies: Sequence[str] = ()
    # Also those that Plex leaves beside its databases.
    dated_backups: bool = True
    salvage: bool = False
    max_loss: float = 0.01

    @property
    def sources(self) -> dict[str, str]:
        return {"library": self.library, "blobs": self.blobs}

    @property
    def all_copies(self) -> list[Copy]:
        found = copies_of(self.library, self.blobs, self.copies)
        return [copy for copy in found if self.dated_backups or not copy.beside]

    @property
    def targets(self) -> dict[str, str]:
        return {role: os.path.join(self.dest, name) for role, name in NAMES.items()}


@dataclass
class Outcome:
    """How it went. ``status`` is healthy, copied, salvaged, damaged or refused."""

    status: str
    changed: bool = False
    library: str = ""
    blobs: str = ""
    source: str = ""
    damage: list[str] = field(default_factory=list)
    copies: list[dict[str, Any]] = field(default_factory=list)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    message: str = ""

    @property
    def lost(self) -> int:
        """Rows of all tables that were not saved, where that is known."""
        return sum(row["lost"] or 0 for rows in self.tables.values() for row in rows)

    @property
    def report(self) -> list[str]:
        """One sentence for each table that is not as it was."""
        return [
            f"{NAMES[role]}, {row['table']}: {row['after']} of {row['before']} rows"
            f" ({row['before_is']}), {row['lost']} lost, {row['doubtful']} doubtful"
            for role, rows in self.tables.items()
            for row in rows
            if row["lost"] != 0 or row["doubtful"]
        ]

    @property
    def doubtful(self) -> int:
        """Rows that were taken over and cannot be vouched for."""
        return sum(row["doubtful"] for rows in self.tables.values() for row in rows)


def recorded(job: Repair, outcome: Outcome) -> Outcome:
    """With the record that makes a repeat a no-op, written last."""
    outcome.changed = True
    outcome.library, outcome.blobs = job.targets["library"], job.targets["blobs"]
    record = {**_now(job), "outcome": {**vars(outcome), "changed": False}}
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    write_atomically(os.path.join(job.dest, RECORD), text)
    return outcome


def known(job: Repair) -> Outcome | None:
    """The outcome of the very same repair, if its result is still there.

    Not when a copy came or changed meanwhile, or when less may be lost than before.
    """
    try:
        with open(os.path.join(job.dest, RECORD), encoding="utf-8") as file:
            record = json.load(file)
        if {**_now(job), "outcome": record["outcome"]} == record:
            return Outcome(**record["outcome"])
    except (OSError, ValueError, KeyError, TypeError):
        # No record, or none that can be used: then it is made again.
        return None
    return None


def _now(job: Repair) -> dict[str, Any]:
    """All that the outcome depends on, as it is now."""
    return {
        "sources": _digests(job.sources),
        "made": _digests(job.targets),
        "copies": [
            [copy.name, _digests({"library": copy.library, "blobs": copy.blobs})]
            for copy in job.all_copies
        ],
        "allowed": {"salvage": job.salvage, "max_loss": job.max_loss},
    }


def _digests(paths: Mapping[str, str]) -> dict[str, str]:
    return {
        role: file_sha256(path) if os.path.exists(path) else ""
        for role, path in paths.items()
    }
