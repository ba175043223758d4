# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a scan: each item's metadata and first analysis, one by one (§3.3 settling).

A section's ``refreshing`` goes false when its scan ends; the items of this queue go on.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from functools import partial
from typing import Any

from cloudburst_lab.plex_schema import (
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

_LEAF = (
    "SELECT m.*, s.agent, s.section_type FROM metadata_items m"
    " JOIN library_sections s ON s.id=m.library_section_id WHERE m.id=?"
)
_PARTS = (
    "SELECT p.id, p.file, p.hash, p.extra_data, i.id AS item_id,"
    " i.media_analysis_version FROM media_parts p JOIN media_items i"
    " ON i.id=p.media_item_id WHERE i.metadata_item_id=? AND p.deleted_at IS NULL"
)


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
            job = await self._queue.get()
            self._waiting.discard((job.metadata_id, job.refresh, job.analyse))
            try:
                await self._run(job)
            except sqlite3.Error as error:  # one item must not end the worker
                LOG.error("Item %d failed: %s", job.metadata_id, error)
            finally:
                self._queue.task_done()

    async def _run(self, job: ItemJob) -> None:
        row = await self._db.one(_LEAF, job.metadata_id)
        if row is None:
            return
        title = row["title"] or ""
        activity = Activity(
            "library.update.item.metadata",
            f"Updating {title}",
            title,
            section_id=row["library_section_id"],
        )
        with self._activities.run(activity):
            self._tell(row, 3)
            await asyncio.sleep(self.tuning.metadata_item)
            if job.refresh:
                LOG.info('Updating Metadata for "%s" (%d)', title, row["id"])
                await self._refresh(row)
            if job.analyse:
                await self._analyse(row, job.reanalyse)
        self._tell(row, 5)

    def _tell(self, row: sqlite3.Row, state: int) -> None:
        self._notifications.timeline(
            row["id"],
            row["library_section_id"],
            row["title"],
            row["metadata_type"],
            state,
        )

    # --- the agent -----------------------------------------------------------------

    async def _refresh(self, row: sqlite3.Row) -> None:
        kind = MetadataType(row["metadata_type"])
        online = not str(row["agent"]).endswith(".none")
        url = row["user_thumb_url"] or ""
        if online and not url and kind in bundles.FOLDERS:
            url = f"metadata://posters/{row['agent']}_{digest(row['guid'], 'poster')}"
        if url.startswith("metadata://posters/") and kind in bundles.FOLDERS:
            path = bundles.poster_path(self._layout.metadata, kind, row["hash"], url)
            if not path.exists():
                bundles.write(path, bundles.JPEG)
        await self._db.write(lambda fill: write_metadata(fill, row, url, online))

    # --- the analysis of the files -------------------------------------------------

    async def _analyse(self, row: sqlite3.Row, again: bool) -> None:
        kind = KIND_NAMES[SectionType(row["section_type"])]
        for part in await self._db.query(_PARTS, row["id"]):
            if part["media_analysis_version"] and row["user_thumb_url"] and not again:
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
            write = partial(write_facts, row, part, facts, kind, fresh)
            await self._db.write(write)

    def _thumb_file(self, kind: str, facts: dict[str, Any]) -> None:
        if kind == "artist" or not readable(facts):
            return
        contents = bundles.part_contents(self._layout.media, facts["hash"])
        thumb = contents / "Thumbnails" / "thumb1.jpg"
        if not thumb.exists():
            bundles.write(thumb, bundles.JPEG)
