# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: how much a library may lose, and what is no loss (L88).

Compared by file, counted by item: a file that was live and is not any more is lost,
unless it is a rename. What left the database although nobody emptied the trash, and what
is in the trash although its file is there, is never within a budget.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

SMALLEST, LARGEST, SHARE = 5, 100, 0.02
#: In the trash; gone from the database; gone because this burst emptied the trash.
TRASHED, PURGED, EMPTIED = "trashed", "purged", "emptied"
#: "Seen" of a file that no snapshot knows yet.
NEVER = 2**62


@dataclass(frozen=True)
class LostFile:
    """A file that was live in a snapshot, first in number ``seen``, and is not now."""

    item: int
    type: str
    title: str
    file: str
    size: int | None = None
    seen: int = 1
    state: str = TRASHED


@dataclass(frozen=True)
class NewFile:
    """A live file that the first snapshot did not have."""

    item: int
    file: str
    size: int | None = None
    seen: int = NEVER


@dataclass(frozen=True)
class Rename:
    """A lost file and where it came back."""

    lost: LostFile
    now: str


@dataclass(frozen=True)
class Losses:
    """What happened to a section since its first snapshot."""

    section: int
    name: str
    live_before: int
    live: int
    lost: tuple[LostFile, ...] = ()
    new: tuple[NewFile, ...] = ()
    accepted: int = 0


@dataclass(frozen=True)
class Witness:
    """What the mount says about lost files: there all the same, not there, no answer."""

    present: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    unanswered: frozenset[str] = frozenset()

    def of(self, files: frozenset[str]) -> Witness:
        """What it says about these."""
        seen = (self.present, self.absent, self.unanswered)
        return Witness(*(one & files for one in seen))

    def answer(self, file: str) -> bool | None:
        """Whether a file is there; None when that is not known."""
        if file in self.present:
            return True
        return False if file in self.absent else None


@dataclass(frozen=True)
class Verdict:
    """The judgement on one section."""

    losses: Losses
    budget: int
    deleted: tuple[LostFile, ...]
    renamed: tuple[Rename, ...]
    witness: Witness

    @property
    def items(self) -> int:
        return len({one.item for one in self.deleted})

    @property
    def purged(self) -> tuple[LostFile, ...]:
        return tuple(one for one in self.deleted if one.state == PURGED)

    @property
    def over_budget(self) -> bool:
        return self.items > self.budget or bool(self.purged)

    @property
    def doubtful(self) -> bool:
        """What a new scan may undo, so that the count is not the last word."""
        return bool(self.witness.present or self.witness.unanswered)


def budget_of(live: int, given: int | None = None) -> int:
    """Items that a section of that size may lose; ``given`` replaces the rule."""
    if given is not None:
        return max(0, given)
    return min(LARGEST, max(SMALLEST, int(live * SHARE)))


def match_renames(
    lost: Iterable[LostFile], new: Iterable[NewFile]
) -> tuple[list[Rename], list[LostFile]]:
    """Renames, and what is deleted. A new file explains one loss, the likeliest first.

    The same item with the same name and size, then name and size, then the same item: a
    season that was renamed has many files called alike.
    """
    left, free = list(lost), list(new)
    renamed: list[Rename] = []
    for key in (_item_name_size, _name_size, _item):
        found, left, free = _match(left, free, key)
        renamed += found
    return renamed, left


_Key = Callable[[Any], "Hashable | None"]


def _match(
    lost: list[LostFile], new: list[NewFile], key: _Key
) -> tuple[list[Rename], list[LostFile], list[NewFile]]:
    waiting: dict[Hashable, list[NewFile]] = defaultdict(list)
    for one in sorted(new, key=lambda item: (item.seen, item.file)):
        wanted = key(one)
        if wanted is not None:
            waiting[wanted].append(one)
    renamed: list[Rename] = []
    left: list[LostFile] = []
    used: set[str] = set()
    for gone in lost:
        wanted = key(gone)
        candidates = waiting[wanted] if wanted is not None else []
        # Only what came after it can be what became of it.
        match = next((one for one in candidates if one.seen > gone.seen), None)
        if match is None:
            left.append(gone)
            continue
        candidates.remove(match)
        used.add(match.file)
        renamed.append(Rename(gone, match.file))
    return renamed, left, [one for one in new if one.file not in used]


def _name_size(one: LostFile | NewFile) -> Hashable | None:
    # An unknown size proves nothing: "01.mp3" is called like many.
    return (posixpath.basename(one.file), one.size) if one.size else None


def _item_name_size(one: LostFile | NewFile) -> Hashable | None:
    return (one.item, posixpath.basename(one.file), one.size) if one.size else None


def _item(one: LostFile | NewFile) -> Hashable | None:
    return one.item


def judge(
    losses: Losses, *, given: int | None = None, witness: Witness | None = None
) -> Verdict:
    """The verdict on a section; ``given`` is the user's own budget."""
    renamed, deleted = match_renames(losses.lost, losses.new)
    gone = frozenset(one.file for one in deleted)
    return Verdict(
        losses,
        budget_of(losses.live_before, given),
        tuple(deleted),
        tuple(renamed),
        (witness or Witness()).of(gone),
    )


def titles(lost: Iterable[LostFile], show: int) -> str:
    """The first titles, and how many more there are."""
    names = list({one.item: one.title or one.file for one in lost}.values())
    more = len(names) - show
    return "; ".join(names[:show]) + (f"; and {more} more" if more > 0 else "")


def explain(verdict: Verdict, show: int = 10) -> str:
    """One sentence for each thing that is wrong; empty when nothing is."""
    name, said = verdict.losses.name, []
    there = _of(verdict, verdict.witness.present)
    if there:
        said.append(
            f"{name}: Plex lost {len(there)} files that are there on the mount:"
            f" {titles(there, show)}"
        )
    mute = _of(verdict, verdict.witness.unanswered)
    if mute:
        said.append(
            f"{name}: whether {len(mute)} lost files are gone cannot be said, the mount"
            f" does not answer: {titles(mute, show)}"
        )
    if verdict.purged:
        said.append(
            f"{name}: {len(verdict.purged)} files left the database for good, although"
            f" nobody emptied the trash: {titles(verdict.purged, show)}"
        )
    if verdict.items > verdict.budget:
        said.append(
            f"{name}: {verdict.items} of {verdict.losses.live_before} items were deleted,"
            f" the budget is {verdict.budget}: {titles(verdict.deleted, show)}"
        )
    return ". ".join(said)


def _of(verdict: Verdict, files: Collection[str]) -> list[LostFile]:
    return [one for one in verdict.deleted if one.file in files]


def as_dict(verdict: Verdict, show: int = 10) -> dict[str, Any]:
    """The verdict as modules return it."""
    losses = verdict.losses
    return {
        "section": losses.section,
        "name": losses.name,
        "live_before": losses.live_before,
        "live": losses.live,
        "budget": verdict.budget,
        "deleted": verdict.items,
        "renamed": len(verdict.renamed),
        "purged": len(verdict.purged),
        "accepted": losses.accepted,
        "present": len(verdict.witness.present),
        "unanswered": len(verdict.witness.unanswered),
        "over_budget": verdict.over_budget,
        "doubtful": verdict.doubtful,
        "message": explain(verdict, show),
    }


def deleted_rows(verdict: Verdict) -> list[dict[str, Any]]:
    """The deleted files with section and what the mount says of them."""
    rows = []
    for one in verdict.deleted:
        row = asdict(one)
        row["id"] = row.pop("item")
        row["section"] = verdict.losses.section
        row["present"] = verdict.witness.answer(one.file)
        rows.append(row)
    return rows


def renamed_rows(verdict: Verdict) -> list[dict[str, Any]]:
    """The renames with section, item, and both paths."""
    return [
        {
            "section": verdict.losses.section,
            "id": one.lost.item,
            "title": one.lost.title,
            "type": one.lost.type,
            "file": one.lost.file,
            "now": one.now,
        }
        for one in verdict.renamed
    ]
