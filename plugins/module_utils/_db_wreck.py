# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: a damaged database, and what is known of it."""

from __future__ import annotations

import contextlib
import mmap
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._db_btree import Tree
from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import uri
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_pages import PageMap

_SCHEMA = Tree("table", "sqlite_master", "sqlite_master", 1)
_PAGES = re.compile(r"\bpage (\d+)", re.I)
_MISSING_ENTRY = re.compile(r"row \d+ missing from index (\S+)")
FULL_TEXT = re.compile(r"CREATE VIRTUAL TABLE\s+\W?(\w+)\W?\s+USING\s+fts[34]", re.I)
# What FTS derives from the text; with "rebuild" it is made anew.
_DERIVED_PARTS = ("_segments", "_segdir", "_docsize", "_stat")
STATISTICS = ("sqlite_stat1", "sqlite_stat4")


@dataclass
class Entry:
    """A row of ``sqlite_master``."""

    type: str
    name: str
    table: str
    root: int
    sql: str | None


@dataclass
class Wreck:
    """The damaged database: its schema, and what its pages look like."""

    path: str
    entries: list[Entry]
    trees: list[Tree]
    pages: PageMap
    touched: set[int]
    # Indexes in which SQLite did not find a row where it should be.
    accused: frozenset[str]

    def number(self, name: str) -> int:
        names = [tree.name for tree in self.trees]
        return names.index(name) + 1

    def is_whole(self, name: str) -> bool:
        return self.number(name) not in self.touched

    @property
    def tables(self) -> list[Entry]:
        return [item for item in self.entries if item.type == "table" and item.root]

    def indexes(self, table: str) -> list[Entry]:
        return [
            item
            for item in self.entries
            if item.type == "index" and item.table == table
        ]

    @property
    def derived(self) -> dict[str, str]:
        """Tables that a full-text table derives from its text, and that table."""
        found = dict.fromkeys(STATISTICS, "")
        for item in self.entries:
            match = FULL_TEXT.match(item.sql or "")
            if match:
                found.update({match[1] + part: match[1] for part in _DERIVED_PARTS})
        return found


def examine(path: str, data: mmap.mmap, lines: list[str]) -> Wreck:
    entries = _schema(path)
    trees = [_SCHEMA] + [
        Tree(item.type, item.name, item.table, item.root)
        for item in entries
        if item.root
    ]
    pages = PageMap(data, trees)
    pages.condemn(_accused(lines))
    pages.judge()
    touched = pages.touched()
    if 1 in touched:
        raise DbError(
            f"{path}: the damage is in or beside the list of its tables (sqlite_master),"
            " so nothing in it can be believed; only an intact copy helps"
        )
    accused = frozenset(_MISSING_ENTRY.findall("\n".join(lines)))
    return Wreck(path, entries, trees, pages, touched, accused)


def _accused(lines: list[str]) -> Iterator[int]:
    """The pages that SQLite names as bad.

    One that is never used is no damage by itself, and one whose children differ in depth
    only has a bad child, which the walk over all trees finds.
    """
    for line in "\n".join(lines).splitlines():
        if "never used" not in line and "Child page depth differs" not in line:
            yield from (int(number) for number in _PAGES.findall(line))


def _schema(path: str) -> list[Entry]:
    try:
        with contextlib.closing(_read_damaged(path)) as connection:
            rows = connection.execute(
                "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master"
            ).fetchall()
    except sqlite3.Error as error:
        raise DbError(
            f"{path}: the list of its tables cannot be read ({error}); only an intact"
            " copy helps"
        ) from error
    return [Entry(*row) for row in rows]


def _read_damaged(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri(path, "mode=ro&immutable=1"), uri=True, isolation_level=None
    )
    # Otherwise a file that was cut off could not be opened at all.
    connection.execute("PRAGMA writable_schema=ON")
    return connection
