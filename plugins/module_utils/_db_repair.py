# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: get a sound pair in place of a damaged one.

An intact copy first; only without one what can be read is put into a new database, with
a report of every table. The damaged files are never written to. Nothing appears under
its name in the folder of the result before it has passed the check.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._db_check import Checker
from ansible_collections.cloudburst.plex.plugins.module_utils._db_copies import (
    Copy,
    Verdict,
    copies_of,
    judge,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    BLOBS,
    LIBRARY,
    DbError,
    file_sha256,
    place,
    require_alone,
    require_space,
    require_unused,
    write_atomically,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    Finding,
    damage,
    summary,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_identity import (
    ALONE,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_oracle import (
    PlexOracle,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_rebuild import (
    Salvage,
    TooMuchLostError,
    salvage,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_snapshot import (
    backup_once,
)

RECORD = "repair.json"
SPACE_FACTOR = 3
_NAMES = {"library": LIBRARY, "blobs": BLOBS}


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
    salvage: bool = False
    max_loss: float = 0.01

    @property
    def sources(self) -> dict[str, str]:
        return {"library": self.library, "blobs": self.blobs}

    def target(self, role: str) -> str:
        return os.path.join(self.dest, _NAMES[role])


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
            f"{_NAMES[role]}, {row['table']}: {row['after']} of {row['before']} rows"
            f" ({row['before_is']}), {row['lost']} lost, {row['doubtful']} doubtful"
            for role, rows in self.tables.items()
            for row in rows
            if row["lost"] != 0 or row["doubtful"]
        ]

    @property
    def doubtful(self) -> int:
        """Rows that were taken over and cannot be vouched for."""
        return sum(row["doubtful"] for rows in self.tables.values() for row in rows)


def repair(job: Repair, checker: Checker, *, dry_run: bool = False) -> Outcome:
    """Make ``dest`` hold a sound pair; RepairRefusedError when there is no way to one."""
    _require_at_rest(job)
    found = damage(checker.pair(job.library, job.blobs))
    if not found:
        return Outcome(
            "healthy", False, job.library, job.blobs, message="no damage found"
        )
    outcome = Outcome("damaged", damage=[item.text for item in found])
    known = _known(job)
    if known is not None:
        return known
    verdict = _first_intact(job, checker, outcome)
    if verdict is None and not job.salvage:
        raise _refused(outcome, f"{summary(found)}; {_no_copy(outcome)}")
    if dry_run:
        outcome.changed = True
        outcome.source = verdict.copy.name if verdict else ""
        return outcome
    _require_space(job)
    if verdict is not None:
        _take(job, verdict.copy, outcome)
    else:
        _salvage_pair(job, checker, found, outcome)
    return _recorded(job, outcome)


def _require_at_rest(job: Repair) -> None:
    for path in job.sources.values():
        if not os.path.exists(path):
            continue
        require_unused(path)
        require_alone(path)


def _first_intact(job: Repair, checker: Checker, outcome: Outcome) -> Verdict | None:
    for copy in copies_of(job.library, job.blobs, job.copies):
        verdict = judge(copy, job.library, checker)
        outcome.copies.append(verdict.as_dict())
        if verdict.intact:
            return verdict
    return None


def _no_copy(outcome: Outcome) -> str:
    if not outcome.copies:
        return "no copy of the pair was found"
    tried = "; ".join(f"{item['name']}: {item['reason']}" for item in outcome.copies)
    return f"no copy of the pair is intact ({tried})"


def _refused(outcome: Outcome, message: str) -> RepairRefusedError:
    outcome.status, outcome.message = "refused", message
    return RepairRefusedError(message, outcome)


def _require_space(job: Repair) -> None:
    size = sum(os.stat(p).st_size for p in job.sources.values() if os.path.exists(p))
    os.makedirs(job.dest, exist_ok=True)
    require_space(job.dest, SPACE_FACTOR * size, "the repair (three times the pair)")


def _take(job: Repair, copy: Copy, outcome: Outcome) -> None:
    for role, path in (("library", copy.library), ("blobs", copy.blobs)):
        backup_once(path, job.target(role))
    outcome.status, outcome.source = "copied", copy.name
    outcome.message = (
        f"{copy.name} is intact and was taken instead of the damaged pair; what changed"
        " after it is not in it"
    )


def _salvage_pair(
    job: Repair, checker: Checker, found: list[Finding], outcome: Outcome
) -> None:
    folder = os.path.join(job.dest, ".salvage")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    broken = {item.file for item in found}
    try:
        made = {}
        for role, path in job.sources.items():
            made[role] = os.path.join(folder, _NAMES[role])
            if path in broken:
                _salvage_file(job, checker, role, made[role], outcome)
            else:
                backup_once(path, made[role])
        _require_sound(checker, made, outcome)
        for role, path in made.items():
            place(path, job.target(role))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    outcome.status = "salvaged"
    doubts = f", {outcome.doubtful} rows are doubtful" if outcome.doubtful else ""
    outcome.message = (
        f"salvaged with a loss of {outcome.lost} rows{doubts}; {_no_copy(outcome)}"
    )


def _salvage_file(
    job: Repair, checker: Checker, role: str, target: str, outcome: Outcome
) -> None:
    source = job.sources[role]
    try:
        lines = checker.oracle.check(source, "full", options=ALONE).lines
        done = salvage(source, target, lines, job.max_loss)
    except TooMuchLostError as error:
        outcome.tables[role] = [item.as_dict() for item in error.reports]
        raise _refused(outcome, f"{error}; {_no_copy(outcome)}") from error
    except DbError as error:
        raise _refused(outcome, f"{error}; {_no_copy(outcome)}") from error
    outcome.tables[role] = [item.as_dict() for item in done.reports]
    _finish(checker, done, outcome)


def _finish(checker: Checker, done: Salvage, outcome: Outcome) -> None:
    if not done.unfinished:
        return
    if not isinstance(checker.oracle, PlexOracle):
        raise _refused(
            outcome,
            f"{os.path.basename(done.path)}: only Plex's own SQLite can do"
            f" {', '.join(done.unfinished)}; give the image of the server's version",
        )
    checker.oracle.execute(done.path, done.unfinished)


def _require_sound(checker: Checker, made: dict[str, str], outcome: Outcome) -> None:
    left = damage(checker.pair(made["library"], made["blobs"]))
    if left:
        raise _refused(
            outcome,
            f"what could be salvaged is not sound: {summary(left)}; {_no_copy(outcome)}",
        )


def _recorded(job: Repair, outcome: Outcome) -> Outcome:
    """With the record that makes a repeat a no-op, written last."""
    outcome.changed = True
    outcome.library, outcome.blobs = job.target("library"), job.target("blobs")
    record = {
        "sources": _digests(job.sources),
        "made": _digests({role: job.target(role) for role in _NAMES}),
        "outcome": {**vars(outcome), "changed": False},
    }
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    write_atomically(os.path.join(job.dest, RECORD), text)
    return outcome


def _known(job: Repair) -> Outcome | None:
    """The outcome of the same repair, if its result is still there."""
    try:
        with open(os.path.join(job.dest, RECORD), encoding="utf-8") as file:
            record = json.load(file)
        made = _digests({role: job.target(role) for role in _NAMES})
        if record["made"] == made and record["sources"] == _digests(job.sources):
            return Outcome(**record["outcome"])
    except (OSError, ValueError, KeyError, TypeError):
        # No record, or none that can be used: then it is made again.
        return None
    return None


def _digests(paths: dict[str, str]) -> dict[str, str]:
    return {
        role: file_sha256(path) if os.path.exists(path) else ""
        for role, path in paths.items()
    }
