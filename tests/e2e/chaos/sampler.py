# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at the database while a run goes on: damage that is undone later is seen only so."""

from __future__ import annotations

import contextlib
import sqlite3
import threading

from cloudburst_lab.errors import CommandError, LabError
from tests.e2e.chaos.burst import Burst

PAUSE = 1.0
TRASHED = (
    "SELECT p.file FROM media_parts p JOIN media_items i ON i.id = p.media_item_id"
    " WHERE p.deleted_at IS NOT NULL"
)


class Sampler:
    """Keeps the largest number of files of the bucket that were in the trash at once."""

    def __init__(self, burst: Burst, sections: list[str]) -> None:
        self.most = 0
        self._burst = burst
        self._bucket = burst.bucket(sections)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(PAUSE):
            # A look that comes to nothing is one look less.
            with contextlib.suppress(sqlite3.Error, LabError, CommandError, OSError):
                self._look()

    def _look(self) -> None:
        with contextlib.closing(self._burst.open_library()) as library:
            rows = library.execute(TRASHED).fetchall()
        trashed = {row[0] for row in rows} & self._bucket
        self.most = max(self.most, len(trashed))
