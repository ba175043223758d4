# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Butler: its tasks by name, which run, and the nightly window (§3.2, §3.4)."""

from __future__ import annotations

import asyncio
import time
from enum import Enum
from typing import Any

from . import maintenance
from .core import Core
from .library import Library
from .logs import LOG
from .media_tasks import TASKS as MEDIA_TASKS
from .media_tasks import MediaTask

PREFIX = "ButlerTask"
INTERVALS = {"BackupDatabase": 3, "RefreshLocalMedia": 3}
WATCH_SECONDS = 5
WEEKLY = ("OptimizeDatabase", "CleanOldBundles", "CleanOldCacheFiles")


class Started(Enum):
    """Answers of POST /butler/{task}."""

    STARTED = 200
    ALREADY_RUNNING = 202
    UNKNOWN = 404


class Butler:
    """Runs tasks on request, and every night those that are enabled."""

    def __init__(self, core: Core, library: Library) -> None:
        self._core = core
        self._library = library
        self._running: dict[str, asyncio.Task[None]] = {}
        self._media = {task.name: task for task in MEDIA_TASKS}
        self._last_night = ""

    @property
    def names(self) -> list[str]:
        return sorted([*self._media, *maintenance.TASKS])

    def enabled(self, name: str) -> bool:
        """By its own boolean, else by the behaviour that it follows."""
        preference = name if name.startswith(PREFIX) else PREFIX + name
        if preference in self._core.prefs.settings:
            return bool(self._core.prefs.value(preference))
        task = self._media.get(name)
        if task and task.behaviour:
            return self._core.prefs.behaviour(task.behaviour) != "never"
        return True

    def trees(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "interval": 7 if name in WEEKLY else INTERVALS.get(name, 1),
                "scheduleRandomized": name in ("RefreshEpgGuides", "AutomaticUpdates"),
                "enabled": self.enabled(name),
                "title": name.removeprefix(PREFIX),
                "description": name.removeprefix(PREFIX),
            }
            for name in self.names
        ]

    @property
    def running(self) -> list[str]:
        return sorted(self._running)

    def start(self, name: str) -> Started:
        if name not in self.names:
            return Started.UNKNOWN
        if name in self._running:
            return Started.ALREADY_RUNNING
        LOG.info("Butler: starting %s", name)
        task = self._core.background(self._run(name))
        self._running[name] = task
        task.add_done_callback(lambda _: self._running.pop(name, None))
        return Started.STARTED

    async def _run(self, name: str) -> None:
        begun = int(time.time())
        media = self._media.get(name)
        cancelled = True
        try:
            if isinstance(media, MediaTask):
                await media.run(self._core)
            else:
                await maintenance.TASKS[name](self._core, self._library)
            cancelled = False
        finally:
            LOG.info("Butler: %s %s", name, "cancelled" if cancelled else "finished")
            if not self._core.closing:
                await self._log_row(name, begun, cancelled)

    async def _log_row(self, name: str, begun: int, cancelled: bool) -> None:
        """The ``activities`` table is the log of tasks (§1.7)."""
        await self._core.database.write(
            lambda fill: fill.row(
                "activities",
                type="butler",
                title=name,
                subtitle="",
                scheduled_at=begun,
                started_at=begun,
                finished_at=fill.now,
                cancelled=int(cancelled),
            )
        )

    def stop(self, name: str) -> bool:
        """Cancel a running task; False when it does not run."""
        task = self._running.get(name)
        if task is not None:
            task.cancel()
        return task is not None

    def start_all(self) -> None:
        """Start what is enabled (POST /butler)."""
        for name in self.names:
            if self.enabled(name):
                self.start(name)

    def stop_all(self) -> None:
        for name in list(self._running):
            self.stop(name)

    async def keep_hours(self) -> None:
        """Begin the enabled tasks when the night's window opens, end them with it."""
        while True:
            now = time.localtime()
            start = int(self._core.prefs.value("ButlerStartHour"))
            end = int(self._core.prefs.value("ButlerEndHour"))
            night = time.strftime("%Y-%m-%d", now)
            if now.tm_hour == start and self._last_night != night:
                self._last_night = night
                LOG.info("Butler: maintenance window opens")
                self.start_all()
            if now.tm_hour == end and self._last_night == night and start != end:
                self._last_night = f"{night} over"
                LOG.info("Butler: maintenance window closes")
                self.stop_all()
            await asyncio.sleep(WATCH_SECONDS)
