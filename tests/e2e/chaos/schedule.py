# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fault strikes when: everything about a run that follows from its seed. Pure."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace
from typing import Any

#: Every fault, with the end of it that belongs to the fault itself.
FAULTS = (
    "s3_frozen",
    "s3_down",
    "s3_revoked",
    "s3_reads_hang",
    "s3_slow",
    "rclone_killed",
    "rclone_frozen",
    "disk_full",
    "plex_crash",
    "plex_hang",
)
#: These strike once; a supervisor brings back what they killed.
MOMENTARY = frozenset({"rclone_killed", "plex_crash"})
#: Where a run is struck: while Plex scans (most of the damage is done there), or anywhere.
SCAN_SHARE = 0.7
#: Seconds into a scan of Plex's, and into a whole run, in which a fault begins.
IN_SCAN = 5.0
IN_RUN = 24.0
#: How long a fault lasts, and the share of faults that last until the run has ended.
SHORTEST, LONGEST = 1.0, 15.0
LASTING_SHARE = 0.2


@dataclass(frozen=True)
class Trial:
    """One run: what happens to it and when."""

    seed: int
    fault: str
    #: ``run``: seconds after the start of the run; ``scan 2``: after Plex's second scan began
    anchor: str
    delay: float
    #: seconds until the fault ends; None: it lasts until the run has ended
    lasts: float | None

    def __str__(self) -> str:
        end = "to the end" if self.lasts is None else f"for {self.lasts:g} s"
        end = "" if self.fault in MOMENTARY else f", {end}"
        return (
            f"seed {self.seed}: {self.fault} {self.delay:g} s into {self.anchor}{end}"
        )

    def sooner(self, times: int) -> Trial:
        """The same trial, struck earlier, for a run that was over too soon."""
        return replace(self, delay=round(self.delay / 2**times, 1))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def trial(seed: int, scans: int) -> Trial:
    """The trial of a seed: faults take turns, so that any ten seeds in a row have each."""
    dice = random.Random(f"chaos {seed}")
    fault = FAULTS[seed % len(FAULTS)]
    if dice.random() < SCAN_SHARE:
        anchor, longest = f"scan {dice.randint(1, scans)}", IN_SCAN
    else:
        anchor, longest = "run", IN_RUN
    delay = round(dice.uniform(0.0, longest), 1)
    lasts: float | None = round(dice.uniform(SHORTEST, LONGEST), 1)
    if dice.random() < LASTING_SHARE or fault == "s3_slow":
        lasts = None  # slow but alive has to be survived for as long as it takes
    return Trial(seed, fault, anchor, delay, None if fault in MOMENTARY else lasts)
