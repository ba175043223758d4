# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Insert single rows into a pair, with the defaults that a real server leaves."""

from __future__ import annotations

import hashlib
import posixpath
import sqlite3
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .codes import AGENTS, MetadataType, SectionType, StreamType
from .extra_data import encode

KINDS = {
    "movie": SectionType.MOVIE,
    "show": SectionType.SHOW,
    "artist": SectionType.ARTIST,
    "photo": SectionType.PHOTO,
}
# 6 was read on real analysed rows; 0 is "not analysed" (plex-facts §2.3).
ANALYSED = 6
# The server setting ArticleStrings' default.
_ARTICLES = tuple(f"{word} " for word in ["the", "das", "der", "a", "an", "el", "la"])

_COUNT_MEDIA = (
    "UPDATE metadata_items SET media_item_count=media_item_count+1 WHERE id=?"
)


def digest(*parts: object) -> str:
    """A 40 digit hex hash of what identifies a thing, as Plex's ``hash`` columns."""
    return hashlib.sha1("\0".join(map(str, parts)).encode()).hexdigest()


def sort_title(title: str) -> str:
    """The title without its leading article."""
    for article in _ARTICLES:
        if title.lower().startswith(article) and len(title) > len(article):
            return title[len(article) :]
    return title


@dataclass(frozen=True)
class Section:
    """A library section and its (location id, root path) pairs."""

    id: int
    type: SectionType
    agent: str
    locations: tuple[tuple[int, str], ...]

    def location_of(self, path: str) -> tuple[int, str]:
        """The location that holds a file; ValueError when none does."""
        for location_id, root in self.locations:
            if path.startswith(root.rstrip("/") + "/"):
                return location_id, root
        raise ValueError(f"{path} is under no location of section {self.id}")


class Rows:
    """Row inserts on the two connections of a pair. The caller commits."""

    def __init__(
        self,
        main: sqlite3.Connection,
        blobs: sqlite3.Connection,
        clock: int | None = None,
    ) -> None:
        self.main = main
        self.blobs = blobs
        self._clock = clock

    @property
    def now(self) -> int:
        return int(time.time()) if self._clock is None else self._clock

    def row(self, table: str, **values: object) -> int:
        """Insert one row into the library DB; its id."""
        return _insert(self.main, table, values)

    def blobs_row(self, table: str, **values: object) -> int:
        """Insert one row into the blobs DB; its id."""
        return _insert(self.blobs, table, values)

    def rows(
        self, table: str, columns: Iterable[str], values: Iterable[Iterable[object]]
    ) -> None:
        """Insert many rows at once (for databases of real size)."""
        names = list(columns)
        self.main.executemany(_statement(table, names), (tuple(v) for v in values))

    def account(self, account_id: int, name: str) -> int:
        return self.row(
            "accounts",
            id=account_id,
            name=name,
            created_at=self.now,
            updated_at=self.now,
            default_audio_language="",
            default_subtitle_language="",
            auto_select_subtitle=1,
            auto_select_audio=1,
        )

    def section(
        self,
        name: str,
        kind: str | SectionType,
        locations: Iterable[str],
        *,
        agent: str | None = None,
        scanner: str | None = None,
        language: str | None = None,
        prefs: Mapping[str, object] | None = None,
        **columns: object,
    ) -> Section:
        """A section, its locations and their root directories (path '')."""
        section_type = KINDS[kind] if isinstance(kind, str) else kind
        default = AGENTS[section_type]
        values: dict[str, object] = {
            **self._section_defaults(name, section_type),
            "agent": agent or default[0],
            "scanner": scanner or default[1],
            "language": language or default[2],
            "user_fields": encode({f"pr:{k}": v for k, v in (prefs or {}).items()}),
            **columns,
        }
        section_id = self.row("library_sections", **values)
        pairs = tuple((self.location(section_id, root), root) for root in locations)
        self.directory(section_id, "")
        return Section(section_id, section_type, str(values["agent"]), pairs)

    def _section_defaults(self, name: str, kind: SectionType) -> dict[str, object]:
        return {
            "library_id": 1,
            "name": name,
            "name_sort": "",
            "section_type": int(kind),
            "public": 0,
            "created_at": self.now,
            "updated_at": self.now,
            "display_secondary_level": 0,
            "query_type": 0,
            "uuid": str(uuid.uuid4()),
        }

    def location(self, section_id: int, root: str, **columns: object) -> int:
        values = {"available": 1, "created_at": self.now, "updated_at": self.now}
        return self.row(
            "section_locations",
            library_section_id=section_id,
            root_path=root,
            **{**values, **columns},
        )

    def directory(self, section_id: int, path: str, mtime: int | None = None) -> int:
        """The id of a directory (relative to its location), parents made as needed.

        A section has one tree, whichever location a directory is under (§1.7).
        """
        found = self.main.execute(
            "SELECT id FROM directories WHERE library_section_id=? AND path=?"
            " AND +deleted_at IS NULL",
            (section_id, path),
        ).fetchone()
        if found:
            return int(found[0])
        parent = (
            self.directory(section_id, posixpath.dirname(path), mtime) if path else None
        )
        stamp = self.now if mtime is None else mtime
        return self.row(
            "directories",
            library_section_id=section_id,
            parent_directory_id=parent,
            path=path,
            created_at=stamp,
            updated_at=stamp,
        )

    def metadata(
        self,
        section: Section,
        metadata_type: MetadataType,
        title: str,
        **columns: object,
    ) -> int:
        """One metadata item; ``guid``, ``hash`` and times have defaults."""
        given = columns.pop("guid", None)
        guid = given or self._guid(section, metadata_type, title, columns)
        values = {
            "title_sort": sort_title(title),
            "original_title": "",
            "studio": "",
            "tagline": "",
            "summary": "",
            "hash": digest(guid),
            "added_at": self.now,
            "created_at": self.now,
            "updated_at": self.now,
            "media_item_count": 0,
            "extra_data": "",
            **columns,
        }
        return self.row(
            "metadata_items",
            library_section_id=section.id,
            metadata_type=int(metadata_type),
            title=title,
            guid=guid,
            **values,
        )

    def _guid(
        self,
        section: Section,
        metadata_type: MetadataType,
        title: str,
        columns: Mapping[str, object],
    ) -> str:
        """The same for the same thing on every server, as an agent's match is."""
        name = metadata_type.name.lower()
        parent_id = columns.get("parent_id")
        parent = self.guid(int(str(parent_id))) if parent_id else ""
        identity = [name, parent, title, columns.get("index"), columns.get("year")]
        if metadata_type in (MetadataType.SEASON, MetadataType.EPISODE):
            identity[2] = None  # numbered, not named
        if section.agent.endswith(".none"):
            seed = digest(section.id, *identity)
            return f"com.plexapp.agents.none://{seed}?lang=xn"
        return f"plex://{name}/{digest(*identity)[:24]}"

    def guid(self, metadata_id: int) -> str:
        row = self.main.execute(
            "SELECT guid FROM metadata_items WHERE id=?", (metadata_id,)
        ).fetchone()
        return str(row[0])

    def media(
        self,
        section: Section,
        metadata_id: int,
        file: str,
        *,
        size: int = 1_000_000,
        mtime: int | None = None,
        part: Mapping[str, object] | None = None,
        **columns: object,
    ) -> tuple[int, int]:
        """A media item with its one part and directory; (item id, part id)."""
        location_id, root = section.location_of(file)
        folder = posixpath.relpath(posixpath.dirname(file), root)
        stamp = self.now if mtime is None else mtime
        item_id = self.row(
            "media_items",
            library_section_id=section.id,
            section_location_id=location_id,
            metadata_item_id=metadata_id,
            size=size,
            created_at=stamp,
            updated_at=stamp,
            **columns,
        )
        values = {
            "directory_id": self.directory(section.id, "" if folder == "." else folder),
            "hash": digest(file),
            "extra_data": "",
            "size": size,
            "duration": columns.get("duration"),
            "created_at": stamp,
            "updated_at": stamp,
            **(part or {}),
        }
        part_id = self.row("media_parts", media_item_id=item_id, file=file, **values)
        self.main.execute(_COUNT_MEDIA, (metadata_id,))
        return item_id, part_id

    def stream(
        self,
        item_id: int,
        part_id: int,
        stream_type: StreamType,
        codec: str,
        **columns: object,
    ) -> int:
        values: dict[str, object] = {"language": "", "url": "", "extra_data": ""}
        return self.row(
            "media_streams",
            stream_type_id=int(stream_type),
            media_item_id=item_id,
            media_part_id=part_id,
            codec=codec,
            created_at=self.now,
            updated_at=self.now,
            **{**values, **columns},
        )

    def tag(
        self, metadata_id: int, tag: str, tag_type: int, **tagging: object
    ) -> tuple[int, int]:
        """Tag an item, reusing the tag; (tag id, tagging id)."""
        found = self.main.execute(
            "SELECT id FROM tags WHERE tag_type=? AND tag=?", (int(tag_type), tag)
        ).fetchone()
        tag_id = (
            int(found[0])
            if found
            else self.row(
                "tags",
                tag=tag,
                tag_type=int(tag_type),
                created_at=self.now,
                updated_at=self.now,
            )
        )
        tagging_id = self.row(
            "taggings",
            metadata_item_id=metadata_id,
            tag_id=tag_id,
            created_at=self.now,
            **tagging,
        )
        return tag_id, tagging_id

    def blob(
        self, linked_type: str, linked_id: int, blob_type: int, data: bytes
    ) -> int:
        """A blob row in the blobs DB, replacing the one of the same kind."""
        cursor = self.blobs.execute(
            "INSERT OR REPLACE INTO blobs(blob, linked_type, linked_id, created_at,"
            " blob_type) VALUES(?, ?, ?, ?, ?)",
            (data, linked_type, linked_id, self.now, int(blob_type)),
        )
        return int(cursor.lastrowid or 0)


def _statement(table: str, columns: list[str]) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join("?" * len(columns))
    return f'INSERT INTO "{table}"({names}) VALUES({marks})'


def _insert(
    connection: sqlite3.Connection, table: str, values: Mapping[str, object]
) -> int:
    statement = _statement(table, list(values))
    return int(connection.execute(statement, tuple(values.values())).lastrowid or 0)
