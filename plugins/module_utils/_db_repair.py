# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: get a sound pair in place of a damaged one.

An intact copy first; only without one what can be read is put into a new database, with
a report of every table. The damaged files are never written to. Nothing appears under
its name in the folder of the result before it has passed the check.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from ansible_collections.cloudburst.plex.plugins.module_utils._db_check import Checker
from ansible_collections.cloudburst.plex.plugins.module_utils._db_copies import (
    Copy,
    Verdict,
    judge,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_estimate import (
    TooMuchLostError,
    estimate,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    DbError,
    place,
    remove_side_files,
    require_alone,
    require_space,
    require_unused,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    Finding,
    damage,
    rebuild,
    summary,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_oracle import (
    PlexOracle,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_outcome import (
    NAMES,
    Outcome,
    Repair,
    RepairRefusedError,
    known,
    recorded,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_rebuild import (
    Salvage,
    salvage,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_snapshot import (
    backup_once,
)

SPACE_FACTOR = 3
# Kinds of findings that are no matter of rows that can be read.
_NOT_THE_ROWS = ("missing", "not_plex", "swapped", "pair_mismatch")


def repair(job: Repair, checker: Checker, *, dry_run: bool = False) -> Outcome:
    """Make ``dest`` hold a sound pair; RepairRefusedError when there is no way to one."""
    _require_elsewhere(job)
    _require_at_rest(job)
    found = damage(checker.pair(job.library, job.blobs))
    if not found:
        return Outcome(
            "healthy", False, job.library, job.blobs, message="no damage found"
        )
    outcome = Outcome("damaged", damage=[item.text for item in found])
    same = known(job)
    if same is not None and not damage(checker.pair(same.library, same.blobs)):
        return same
    verdict = _first_intact(job, checker, outcome)
    if verdict is None and not job.salvage:
        raise _refused(outcome, f"{summary(found)}; {_no_copy(outcome)}")
    if dry_run:
        outcome.changed = True
        outcome.source = verdict.copy.name if verdict else ""
        outcome.message = f"{outcome.source} is intact and would be taken"
        if verdict is None:
            _foresee(job, checker, found, outcome)
        return outcome
    _require_space(job)
    if verdict is not None:
        _take(job, checker, verdict.copy, outcome)
    else:
        _salvage_pair(job, checker, found, outcome)
    return recorded(job, outcome)


def _require_elsewhere(job: Repair) -> None:
    """What is given is never written to, so the result cannot take its place."""
    dest = os.path.realpath(job.dest)
    given = {os.path.realpath(path): path for path in job.copies}
    for path in job.sources.values():
        given[os.path.realpath(os.path.dirname(os.path.abspath(path)))] = path
        given[os.path.dirname(os.path.realpath(path))] = path
    if dest in given:
        raise DbError(f"dest: {job.dest} is the folder of {given[dest]} itself")


def _require_at_rest(job: Repair) -> None:
    for path in job.sources.values():
        if not os.path.exists(path):
            continue
        require_unused(path)
        require_alone(path)


def _first_intact(job: Repair, checker: Checker, outcome: Outcome) -> Verdict | None:
    for copy in job.all_copies:
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


@contextlib.contextmanager
def _made_apart(job: Repair) -> Iterator[dict[str, str]]:
    """Places to make a pair at; it gets its names only if nothing was found wrong."""
    folder = os.path.join(job.dest, ".making")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    try:
        made = {role: os.path.join(folder, name) for role, name in NAMES.items()}
        yield made
        for role, path in made.items():
            # A -wal of an older result must not meet the new file.
            remove_side_files(job.targets[role])
            place(path, job.targets[role])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take(job: Repair, checker: Checker, copy: Copy, outcome: Outcome) -> None:
    with _made_apart(job) as made:
        backup_once(copy.library, made["library"])
        backup_once(copy.blobs, made["blobs"])
        _require_sound(checker, made, outcome, f"what was copied of {copy.name}")
    outcome.status, outcome.source = "copied", copy.name
    outcome.message = (
        f"{copy.name} is intact and was taken instead of the damaged pair; what changed"
        " after it is not in it"
    )


def _salvage_pair(
    job: Repair, checker: Checker, found: list[Finding], outcome: Outcome
) -> None:
    broken = _broken(job, found, outcome)
    with _made_apart(job) as made:
        for role, path in job.sources.items():
            if path in broken:
                _salvage_file(job, checker, role, made[role], outcome)
            else:
                backup_once(path, made[role])
        _require_sound(checker, made, outcome, "what could be salvaged")
    outcome.status = "salvaged"
    doubts = f", {outcome.doubtful} rows are doubtful" if outcome.doubtful else ""
    outcome.message = (
        f"salvaged with a loss of {outcome.lost} rows{doubts}; {_no_copy(outcome)}"
    )


def _broken(job: Repair, found: list[Finding], outcome: Outcome) -> set[str]:
    """The files to salvage; refused where rows that can be read do not help."""
    wrong = [item for item in found if item.kind in _NOT_THE_ROWS]
    if wrong:
        raise _refused(outcome, f"{summary(wrong)}; {_no_copy(outcome)}")
    return {item.file for item in found}


def _foresee(
    job: Repair, checker: Checker, found: list[Finding], outcome: Outcome
) -> None:
    """What a salvage would lose at least; refused where that is too much already."""
    broken = _broken(job, found, outcome)
    for role, path in job.sources.items():
        if path in broken:
            with _refusals(role, outcome):
                reports = estimate(path, checker.lines(path), job.max_loss)
                outcome.tables[role] = [item.as_dict() for item in reports]
    outcome.message = (
        f"a salvage would lose {outcome.lost} rows at least; {_no_copy(outcome)}"
    )


def _salvage_file(
    job: Repair, checker: Checker, role: str, target: str, outcome: Outcome
) -> None:
    source = job.sources[role]
    with _refusals(role, outcome):
        done = salvage(source, target, checker.lines(source), job.max_loss)
    outcome.tables[role] = [item.as_dict() for item in done.reports]
    _finish(checker, done, outcome)


@contextlib.contextmanager
def _refusals(role: str, outcome: Outcome) -> Iterator[None]:
    """With all that is known, and why no copy was taken."""
    try:
        yield
    except TooMuchLostError as error:
        outcome.tables[role] = [item.as_dict() for item in error.reports]
        raise _refused(outcome, f"{error}; {_no_copy(outcome)}") from error
    except DbError as error:
        raise _refused(outcome, f"{error}; {_no_copy(outcome)}") from error


def _finish(checker: Checker, done: Salvage, outcome: Outcome) -> None:
    """What only Plex's SQLite can do; a search index that never fitted, too."""
    oracle = checker.oracle
    if not isinstance(oracle, PlexOracle):
        if done.unfinished:
            raise _refused(
                outcome,
                f"{os.path.basename(done.path)}: only Plex's own SQLite can do"
                f" {', '.join(done.unfinished)}; give the image of the server's version",
            )
        return
    oracle.execute(done.path, done.unfinished)
    oracle.execute(
        done.path, [rebuild(name) for name in checker.stale_search(done.path)]
    )


def _require_sound(
    checker: Checker, made: dict[str, str], outcome: Outcome, what: str
) -> None:
    left = damage(checker.pair(made["library"], made["blobs"]))
    if left:
        raise _refused(
            outcome, f"{what} is not sound: {summary(left)}; {_no_copy(outcome)}"
        )
