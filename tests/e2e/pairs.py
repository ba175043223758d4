# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read archives and DB pairs by plain SQL and the system's tar, not by our own modules."""

from __future__ import annotations

import gzip
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIBRARY = "com.plexapp.plugins.library.db"
BLOBS = "com.plexapp.plugins.library.blobs.db"

#: Which section a row belongs to; ``?`` never occurs, so a missing parent shows as NULL.
SECTION_OF = {
    "library_sections": "id",
    "section_locations": "library_section_id",
    "directories": "library_section_id",
    "metadata_items": "library_section_id",
    "media_items": "library_section_id",
    "media_parts": "(SELECT library_section_id FROM media_items m WHERE m.id = media_item_id)",
    "media_streams": "(SELECT library_section_id FROM media_items m WHERE m.id = media_item_id)",
    "taggings": "(SELECT library_section_id FROM metadata_items m WHERE m.id = metadata_item_id)",
}
#: What belongs to accounts and home, never to a section that is worked on.
HOME_OWNED = (
    "accounts",
    "metadata_item_settings",
    "metadata_item_views",
    "play_queue_generators",
    "play_queues",
    "play_queue_items",
    "media_part_settings",
    "media_item_settings",
)


@dataclass(frozen=True)
class Pair:
    """An unpacked DB pair, opened read-only for each question."""

    directory: Path

    @property
    def library(self) -> Path:
        return next(self.directory.rglob(LIBRARY))

    @property
    def blobs(self) -> Path:
        return next(self.directory.rglob(BLOBS))

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement on the library with the blobs DB attached as ``blobs_db``."""
        with closing(
            sqlite3.connect(f"file:{self.library}?mode=ro", uri=True)
        ) as connection:
            connection.execute("ATTACH ? AS blobs_db", (f"file:{self.blobs}?mode=ro",))
            return connection.execute(sql, values).fetchall()

    def column(self, sql: str, *values: Any) -> list[Any]:
        return [row[0] for row in self.rows(sql, *values)]

    def section_ids(self) -> dict[str, int]:
        return dict(self.rows("SELECT name, id FROM library_sections"))

    def live_files(self, section: str) -> list[str]:
        """Return the paths of all media parts of a section that are not in the trash."""
        return self.column(
            "SELECT p.file FROM media_parts p JOIN media_items m ON m.id = p.media_item_id"
            " WHERE m.library_section_id = ? AND p.deleted_at IS NULL ORDER BY 1",
            self.section_ids()[section],
        )

    def trashed_files(self, section: str) -> list[str]:
        return self.column(
            "SELECT p.file FROM media_parts p JOIN media_items m ON m.id = p.media_item_id"
            " WHERE m.library_section_id = ? AND p.deleted_at IS NOT NULL ORDER BY 1",
            self.section_ids()[section],
        )

    def leaves(self) -> dict[int, int]:
        """Live items of each leaf type: movie 1, episode 4, track 10, photo 13."""
        return dict(
            self.rows(
                "SELECT metadata_type, COUNT(*) FROM metadata_items WHERE deleted_at IS NULL"
                " AND library_section_id IS NOT NULL AND metadata_type IN (1, 4, 10, 13)"
                " GROUP BY 1"
            )
        )

    def vectors(self) -> dict[int, list[float]]:
        """Return the Sonic vector of each track (plex-facts §1.6: gzip of 50 floats)."""
        rows = self.rows(
            "SELECT linked_id, blob FROM blobs_db.blobs"
            " WHERE blob_type = 7 AND linked_type = 'metadata_item'"
        )
        return {
            linked: [float(word) for word in gzip.decompress(blob).decode().split(",")]
            for linked, blob in rows
        }

    def tracks(self, *, section: str | None = None) -> dict[int, str]:
        """Return id and file of each live track."""
        where = (
            ""
            if section is None
            else f" AND t.library_section_id = {self.section_ids()[section]}"
        )
        return dict(
            self.rows(
                "SELECT t.id, p.file FROM metadata_items t"
                " JOIN media_items m ON m.metadata_item_id = t.id"
                " JOIN media_parts p ON p.media_item_id = m.id"
                " WHERE t.metadata_type = 10 AND t.deleted_at IS NULL"
                " AND t.library_section_id > 0 AND p.deleted_at IS NULL" + where
            )
        )

    def analysed(self, *, section: str) -> set[int]:
        """Return the ids of the tracks that carry the Sonic mark (plex-facts §2.2)."""
        return set(
            self.column(
                "SELECT id FROM metadata_items WHERE metadata_type = 10"
                " AND library_section_id = ?"
                " AND (extra_data LIKE '%ms:musicAnalysisVersion%'"
                " OR extra_data LIKE '%ms\\%3AmusicAnalysisVersion%' ESCAPE '\\')",
                self.section_ids()[section],
            )
        )

    def rows_of_section(self, table: str, section: int) -> set[tuple[Any, ...]]:
        return set(
            self.rows(f"SELECT * FROM {table} t WHERE {SECTION_OF[table]} = ?", section)
        )

    def home_rows(self, table: str) -> set[tuple[Any, ...]]:
        return set(self.rows(f"SELECT * FROM {table}"))


def unpack(archive: Path, into: Path) -> Pair:
    """Unpack an archive with the system's tar and zstd."""
    into.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "--zstd", "-xf", str(archive), "-C", str(into)], check=True)
    return Pair(into)
