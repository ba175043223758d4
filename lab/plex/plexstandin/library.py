# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections, and the queue of their scans (§3.3)."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass

from cloudburst_lab.plex_schema import Filler, Section
from cloudburst_lab.plex_schema.extra_data import decode, encode

from . import store, trash
from .activities import Activity
from .core import Core
from .items import ItemJob
from .logs import LOG
from .media_tasks import TASKS
from .pool import ReadError
from .scan import Outcome, SectionScan
from .store import KIND_NAMES

_UNANALYSED = (
    "SELECT DISTINCT m.id FROM metadata_items m"
    " JOIN media_items i ON i.metadata_item_id=m.id"
    " WHERE m.library_section_id=? AND +m.deleted_at IS NULL AND +i.deleted_at IS NULL"
    " AND (i.media_analysis_version=0 OR (m.metadata_type IN (1, 4, 13)"
    " AND coalesce(m.user_thumb_url, '')='')) ORDER BY m.id"
)


@dataclass(frozen=True)
class ScanRequest:
    """One call of ``/refresh``: queued, not synchronous."""

    section_id: int
    path: str | None = None
    force: bool = False


class Library:
    """Everything that is asked of sections."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._queue: list[ScanRequest] = []
        self._wake = asyncio.Event()
        self._current: tuple[ScanRequest, asyncio.Task[None]] | None = None
        self._runner: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._runner = asyncio.create_task(self._run_queue())

    def stop(self) -> None:
        for task in (self._runner, self._current and self._current[1]):
            if task is not None:
                task.cancel()

    # --- scans ---------------------------------------------------------------------

    def scan(self, request: ScanRequest) -> None:
        """Queue a scan; the same one is not queued twice."""
        if request not in self._queue:
            self._queue.append(request)
            self._wake.set()

    @property
    def waiting(self) -> int:
        """Scans that wait or run."""
        return len(self._queue) + (self._current is not None)

    def cancel(self, section_id: int | None = None) -> None:
        """Drop the waiting scans of a section (of all) and end the running one."""

        def hit(request: ScanRequest) -> bool:
            return section_id is None or request.section_id == section_id

        self._queue = [request for request in self._queue if not hit(request)]
        if self._current and hit(self._current[0]):
            LOG.info("Cancelling scan of section %d", self._current[0].section_id)
            self._current[1].cancel()

    async def _run_queue(self) -> None:
        while True:
            await self._wake.wait()
            while self._queue:
                request = self._queue.pop(0)
                task = asyncio.create_task(self._scan(request))
                self._current = (request, task)
                await asyncio.wait([task])
                self._current = None
                if not task.cancelled() and task.exception():
                    LOG.error("Scan failed: %s", task.exception())
            self._wake.clear()

    async def _scan(self, request: ScanRequest) -> None:
        core = self._core
        section = await self.section(request.section_id)
        row = await self.row(request.section_id)
        if section is None or row is None:
            return
        LOG.info('Scanning section %d "%s"', section.id, row["name"])
        activity = Activity(
            "library.update.section",
            f"Scanning {row['name']}",
            cancellable=True,
            section_id=section.id,
            context_delay=core.tuning.context_delay,
            cancel=lambda: self.cancel(section.id),
        )
        scan = SectionScan(
            core.database,
            core.pool,
            core.activities,
            core.tuning,
            section,
            path=request.path,
            force=request.force,
            empty_trash=bool(core.prefs.value("autoEmptyTrash")),
        )
        with core.activities.run(activity):
            core.crash_point("scan")
            outcome = await scan.run(activity)
            # Queued before the scan ends: something is always seen to be going on.
            await self._follow(request, section, outcome)
        LOG.info(
            'Scanned "%s": %d added, %d deleted, %d removed from trash',
            row["name"],
            outcome.added,
            outcome.deleted,
            outcome.emptied,
        )

    async def _follow(
        self, request: ScanRequest, section: Section, outcome: Outcome
    ) -> None:
        """Queue metadata and analysis; force=1 refreshes every item (§3.3)."""
        for item in dict.fromkeys(outcome.changed):
            self._core.items.add(ItemJob(item, refresh=True, analyse=True))
        if request.force:
            rows = await self._core.database.query(
                "SELECT id FROM metadata_items WHERE library_section_id=?"
                " AND +deleted_at IS NULL AND metadata_type < 15 ORDER BY id",
                section.id,
            )
            for row in rows:
                self._core.items.add(ItemJob(row["id"], refresh=True, analyse=True))
        if outcome.added:
            self._core.background(self._as_soon_as_added(section.id))

    async def _as_soon_as_added(self, section_id: int) -> None:
        """The tasks whose setting says "asap", for a section that got new media."""
        await self._core.items.settled()
        for task in TASKS:
            behaviour = task.behaviour and self._core.prefs.behaviour(task.behaviour)
            if behaviour == "asap":
                await task.run(self._core, section_id)

    async def analyze(self, section_id: int) -> None:
        """Media analysis of what has none, thumbnails of what lacks one; not sonic."""
        rows = await self._core.database.query(_UNANALYSED, section_id)
        LOG.info("Analyzing section %d: %d items", section_id, len(rows))
        for row in rows:
            self._core.items.add(ItemJob(row["id"], refresh=False, analyse=True))
        preview = next(t for t in TASKS if t.name == "GenerateMediaIndexFiles")
        if not preview.allowed(self._core):
            self._core.background(preview.run(self._core, section_id))

    async def empty_trash(self, section_id: int) -> None:
        def work(fill: Filler) -> None:
            gone = trash.empty(fill, section_id)
            store.touch(fill, section_id)
            LOG.info("Emptied trash of section %d: %d items", section_id, gone)

        await self._core.database.write(work)

    # --- sections ------------------------------------------------------------------

    async def rows(self) -> list[sqlite3.Row]:
        """Newest first, as the API lists them."""
        return await self._core.database.query(
            "SELECT * FROM library_sections ORDER BY id DESC"
        )

    async def row(self, section_id: int) -> sqlite3.Row | None:
        return await self._core.database.one(
            "SELECT * FROM library_sections WHERE id=?", section_id
        )

    async def section(self, section_id: int) -> Section | None:
        return await self._core.database.write(
            lambda fill: store.section_of(fill, section_id)
        )

    async def locations(self, section_id: int) -> list[sqlite3.Row]:
        return await self._core.database.query(
            "SELECT id, root_path FROM section_locations"
            " WHERE library_section_id=? ORDER BY id",
            section_id,
        )

    async def create(
        self, name: str, kind: str, locations: list[str], **columns: object
    ) -> int:
        """A new section; its first scan starts by itself."""
        prefs = columns.pop("prefs", {})

        def work(fill: Filler) -> int:
            assert isinstance(prefs, dict)
            made = fill.section(
                name, kind, locations, prefs=prefs, **columns  # type: ignore[arg-type]
            )
            return made.id

        section_id = await self._core.database.write(work)
        LOG.info('Created section %d "%s"', section_id, name)
        self.scan(ScanRequest(section_id))
        return section_id

    async def edit(
        self, section_id: int, columns: dict[str, str], locations: list[str]
    ) -> None:
        """Change columns; a list of locations replaces the one there is."""

        def work(fill: Filler) -> None:
            for column, value in columns.items():
                fill.main.execute(
                    f"UPDATE library_sections SET {column}=? WHERE id=?",
                    (value, section_id),
                )
            if locations:
                self._replace_locations(fill, section_id, locations)
            store.touch(fill, section_id)

        await self._core.database.write(work)

    @staticmethod
    def _replace_locations(fill: Filler, section_id: int, wanted: list[str]) -> None:
        section = store.section_of(fill, section_id)
        have = dict((root, i) for i, root in section.locations) if section else {}
        for root in set(have) - set(wanted):
            fill.main.execute("DELETE FROM section_locations WHERE id=?", (have[root],))
        for root in [root for root in wanted if root not in have]:
            fill.location(section_id, root)

    async def set_prefs(self, section_id: int, values: dict[str, str]) -> None:
        """Keep ``pr:`` values in the section's user_fields (§2.1)."""

        def work(fill: Filler) -> None:
            (text,) = fill.main.execute(
                "SELECT user_fields FROM library_sections WHERE id=?", (section_id,)
            ).fetchone()
            now = {**decode(text), **{f"pr:{k}": v for k, v in values.items()}}
            fill.main.execute(
                "UPDATE library_sections SET user_fields=? WHERE id=?",
                (encode(now), section_id),
            )
            store.touch(fill, section_id)

        await self._core.database.write(work)

    async def delete(self, section_id: int) -> None:
        self.cancel(section_id)

        def work(fill: Filler) -> None:
            for table in ("metadata_items", "media_items", "directories"):
                fill.main.execute(
                    f"UPDATE {table} SET deleted_at=? WHERE library_section_id=?",
                    (fill.now, section_id),
                )
            trash.empty(fill, section_id)
            fill.main.execute("DELETE FROM library_sections WHERE id=?", (section_id,))
            fill.main.execute(
                "DELETE FROM section_locations WHERE library_section_id=?",
                (section_id,),
            )

        await self._core.database.write(work)
        LOG.info("Deleted section %d", section_id)

    # --- browsing for a location ---------------------------------------------------

    async def browse(self, path: str) -> list[list[object]]:
        """What ``/services/browse`` shows of a folder; empty when unreadable."""
        try:
            found: list[list[object]] = await self._core.pool.call(
                "list", path, deadline=self._core.tuning.read_deadline
            )
        except ReadError as error:
            LOG.warning("Browsing: %s", error)
            return []
        return found


__all__ = ["KIND_NAMES", "Library", "ScanRequest"]
