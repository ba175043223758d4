# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: one look at what sections lost, and at their trash."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._deletion_ledger import (
    Ledger,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._deletions import (
    LostFile,
    Verdict,
    Witness,
    as_dict,
    budget_of,
    deleted_rows,
    judge,
    renamed_rows,
    titles,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._path_check import (
    host_path,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._path_probe import (
    STAT,
    Answer,
    Prober,
    Request,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import PathMap


def ask_mount(
    files: Iterable[str], root_map: PathMap, deadline: float, lookups: int
) -> Witness:
    """Look files up where they would be on this host; those outside are unknown."""
    places = {host_path(file, root_map): file for file in files}
    places.pop("", None)
    present: set[str] = set()
    absent: set[str] = set()
    mute: set[str] = set()

    def receive(answer: Answer) -> None:
        heap = mute if answer.unknown else absent if answer.absent else present
        heap.add(places[answer.request.path])

    chosen = list(places)[:lookups]
    Prober(deadline).run(deque(Request(STAT, path) for path in chosen), receive)
    return Witness(frozenset(present), frozenset(absent), frozenset(mute))


@dataclass(frozen=True)
class Trash:
    """The trash of a section, and whether it may be emptied."""

    verdict: Verdict
    files: tuple[LostFile, ...]
    counted: tuple[LostFile, ...]
    budget: int
    witness: Witness
    accept: bool

    @property
    def items(self) -> int:
        return len({one.item for one in self.counted})

    @property
    def doubtful(self) -> bool:
        return bool(self.witness.present or self.witness.unanswered)

    @property
    def refused(self) -> bool:
        # What is there on the mount is no trash, whoever accepts it.
        return self.doubtful or (self.items > self.budget and not self.accept)

    def as_dict(self, show: int) -> dict[str, Any]:
        losses = self.verdict.losses
        return {
            "section": losses.section,
            "name": losses.name,
            "would_delete": self.items,
            "files": len(self.files),
            "renamed": len(self.files) - len(self.counted),
            "present": len(self.witness.present),
            "unanswered": len(self.witness.unanswered),
            "budget": self.budget,
            "refused": self.refused,
            "message": self._message(losses.name, show) if self.refused else "",
        }

    def _message(self, name: str, show: int) -> str:
        doubt = self.witness.present | self.witness.unanswered
        if doubt:
            named = [one for one in self.files if one.file in doubt]
            return (
                f"{name}: {len(named)} files in the trash are there on the mount, or it"
                f" does not say: {titles(named, show)}"
            )
        return (
            f"{name}: emptying the trash would delete {self.items} items for good, the"
            f" budget is {self.budget}: {titles(self.counted, show)}"
        )


class DeletionWatch:
    """One run over sections."""

    def __init__(
        self, ledger: Ledger, params: Mapping[str, Any], root_map: PathMap
    ) -> None:
        self.ledger = ledger
        self.params = params
        self.root_map = root_map
        self.verdicts: list[Verdict] = []
        self.trash: list[Trash] = []

    def compare(self) -> None:
        """Judge what each section lost."""
        given = self.params["budget"]
        for losses in self.ledger.losses(
            self.params["library"], self.params["sections"]
        ):
            verdict = judge(losses, given=given)
            if verdict.deleted and self.root_map.mappings:
                # Only what is called deleted is worth a question to the mount.
                seen = self._ask(one.file for one in verdict.deleted)
                verdict = judge(losses, given=given, witness=seen)
            self.verdicts.append(verdict)

    def look_into_trash(self) -> None:
        """Judge what emptying the trash of each section would delete."""
        for verdict in self.verdicts:
            files = self.ledger.trash(self.params["library"], verdict.losses.section)
            renamed = {one.lost.file for one in verdict.renamed}
            counted = [one for one in files if one.file not in renamed]
            seen = self._ask(one.file for one in files)
            budget = budget_of(verdict.losses.live_before, self.params["budget"])
            accept = bool(self.params["accept"])
            self.trash.append(
                Trash(verdict, tuple(files), tuple(counted), budget, seen, accept)
            )

    def _ask(self, files: Iterable[str]) -> Witness:
        if not self.root_map.mappings:
            return Witness()
        return ask_mount(
            files, self.root_map, self.params["deadline"], self.params["lookups"]
        )

    def settle(self, *, write: bool) -> bool:
        """Note what was accepted, or what is about to be emptied; whether anything was."""
        noted = False
        if self.params["state"] == "compared" and self.params["accept"]:
            for verdict in self.verdicts:
                noted |= self._mark("accepted", verdict, verdict.deleted, write)
        if self.params["emptying"] and not self.refused:
            for trash in self.trash:
                noted |= self._mark("emptied", trash.verdict, trash.files, write)
        return noted

    def _mark(
        self, what: str, verdict: Verdict, files: tuple[LostFile, ...], write: bool
    ) -> bool:
        if files and write:
            named = [one.file for one in files]
            self.ledger.mark(what, verdict.losses.section, named)
        return bool(files)

    @property
    def refused(self) -> bool:
        return any(one.refused for one in self.trash)

    def result(self, limit: int | None) -> dict[str, Any]:
        """What the module returns; lists end after ``limit`` entries."""
        show = int(self.params["show"])
        sections = [as_dict(verdict, show) for verdict in self.verdicts]
        deleted = [row for verdict in self.verdicts for row in deleted_rows(verdict)]
        renamed = [row for verdict in self.verdicts for row in renamed_rows(verdict)]
        found: dict[str, Any] = {
            "sections": sections,
            "deleted": deleted[:limit],
            "renamed": renamed[:limit],
            "over_budget": any(one.over_budget for one in self.verdicts),
            "doubtful": any(one.doubtful for one in self.verdicts),
            "message": _joined(sections),
        }
        if self.params["state"] == "trash":
            rows = [one.as_dict(show) for one in self.trash]
            found.update(trash=rows, refused=self.refused)
            found["message"] = _joined(rows)
            if limit is None:
                found["files"] = [asdict(x) for one in self.trash for x in one.files]
        return found


def _joined(rows: Iterable[Mapping[str, Any]]) -> str:
    return ". ".join(row["message"] for row in rows if row["message"])


def write_report(path: str, found: Mapping[str, Any]) -> None:
    """Everything, in one file, whole or not at all."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    half = path + ".new"
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        json.dump(found, handle, indent=1)
    os.replace(half, path)
