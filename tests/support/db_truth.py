# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the report of a repair against the database as it was before the damage."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from cloudburst_lab.plex_schema.collation import register

# Derived from other rows, so they may be made anew.
_DERIVED = re.compile(r"fts4_\w+_(segments|segdir|docsize|stat)|sqlite_stat\d")


def lies(before: Path, after: Path, report: Iterable[Mapping[str, Any]]) -> list[str]:
    """Everything that the report says and that is not so; empty for a true one."""
    with closing(sqlite3.connect(f"file:{after}?mode=ro", uri=True)) as connection:
        register(connection)
        connection.text_factory = bytes
        address = f"file:{before}?mode=ro&immutable=1"
        connection.execute("ATTACH ? AS was", (address,))
        tables = {
            name.decode()
            for (name,) in connection.execute(
                "SELECT name FROM was.sqlite_master WHERE type='table' AND rootpage>0"
            )
        }
        reported = {row["table"]: row for row in report}
        found = [f"{name}: not in the report" for name in tables - set(reported)]
        for name in sorted(tables & set(reported)):
            if not _DERIVED.fullmatch(name):
                found += _table(connection, name, reported[name])
        found += _schema(connection)
    return found


def _table(
    connection: sqlite3.Connection, name: str, row: Mapping[str, Any]
) -> list[str]:
    def one(query: str) -> int:
        return int(connection.execute(query).fetchone()[0])

    was = one(f'SELECT count(*) FROM was."{name}"')
    now = one(f'SELECT count(*) FROM main."{name}"')
    # A row from beside the damage is named as doubtful, and is not counted as saved.
    changed = {
        item[0]
        for item in connection.execute(
            f'SELECT rowid, * FROM main."{name}" EXCEPT SELECT rowid, * FROM was."{name}"'
        )
    } - _doubtful(row)
    found = []
    if changed:
        found.append(
            f"{name}: {len(changed)} rows count as saved and are not as they were"
        )
    if row["after"] != now:
        found.append(f"{name}: {now} rows, {row['after']} reported")
    if row["lost"] != row["before"] - row["after"]:
        found.append(f"{name}: the numbers do not add up: {dict(row)}")
    if row["before_is"] == "counted" and row["before"] != was:
        found.append(f"{name}: had {was} rows, {row['before']} were counted")
    if row["doubtful"] > len(_doubtful(row)):
        found.append(f"{name}: {row['doubtful']} doubtful rows, not all of them named")
    # An estimate is one: within a tenth of what was lost, or ten rows.
    if abs(row["before"] - was) > max(10, (was - now) // 10):
        found.append(f"{name}: had {was} rows, {row['before']} were estimated")
    return found


def unreported(
    before: Path, after: Path, report: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Tables that lost more of the rows of ``before`` than the report says.

    What is asked where the damaged database never was one that stood still.
    """
    found = []
    with closing(sqlite3.connect(f"file:{after}?mode=ro", uri=True)) as connection:
        register(connection)
        address = f"file:{before}?mode=ro&immutable=1"
        connection.execute("ATTACH ? AS was", (address,))
        for row in report:
            name = row["table"]
            if _DERIVED.fullmatch(name):
                continue
            (gone,) = connection.execute(
                f'SELECT count(*) FROM was."{name}"'
                f' WHERE rowid NOT IN (SELECT rowid FROM main."{name}")'
            ).fetchone()
            if gone > row["lost"]:
                found.append(f"{name}: {gone} rows are gone, {row['lost']} reported")
    return found


def _doubtful(row: Mapping[str, Any]) -> set[int]:
    found: set[int] = set()
    for item in row["doubtful_ids"]:
        first, _, last = item.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _schema(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT type, name, tbl_name, sql FROM {}.sqlite_master"
    schemas = [set(connection.execute(query.format(db))) for db in ("was", "main")]
    return [f"schema: {entry!r}" for entry in schemas[0] ^ schemas[1]]
