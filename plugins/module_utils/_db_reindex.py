# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: indexes, virtual tables and triggers of a rebuilt database.

What needs Plex's tokenizer or order is told, not imitated: an index that was made with a
stand-in is damage to Plex (plex-facts §1.4).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection

from ansible_collections.cloudburst.plex.plugins.module_utils._db_wreck import (
    FULL_TEXT,
    Entry,
    Wreck,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._stubs import (
    COLLATIONS,
    compare,
)

_ICU = re.compile(r"\b(icu_root|naturalsort)\b", re.I)
_CONTENT = re.compile(r"content=\W?(\w+)", re.I)


def quoted(columns: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def comparable(
    connection: sqlite3.Connection, wreck: Wreck, index: Entry
) -> list[str] | None:
    """The columns of an index that is whole and has an entry for every row, else None."""
    if not wreck.is_whole(index.name) or " WHERE " in (index.sql or "").upper():
        return None
    query = f'PRAGMA old.index_xinfo("{index.name}")'
    names = [row[2] for row in connection.execute(query) if row[5]]
    return None if None in names else [name.decode() for name in names]


def make_indexes(connection: sqlite3.Connection, wreck: Wreck) -> list[str]:
    """Make all indexes anew; what Plex's SQLite still has to do to them."""
    unfinished = []
    for item in wreck.entries:
        if item.type != "index" or not item.sql:
            continue
        if _ICU.search(item.sql):
            ranks = _ranks(connection, wreck, item)
            if ranks is None:
                unfinished.append(f"REINDEX {item.name}")
            _order_by(connection, ranks)
        connection.execute(item.sql)
    return unfinished


def _order_by(connection: sqlite3.Connection, ranks: dict[str, int] | None) -> None:
    order = compare
    if ranks is not None:
        known = ranks

        def order(left: str, right: str) -> int:
            return known[left] - known[right]

    for name in COLLATIONS:
        connection.create_collation(name, order)


def _ranks(
    connection: sqlite3.Connection, wreck: Wreck, index: Entry
) -> dict[str, int] | None:
    """The order that a whole index of one column shows: Plex's, which nobody else knows."""
    columns = comparable(connection, wreck, index)
    if columns is None or len(columns) != 1 or index.name in wreck.accused:
        return None
    query = f'SELECT "{columns[0]}" FROM old."{index.table}" INDEXED BY "{index.name}"'
    ranks: dict[str, int] = {}
    previous = None
    for (raw,) in connection.execute(query):
        if raw is None or raw == previous:
            continue
        previous = raw
        try:
            text = raw.decode()
        except (AttributeError, UnicodeDecodeError):
            return None
        if text in ranks:
            # Equal to another text for Plex: then a rank does not tell the order.
            return None
        ranks[text] = len(ranks)
    # A text that the index lacks has no place in its order.
    mine = connection.execute(f'SELECT "{columns[0]}" FROM main."{index.table}"')
    known = {text.encode() for text in ranks}
    if any(raw is not None and raw not in known for (raw,) in mine):
        return None
    return ranks


def make_rest(
    connection: sqlite3.Connection,
    wreck: Wreck,
    changed: Collection[str],
    lossy: Collection[str],
) -> list[str]:
    """Virtual tables, views and triggers: entries only, for stock SQLite has no such modules.

    Returns what Plex's SQLite still has to do to the search indexes.
    """
    order = {"table": 0, "view": 1, "trigger": 2}
    rest = [item for item in wreck.entries if not item.root and item.type in order]
    for item in sorted(rest, key=lambda entry: order[entry.type]):
        connection.execute(
            "INSERT INTO main.sqlite_master(type, name, tbl_name, rootpage, sql)"
            " VALUES(?,?,?,0,?)",
            (item.type, item.name, item.table, item.sql),
        )
    return [
        f"INSERT INTO {name}({name}) VALUES('rebuild')"
        for item in rest
        if (name := _outdated(item, changed, lossy))
    ]


def _outdated(item: Entry, changed: Collection[str], lossy: Collection[str]) -> str:
    """The name of a search index that no longer fits its text; the old ones are unused."""
    match = FULL_TEXT.match(item.sql or "")
    if not match or "collating" not in (item.sql or ""):
        return ""
    content = _CONTENT.search(item.sql or "")
    text = content[1] if content else f"{match[1]}_content"
    return match[1] if match[1] in changed or text in lossy else ""
