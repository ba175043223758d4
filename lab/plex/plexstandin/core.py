# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of the server share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from .activities import Activities, Notifications
from .database import Database
from .items import ItemQueue
from .logs import LOG
from .plextv import PlexTv
from .pool import ScannerPool
from .preferences import Preferences, PreferencesFile
from .tuning import Layout, Tuning


@dataclass
class Core:
    """The composition root: one of each."""

    layout: Layout
    tuning: Tuning
    prefs: Preferences
    plextv: PlexTv
    database: Database
    notifications: Notifications
    activities: Activities
    pool: ScannerPool
    items: ItemQueue
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    closing: bool = False
    crash_point: Callable[[str], None] = lambda point: None

    def background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the requests; an error ends up in the log."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            LOG.error("Background work failed", exc_info=task.exception())

    @classmethod
    def build(cls, layout: Layout, tuning: Tuning) -> Core:
        file = PreferencesFile(layout.preferences)
        file.ensure_identity()
        file.save()
        prefs = Preferences(file, layout.databases)
        database = Database(layout.databases)
        notifications = Notifications()
        activities = Activities(notifications)
        pool = ScannerPool(tuning.workers)
        items = ItemQueue(database, pool, activities, notifications, layout, tuning)
        plextv = PlexTv(tuning.plex_tv_url, prefs.machine_identifier, tuning.version)
        return cls(
            layout,
            tuning,
            prefs,
            plextv,
            database,
            notifications,
            activities,
            pool,
            items,
        )

    def retune(self, values: dict[str, object]) -> Tuning:
        """Change speeds while running (the number of processes stays)."""
        self.tuning = self.tuning.overlaid(values)
        self.items.tuning = replace(self.tuning, workers=self.items.tuning.workers)
        return self.tuning
