# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Activities and their notifications (§3.2)."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

BUTLER = "butler"


@dataclass
class Activity:
    """One thing that the server is doing."""

    type: str
    title: str
    subtitle: str = ""
    progress: int = 0
    cancellable: bool = False
    section_id: int | None = None
    context_delay: float = 0.0
    cancel: Callable[[], object] | None = None
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=time.monotonic)

    def tree(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "uuid": self.uuid,
            "type": self.type,
            "cancellable": self.cancellable,
            "userID": 1,
            "title": self.title,
            "subtitle": self.subtitle,
            "progress": self.progress,
        }
        old_enough = time.monotonic() - self.started >= self.context_delay
        if self.section_id is not None and old_enough:
            shown["Context"] = {"librarySectionID": str(self.section_id)}
        return shown

    def notification(self, event: str) -> dict[str, Any]:
        return {"event": event, "uuid": self.uuid, "Activity": self.tree()}


class Notifications:
    """Fans messages out to the websockets that listen."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[dict[str, Any]]] = set()

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[dict[str, Any]]]:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=1000)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def send(self, kind: str, name: str, entries: list[dict[str, Any]]) -> None:
        frame = {"type": kind, "size": len(entries), name: entries}
        for queue in self._queues:
            if not queue.full():  # a listener that does not read loses frames
                queue.put_nowait({"NotificationContainer": frame})

    def timeline(
        self, item: int, section: int, title: str, kind: int, state: int
    ) -> None:
        """0 created … 5 done, 9 deleted."""
        entry: dict[str, Any] = {
            "identifier": "com.plexapp.plugins.library",
            "sectionID": str(section),
            "itemID": str(item),
            "type": kind,
            "title": title,
            "state": state,
        }
        if state in (0, 9):
            entry["metadataState"] = "created" if state == 0 else "deleted"
        self.send("timeline", "TimelineEntry", [entry])


class Activities:
    """What runs now. The idle Butler's row never goes away (§3.2)."""

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications
        butler = Activity(BUTLER, "Running Butler tasks", progress=100)
        self._running: dict[str, Activity] = {butler.uuid: butler}

    def all(self) -> list[Activity]:
        return list(self._running.values())

    def find(self, activity_id: str) -> Activity | None:
        return self._running.get(activity_id)

    def scanning(self, section_id: int) -> bool:
        """Is the section's ``refreshing`` flag set?"""
        return any(
            activity.type == "library.update.section"
            and activity.section_id == section_id
            for activity in self._running.values()
        )

    @contextmanager
    def run(self, activity: Activity) -> Iterator[Activity]:
        self._running[activity.uuid] = activity
        self._tell("started", activity)
        try:
            yield activity
        finally:
            del self._running[activity.uuid]
            self._tell("ended", activity)

    def update(self, activity: Activity, done: int, total: int, subtitle: str) -> None:
        """Progress in percent; a frame only when something visible changed."""
        progress = 100 * done // total if total else 100
        if (progress, subtitle) != (activity.progress, activity.subtitle):
            activity.progress, activity.subtitle = progress, subtitle
            self._tell("updated", activity)

    def _tell(self, event: str, activity: Activity) -> None:
        self._notifications.send(
            "activity", "ActivityNotification", [activity.notification(event)]
        )
