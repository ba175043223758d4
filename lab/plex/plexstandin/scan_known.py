# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known files at a scan: which are there, changed, or gone (§2.4, §2.5)."""

from __future__ import annotations

from collections.abc import Sequence

from .pool import ReadError, ScannerPool
from .store import KnownPart
from .tuning import Tuning

PATIENCE = 3  # timed-out files in a row before a chunk is given up
Seen = tuple[int, int] | None  # size and mtime; None is gone


class KnownFiles:
    """Checks files that the library knows. What cannot be read counts as gone."""

    def __init__(self, pool: ScannerPool, tuning: Tuning) -> None:
        self._pool = pool
        self._tuning = tuning

    async def check(self, parts: Sequence[KnownPart]) -> list[tuple[KnownPart, Seen]]:
        paths = [part.file for part in parts]
        try:
            seen = await self._checked(paths)
        except ReadError:  # slow or hanging: one by one, until patience ends
            seen = await self._check_singly(paths)
        return [
            (part, (found[0], found[1]) if isinstance(found, list) else None)
            for part, found in zip(parts, seen, strict=True)
        ]

    async def _checked(self, paths: list[str]) -> list[list[int] | str]:
        tuning = self._tuning
        found: list[list[int] | str] = await self._pool.call(
            "check",
            paths,
            tuning.verify,
            tuning.known_item,
            deadline=tuning.read_deadline + tuning.known_item * len(paths),
        )
        return found

    async def _check_singly(self, paths: list[str]) -> list[list[int] | str]:
        found: list[list[int] | str] = []
        late = 0
        for path in paths:
            if late >= PATIENCE:
                found.append("timed out")
                continue
            try:
                found += await self._checked([path])
                late = 0
            except ReadError as error:
                found.append(error.reason)
                late += 1
        return found
