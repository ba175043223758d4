# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: how much of a damaged database is lost, before a salvage.

From its pages, and from the indexes that are whole. Nothing is written, and Plex's SQLite
is not needed: a loss that is too big is known where the archive is, at no cost. What a
salvage finds when it compares row by row may only add to it.
"""

from __future__ import annotations

import contextlib
import mmap
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import uri
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    DbError,
    read_header,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    is_corruption,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_reindex import (
    comparable,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_salvage import (
    TableReport,
    TableScan,
    scan_table,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_wreck import (
    Wreck,
    examine,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._stubs import (
    register_stubs,
)


class TooMuchLostError(DbError):
    """What can be read is too little; the reports say how little."""

    def __init__(self, message: str, reports: list[TableReport]) -> None:
        super().__init__(message)
        self.reports = reports


Scans = Mapping[str, TableScan]


def survey(source: str, lines: list[str]) -> tuple[Wreck, Scans]:
    """What is known of a damaged file, and what can be read of each broken table.

    ``lines`` are what SQLite's own check says of it. DbError when nothing can be believed.
    """
    read_header(source)
    with open(source, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        with contextlib.closing(data):
            wreck = examine(source, data, lines)
            return wreck, {
                tree.name: scan_table(wreck.pages, number)
                for number, tree in enumerate(wreck.trees, 1)
                if tree.kind == "table" and number > 1 and number in wreck.touched
            }


def estimate(source: str, lines: list[str], max_loss: float) -> list[TableReport]:
    """The broken tables; TooMuchLostError when a salvage would be refused for them."""
    wreck, scans = survey(source, lines)
    with told_as_damage(source), contextlib.closing(opened(":memory:")) as memory:
        attach(memory, source)
        reports = previews(memory, wreck, scans)
    refuse(source, reports, max_loss)
    return reports


def opened(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, isolation_level=None)
    register_stubs(connection)
    # Comparing of texts that are not UTF-8 is none of our business here.
    connection.text_factory = bytes
    return connection


def attach(connection: sqlite3.Connection, source: str) -> None:
    """The damaged database as ``old``, also one that was cut off."""
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute("ATTACH ? AS old", (uri(source, "mode=ro&immutable=1"),))


def previews(
    connection: sqlite3.Connection, wreck: Wreck, scans: Scans
) -> list[TableReport]:
    """What is known of the broken tables before a row is copied."""
    return [
        replace(_preview(connection, wreck, name, scan), doubtful=scan.doubts)
        for name, scan in scans.items()
        if name not in wreck.derived
    ]


def _preview(
    connection: sqlite3.Connection, wreck: Wreck, name: str, scan: TableScan
) -> TableReport:
    counts = {
        int(connection.execute(query).fetchone()[0])
        for index in wreck.indexes(name)
        if comparable(connection, wreck, index) is not None
        for query in [
            f'SELECT count(rowid) FROM old."{name}" INDEXED BY "{index.name}"'
        ]
    }
    if not counts:
        return by_table(connection, wreck, scan, scan.kept)
    before = max(*counts, scan.kept)
    lost = before - scan.kept
    return TableReport(name, before, scan.kept, lost, counted=counts == {before})


def by_table(
    connection: sqlite3.Connection, wreck: Wreck, scan: TableScan, after: int
) -> TableReport:
    """From the table alone; ``after`` is less than kept where SQLite balked."""
    name, missed = scan.name, scan.kept - after
    if not scan.gaps:
        before = scan.kept + scan.unread
        return TableReport(name, before, after, before - after, counted=True)
    if not scan.leaves:
        return TableReport(name, None, after, None)
    lost = scan.estimate_lost(_highest(connection, wreck, name)) + missed
    return TableReport(name, after + lost, after, lost)


def _highest(connection: sqlite3.Connection, wreck: Wreck, name: str) -> int | None:
    """The highest id ever given, from the sequences, when those are whole."""
    names = [tree.name for tree in wreck.trees]
    if "sqlite_sequence" not in names or not wreck.is_whole("sqlite_sequence"):
        return None
    row = connection.execute(
        "SELECT seq FROM old.sqlite_sequence WHERE name=?", (name,)
    ).fetchone()
    return int(row[0]) if row else None


def refuse(path: str, reports: Sequence[TableReport], max_loss: float) -> None:
    reasons = [text for item in reports if (text := item.refusal(max_loss))]
    if reasons:
        raise TooMuchLostError(
            f"{path}: too much is lost, at most {max_loss:.1%} of a table may be:"
            f" {'; '.join(reasons)}",
            list(reports),
        )


@contextlib.contextmanager
def told_as_damage(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        advice = "only an intact copy helps"
        if isinstance(error, sqlite3.OperationalError) and not is_corruption(error):
            advice = "that is no damage: make it possible, and start again"
        raise DbError(f"{path}: could not be salvaged ({error}); {advice}") from error
