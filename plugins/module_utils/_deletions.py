# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: how much a library may lose, and what is no loss (L88).

Compared by file, counted by item: a file that was live and is not any more is lost,
unless it is a rename. What left the database although nobody emptied the trash, and what
is in the trash although its file is there, is never within a budget, nor acceptable.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
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
    """What the mount says about lost files.

    There all the same, not there, no answer; and those that no mount could have.
    """

    present: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    unanswered: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()

    def of(self, files: frozenset[str]) -> Witness:
        """What it says about these."""
        seen = (self.present, self.absent, self.unanswered, self.outside)
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
    #: of all lost files
    witness: Witness

    @property
    def items(self) -> int:
        return _items(self.deleted)

    @property
    def purged(self) -> tuple[LostFile, ...]:
        return tuple(one for one in self.deleted if one.state == PURGED)

    @property
    def over_budget(self) -> bool:
        return self.items > self.budget or bool(self.purged)

    @property
    def doubt(self) -> Witness:
        """Of what a new scan may undo: it brings no row back that left the database."""
        lost = self.losses.lost
        return self.witness.of(frozenset(x.file for x in lost if x.state != PURGED))

    @property
    def doubtful(self) -> bool:
        """Whether the count is not the last word."""
        return bool(self.doubt.present or self.doubt.unanswered)

    @property
    def acceptable(self) -> tuple[LostFile, ...]:
        """What is really gone: its file by the word of the mount, its row not."""
        absent = self.witness.absent
        return tuple(x for x in self.deleted if x.file in absent and x.state != PURGED)

    def accepted(self) -> Verdict:
        """The verdict on what is left when that is accepted."""
        gone = self.acceptable
        count = self.losses.accepted + _items(gone)
        files = {one.file for one in gone}
        left = tuple(one for one in self.deleted if one.file not in files)
        return replace(self, losses=replace(self.losses, accepted=count), deleted=left)


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
    if isinstance(one, LostFile) and one.state == PURGED:
        return None  # only where its item lives on is it more than a file that moved
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
    seen = (witness or Witness()).of(frozenset(one.file for one in losses.lost))
    # What is still there did not move, whatever came besides.
    there = [one for one in losses.lost if one.file in seen.present]
    moved = [one for one in losses.lost if one.file not in seen.present]
    renamed, deleted = match_renames(moved, losses.new)
    deleted = sorted(there + deleted, key=lambda one: (one.item, one.file))
    budget = budget_of(losses.live_before, given)
    return Verdict(losses, budget, tuple(deleted), tuple(renamed), seen)


def _items(files: Iterable[LostFile]) -> int:
    return len({one.item for one in files})
