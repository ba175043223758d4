# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Butler tasks that keep the house (§1.1, §2.3, §3.2)."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

from cloudburst_lab.plex_schema import Filler

from .core import Core
from .items import ItemJob
from .library import Library, ScanRequest
from .logs import LOG

BACKUPS_KEPT = 4
DAY = 86400
OwnTask = Callable[[Core, Library], Awaitable[None]]


async def backup_database(core: Core, library: Library) -> None:
    """Dated copies beside the databases, written in place; the 4 newest stay (§1.1)."""
    folder = Path(str(core.prefs.value("ButlerDatabaseBackupPath")))
    stamp = time.strftime("%Y-%m-%d")

    def work(main: sqlite3.Connection, blobs: sqlite3.Connection) -> None:
        pair = core.database.pair
        for source, path in ((main, pair.library), (blobs, pair.blobs)):
            target = folder / f"{path.name}-{stamp}"
            target.unlink(missing_ok=True)
            with closing(sqlite3.connect(target)) as copy:
                source.backup(copy)
            for old in sorted(folder.glob(f"{path.name}-????-??-??"))[:-BACKUPS_KEPT]:
                old.unlink()

    await core.database.exclusive(work)


async def optimize_database(core: Core, library: Library) -> None:
    def work(main: sqlite3.Connection, blobs: sqlite3.Connection) -> None:
        for connection in (main, blobs):
            connection.execute("REINDEX")
            connection.execute("VACUUM")
            connection.execute("ANALYZE")

    await core.database.exclusive(work)


async def clean_old_bundles(core: Core, library: Library) -> None:
    """Remove bundles whose hash no row has any more."""
    items = await core.database.query("SELECT hash FROM metadata_items")
    parts = await core.database.query("SELECT hash FROM media_parts")
    groups = [(path, items) for path in core.layout.metadata.glob("*")]
    for folder, rows in [*groups, (core.layout.media, parts)]:
        known = {row[0] for row in rows}
        for bundle in folder.glob("?/*.bundle"):
            if bundle.parent.name + bundle.stem not in known:
                shutil.rmtree(bundle)
                LOG.info("Removed bundle %s", bundle)


async def clean_old_cache_files(core: Core, library: Library) -> None:
    limit = time.time() - 30 * DAY
    for path in (core.layout.support / "Cache").rglob("*"):
        if path.is_file() and path.stat().st_mtime < limit:
            path.unlink()


async def garbage_collect_blobs(core: Core, library: Library) -> None:
    """Remove blobs whose rows are gone: destructive on a mismatched pair (§1.6)."""
    tables = {
        "metadata_item": "metadata_items",
        "media_part": "media_parts",
        "media_stream": "media_streams",
    }

    def work(fill: Filler) -> None:
        for linked, table in tables.items():
            live = {row[0] for row in fill.main.execute(f"SELECT id FROM {table}")}
            rows = fill.blobs.execute(
                "SELECT id, linked_id FROM blobs WHERE linked_type=?", (linked,)
            ).fetchall()
            gone = [(row[0],) for row in rows if row[1] not in live]
            fill.blobs.executemany("DELETE FROM blobs WHERE id=?", gone)

    await core.database.write(work)


async def garbage_collect_media(core: Core, library: Library) -> None:
    """Remove media rows that hang on nothing."""

    def work(fill: Filler) -> None:
        fill.main.execute(
            "DELETE FROM media_items WHERE metadata_item_id NOT IN"
            " (SELECT id FROM metadata_items)"
        )
        fill.main.execute(
            "DELETE FROM media_parts WHERE media_item_id NOT IN"
            " (SELECT id FROM media_items)"
        )

    await core.database.write(work)


async def refresh_libraries(core: Core, library: Library) -> None:
    for row in await library.rows():
        library.scan(ScanRequest(row["id"]))


async def refresh_metadata(core: Core, library: Library) -> None:
    """Queue the items whose metadata is older than a month."""
    rows = await core.database.query(
        "SELECT id FROM metadata_items WHERE +deleted_at IS NULL AND metadata_type < 15"
        " AND refreshed_at < ?",
        int(time.time()) - 30 * DAY,
    )
    for row in rows:
        core.items.add(ItemJob(row["id"], refresh=True, analyse=False))


async def upgrade_media_analysis(core: Core, library: Library) -> None:
    for row in await library.rows():
        await library.analyze(row["id"])
    await core.items.settled()


async def nothing(core: Core, library: Library) -> None:
    """Tasks about television and updates: there is neither here."""


TASKS: dict[str, OwnTask] = {
    "AutomaticUpdates": nothing,
    "BackupDatabase": backup_database,
    "CleanOldBundles": clean_old_bundles,
    "CleanOldCacheFiles": clean_old_cache_files,
    "GarbageCollectBlobs": garbage_collect_blobs,
    "GarbageCollectLibraryMedia": garbage_collect_media,
    "OptimizeDatabase": optimize_database,
    "RefreshEpgGuides": nothing,
    "RefreshLibraries": refresh_libraries,
    "RefreshLocalMedia": refresh_metadata,
    "RefreshPeriodicMetadata": refresh_metadata,
    "UpgradeMediaAnalysis": upgrade_media_analysis,
}
