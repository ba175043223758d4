# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill a pair with whole things: films, episodes, tracks, photos, watch states."""

from __future__ import annotations

import gzip
import hashlib
import struct
from collections.abc import Iterable
from typing import Any

from .codes import BlobType, MetadataType, StreamType, TagType
from .extra_data import encode, merged
from .rows import ANALYSED, Rows, Section, digest

SONIC_LENGTH = 50
_VIDEO: dict[str, Any] = {
    "width": 1920,
    "height": 1080,
    "bitrate": 4_000_000,
    "container": "mkv",
    "video_codec": "h264",
    "audio_codec": "aac",
    "audio_channels": 2,
    "duration": 5_400_000,
}
_AUDIO: dict[str, Any] = {
    "bitrate": 320_000,
    "container": "mp3",
    "audio_codec": "mp3",
    "audio_channels": 2,
    "duration": 180_000,
}
_IMAGE: dict[str, Any] = {"width": 640, "height": 480, "container": "jpeg"}


def sonic_blob(seed: bytes) -> bytes:
    """A Sonic vector as Plex stores it: gzip of a CSV of 50 floats (§1.6)."""
    raw = b"".join(hashlib.sha256(seed + bytes([block])).digest() for block in range(7))
    numbers = struct.unpack(f">{SONIC_LENGTH}I", raw[: 4 * SONIC_LENGTH])
    text = ",".join(f"{number / 2**31 - 1:.6f}" for number in numbers)
    return gzip.compress(text.encode("ascii"), mtime=0)


class Filler(Rows):
    """Whole things in one call. ``analysed`` decides streams and analysis version."""

    def movie(
        self,
        section: Section,
        title: str,
        year: int,
        file: str,
        *,
        analysed: bool = True,
        size: int = 1_000_000,
        **columns: object,
    ) -> int:
        item = self.metadata(
            section, MetadataType.MOVIE, title, year=year, **self._seen(columns)
        )
        self._video(section, item, file, analysed, size)
        return item

    def episode(
        self,
        section: Section,
        show: str,
        season: int,
        number: int,
        title: str,
        file: str,
        *,
        analysed: bool = True,
        size: int = 1_000_000,
        **columns: object,
    ) -> int:
        show_id = self.parent(section, MetadataType.SHOW, show)
        season_id = self.parent(
            section, MetadataType.SEASON, f"Season {season}", show_id, index=season
        )
        item = self.metadata(
            section,
            MetadataType.EPISODE,
            title,
            parent_id=season_id,
            index=number,
            **self._seen(columns),
        )
        self._video(section, item, file, analysed, size)
        return item

    def track(
        self,
        section: Section,
        artist: str,
        album: str,
        number: int,
        title: str,
        file: str,
        *,
        analysed: bool = True,
        sonic: bool = False,
        size: int = 1_000_000,
        **columns: object,
    ) -> int:
        artist_id = self.parent(section, MetadataType.ARTIST, artist)
        album_id = self.parent(section, MetadataType.ALBUM, album, artist_id)
        item = self.metadata(
            section,
            MetadataType.TRACK,
            title,
            parent_id=album_id,
            index=number,
            **self._seen(columns),
        )
        media = self.media(
            section, item, file, size=size, **self._analysis(analysed, _AUDIO)
        )
        if analysed:
            self.stream(*media, StreamType.AUDIO, "mp3", channels=2, index=0)
        if sonic:
            self.sonic(item)
        return item

    def photo(
        self,
        section: Section,
        album: str,
        title: str,
        file: str,
        *,
        analysed: bool = True,
        size: int = 100_000,
        **columns: object,
    ) -> int:
        album_id = self.parent(section, MetadataType.PHOTOALBUM, album)
        item = self.metadata(
            section,
            MetadataType.PHOTO,
            title,
            parent_id=album_id,
            **self._seen(columns),
        )
        self.media(section, item, file, size=size, **self._analysis(analysed, _IMAGE))
        return item

    def parent(
        self,
        section: Section,
        metadata_type: MetadataType,
        title: str,
        parent_id: int | None = None,
        **columns: object,
    ) -> int:
        """The show, season, artist, album or photo album of that name, made if new."""
        # A unary plus picks the index: by parent where there is one, else by title.
        own, up = ("", "+") if parent_id is None else ("+", "")
        found = self.main.execute(
            f"SELECT id FROM metadata_items WHERE {own}title=? AND"
            f" +library_section_id=? AND +metadata_type=? AND {up}parent_id IS ?"
            " AND +deleted_at IS NULL",
            (title, section.id, int(metadata_type), parent_id),
        ).fetchone()
        if found:
            return int(found[0])
        values = {"parent_id": parent_id, **self._seen({}), **columns}
        return self.metadata(section, metadata_type, title, **values)

    def _seen(self, columns: dict[str, object]) -> dict[str, object]:
        return {"refreshed_at": self.now, **columns}

    @staticmethod
    def _analysis(analysed: bool, facts: dict[str, Any]) -> dict[str, Any]:
        if not analysed:
            return {"container": facts["container"]}
        return {"media_analysis_version": ANALYSED, **facts}

    def _video(
        self, section: Section, item: int, file: str, analysed: bool, size: int
    ) -> None:
        values = self._analysis(analysed, _VIDEO)
        media = self.media(section, item, file, size=size, **values)
        if analysed:
            self.stream(*media, StreamType.VIDEO, "h264", index=0, bitrate=3_800_000)
            self.stream(*media, StreamType.AUDIO, "aac", index=1, channels=2)

    def thumb(self, metadata_id: int, agent: str = "tv.plex.agents.movie") -> str:
        """Give an item a poster URL as an agent would."""
        url = f"metadata://posters/{agent}_{digest(metadata_id, agent)}"
        self.main.execute(
            "UPDATE metadata_items SET user_thumb_url=? WHERE id=?", (url, metadata_id)
        )
        return url

    def sonic(self, track_id: int, vector: bytes | None = None) -> None:
        """Mark a track Sonic analysed in both databases (§2.2)."""
        self.set_extra(track_id, {"ms:musicAnalysisVersion": "1"})
        data = sonic_blob(str(track_id).encode()) if vector is None else vector
        self.blob("metadata_item", track_id, BlobType.SONIC_VECTOR, data)

    def set_extra(self, metadata_id: int, values: dict[str, object]) -> None:
        (text,) = self.main.execute(
            "SELECT extra_data FROM metadata_items WHERE id=?", (metadata_id,)
        ).fetchone()
        self.main.execute(
            "UPDATE metadata_items SET extra_data=? WHERE id=?",
            (merged(text, values), metadata_id),
        )

    def watched(
        self,
        metadata_id: int,
        account_id: int = 1,
        *,
        count: int = 1,
        **columns: object,
    ) -> int:
        """A watch state and one history row, keyed by guid and account (§1.7)."""
        guid = self.guid(metadata_id)
        values = {"view_count": count, "last_viewed_at": self.now, **columns}
        settings = self.setting(guid, account_id, **values)
        item = self.main.execute(
            'SELECT metadata_type, library_section_id, title, "index"'
            " FROM metadata_items WHERE id=?",
            (metadata_id,),
        ).fetchone()
        self.row(
            "metadata_item_views",
            account_id=account_id,
            guid=guid,
            metadata_type=item[0],
            library_section_id=item[1],
            title=item[2],
            index=item[3],
            viewed_at=self.now,
        )
        return settings

    def setting(self, guid: str, account_id: int = 1, **columns: object) -> int:
        """One metadata_item_settings row: rating, view_offset, view_count …"""
        return self.row(
            "metadata_item_settings",
            account_id=account_id,
            guid=guid,
            created_at=self.now,
            updated_at=self.now,
            **columns,
        )

    def collection(self, section: Section, title: str, items: Iterable[int]) -> int:
        """A collection: its item, and the tag that its members carry."""
        collection_id = self.metadata(section, MetadataType.COLLECTION, title)
        for item in items:
            self.tag(item, title, TagType.COLLECTION)
        return collection_id

    def playlist(self, title: str, items: Iterable[int], account_id: int = 1) -> int:
        """A playlist of an account: items in play_queue_generators, in order."""
        guid = f"com.plexapp.agents.none://{digest(title, account_id)}"
        playlist_id = self.row(
            "metadata_items",
            metadata_type=int(MetadataType.PLAYLIST),
            guid=guid,
            title=title,
            title_sort=title,
            hash=digest(guid),
            added_at=self.now,
            created_at=self.now,
            updated_at=self.now,
            extra_data=encode({"pv:owner": account_id}),
        )
        self.row(
            "metadata_item_accounts",
            account_id=account_id,
            metadata_item_id=playlist_id,
        )
        for order, item in enumerate(items, 1):
            self.row(
                "play_queue_generators",
                playlist_id=playlist_id,
                metadata_item_id=item,
                order=order * 1000.0,
                created_at=self.now,
                updated_at=self.now,
            )
        return playlist_id
