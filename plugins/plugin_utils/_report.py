# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Figures as a person reads them: durations and euros. Pure."""

from __future__ import annotations

UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def duration(seconds: float, parts: int = 2) -> str:
    """``3 d 4 h``, ``12 min 5 s``, ``0 s``: the largest units, cut off."""
    left = int(abs(seconds))
    words: list[str] = []
    for unit, size in UNITS:
        count, left = divmod(left, size)
        if count or (words and len(words) < parts):
            words.append(f"{count} {unit}")
        if len(words) == parts:
            break
    shown = [word for word in words if not word.startswith("0 ")]
    return ("-" if seconds <= -1 else "") + (" ".join(shown) or "0 s")


def euros(amount: float) -> str:
    """``1.23 EUR``; amounts below ten cents with four digits."""
    digits = 4 if 0 < abs(amount) < 0.1 else 2
    return f"{amount:,.{digits}f} EUR"
