# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a scan: each item's metadata and first analysis, one by one (§3.3 settling).

A section's ``refreshing`` goes false when its scan ends; the items of this queue go on.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from cloudburst_lab.plex_schema import (
    Filler,
    MetadataType,
    SectionType,
    digest,
)

from . import bundles
from .activities import Activities, Activity, Notifications
from .database import Database
from .item_rows import readable, write_facts, write_metadata
from .logs import LOG
from .pool import ReadError, ScannerPool
from .store import KIND_NAMES
from .tuning import Layout, Tuning

_ITEMS = (
    "SELECT m.*, s.agent, s.section_type FROM metadata_items m"
    " JOIN library_sections s ON s.id=m.library_section_id WHERE m.id IN ({marks})"
)
# A unary plus keeps SQLite from an index that matches nearly every row.
_PARTS = (
    "SELECT p.id, p.file, p.hash, p.extra_data, i.id AS item_id,"
    " i.media_analysis_version FROM media_parts p JOIN media_items i"
    " ON i.id=p.media_item_id WHERE i.metadata_item_id=? AND +p.deleted_at IS NULL"
)
# With more than this many items waiting, they are done in batches of one transaction.
CROWD = 500
BATCH = 50
Write = Callable[[Filler], None]


@dataclass(frozen=True)
class ItemJob:
    """Work on one item: its agent's metadata, the analysis of its files, or both."""

    metadata_id: int
    refresh: bool
    analyse: bool
    reanalyse: bool = False


class ItemQueue:
    """Runs item jobs, ``workers`` at a time."""

    def __init__(
        self,
        database: Database,
        pool: ScannerPool,
        activities: Activities,
        notifications: Notifications,
        layout: Layout,
        tuning: Tuning,
    ) -> None:
        self._db = database
        self._pool = pool
        self._activities = activities
        self._notifications = notifications
        self._layout = layout
        self.tuning = tuning
        self._queue: asyncio.Queue[ItemJob] = asyncio.Queue()
        self._waiting: set[tuple[int, bool, bool]] = set()
        self._workers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._workers = [
            asyncio.create_task(self._work()) for _ in range(self.tuning.workers)
        ]

    def add(self, job: ItemJob) -> None:
        """Queue a job unless the same one is waiting."""
        key = (job.metadata_id, job.refresh, job.analyse)
        if key not in self._waiting:
            self._waiting.add(key)
            self._queue.put_nowait(job)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def settled(self) -> None:
        await self._queue.join()

    def stop(self) -> None:
        for worker in self._workers:
            worker.cancel()

    async def _work(self) -> None:
        while True:
            jobs = [await self._queue.get()]
            while self._queue.qsize() > CROWD and len(jobs) < BATCH:
                jobs.append(self._queue.get_nowait())
            for job in jobs:
                self._waiting.discard((job.metadata_id, job.refresh, job.analyse))
            try:
                await self._run(jobs)
            except sqlite3.Error as error:  # an item must not end the worker
                LOG.error("Item %d failed: %s", jobs[0].metadata_id, error)
            finally:
                for _ in jobs:
                    self._queue.task_done()

    async def _run(self, jobs: list[ItemJob]) -> None:
        ids = [job.metadata_id for job in jobs]
        marks = ", ".join("?" * len(ids))
        found = await self._db.query(_ITEMS.format(marks=marks), *ids)
        rows = {row["id"]: row for row in found}
        if not rows:
            return
        title = found[0]["title"] or ""
        activity = Activity(
            "library.update.item.metadata",
            f"Updating {title}",
            title,
            section_id=found[0]["library_section_id"],
        )
        with self._activities.run(activity):
            self._tell(found, 3)
            await asyncio.sleep(self.tuning.metadata_item * len(found))
            writes: list[Write] = []
            for job in (job for job in jobs if job.metadata_id in rows):
                writes += await self._item(job, rows[job.metadata_id])
            await self._db.write(lambda fill: [write(fill) for write in writes])
        self._tell(found, 5)

    async def _item(self, job: ItemJob, row: sqlite3.Row) -> list[Write]:
        """Do what reads and makes files; what is left to write to the database."""
        writes: list[Write] = []
        if job.refresh:
            LOG.info('Updating Metadata for "%s" (%d)', row["title"], row["id"])
            writes.append(self._refreshed(row))
        if job.analyse:
            writes += await self._analysed(row, job.reanalyse)
        return writes

    def _tell(self, rows: list[sqlite3.Row], state: int) -> None:
        for row in rows:
            self._notifications.timeline(
                row["id"],
                row["library_section_id"],
                row["title"],
                row["metadata_type"],
                state,
            )

    # --- the agent -----------------------------------------------------------------

    def _refreshed(self, row: sqlite3.Row) -> Write:
        kind = MetadataType(row["metadata_type"])
        online = not str(row["agent"]).endswith(".none")
        url = row["user_thumb_url"] or ""
        if online and not url and kind in bundles.FOLDERS:
            url = f"metadata://posters/{row['agent']}_{digest(row['guid'], 'poster')}"
        if url.startswith("metadata://posters/") and kind in bundles.FOLDERS:
            path = bundles.poster_path(self._layout.metadata, kind, row["hash"], url)
            if not path.exists():
                bundles.write(path, bundles.JPEG)
        return partial(write_metadata, row, url, online)

    # --- the analysis of the files -------------------------------------------------

    async def _analysed(self, row: sqlite3.Row, again: bool) -> list[Write]:
        kind = KIND_NAMES[SectionType(row["section_type"])]
        pictured = kind == "artist" or bool(row["user_thumb_url"])
        writes: list[Write] = []
        for part in await self._db.query(_PARTS, row["id"]):
            if part["media_analysis_version"] and pictured and not again:
                continue
            try:
                facts = await self._pool.call(
                    "probe", part["file"], kind, self.tuning.probe
                )
            except ReadError as error:
                LOG.warning("Unable to analyze %s", error)
                continue
            self._thumb_file(kind, facts)
            fresh = again or not part["media_analysis_version"]
            writes.append(partial(write_facts, row, part, facts, kind, fresh))
        return writes

    def _thumb_file(self, kind: str, facts: dict[str, Any]) -> None:
        if kind == "artist" or not readable(facts):
            return
        contents = bundles.part_contents(self._layout.media, facts["hash"])
        thumb = contents / "Thumbnails" / "thumb1.jpg"
        if not thumb.exists():
            bundles.write(thumb, bundles.JPEG)
