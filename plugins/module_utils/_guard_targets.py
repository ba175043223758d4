# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Which files the guard's rounds are about. Pure, but for the dice it is given.

The canary proves right bytes, but once read it comes from the disk cache for ever;
a random block of random media does not. So most rounds read the one, and every so
often a round looks for the other (``scaleway-rclone B2``).
"""

from __future__ import annotations

import random
import typing as t
from dataclasses import dataclass, field

MOST_FILES = 12
# One read in so many looks for another file, until there are enough.
SEARCH_ONE_IN = 4
# One round in so many reads media that no cache has. While Plex is fenced it is
# every other one, so that what lifts the fence has proven it.
DEEP_ONE_IN = 15
DEEP_ONE_IN_FENCED = 2
# A canary that was gone is looked for again after so many rounds.
CANARY_PAUSE = 300


@dataclass(frozen=True)
class Target:
    """One file, relative to the mount."""

    path: str
    canary: str | None = None
    size: int = 0


class Choice(t.NamedTuple):
    """One round: what is read through FUSE (None looks for a file), and what the store is asked for."""

    read: Target | None = None
    store: Target | None = None
    # Any block of the file, not only those of its beginning.
    deep: bool = False


@dataclass
class Targets:
    """The canary, or files of the media where the bucket takes no canary."""

    canary: Target | None
    media: dict[str, Target] = field(default_factory=dict)
    rounds: int = 0
    _canary_from: int = 0

    def choose(self, rng: random.Random, fenced: bool = False) -> Choice:
        """The files of the next round."""
        self.rounds += 1
        canary = self.canary if self.rounds >= self._canary_from else None
        known = canary or self._some(rng)
        if self.rounds % (DEEP_ONE_IN_FENCED if fenced else DEEP_ONE_IN) == 0:
            return Choice(None, known, True)
        if canary:
            return Choice(canary, canary)
        search = len(self.media) < MOST_FILES and not rng.randrange(SEARCH_ONE_IN)
        return Choice(None if search else known, known)

    def _some(self, rng: random.Random) -> Target | None:
        return rng.choice([*self.media.values()]) if self.media else None

    def learn(self, path: str, size: int) -> None:
        """A file that a search found; it takes the place of the oldest one."""
        if path not in self.media and len(self.media) >= MOST_FILES:
            del self.media[next(iter(self.media))]
        self.media[path] = Target(path, None, size)

    def drop(self, path: str) -> bool:
        """A file that is no more; False when that was known.

        The bucket's owner may delete what he likes. The canary may come back.
        """
        if self.canary and self.canary.path == path:
            known = self.rounds < self._canary_from
            self._canary_from = self.rounds + CANARY_PAUSE
            return not known
        return self.media.pop(path, None) is not None
