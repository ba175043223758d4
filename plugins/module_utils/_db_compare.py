# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: hold rows that were taken over against the indexes.

An index whose pages are whole says which rows there were and what was in them. But it may
be stale itself (a tool that wrote without it, a torn copy): one that merely lacks rows
proves nothing against them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.cloudburst.plex.plugins.module_utils._db_reindex import (
    comparable,
    quoted,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_wreck import Wreck

_TEMPORARY = {
    "listed": "r INTEGER PRIMARY KEY, here, same",
    "agreed": "r INTEGER PRIMARY KEY",
    "against": "r INTEGER PRIMARY KEY",
    "doubted": "low, high",
}
_NEITHER = (
    "rowid NOT IN (SELECT r FROM temp.agreed)"
    " AND rowid NOT IN (SELECT r FROM temp.against)"
)


@dataclass
class Comparison:
    """Rows that were taken out, and how many there were by what the indexes list."""

    removed: int = 0
    # Rows before the damage; None without an index that could be asked.
    before: int | None = None
    counted: bool = True
    lists: list[int] = field(default_factory=list)
    orphans: bool = False


def compare(
    connection: sqlite3.Connection,
    wreck: Wreck,
    table: str,
    doubtful: Sequence[tuple[int, int]] | None,
) -> Comparison:
    """Take rows out of ``main`` that the indexes of ``old`` contradict, and count.

    ``doubtful`` are the ids from beside the damage; None for a table without any.
    """
    result = Comparison()
    _make_room(connection)
    try:
        for index in wreck.indexes(table):
            columns = comparable(connection, wreck, index)
            if columns is not None:
                _ask(connection, table, index.name, columns, result)
        if result.lists:
            _settle(connection, table, doubtful, result)
    finally:
        for name in _TEMPORARY:
            connection.execute(f"DROP TABLE temp.{name}")
    return result


def _make_room(connection: sqlite3.Connection) -> None:
    for name, columns in _TEMPORARY.items():
        connection.execute(f"CREATE TEMP TABLE {name}({columns})")


def _ask(
    connection: sqlite3.Connection,
    table: str,
    index: str,
    columns: list[str],
    result: Comparison,
) -> None:
    # Entries only, in the order of their keys: the damaged table is not looked at.
    entries = (
        f'SELECT rowid AS r, {quoted(columns)} FROM old."{table}" INDEXED BY "{index}"'
    )
    same = " AND ".join(f'i."{name}" IS n."{name}"' for name in columns)
    run = connection.execute
    run("DELETE FROM temp.listed")
    # Grouped, for a stale index may list a row twice.
    run(
        "INSERT INTO temp.listed SELECT i.r, max(n.rowid IS NOT NULL),"
        f" max(n.rowid IS NOT NULL AND {same}) FROM ({entries}) i"
        f' LEFT JOIN main."{table}" n ON n.rowid = i.r GROUP BY i.r'
    )
    for name, value in (("agreed", 1), ("against", 0)):
        run(
            f"INSERT OR IGNORE INTO temp.{name} SELECT r FROM temp.listed"
            f" WHERE here AND same = {value}"
        )
    total, here = run(
        "SELECT count(*), coalesce(sum(here), 0) FROM temp.listed"
    ).fetchone()
    result.lists.append(int(total))
    result.orphans = result.orphans or here < total


def _settle(
    connection: sqlite3.Connection,
    table: str,
    doubtful: Sequence[tuple[int, int]] | None,
    result: Comparison,
) -> None:
    taken = _count(connection, f'main."{table}"')
    result.removed = _remove(connection, table, "rowid IN (SELECT r FROM temp.against)")
    known = max(result.lists)
    if doubtful is None:
        # Nothing but rows without an entry: the indexes lack them, not they the indexes.
        if result.orphans:
            result.removed += _remove(connection, table, _NEITHER)
        result.before = max(taken, known)
        result.counted = result.before == taken
        return
    connection.executemany("INSERT INTO temp.doubted VALUES(?, ?)", doubtful)
    believed = _remove(
        connection,
        table,
        f"{_NEITHER} AND NOT EXISTS (SELECT 1 FROM temp.doubted d"
        f' WHERE main."{table}".rowid BETWEEN d.low AND d.high)',
    )
    result.removed += believed + _remove(connection, table, _NEITHER)
    # Rows far from the damage that no index lists: then the indexes are not whole.
    result.before = max(known, _count(connection, f'main."{table}"') + believed)
    result.counted = not believed and min(result.lists) == known


def _remove(connection: sqlite3.Connection, table: str, where: str) -> int:
    return connection.execute(f'DELETE FROM main."{table}" WHERE {where}').rowcount


def _count(connection: sqlite3.Connection, source: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {source}").fetchone()[0])
