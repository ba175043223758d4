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
from ansible_collections.cloudburst.plex.plugins.module_utils._deletion_report import (
    as_dict,
    deleted_rows,
    lost_rows,
    renamed_rows,
    titles,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._deletions import (
    LostFile,
    Verdict,
    Witness,
    budget_of,
    judge,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._path_check import (
    host_path,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._path_probe import (
    LIST,
    READ,
    STAT,
    Answer,
    Prober,
    Request,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import PathMap

#: Live files of a section of which one has to be readable.
PROOFS = 5


def ask_mount(
    files: Iterable[str], live: Iterable[str], root_map: PathMap, deadline: float
) -> Witness:
    """Look files up where they would be on this host.

    Nothing is absent from a mount that is not there: an unmounted one is an empty folder
    (plex-facts §2.5). So one of the ``live`` files has to be readable, or the mount must
    hold anything at all when the library has none left.
    """
    wanted = frozenset(files)
    places = {host_path(file, root_map): file for file in wanted}
    places.pop("", None)
    heaps: dict[str, set[str]] = {
        "present": set(),
        "absent": set(),
        "unanswered": set(),
    }

    def receive(answer: Answer) -> None:
        name = "absent" if answer.absent else "present" if answer.seen else "unanswered"
        heaps[name].add(places[answer.request.path])

    Prober(deadline).run(deque(Request(STAT, path) for path in places), receive)
    if heaps["absent"] and not _is_there(live, root_map, deadline):
        heaps["unanswered"] |= heaps["absent"]
        heaps["absent"] = set()
    found = {name: frozenset(heap) for name, heap in heaps.items()}
    return Witness(**found, outside=wanted - frozenset(places.values()))


def _is_there(live: Iterable[str], root_map: PathMap, deadline: float) -> bool:
    """Whether the mount shows what it should."""
    places = [place for file in live if (place := host_path(file, root_map))]
    asked = [Request(READ, place) for place in places] or [
        Request(LIST, mapping.new) for mapping in root_map.mappings
    ]
    answers: list[Answer] = []
    Prober(deadline).run(deque(asked), answers.append)
    if places:
        return any(answer.seen for answer in answers)
    return all(answer.dirs or answer.files for answer in answers)


@dataclass(frozen=True)
class Trash:
    """The trash of a section, and whether it may be emptied."""

    verdict: Verdict
    files: tuple[LostFile, ...]
    counted: tuple[LostFile, ...]
    budget: int
    witness: Witness
    accept: bool
    expected: int | None = None

    @property
    def items(self) -> int:
        return len({one.item for one in self.counted})

    @property
    def doubtful(self) -> bool:
        return bool(self._doubt)

    @property
    def _doubt(self) -> frozenset[str]:
        # What cannot be looked up is not known to be gone either.
        seen = self.witness
        return seen.present | seen.unanswered | seen.outside

    @property
    def refused(self) -> bool:
        # What is there on the mount is no trash, whoever accepts it.
        over = self.items > self.budget and not self.accept
        return over or self.doubtful or self.has_changed

    @property
    def has_changed(self) -> bool:
        return self.expected is not None and len(self.files) != self.expected

    def as_dict(self, show: int) -> dict[str, Any]:
        losses = self.verdict.losses
        return {
            "section": losses.section,
            "name": losses.name,
            "would_delete": self.items,
            "files": len(self.files),
            "renamed": len(self.files) - len(self.counted),
            "present": len(self.witness.present),
            "unanswered": len(self.witness.unanswered | self.witness.outside),
            "budget": self.budget,
            "refused": self.refused,
            "message": self._message(losses.name, show) if self.refused else "",
        }

    def _message(self, name: str, show: int) -> str:
        if self.has_changed:
            return (
                f"{name}: {len(self.files)} files are in the trash, {self.expected} were"
                " looked up"
            )
        if self.doubtful:
            named = [one for one in self.files if one.file in self._doubt]
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
        self.accepted: list[dict[str, Any]] = []

    def compare(self) -> None:
        """Judge what each section lost."""
        given = self.params["budget"]
        for losses in self.ledger.losses(
            self.params["library"], self.params["sections"]
        ):
            # A rename, too: its old file may be there all the same.
            seen = self._ask(losses.section, (one.file for one in losses.lost))
            verdict = judge(losses, given=given, witness=seen)
            self.verdicts.append(verdict)

    def look_into_trash(self) -> None:
        """Judge what emptying the trash of each section would delete."""
        for verdict in self.verdicts:
            files = self.ledger.trash(self.params["library"], verdict.losses.section)
            renamed = {one.lost.file for one in verdict.renamed}
            counted = [one for one in files if one.file not in renamed]
            section = verdict.losses.section
            seen = self._ask(section, (one.file for one in files))
            budget = budget_of(verdict.losses.live_before, self.params["budget"])
            rules = (bool(self.params["accept"]), self.params["expected"])
            self.trash.append(
                Trash(verdict, tuple(files), tuple(counted), budget, seen, *rules)
            )

    def _ask(self, section: int, files: Iterable[str]) -> Witness:
        asked = list(files)
        if not asked or not self.root_map.mappings:
            return Witness()
        live = self.ledger.some_live(self.params["library"], section, PROOFS)
        return ask_mount(asked, live, self.root_map, self.params["deadline"])

    def settle(self, *, write: bool) -> bool:
        """Note what was accepted, or what is about to be emptied; whether anything was."""
        noted = False
        if self.params["state"] == "compared" and self.params["accept"]:
            for verdict in self.verdicts:
                gone = verdict.acceptable
                noted |= self._mark("accepted", verdict, gone, write)
                self.accepted += lost_rows(verdict, gone)
            self.verdicts = [verdict.accepted() for verdict in self.verdicts]
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
            "accepted": self.accepted[:limit],
            "over_budget": any(one.over_budget for one in self.verdicts),
            "doubtful": any(one.doubtful for one in self.verdicts),
            "purged": any(one.purged for one in self.verdicts),
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
