# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: the questions that the ledger asks a library.

``b`` is the ledger, ``main`` the library.

Emptying the trash removes the rows of files and items (plex-facts §2.4); ids are never
used twice. A merge, a match or a split moves a file to another item and keeps the row of
the file. So an item that is no more was purged, unless the row of its file lives on
elsewhere; that the path is live again, in a new row, undoes nothing.
"""

from __future__ import annotations

from ansible_collections.cloudburst.plex.plugins.module_utils._db_counts import (
    LEAF_TYPES,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._deletions import (
    EMPTIED,
    PURGED,
    TRASHED,
)

LEAVES = ",".join(map(str, LEAF_TYPES))

SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE snapshots(id INTEGER PRIMARY KEY, time REAL NOT NULL, section INTEGER NOT NULL,
  name TEXT NOT NULL, source TEXT NOT NULL, live INTEGER NOT NULL, deleted INTEGER NOT NULL);
CREATE TABLE files(section INTEGER NOT NULL, file BLOB NOT NULL, item INTEGER NOT NULL,
  part INTEGER NOT NULL, type INTEGER NOT NULL, title TEXT NOT NULL, size INTEGER,
  snapshot INTEGER NOT NULL, accepted REAL, emptied REAL,
  PRIMARY KEY(section, file)) WITHOUT ROWID;
CREATE TABLE trash(section INTEGER NOT NULL, item INTEGER NOT NULL,
  snapshot INTEGER NOT NULL, PRIMARY KEY(section, item)) WITHOUT ROWID;
"""
JOIN = (
    " FROM main.media_items m JOIN main.media_parts q ON q.media_item_id = m.id"
    " JOIN main.metadata_items i ON i.id = m.metadata_item_id"
)
LIVE = (
    f" i.metadata_type IN ({LEAVES}) AND q.file <> '' AND q.deleted_at IS NULL"
    " AND m.deleted_at IS NULL AND i.deleted_at IS NULL"
)
PARENTS = (
    " LEFT JOIN main.metadata_items tp ON tp.id = i.parent_id"
    " LEFT JOIN main.metadata_items tg ON tg.id = tp.parent_id"
)
# "Show S01E02 Title", "Artist / Album / Title", "Film (1999)".
TITLE = (
    "CASE i.metadata_type"
    " WHEN 1 THEN i.title || COALESCE(' (' || i.year || ')', '')"
    " WHEN 4 THEN COALESCE(tg.title, '')"
    """ || printf(' S%02dE%02d ', COALESCE(tp."index", 0), COALESCE(i."index", 0))"""
    " || COALESCE(i.title, '')"
    " ELSE COALESCE(tg.title || ' / ', '') || COALESCE(tp.title || ' / ', '')"
    " || COALESCE(i.title, '') END"
)
IS_LIVE = (
    "EXISTS(SELECT 1 FROM main.media_parts q JOIN main.media_items m"
    " ON m.id = q.media_item_id JOIN main.metadata_items i ON i.id = m.metadata_item_id"
    " WHERE q.file = CAST(f.file AS TEXT) AND m.library_section_id = f.section"
    f" AND{LIVE})"
)
# Merged, matched or split: the row of the file is kept under another item.
_CARRIED = (
    "EXISTS(SELECT 1 FROM main.media_parts q JOIN main.media_items m"
    " ON m.id = q.media_item_id JOIN main.metadata_items i ON i.id = m.metadata_item_id"
    " WHERE q.id = f.part)"
)
_KNOWN = (
    "EXISTS(SELECT 1 FROM main.media_parts q JOIN main.media_items m"
    " ON m.id = q.media_item_id WHERE q.file = CAST(f.file AS TEXT)"
    " AND m.library_section_id = f.section)"
)
_ITEM_GONE = (
    "(f.emptied IS NULL"
    " AND NOT EXISTS(SELECT 1 FROM main.metadata_items i WHERE i.id = f.item)"
    f" AND NOT {_CARRIED})"
)
# What was accepted as deleted is in the trash; nobody accepted that it leaves it.
LOST = (
    "SELECT f.item, f.type, f.title, CAST(f.file AS TEXT), f.size, f.snapshot,"
    f" CASE WHEN f.emptied IS NOT NULL THEN '{EMPTIED}'"
    f" WHEN {_ITEM_GONE} THEN '{PURGED}'"
    f" WHEN {_KNOWN} OR {_CARRIED} THEN '{TRASHED}' ELSE '{PURGED}' END AS state"
    f" FROM b.files f WHERE f.section = ? AND (NOT {IS_LIVE} OR {_ITEM_GONE})"
    f" AND (f.accepted IS NULL OR state = '{PURGED}') ORDER BY f.item, f.file"
)
ACCEPTED = (
    "SELECT COUNT(DISTINCT item) FROM b.files f WHERE section = ?"
    f" AND accepted IS NOT NULL AND NOT {IS_LIVE}"
)
NEW = (
    f"SELECT i.id, q.file, q.size, f.snapshot{JOIN}"
    " LEFT JOIN b.files f ON f.section = m.library_section_id"
    " AND f.file = CAST(q.file AS BLOB)"
    f" WHERE m.library_section_id = ? AND{LIVE}"
    " AND (f.snapshot IS NULL OR f.snapshot > ?)"
)
TRASH = (
    f"SELECT i.id, i.metadata_type, {TITLE}, q.file, q.size{JOIN}{PARENTS}"
    f" WHERE m.library_section_id = ? AND i.metadata_type IN ({LEAVES})"
    " AND (q.deleted_at IS NOT NULL OR m.deleted_at IS NOT NULL"
    " OR i.deleted_at IS NOT NULL) ORDER BY 1, 4"
)
FILES = (
    f"SELECT q.file, i.id, q.id, i.metadata_type, {TITLE}, q.size{JOIN}{PARENTS}"
    f" WHERE m.library_section_id = ? AND{LIVE}"
)
# One that came back after its loss was accepted or meant is there anew, in new rows.
KEEP = (
    "INSERT INTO files(section, file, item, part, type, title, size, snapshot)"
    " VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(section, file) DO UPDATE SET"
    " item = CASE WHEN emptied IS NULL THEN item ELSE excluded.item END,"
    " part = CASE WHEN emptied IS NULL THEN part ELSE excluded.part END,"
    " accepted = NULL, emptied = NULL"
    " WHERE accepted IS NOT NULL OR emptied IS NOT NULL"
)
GONE = (
    "SELECT id FROM metadata_items WHERE library_section_id = ?"
    f" AND metadata_type IN ({LEAVES}) AND deleted_at IS NOT NULL"
)
LIVE_COUNT = (
    f"SELECT COUNT(DISTINCT i.id){JOIN} WHERE m.library_section_id = ? AND{LIVE}"
)
# Any of them; in no order, which would cost a walk through all.
SOME_LIVE = f"SELECT q.file{JOIN} WHERE m.library_section_id = ? AND{LIVE} LIMIT ?"
