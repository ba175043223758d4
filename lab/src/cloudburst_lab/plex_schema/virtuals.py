# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stock SQLite cannot open: FTS, spellfix, rtree and triggers (plex-facts §1.3)."""

from __future__ import annotations

ICU_TOKENIZER = "collating 'root@colStrength=primary;colAlternate=shifted'"
# Tag triggers index only these tag types (plex-facts §1.3).
INDEXED_TAG_TYPES = (0, 1, 2, 4, 6, 207, 400)
FTS_COLUMNS = {
    "metadata": ("metadata_items", ("title", "title_sort", "original_title")),
    "tag": ("tags", ("tag",)),
}
ICU_TABLES = ("fts4_metadata_titles_icu", "fts4_tag_titles_icu")
SPELLFIX_TABLES = ("spellfix_metadata_titles", "spellfix_tag_titles")
RTREE = (
    'CREATE VIRTUAL TABLE "locations" USING rtree("id" integer, "lat_min" float, '
    '"lat_max" float, "lon_min" float, "lon_max" float)'
)


def fts_tables() -> dict[str, str]:
    """Name and DDL of the four FTS4 tables: two plain (legacy, empty), two ICU."""
    ddl: dict[str, str] = {}
    for kind, (content, columns) in FTS_COLUMNS.items():
        name = f"fts4_{kind}_titles"
        listed = ", ".join(columns)
        using = f'USING fts4(content="{content}", {listed}'
        ddl[name] = f"CREATE VIRTUAL TABLE {name} {using})"
        ddl[f"{name}_icu"] = (
            f"CREATE VIRTUAL TABLE {name}_icu {using}, tokenize={ICU_TOKENIZER})"
        )
    return ddl


def spellfix_shadow(name: str) -> tuple[str, str]:
    """The shadow table and index that spellfix1 makes for one virtual table."""
    table = (
        f'CREATE TABLE "{name}_vocab"(id INTEGER PRIMARY KEY, rank INT, '
        "langid INT, word TEXT, k1 TEXT, k2 TEXT)"
    )
    index = f'CREATE INDEX "{name}_vocab_index_langid_k2" ON "{name}_vocab"(langid,k2)'
    return table, index


def spellfix(name: str) -> str:
    return f"CREATE VIRTUAL TABLE {name} USING spellfix1"


def _guard(kind: str, row: str) -> str:
    if kind != "tag":
        return ""
    return f" WHEN {row}.tag_type in {INDEXED_TAG_TYPES}"


def triggers(any_update: bool = False) -> dict[str, str]:
    """Name and DDL of the 8 triggers that keep the ICU tables in step.

    From 1.43 the update triggers name the title columns; before, they fired on any
    UPDATE (``any_update``), so stock SQLite could not touch metadata_items at all.
    """
    ddl: dict[str, str] = {}
    for kind, (content, columns) in FTS_COLUMNS.items():
        name, listed = f"fts4_{kind}_titles", ", ".join(columns)
        values = ", ".join(f"new.{column}" for column in columns)
        delete = f"DELETE FROM {name}_icu WHERE docid=old.rowid"
        insert = f"INSERT INTO {name}_icu(docid, {listed}) VALUES(new.rowid, {values})"
        update = "UPDATE" if any_update else f"UPDATE OF {listed}"
        for moment, event, row, body in (
            ("before_update", f"BEFORE {update}", "old", delete),
            ("before_delete", "BEFORE DELETE", "old", delete),
            ("after_update", f"AFTER {update}", "new", insert),
            ("after_insert", "AFTER INSERT", "new", insert),
        ):
            trigger = f"{name}_{moment}_icu"
            ddl[trigger] = (
                f"CREATE TRIGGER {trigger} {event} ON {content}"
                f"{_guard(kind, row)} BEGIN {body}; END"
            )
    return ddl
