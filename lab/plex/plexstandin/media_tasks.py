# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Butler tasks that read media and leave traces, one file at a time (§1.6, §2.2, §2.3)."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cloudburst_lab.plex_schema import BlobType, Filler, TagType, sonic_blob
from cloudburst_lab.plex_schema.extra_data import decode, merged

from . import bundles
from .activities import Activity
from .core import Core
from .items import FAILED
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
    " WHERE p.deleted_at IS NULL AND m.deleted_at IS NULL"
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


# --- the work on one file ----------------------------------------------------------


async def _read(core: Core, row: Row) -> dict[str, int | str]:
    facts: dict[str, int | str] = await core.pool.call(
        "read", row["file"], seconds=core.tuning.analysis_item
    )
    return facts


def _set_part(fill: Filler, row: Row, values: dict[str, object]) -> None:
    """Set keys in the part's extra_data, as it is now."""
    (text,) = fill.main.execute(
        "SELECT extra_data FROM media_parts WHERE id=?", (row["id"],)
    ).fetchone() or ("",)
    fill.main.execute(
        "UPDATE media_parts SET extra_data=? WHERE id=?",
        (merged(text, values), row["id"]),
    )


async def _deep(core: Core, row: Row) -> None:
    facts = await _read(core, row)
    bandwidth = ",".join(str(int(facts["size"]) // 125 + n) for n in range(8))

    def work(fill: Filler) -> None:
        _set_part(fill, row, {"ma:deepAnalysisVersion": "6"})
        _set_streams(fill, row, 1, {"ma:requiredBandwidths": bandwidth})

    await core.database.write(work)


def _set_streams(
    fill: Filler, row: Row, stream_type: int, values: dict[str, object]
) -> None:
    streams = fill.main.execute(
        "SELECT id, extra_data FROM media_streams WHERE media_part_id=?"
        " AND stream_type_id=?",
        (row["id"], stream_type),
    ).fetchall()
    for stream in streams:
        fill.main.execute(
            "UPDATE media_streams SET extra_data=? WHERE id=?",
            (merged(stream["extra_data"], values), stream["id"]),
        )


async def _chapters(core: Core, row: Row) -> None:
    facts = await core.pool.call(
        "probe", row["file"], "movie", "full", seconds=core.tuning.analysis_item
    )
    count, length = facts.get("chapters", 0), facts.get("duration") or 0
    contents = bundles.part_contents(core.layout.media, row["hash"])
    for number in range(1, count + 1):
        picture = contents / "Chapters" / f"chapter{number}.jpg"
        bundles.write(picture, bundles.JPEG)

    def work(fill: Filler) -> None:
        chapters = {"Chapters": {"Chapter": list(range(1, count + 1))} if count else {}}
        _set_part(fill, row, {"pv:chapters": json.dumps(chapters)})
        for number in range(count):
            start = length * number // count
            url = f"media://{bundles.bundle_name(row['hash'])}/Contents/Chapters/"
            fill.tag(
                row["metadata_id"],
                "",
                TagType.CHAPTER,
                index=number + 1,
                text=f"Chapter {number + 1}",
                time_offset=start,
                end_time_offset=length * (number + 1) // count,
                thumb_url=f"{url}chapter{number + 1}.jpg",
            )

    await core.database.write(work)


def bif_path(core: Core, part_hash: str) -> bundles.Path:
    contents = bundles.part_contents(core.layout.media, part_hash)
    return contents / "Indexes" / "index-sd.bif"


async def _preview(core: Core, row: Row) -> None:
    """The file on disk is the only trace; what has one is not done again."""
    path = bif_path(core, row["hash"])
    if path.exists():
        return
    await _read(core, row)
    interval = 1000 * int(core.prefs.value("GenerateBIFFrameInterval"))
    frames = max(1, min(300, (row["duration"] or 0) // interval))
    bundles.write(path, bundles.bif(frames, interval))


def _marker(fill: Filler, row: Row, kind: str, start: float, end: float) -> None:
    length = row["duration"] or 0
    fill.tag(
        row["metadata_id"],
        "",
        TagType.MARKER,
        text=kind,
        time_offset=int(length * start),
        end_time_offset=int(length * end),
    )


def _numbers(digest: str, count: int) -> list[int]:
    """Deterministic 32 bit numbers from a digest."""
    seed = int(digest[:16], 16)
    return [(seed * (n + 1) * 2654435761) & 0xFFFFFFFF for n in range(count)]


async def _intro(core: Core, row: Row) -> None:
    digest = str((await _read(core, row))["digest"])
    data = ",".join(map(str, _numbers(digest, 400))).encode()

    def work(fill: Filler) -> None:
        packed = gzip.compress(data, mtime=0)
        fill.blob("media_part", row["id"], BlobType.INTRO_FINGERPRINT, packed)
        _marker(fill, row, "intro", 0.02, 0.05)
        _set_part(fill, row, {"pv:intros": "[]"})

    await core.database.write(work)


async def _credits(core: Core, row: Row) -> None:
    await _read(core, row)

    def work(fill: Filler) -> None:
        _marker(fill, row, "credits", 0.95, 1.0)
        _set_part(fill, row, {"pv:credits": "[]"})

    await core.database.write(work)


async def _voice(core: Core, row: Row) -> None:
    digest = str((await _read(core, row))["digest"])
    bits = "".join(str(n >> 16 & 1) for n in _numbers(digest, 600)).encode()

    def work(fill: Filler) -> None:
        packed = gzip.compress(bits, mtime=0)
        fill.blob("media_part", row["id"], BlobType.VOICE_ACTIVITY, packed)
        _set_part(fill, row, {"ma:voiceActivityVersion": "1"})

    await core.database.write(work)


async def _ads(core: Core, row: Row) -> None:
    await _read(core, row)
    await core.database.write(lambda fill: _set_part(fill, row, {"pv:ads": "[]"}))


async def _loudness(core: Core, row: Row) -> None:
    level = int((await _read(core, row))["level"])
    values = {
        "ln:gain": f"{level / 100 - 5:.2f}",
        "ln:loudness": f"{-23 + level / 500:.2f}",
        "ln:loudnessAnalysisVersion": "0.02",
        "ln:lra": "7.30",
        "ln:peak": "-8.57",
    }

    def work(fill: Filler) -> None:
        _set_streams(fill, row, 2, dict(values))
        version = {"ln:loudnessAnalysisVersion": "2"}
        fill.set_extra(row["metadata_id"], dict(version))

    await core.database.write(work)


async def _blur_hash(core: Core, row: Row) -> None:
    value: dict[str, object] = {"pv:thumbBlurHash": "U" + str(row["guid"])[-20:]}
    await core.database.write(lambda fill: fill.set_extra(row["metadata_id"], value))


async def _sonic(core: Core, row: Row) -> None:
    """Fingerprint a track; one that fails is marked and not tried again (§2.2)."""
    LOG.info('Sonic: Fingerprinting "%s"', row["file"])
    try:
        facts = await core.pool.call(
            "fingerprint", row["file"], seconds=core.tuning.sonic_item
        )
    except ReadError as error:
        facts = {"error": error.reason}
    if "error" in facts:
        LOG.error('Sonic: analysis of "%s" failed: %s', row["file"], facts["error"])
        failed: dict[str, object] = {FAILED: "1"}
        await core.database.write(
            lambda fill: fill.set_extra(row["metadata_id"], failed)
        )
        return
    vector = sonic_blob(bytes.fromhex(facts["digest"]))
    await core.database.write(lambda fill: fill.sonic(row["metadata_id"], vector))


TASKS = (
    MediaTask(
        "DeepMediaAnalysis",
        "media.generate.deep",
        "Analyzing media",
        VIDEO,
        _lacks("p.extra_data", "deepAnalysisVersion"),
        _deep,
    ),
    MediaTask(
        "GenerateChapterThumbs",
        "media.generate.chapter.thumbs",
        "Generating chapter thumbnails",
        VIDEO,
        _lacks("p.extra_data", "chapters"),
        _chapters,
        behaviour="GenerateChapterThumbBehavior",
    ),
    MediaTask(
        "GenerateMediaIndexFiles",
        "media.generate.bif",
        "Generating video preview thumbnails",
        VIDEO,
        "1",
        _preview,
        behaviour="GenerateBIFBehavior",
        section_pref="enableBIFGeneration",
    ),
    MediaTask(
        "ButlerTaskGenerateIntroMarkers",
        "media.generate.intros",
        "Detecting intros",
        "4",
        _lacks("p.extra_data", "intros"),
        _intro,
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
        _credits,
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
        _ads,
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
        _voice,
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
        _loudness,
        behaviour="LoudnessAnalysisBehavior",
    ),
    MediaTask(
        "GenerateBlurHashes",
        "media.generate.blurhashes",
        "Generating blur hashes",
        "1, 4, 13",
        f"m.user_thumb_url != '' AND {_lacks('m.extra_data', 'thumbBlurHash')}",
        _blur_hash,
    ),
    # The activity type of sonic analysis is not known (§7.2); this one is ours.
    MediaTask(
        "MusicAnalysis",
        "media.generate.music.analysis",
        "Analyzing music",
        "10",
        f"{_lacks('m.extra_data', 'musicAnalysisVersion')}"
        f" AND {_lacks('m.extra_data', FAILED.partition(':')[2])}",
        _sonic,
        behaviour="MusicAnalysisBehavior",
        section_pref="musicAnalysis",
        plex_pass=True,
    ),
)
