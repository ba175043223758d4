# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an item's metadata and first analysis write (§2.2, §2.3)."""

from __future__ import annotations

import sqlite3
from typing import Any

from cloudburst_lab.plex_schema import (
    ANALYSED,
    Filler,
    MetadataType,
    StreamType,
    TagType,
    digest,
)
from cloudburst_lab.plex_schema.extra_data import decode, encode, merged

from . import bundles
from .logs import LOG

GENRES = ("Drama", "Comedy", "Documentary", "Adventure", "Mystery")
FAILED = "ms:musicAnalysisFailed"  # our own name: no source gives the real one


def _first(streams: list[dict[str, Any]], kind: StreamType) -> dict[str, Any]:
    return next((stream for stream in streams if stream["type"] == kind), {})


def readable(facts: dict[str, Any]) -> bool:
    """Did the probe find any video, audio or picture?"""
    return bool(facts["streams"] or facts.get("width") or facts.get("head_only"))


def write_metadata(row: sqlite3.Row, url: str, online: bool, fill: Filler) -> None:
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
        "SELECT id, extra_data FROM metadata_items WHERE +metadata_type=10"
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
    if not readable(facts):
        LOG.warning('Unable to analyze "%s": no streams', part["file"])
        return
    _write_item(fill, part, facts)
    _write_part(fill, part, facts)
    if fresh:  # an item that only lacked its thumbnail keeps its streams
        _write_streams(fill, part, facts["streams"])
    thumb = bundles.thumb_url(facts["hash"]) if kind != "artist" else ""
    fill.main.execute(
        "UPDATE metadata_items SET duration=coalesce(?, duration), updated_at=?,"
        " user_thumb_url=coalesce(nullif(user_thumb_url, ''), ?),"
        " changed_at=changed_at+1 WHERE id=?",
        (facts.get("duration"), fill.now, thumb, row["id"]),
    )


def _write_item(fill: Filler, part: sqlite3.Row, facts: dict[str, Any]) -> None:
    video = _first(facts["streams"], StreamType.VIDEO)
    audio = _first(facts["streams"], StreamType.AUDIO)
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


def _write_part(fill: Filler, part: sqlite3.Row, facts: dict[str, Any]) -> None:
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
