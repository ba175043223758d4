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
    ANALYSED,
    Filler,
    MetadataType,
    SectionType,
    StreamType,
    TagType,
    digest,
)
from cloudburst_lab.plex_schema.extra_data import decode, encode, merged

from . import bundles
from .activities import Activities, Activity, Notifications
from .database import Database
from .logs import LOG
from .pool import ReadError, ScannerPool
from .store import KIND_NAMES
from .tuning import Layout, Tuning

GENRES = ("Drama", "Comedy", "Documentary", "Adventure", "Mystery")
FAILED = "ms:musicAnalysisFailed"  # our own name: no source gives the real one
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
        await self._db.write(lambda fill: _write_metadata(fill, row, url, online))

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


def _first(streams: list[dict[str, Any]], kind: StreamType) -> dict[str, Any]:
    return next((stream for stream in streams if stream["type"] == kind), {})


def readable(facts: dict[str, Any]) -> bool:
    """Did the probe find any video, audio or picture?"""
    return bool(facts["streams"] or facts.get("width") or facts.get("head_only"))


def _write_metadata(fill: Filler, row: sqlite3.Row, url: str, online: bool) -> None:
    item, kind = row["id"], row["metadata_type"]
    summary = row["summary"] or (f"About {row['title']}." if online else "")
    fill.main.execute(
        "UPDATE metadata_items SET refreshed_at=?, updated_at=?, user_thumb_url=?,"
        " summary=?, changed_at=changed_at+1 WHERE id=?",
        (fill.now, fill.now, url, summary, item),
    )
    tagged = fill.main.execute(
        "SELECT 1 FROM taggings WHERE metadata_item_id=? LIMIT 1", (item,)
    ).fetchone()
    top = kind in (MetadataType.MOVIE, MetadataType.SHOW, MetadataType.ARTIST)
    if online and top and not tagged:
        genre = GENRES[int(digest(row["guid"])[:8], 16) % len(GENRES)]
        fill.tag(item, genre, TagType.GENRE, index=0)
    if kind in (MetadataType.ALBUM, MetadataType.ARTIST):
        _clear_failures(fill, item)


def _clear_failures(fill: Filler, item: int) -> None:
    """Refreshing an album lets its failed tracks be analysed again (§2.2)."""
    rows = fill.main.execute(
        "SELECT id, extra_data FROM metadata_items WHERE metadata_type=10"
        " AND extra_data LIKE ? AND parent_id IN (SELECT id FROM metadata_items"
        " WHERE id=? OR parent_id=?)",
        (f"%{FAILED}%", item, item),
    ).fetchall()
    for row in rows:
        values = decode(row["extra_data"])
        values.pop(FAILED, None)
        fill.main.execute(
            "UPDATE metadata_items SET extra_data=? WHERE id=?",
            (encode(values) if values else "", row["id"]),
        )


def write_facts(
    row: sqlite3.Row,
    part: sqlite3.Row,
    facts: dict[str, Any],
    kind: str,
    fresh: bool,
    fill: Filler,
) -> None:
    """A probe's facts as item, part and stream rows. Unreadable files stay at 0."""
    streams = facts["streams"]
    if not readable(facts):
        LOG.warning('Unable to analyze "%s": no streams', part["file"])
        return
    video = _first(streams, StreamType.VIDEO)
    audio = _first(streams, StreamType.AUDIO)
    fill.main.execute(
        "UPDATE media_items SET media_analysis_version=?, duration=?, bitrate=?,"
        " container=?, width=?, height=?, video_codec=?, audio_codec=?,"
        " audio_channels=?, frames_per_second=?, size=?, updated_at=? WHERE id=?",
        (
            ANALYSED,
            facts.get("duration"),
            facts.get("bitrate"),
            facts["container"],
            video.get("width") or facts.get("width"),
            video.get("height") or facts.get("height"),
            video.get("codec"),
            audio.get("codec"),
            audio.get("channels"),
            video.get("rate"),
            facts["size"],
            facts["mtime"],
            part["item_id"],
        ),
    )
    fill.main.execute(
        "UPDATE media_parts SET hash=?, open_subtitle_hash=?, duration=?, size=?,"
        " updated_at=?, extra_data=? WHERE id=?",
        (
            facts["hash"],
            facts["open_subtitle_hash"],
            facts.get("duration"),
            facts["size"],
            facts["mtime"],
            merged(part["extra_data"], {"ma:container": facts["container"]}),
            part["id"],
        ),
    )
    if fresh:  # an item that only lacked its thumbnail keeps its streams
        _write_streams(fill, part, streams)
    thumb = bundles.thumb_url(facts["hash"]) if kind != "artist" else ""
    fill.main.execute(
        "UPDATE metadata_items SET duration=coalesce(?, duration), updated_at=?,"
        " user_thumb_url=coalesce(nullif(user_thumb_url, ''), ?),"
        " changed_at=changed_at+1 WHERE id=?",
        (facts.get("duration"), fill.now, thumb, row["id"]),
    )


def _write_streams(
    fill: Filler, part: sqlite3.Row, streams: list[dict[str, Any]]
) -> None:
    fill.main.execute("DELETE FROM media_streams WHERE media_part_id=?", (part["id"],))
    for index, stream in enumerate(streams):
        extra = {"ma:channels": stream["channels"]} if stream["channels"] else {}
        fill.stream(
            part["item_id"],
            part["id"],
            StreamType(stream["type"]),
            stream["codec"],
            index=index,
            channels=stream["channels"],
            bitrate=stream["bitrate"],
            language=stream["language"],
            default=int(index < 2),
            extra_data=encode(extra) if extra else "",
        )
