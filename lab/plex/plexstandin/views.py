# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows as the API shows them: sections, items with media, the ``/tree`` view (§3.3)."""

from __future__ import annotations

import base64
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from cloudburst_lab.plex_schema import MetadataType, SectionType
from cloudburst_lab.plex_schema.extra_data import decode

from .core import Core
from .store import KIND_NAMES

Row = sqlite3.Row
Tree = dict[str, Any]
TYPE_NAMES = {kind: kind.name.lower() for kind in MetadataType} | {
    MetadataType.PHOTOALBUM: "photo"  # an album calls itself a photo
}
ITEMS = (
    "SELECT m.*, s.name AS section_name, s.uuid AS section_uuid,"
    ' p.title AS parent_title, p.guid AS parent_guid, p."index" AS parent_index,'
    " p.user_thumb_url AS parent_thumb, p.parent_id AS grandparent_id,"
    " g.title AS grandparent_title, g.guid AS grandparent_guid,"
    " w.view_count, w.view_offset, w.last_viewed_at, w.rating AS user_rating,"
    " (SELECT count(*) FROM metadata_items c WHERE c.parent_id=m.id) AS child_count"
    " FROM metadata_items m LEFT JOIN library_sections s ON s.id=m.library_section_id"
    " LEFT JOIN metadata_items p ON p.id=m.parent_id"
    " LEFT JOIN metadata_items g ON g.id=p.parent_id"
    " LEFT JOIN metadata_item_settings w ON w.guid=m.guid AND +w.account_id=1"
)
_MEDIA = (
    "SELECT i.*, p.id AS part_id, p.file, p.hash, p.open_subtitle_hash, p.size AS"
    " part_size, p.duration AS part_duration, p.extra_data AS part_extra FROM media_items i"
    " JOIN media_parts p ON p.media_item_id=i.id WHERE i.metadata_item_id IN ({marks})"
    " ORDER BY i.id, p.id"
)
_MEDIA_FIELDS = [
    "duration",
    "bitrate",
    "width",
    "height",
    "container",
    "video_codec",
    "audio_codec",
    "audio_channels",
]
PARENT_KINDS = frozenset(
    ["show", "season", "artist", "album", "collection", "playlist"]
)


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def section_tree(core: Core, row: Row, locations: Iterable[Row]) -> Tree:
    """One ``Directory`` of ``/library/sections``."""
    prefs = decode(row["user_fields"])
    return {
        "allowSync": False,
        "filters": True,
        "refreshing": core.activities.scanning(row["id"]),
        "key": str(row["id"]),
        "type": KIND_NAMES[SectionType(row["section_type"])],
        "title": row["name"],
        "agent": row["agent"],
        "scanner": row["scanner"],
        "language": row["language"],
        "uuid": row["uuid"],
        "updatedAt": row["updated_at"],
        "createdAt": row["created_at"],
        "scannedAt": row["scanned_at"],
        "content": True,
        "directory": True,
        "contentChangedAt": row["content_changed_at"],
        "hidden": int(prefs.get("pr:hidden", "0")),
        "Location": [{"id": loc["id"], "path": loc["root_path"]} for loc in locations],
    }


def _own(row: Row, kind: str) -> Tree:
    extra = decode(row["extra_data"])
    base = f"/library/metadata/{row['id']}"
    parent = kind in PARENT_KINDS or row["metadata_type"] == MetadataType.PHOTOALBUM
    tree = {
        "ratingKey": str(row["id"]),
        "key": f"{base}/children" if parent else base,
        "guid": row["guid"],
        "slug": row["slug"],
        "type": kind,
        "title": row["title"],
        "titleSort": row["title_sort"] if row["title_sort"] != row["title"] else None,
        "summary": row["summary"] or "",
        "index": row["index"],
        "year": row["year"],
        "duration": row["duration"],
        "addedAt": row["added_at"],
        "updatedAt": row["updated_at"],
        "deletedAt": row["deleted_at"],
        "viewCount": row["view_count"] or None,
        "viewOffset": row["view_offset"] or None,
        "lastViewedAt": row["last_viewed_at"],
        "userRating": row["user_rating"],
        "musicAnalysisVersion": extra.get("ms:musicAnalysisVersion"),
        "loudnessAnalysisVersion": extra.get("ln:loudnessAnalysisVersion"),
        "librarySectionID": row["library_section_id"],
        "librarySectionTitle": row["section_name"],
    }
    if row["user_thumb_url"]:
        tree["thumb"] = f"{base}/thumb/{row['updated_at']}"
    if parent:
        tree["childCount" if kind in ("show", "artist") else "leafCount"] = row[
            "child_count"
        ]
    return tree


def _relations(row: Row) -> Tree:
    tree: Tree = {}
    if row["parent_id"]:
        tree |= {
            "parentRatingKey": str(row["parent_id"]),
            "parentKey": f"/library/metadata/{row['parent_id']}",
            "parentGuid": row["parent_guid"],
            "parentTitle": row["parent_title"],
            "parentIndex": row["parent_index"],
        }
    if row["grandparent_id"]:
        tree |= {
            "grandparentRatingKey": str(row["grandparent_id"]),
            "grandparentKey": f"/library/metadata/{row['grandparent_id']}",
            "grandparentGuid": row["grandparent_guid"],
            "grandparentTitle": row["grandparent_title"],
        }
    return tree


def item_tree(row: Row, media: list[Tree]) -> Tree:
    """One item; ``media`` empty for those without files."""
    kind = TYPE_NAMES[MetadataType(row["metadata_type"])]
    tree = {**_own(row, kind), **_relations(row)}
    return {**tree, "Media": media} if media else tree


def _part(row: Row, found: dict[str, Any] | None) -> Tree:
    extra = decode(row["part_extra"])
    tree = {
        "id": row["part_id"],
        "key": f"/library/parts/{row['part_id']}/{row['updated_at']}/file",
        "duration": row["part_duration"],
        "file": row["file"],
        "size": row["part_size"],
        "container": row["container"],
        "deepAnalysisVersion": extra.get("ma:deepAnalysisVersion"),
    }
    return tree if found is None else {**tree, **found}


def media_tree(
    row: Row, streams: list[Row], found: dict[str, Any] | None = None
) -> Tree:
    """One ``Media`` with its part; ``found`` is what checkFiles=1 adds."""
    fields = {camel(name): row[name] for name in _MEDIA_FIELDS}
    part = _part(row, found)
    if streams:
        part["Stream"] = [
            {
                "id": stream["id"],
                "streamType": stream["stream_type_id"],
                "codec": stream["codec"],
                "index": stream["index"],
                "channels": stream["channels"],
                "bitrate": stream["bitrate"],
                "language": stream["language"] or None,
                **{
                    key.partition(":")[2]: value
                    for key, value in decode(stream["extra_data"]).items()
                    if key.startswith("ln:")
                },
            }
            for stream in streams
        ]
    return {"id": row["id"], **fields, "Part": [part]}


async def item_trees(
    core: Core, rows: list[Row], *, detailed: bool = False, check_files: bool = False
) -> list[Tree]:
    """Items with their media; streams only in detail, ``exists`` only when checked."""
    ids = [row["id"] for row in rows]
    marks = ", ".join("?" * len(ids))
    media = await core.database.query(_MEDIA.format(marks=marks), *ids)
    streams: dict[int, list[Row]] = defaultdict(list)
    if detailed and media:
        parts = [row["part_id"] for row in media]
        for stream in await core.database.query(
            "SELECT * FROM media_streams WHERE media_part_id IN"
            f" ({', '.join('?' * len(parts))}) ORDER BY media_part_id, \"index\"",
            *parts,
        ):
            streams[stream["media_part_id"]].append(stream)
    exists: dict[str, dict[str, Any]] = {}
    if check_files:
        files = [row["file"] for row in media]
        seen = await core.pool.call("check", files, core.tuning.verify)
        for file, state in zip(files, seen, strict=True):
            there = isinstance(state, list)
            exists[file] = {"accessible": there, "exists": there}
    by_item: dict[int, list[Tree]] = defaultdict(list)
    for row in media:
        tree = media_tree(row, streams[row["part_id"]], exists.get(row["file"]))
        by_item[row["metadata_item_id"]].append(tree)
    return [item_tree(row, by_item[row["id"]]) for row in rows]


async def internal_tree(core: Core, row: Row) -> Tree:
    """``/library/metadata/{id}/tree``: the rows with their hashes."""
    media = await core.database.query(_MEDIA.format(marks="?"), row["id"])
    items = []
    for item in media:
        streams = await core.database.query(
            "SELECT id, codec, stream_type_id FROM media_streams WHERE media_part_id=?",
            item["part_id"],
        )
        part = {
            "id": item["part_id"],
            "file": item["file"],
            "hash": item["hash"],
            "openSubtitleHash": item["open_subtitle_hash"],
            "size": item["part_size"],
            "MediaStream": [dict(stream) for stream in streams],
        }
        items.append({"id": item["id"], "MediaPart": [part]})
    return {
        "id": row["id"],
        "title": row["title"],
        "hash": row["hash"],
        "MediaItem": items,
    }


def browse_key(path: str) -> str:
    return "/services/browse/" + base64.urlsafe_b64encode(path.encode()).decode()
