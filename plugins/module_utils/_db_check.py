# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: check the DB pair for real damage (L21, L22, L23).

``SELECT COUNT(*)`` misses every realistic fault; what finds which is the table of
sqlite-lab §4. The files are never changed: what is not in use is looked at through a
hard link in a folder of its own, so that not even a ``-shm`` appears beside it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._db_btree import (
    Tree,
    bad_pages,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    DbError,
    is_in_use,
    left_behind,
    read_header,
    wal_frames,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    Finding,
    aborted,
    combine,
    damage,
    findings_of,
    is_corruption,
    page_finding,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_fulltext import (
    by_their_text,
    search_finding,
    search_tables,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_identity import (
    ALONE,
    NEEDED,
    THROUGH_WAL,
    names_in,
    stock_connection,
    strange,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_leftovers import (
    leftover_journal,
    leftover_wal,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_moments import (
    mismatch,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_oracle import (
    PlexOracle,
    Report,
    StockOracle,
)

_SCHEMA = Tree("table", "sqlite_master", "sqlite_master", 1)


@dataclass(frozen=True)
class Checker:
    """Checks databases with one oracle at one level (quick or full)."""

    oracle: StockOracle | PlexOracle
    level: str

    def pair(self, library: str, blobs: str) -> list[Finding]:
        """All findings of both files, and of the two as a pair."""
        found = [*self.file(library, "library"), *self.file(blobs, "blobs")]
        return found if damage(found) else found + _of_two(library, blobs)

    def file(self, path: str, role: str) -> list[Finding]:
        """All findings of one file; ``role`` says which of the pair it should be."""
        if not os.path.exists(path):
            return [_missing(path, role)]
        try:
            header = read_header(path)
        except DbError as error:
            text = str(error).split(": ", 1)[-1]
            return [Finding(path, "header", text)]
        live, frames = is_in_use(path), wal_frames(path)
        if header.missing_bytes and not live and not frames:
            return [_truncated(path, header.missing_bytes)]
        if live:
            found = self._look(path, path, THROUGH_WAL, live=True)
        else:
            found = self._at_rest(path, frames)
        return found or strange(path, role)

    def lines(self, path: str) -> list[str]:
        """What the full check says of a damaged file at rest, for those that read it."""
        with _apart(path, with_wal=False) as place, _as(path, place):
            return self.oracle.check(place, "full", options=ALONE).lines

    def _at_rest(self, path: str, frames: int) -> list[Finding]:
        with _apart(path, with_wal=False) as place:
            alone = self._look(path, place)
        if left_behind(path).endswith("-journal"):
            return [leftover_journal(path), *alone]
        if not frames:
            return alone
        # Stock and mode=ro, so that nothing is checkpointed into the linked file.
        stock = Checker(StockOracle(), self.level)
        with _apart(path, with_wal=True) as place:
            together = stock._look(path, place, THROUGH_WAL)
            if not damage(alone + together) and _is_foreign(path, place):
                together = [aborted(path, "the -wal has another database's tables")]
        return leftover_wal(path, frames, alone, together)

    def _look(
        self, path: str, place: str, options: str = ALONE, live: bool = False
    ) -> list[Finding]:
        """Check the file at ``place``; findings speak of ``path``."""
        with _as(path, place):
            report = self.oracle.check(place, self.level, options=options)
        found = findings_of(path, report.lines, stubbed=self.oracle.stubbed)
        if report.error:
            found.append(aborted(path, report.error))
        if any(item.kind in ("page", "malformed") for item in found):
            return combine(_located(path, place, options), found)
        tables = search_tables(place, options)
        found = by_their_text(found, tables)
        # A write lock on a running server's database is not ours to take.
        if self.level == "full" and not live and not damage(found):
            named = {item.table for item in found if item.kind == "full_text"}
            rest = [name for name in tables if name not in named]
            with _as(path, place):
                broken = self.oracle.full_text(place, rest)
            found += [search_finding(path, name, tables[name]) for name in broken]
        return found

    def stale_search(self, path: str) -> list[str]:
        """Search indexes that do not fit their own text. Its folder must be expendable."""
        tables = search_tables(path, ALONE)
        return self.oracle.full_text(path, [name for name in tables if tables[name]])


def _of_two(library: str, blobs: str) -> list[Finding]:
    try:
        return mismatch(library, blobs)
    except sqlite3.Error as error:
        if not is_corruption(error):
            raise DbError(
                f"{library}: could not be compared with {blobs}: {error}"
            ) from error
        # What a quick check does not see, reading may still run into.
        return [aborted(f"{library} with {os.path.basename(blobs)}", str(error))]


@contextlib.contextmanager
def _as(path: str, place: str) -> Iterator[None]:
    """Errors name the file that was given, not the link to it."""
    try:
        yield
    except DbError as error:
        raise type(error)(str(error).replace(place, path)) from error


def _missing(path: str, role: str) -> Finding:
    advice = (
        "Sonic vectors and markers live in it: the pair travels together or not at all"
        if role == "blobs"
        else "give the path of com.plexapp.plugins.library.db"
    )
    return Finding(path, "missing", "does not exist", advice=advice)


def _truncated(path: str, missing: int) -> Finding:
    return Finding(
        path,
        "truncated",
        f"is cut off, {missing} bytes are missing at its end",
        advice="copy it again, or take an intact copy",
    )


@contextlib.contextmanager
def _apart(path: str, *, with_wal: bool) -> Iterator[str]:
    """The database under a hard link in a folder of its own, with its -wal or without.

    Where links are impossible, the place is the file itself: it is opened immutable.
    """
    real = os.path.realpath(path)
    try:
        folder = tempfile.mkdtemp(prefix=".check-", dir=os.path.dirname(real))
    except OSError:
        # A read-only folder is no reason not to look.
        yield real
        return
    place = os.path.join(folder, os.path.basename(real))
    try:
        _link(real, place)
        if with_wal:
            shutil.copyfile(real + "-wal", place + "-wal")
        yield place
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_foreign(alone: str, together: str) -> bool:
    """Whether a -wal replaces the whole database rather than adding to it."""
    lost = names_in(alone, ALONE) - names_in(together, THROUGH_WAL)
    return any(name in lost for name in NEEDED["blobs"] + NEEDED["library"])


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        # No hard links on this file system.
        shutil.copyfile(source, target)


def _located(path: str, place: str, options: str) -> list[Finding]:
    """Which tables and indexes the damage is in; empty when that cannot be told."""
    trees = [_SCHEMA]
    with contextlib.suppress(sqlite3.Error):
        # Where the list of tables is itself damaged, at least that can be said.
        trees += _trees(place, options)
    found = [
        page_finding(
            path,
            item.tree.kind,
            item.tree.name,
            item.tree.table,
            item.page,
            item.problem,
        )
        for item in bad_pages(place, read_header(place).page_size, trees)
    ]
    return found or _broken_tables(path, place, options, trees[1:])


def _trees(place: str, options: str) -> list[Tree]:
    with stock_connection(place, options) as connection:
        rows = connection.execute(
            "SELECT type, name, tbl_name, rootpage FROM sqlite_master WHERE rootpage > 0"
        ).fetchall()
    return [Tree(*row) for row in rows]


def _broken_tables(
    path: str, place: str, options: str, trees: list[Tree]
) -> list[Finding]:
    """Check table by table, for damage inside pages whose headers look right."""
    found = []
    for tree in trees:
        if tree.kind != "table":
            continue
        report = _check_table(place, options, tree.name)
        lines = findings_of(path, report.lines, stubbed=True)
        if report.error or lines:
            text = report.error or lines[0].message
            found.append(Finding(path, "table", text, table=tree.name))
    return found


def _check_table(place: str, options: str, table: str) -> Report:
    report = Report()
    try:
        with stock_connection(place, options) as connection:
            pragma = f'PRAGMA quick_check("{table}")'
            report.lines = [str(row[0]) for row in connection.execute(pragma)]
    except sqlite3.Error as error:
        report.error = str(error)
    return report
