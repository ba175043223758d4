# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: make a new database of what can be read of a damaged one.

``.dump`` and ``.recover`` lose Plex's virtual tables and fill a file with junk rows
(sqlite-lab §4). Here the schema is taken over word for word, each table gets the rows
that ``_db_salvage`` believes, and indexes are made anew. The damaged file is only read.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field, replace

from ansible_collections.cloudburst.plex.plugins.module_utils._db_compare import (
    Comparison,
    compare,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import uri
from ansible_collections.cloudburst.plex.plugins.module_utils._db_estimate import (
    Scans,
    attach,
    by_table,
    opened,
    previews,
    refuse,
    survey,
    told_as_damage,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    read_header,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_reindex import (
    make_indexes,
    make_rest,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_salvage import (
    Run,
    TableReport,
    TableScan,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_wreck import (
    STATISTICS,
    Entry,
    Wreck,
)


@dataclass
class Salvage:
    """A database that was made, the report, and what only Plex's SQLite can finish."""

    path: str
    reports: list[TableReport]
    unfinished: list[str] = field(default_factory=list)


def salvage(source: str, target: str, lines: list[str], max_loss: float) -> Salvage:
    """Write what can be believed of ``source`` into the new file ``target``.

    ``lines`` are what SQLite's own check says of it. Raises TooMuchLostError when more
    than ``max_loss`` of a table cannot be read, and DbError when the schema itself is
    damaged; then what is at ``target`` is of no use.
    """
    wreck, scans = survey(source, lines)
    with contextlib.closing(opened(uri(target))) as connection:
        builder = _Builder(connection, wreck, scans, max_loss)
        with told_as_damage(source):
            return Salvage(target, builder.build(), builder.unfinished)


class _Builder:
    def __init__(
        self,
        connection: sqlite3.Connection,
        source: Wreck,
        scans: Scans,
        max_loss: float,
    ) -> None:
        self.connection = connection
        self.source = source
        self.scans = scans
        self.tables = {item.name: item for item in source.tables}
        self.max_loss = max_loss
        self.unfinished: list[str] = []
        self.changed: set[str] = set()

    def build(self) -> list[TableReport]:
        path, connection = self.source.path, self.connection
        self._prepare()
        refuse(path, previews(connection, self.source, self.scans), self.max_loss)
        reports = [self._table(item) for item in self._ordered_tables()]
        refuse(path, reports, self.max_loss)
        self._empty_derived()
        lossy = {item.table for item in reports if item.lost}
        self.unfinished = [
            *make_indexes(connection, self.source),
            *make_rest(connection, self.source, self.changed, lossy),
        ]
        self._settle()
        return reports

    def _prepare(self) -> None:
        run = self.connection.execute
        header = read_header(self.source.path)
        run(f"PRAGMA page_size={header.page_size}")
        attach(self.connection, self.source.path)
        run(f"PRAGMA main.auto_vacuum={self._pragma('old.auto_vacuum')}")
        # Not OFF: a statement that fails half-way is taken back.
        run("PRAGMA journal_mode=MEMORY")
        run("PRAGMA synchronous=OFF")
        for name in ("user_version", "application_id"):
            run(f"PRAGMA main.{name}={self._pragma(f'old.{name}')}")

    def _pragma(self, name: str) -> str:
        value = self.connection.execute(f"PRAGMA {name}").fetchone()[0]
        return value.decode() if isinstance(value, bytes) else str(value)

    def _ordered_tables(self) -> list[Entry]:
        """The sequences last: inserting rows into the other tables moves them."""
        own = [
            item for item in self.source.tables if not item.name.startswith("sqlite_")
        ]
        for item in own:
            self.connection.execute(item.sql or "")
        names = self.tables
        if STATISTICS[0] in names:
            self.connection.execute("ANALYZE main.sqlite_master")
        extra = [
            names[name] for name in ("sqlite_stat1", "sqlite_sequence") if name in names
        ]
        return own + extra

    def _table(self, item: Entry) -> TableReport:
        if item.name.startswith("sqlite_"):
            self.connection.execute(f'DELETE FROM main."{item.name}"')
        scan = self.scans.get(item.name)
        columns = self._columns(item.name)
        if scan is None:
            self.connection.execute(
                f'INSERT INTO main."{item.name}"({columns})'
                f' SELECT {columns} FROM old."{item.name}" NOT INDEXED'
            )
        else:
            for run in scan.runs:
                self._copy(item.name, columns, run)
        return self._report(item, scan)

    def _columns(self, table: str) -> str:
        rows = self.connection.execute(f'PRAGMA main.table_info("{table}")').fetchall()
        names = [row[1].decode() for row in rows]
        # The row id too, or tables without a key of their own would be renumbered.
        alias = any(row[5] and row[2].upper() == b"INTEGER" for row in rows)
        taken = {name.lower() for name in names}
        hidden = [name for name in ("rowid", "_rowid_", "oid") if name not in taken][:1]
        return ", ".join(([] if alias else hidden) + [f'"{name}"' for name in names])

    def _copy(self, table: str, columns: str, run: Run) -> None:
        if run.count > 1:
            self._between(table, columns, run.first, run.before_last)
        # On its own: looking for the next one would lead to the damaged page.
        self._between(table, columns, run.last, run.last)

    def _between(self, table: str, columns: str, low: int, high: int) -> None:
        """Take over a range; where SQLite balks, all of it but what it balks at."""
        where, values = "rowid = ?", [low]
        if high > low:
            where, values = "rowid BETWEEN ? AND ?", [low, high]
        statement = (
            f'INSERT INTO main."{table}"({columns}) SELECT {columns}'
            f' FROM old."{table}" NOT INDEXED WHERE {where}'
        )
        try:
            self.connection.execute(statement, values)
        except sqlite3.OperationalError:
            # No room, a disk that fails: that says nothing about the row.
            raise
        except sqlite3.DatabaseError:
            if low == high:
                return
            middle = (low + high) // 2
            self._between(table, columns, low, middle)
            self._between(table, columns, middle + 1, high)

    def _report(self, item: Entry, scan: TableScan | None) -> TableReport:
        name = item.name
        if name in self.source.derived:
            return self._derived_report(name, scan)
        compared = compare(
            self.connection, self.source, name, None if scan is None else scan.doubtful
        )
        after = self._count(name)
        if scan is None and compared.before in (None, after):
            return TableReport(name, after, after, 0, counted=True)
        report = self._judged(name, scan, compared, after)
        self.changed.add(name)
        return self._with_doubts(replace(report, how="salvaged"), scan)

    def _judged(
        self, name: str, scan: TableScan | None, compared: Comparison, after: int
    ) -> TableReport:
        """By the indexes where they can tell, else by the table alone."""
        before = after if compared.before is None else compared.before
        if scan is None or (compared.counted and compared.before is not None):
            lost = before - after
            return TableReport(name, before, after, lost, counted=compared.counted)
        report = by_table(self.connection, self.source, scan, after)
        if report.before is not None and report.before < before:
            return replace(report, before=before, lost=before - after, counted=False)
        return report

    def _with_doubts(self, report: TableReport, scan: TableScan | None) -> TableReport:
        """Name the rows from beside the damage that are still there."""
        ranges = scan.doubtful if scan is not None else []
        query = (
            f'SELECT count(*) FROM main."{report.table}" WHERE rowid BETWEEN ? AND ?'
        )
        count, names = 0, []
        for low, high in ranges:
            here = int(self.connection.execute(query, (low, high)).fetchone()[0])
            if here:
                count += here
                names.append(str(low) if low == high else f"{low}-{high}")
        return replace(report, doubtful=count, doubtful_ids=tuple(names))

    def _derived_report(self, name: str, scan: TableScan | None) -> TableReport:
        count = self._count(name)
        if scan is not None:
            self.changed.add(self.source.derived[name])
            how = "left out, made anew from other rows"
            return TableReport(name, 0, 0, 0, counted=True, how=how)
        return TableReport(name, count, count, 0, counted=True)

    def _empty_derived(self) -> None:
        """A part of a search index is worse than none."""
        for name, owner in self.source.derived.items():
            if owner in self.changed and name in self.tables:
                self.connection.execute(f'DELETE FROM main."{name}"')

    def _count(self, name: str) -> int:
        query = f'SELECT count(*) FROM main."{name}"'
        return int(self.connection.execute(query).fetchone()[0])

    def _settle(self) -> None:
        self.connection.execute("DETACH old")
        if read_header(self.source.path).wal:
            self.connection.execute("PRAGMA journal_mode=WAL")
