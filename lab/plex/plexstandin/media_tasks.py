# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Butler tasks that read media and leave traces, one file at a time (§1.6, §2.2, §2.3)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cloudburst_lab.plex_schema.extra_data import decode

from . import media_work
from .activities import Activity
from .core import Core
from .item_rows import FAILED
from .logs import LOG
from .pool import ReadError
from .preferences import section_settings
from .store import KIND_NAMES, SectionType

Row = sqlite3.Row
_SELECT = (
    "SELECT p.id, p.file, p.hash, p.extra_data, p.duration, i.id AS item_id,"
    " m.id AS metadata_id, m.title, m.guid, m.extra_data AS item_extra,"
    " m.library_section_id AS section_id FROM media_parts p"
    " JOIN media_items i ON i.id=p.media_item_id"
    " JOIN metadata_items m ON m.id=i.metadata_item_id"
    " WHERE +p.deleted_at IS NULL AND +m.deleted_at IS NULL"
    " AND m.library_section_id=? AND m.metadata_type IN ({types}) AND {pending}"
    " ORDER BY m.id"
)
VIDEO = "1, 4"


def _lacks(column: str, key: str) -> str:
    """Pending while the key is in neither spelling of an extra_data column (§2.1)."""
    return f"instr(coalesce({column}, ''), '{key}')=0"


@dataclass(frozen=True)
class MediaTask:
    """A Butler task over files: what is pending, where, and the work on one."""

    name: str
    activity: str
    title: str
    types: str
    pending: str
    work: Callable[[Core, Row], Awaitable[None]]
    behaviour: str = ""  # server setting that must not be "never"
    section_pref: str = ""  # section setting that must be on
    plex_pass: bool = False

    def allowed(self, core: Core) -> str:
        """Why the task does nothing on this server; '' when it may."""
        if self.plex_pass and not core.prefs.plex_pass:
            return "requires Plex Pass"
        if self.behaviour and core.prefs.behaviour(self.behaviour) == "never":
            return f"{self.behaviour} is never"
        return ""

    def takes(self, core: Core, section: Row) -> bool:
        """Is the task on for a section?"""
        if not self.section_pref:
            return True
        kind = KIND_NAMES[SectionType(section["section_type"])]
        setting = section_settings(kind, core.prefs.plex_pass).get(self.section_pref)
        if setting is None:
            return False
        stored = decode(section["user_fields"]).get(f"pr:{self.section_pref}")
        return bool(setting.parse(stored) if stored else setting.default)

    async def backlog(self, core: Core, section_id: int | None = None) -> list[Row]:
        """The files that wait, of all sections or of one."""
        sql = _SELECT.format(types=self.types, pending=self.pending)
        waiting: list[Row] = []
        for section in await core.database.query("SELECT * FROM library_sections"):
            wanted = section_id in (None, section["id"])
            if wanted and self.takes(core, section):
                waiting += await core.database.query(sql, section["id"])
        return waiting

    async def run(self, core: Core, section_id: int | None = None) -> None:
        """Work through the backlog as it is now."""
        reason = self.allowed(core)
        if reason:
            LOG.info("Butler: %s has nothing to do: %s", self.name, reason)
            return
        waiting = await self.backlog(core, section_id)
        LOG.info("Butler: %s has %d items to process", self.name, len(waiting))
        current = asyncio.current_task()
        activity = Activity(
            self.activity,
            self.title,
            cancellable=True,
            cancel=current.cancel if current else None,
        )
        with core.activities.run(activity):
            core.crash_point("sonic" if self.name == "MusicAnalysis" else "analysis")
            await self._all(core, waiting, activity)

    async def _all(self, core: Core, waiting: list[Row], activity: Activity) -> None:
        queue = asyncio.Queue[Row]()
        for row in waiting:
            queue.put_nowait(row)

        async def worker() -> None:
            while not queue.empty():
                row = queue.get_nowait()
                done = len(waiting) - queue.qsize() - 1
                core.activities.update(activity, done, len(waiting), row["title"])
                try:
                    await self.work(core, row)
                except ReadError as error:
                    LOG.warning("%s: cannot read %s", self.name, error)

        workers = [asyncio.create_task(worker()) for _ in range(core.tuning.workers)]
        try:
            await asyncio.gather(*workers)
        finally:
            for task in workers:
                task.cancel()


TASKS = (
    MediaTask(
        "DeepMediaAnalysis",
        "media.generate.deep",
        "Analyzing media",
        VIDEO,
        _lacks("p.extra_data", "deepAnalysisVersion"),
        media_work.deep,
    ),
    MediaTask(
        "GenerateChapterThumbs",
        "media.generate.chapter.thumbs",
        "Generating chapter thumbnails",
        VIDEO,
        _lacks("p.extra_data", "chapters"),
        media_work.chapters,
        behaviour="GenerateChapterThumbBehavior",
    ),
    MediaTask(
        "GenerateMediaIndexFiles",
        "media.generate.bif",
        "Generating video preview thumbnails",
        VIDEO,
        "1",
        media_work.preview,
        behaviour="GenerateBIFBehavior",
        section_pref="enableBIFGeneration",
    ),
    MediaTask(
        "ButlerTaskGenerateIntroMarkers",
        "media.generate.intros",
        "Detecting intros",
        "4",
        _lacks("p.extra_data", "intros"),
        media_work.intro,
        behaviour="GenerateIntroMarkerBehavior",
        section_pref="enableIntroMarkerGeneration",
        plex_pass=True,
    ),
    MediaTask(
        "ButlerTaskGenerateCreditsMarkers",
        "media.generate.credits",
        "Detecting credits",
        VIDEO,
        _lacks("p.extra_data", "credits"),
        media_work.end_credits,
        behaviour="GenerateCreditsMarkerBehavior",
        section_pref="enableCreditsMarkerGeneration",
        plex_pass=True,
    ),
    MediaTask(
        "ButlerTaskGenerateAdMarkers",
        "media.generate.ads",
        "Detecting ads",
        VIDEO,
        _lacks("p.extra_data", "pv:ads"),
        media_work.ads,
        behaviour="GenerateAdMarkerBehavior",
        section_pref="enableAdMarkerGeneration",
        plex_pass=True,
    ),
    MediaTask(
        "ButlerTaskGenerateVoiceActivity",
        "media.generate.voice.activity",
        "Detecting voice activity",
        VIDEO,
        _lacks("p.extra_data", "voiceActivityVersion"),
        media_work.voice,
        behaviour="GenerateVADBehavior",
        section_pref="enableVoiceActivityGeneration",
        plex_pass=True,
    ),
    MediaTask(
        "LoudnessAnalysis",
        "media.generate.loudness",
        "Analyzing loudness",
        "10",
        f"i.media_analysis_version>0 AND {_lacks('m.extra_data', 'loudnessAnalysis')}",
        media_work.loudness,
        behaviour="LoudnessAnalysisBehavior",
    ),
    MediaTask(
        "GenerateBlurHashes",
        "media.generate.blurhashes",
        "Generating blur hashes",
        "1, 4, 13",
        f"m.user_thumb_url != '' AND {_lacks('m.extra_data', 'thumbBlurHash')}",
        media_work.blur_hash,
    ),
    # The activity type of sonic analysis is not known (§7.2); this one is ours.
    MediaTask(
        "MusicAnalysis",
        "media.generate.music.analysis",
        "Analyzing music",
        "10",
        f"{_lacks('m.extra_data', 'musicAnalysisVersion')}"
        f" AND {_lacks('m.extra_data', FAILED.partition(':')[2])}",
        media_work.sonic,
        behaviour="MusicAnalysisBehavior",
        section_pref="musicAnalysis",
        plex_pass=True,
    ),
)
