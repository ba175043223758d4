# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Butler task does with one file, and the traces it leaves (§1.6, §2.1, §2.2)."""

from __future__ import annotations

import gzip
import json
import sqlite3

from cloudburst_lab.plex_schema import BlobType, Filler, TagType, sonic_blob
from cloudburst_lab.plex_schema.extra_data import merged

from . import bundles
from .core import Core
from .item_rows import FAILED
from .logs import LOG
from .pool import ReadError

Row = sqlite3.Row


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


async def deep(core: Core, row: Row) -> None:
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


async def chapters(core: Core, row: Row) -> None:
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


async def preview(core: Core, row: Row) -> None:
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


async def intro(core: Core, row: Row) -> None:
    digest = str((await _read(core, row))["digest"])
    data = ",".join(map(str, _numbers(digest, 400))).encode()

    def work(fill: Filler) -> None:
        packed = gzip.compress(data, mtime=0)
        fill.blob("media_part", row["id"], BlobType.INTRO_FINGERPRINT, packed)
        _marker(fill, row, "intro", 0.02, 0.05)
        _set_part(fill, row, {"pv:intros": "[]"})

    await core.database.write(work)


async def end_credits(core: Core, row: Row) -> None:
    await _read(core, row)

    def work(fill: Filler) -> None:
        _marker(fill, row, "credits", 0.95, 1.0)
        _set_part(fill, row, {"pv:credits": "[]"})

    await core.database.write(work)


async def voice(core: Core, row: Row) -> None:
    digest = str((await _read(core, row))["digest"])
    bits = "".join(str(n >> 16 & 1) for n in _numbers(digest, 600)).encode()

    def work(fill: Filler) -> None:
        packed = gzip.compress(bits, mtime=0)
        fill.blob("media_part", row["id"], BlobType.VOICE_ACTIVITY, packed)
        _set_part(fill, row, {"ma:voiceActivityVersion": "1"})

    await core.database.write(work)


async def ads(core: Core, row: Row) -> None:
    await _read(core, row)
    await core.database.write(lambda fill: _set_part(fill, row, {"pv:ads": "[]"}))


async def loudness(core: Core, row: Row) -> None:
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


async def blur_hash(core: Core, row: Row) -> None:
    value: dict[str, object] = {"pv:thumbBlurHash": "U" + str(row["guid"])[-20:]}
    await core.database.write(lambda fill: fill.set_extra(row["metadata_id"], value))


async def sonic(core: Core, row: Row) -> None:
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
