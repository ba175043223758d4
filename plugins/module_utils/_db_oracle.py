# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: who checks a database, stock SQLite or Plex's own.

``Plex SQLite`` from the server's image is the authority: it has the real tokenizer and
collation (plex-facts §1.1). Stock SQLite with stand-ins finds the same damage and is
always there; what it cannot know is ignored by name (``_db_findings``).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import uri
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    is_corruption,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._stubs import (
    register_stubs,
)

PLEX_SQLITE = "/usr/lib/plexmediaserver/Plex SQLite"
# The default of 100 would be used up by false alarms of the ICU index alone.
PRAGMAS = {"quick": "PRAGMA quick_check", "full": "PRAGMA integrity_check(100000000)"}
# From this version on, quick_check compares the numbers of rows and index entries.
_COUNTS_ENTRIES = (3, 44)
# "docker run" itself failed, the command could not be started, or was not there.
_DOCKER_FAILED = (125, 126, 127)
_KILLED = 137


class OracleUnavailableError(DbError):
    """The oracle that was asked for cannot be had here."""


@dataclass
class Report:
    """Lines of a check, and the error that ended it early if damage did.

    What else may end it (locked, out of memory, no room) is no verdict but a DbError.
    """

    lines: list[str] = field(default_factory=list)
    error: str = ""


class StockOracle:
    """The sqlite3 module of this Python, with stand-ins for tokenizer and collation."""

    name = "stock"
    stubbed = True

    def check(self, path: str, level: str, *, options: str = "immutable=1") -> Report:
        """Run the check of that level. ``options`` say how the file may be opened."""
        report = Report()
        address = uri(path, f"mode=ro&{options}")
        try:
            with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
                connection.text_factory = bytes
                register_stubs(connection)
                report.lines.extend(_useful(connection.execute(PRAGMAS[level])))
                if level == "quick" and sqlite3.sqlite_version_info < _COUNTS_ENTRIES:
                    report.lines.extend(_wrong_counts(connection))
        except sqlite3.Error as error:
            if not is_corruption(error):
                raise DbError(f"{path}: could not be checked: {error}") from error
            report.error = str(error)
        return report

    def full_text(self, path: str, tables: Sequence[str]) -> list[str]:
        """Nothing: only the real tokenizer can judge a full-text index."""
        return []


def _wrong_counts(connection: sqlite3.Connection) -> Iterator[str]:
    """What quick_check of newer versions says: a torn copy shows in it (sqlite-lab §4)."""
    indexes = connection.execute(
        "SELECT tbl_name, name FROM sqlite_master WHERE type='index'"
        " AND (sql IS NULL OR sql NOT LIKE '% WHERE %') ORDER BY tbl_name"
    ).fetchall()
    rows: dict[str, int] = {}
    for table, index in ((raw.decode(), name.decode()) for raw, name in indexes):
        if table not in rows:
            rows[table] = _count(connection, f'"{table}" NOT INDEXED')
        if _count(connection, f'"{table}" INDEXED BY "{index}"') != rows[table]:
            yield f"wrong # of entries in index {index}"


def _count(connection: sqlite3.Connection, source: str) -> int:
    # count(rowid), for count(*) takes whichever index is smallest.
    return int(connection.execute(f"SELECT count(rowid) FROM {source}").fetchone()[0])


def _useful(rows: Iterator[tuple[bytes]]) -> Iterator[str]:
    """Without the hundreds of thousands of lines that a stub causes (and memory)."""
    for (raw,) in rows:
        line = raw.decode("utf-8", "replace")
        if not (line.startswith("row ") and "index_title_sort_" in line):
            yield line


class PlexOracle:
    """``Plex SQLite`` of a server image, run by ``docker run --rm`` without a network."""

    name = "plex"
    stubbed = False

    def __init__(self, image: str, *, docker: str = "docker", timeout: float) -> None:
        self.image = image
        self.docker = docker
        self.timeout = timeout

    def available(self) -> str:
        """Why it cannot be used; empty when it can."""
        if not self.image:
            return "no image was named"
        try:
            done = self._docker("image", "inspect", "--format", "{{.Id}}", self.image)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"the docker command does not work: {error}"
        if done.returncode:
            return f"image {self.image} is not here: {done.stderr.strip()}"
        return ""

    def check(self, path: str, level: str, *, options: str = "") -> Report:
        """Run the check of that level. The folder of the file must be expendable."""
        done = self._sqlite(path, PRAGMAS[level])
        report = Report([line for line in done.stdout.splitlines() if line.strip()])
        said = done.stderr.strip()
        if done.returncode or not report.lines:
            if not is_corruption(said):
                # Killed for want of memory it says nothing; a sound one says "ok".
                raise _no_verdict(path, "check it", done)
            report.error = said
        return report

    def full_text(self, path: str, tables: Sequence[str]) -> list[str]:
        """The tables whose index does not match what it indexes.

        ``integrity_check`` of older SQLite passes over them (plex-facts §5.1).
        """
        return [table for table in tables if not self._full_text_ok(path, table)]

    def execute(self, path: str, statements: Sequence[str]) -> None:
        """Let Plex's SQLite write what stock SQLite cannot; DbError when it fails."""
        for sql in statements:
            done = self._sqlite(path, sql)
            if done.returncode:
                raise _no_verdict(path, f"run {sql}", done)

    def _full_text_ok(self, path: str, table: str) -> bool:
        statement = f"INSERT INTO {table}({table}) VALUES('integrity-check')"
        done = self._sqlite(path, statement)
        if done.returncode and not is_corruption(done.stderr):
            raise _no_verdict(path, f"check {table}", done)
        return done.returncode == 0

    def _sqlite(self, path: str, sql: str) -> subprocess.CompletedProcess[str]:
        folder, name = os.path.split(os.path.abspath(path))
        container = f"cloudburst-check-{os.getpid()}"
        command = [
            *("run", "--rm", "--network", "none", "--name", container),
            *("--entrypoint", PLEX_SQLITE, "-v", f"{folder}:/v"),
            *(self.image, f"/v/{name}", sql),
        ]
        try:
            done = self._docker(*command)
        except subprocess.TimeoutExpired as error:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                self._docker("kill", container)
            raise DbError(
                f"{path}: 'Plex SQLite' did not finish in {self.timeout:.0f} s"
            ) from error
        if done.returncode in _DOCKER_FAILED:
            raise OracleUnavailableError(
                f"'{PLEX_SQLITE}' of {self.image} could not be run:"
                f" {done.stderr.strip()}"
            )
        return done

    def _docker(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # An edge runs without a module too, so there is no run_command.
        return subprocess.run(  # pylint: disable=ansible-bad-function
            [self.docker, *arguments],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=self.timeout,
        )


def _no_verdict(
    path: str, what: str, done: subprocess.CompletedProcess[str]
) -> DbError:
    reason = done.stderr.strip() or "it said nothing"
    if done.returncode == _KILLED:
        reason += "; it was killed, perhaps for want of memory"
    return DbError(
        f"{path}: 'Plex SQLite' could not {what} (exit code {done.returncode}): {reason}"
    )


def choose_oracle(
    wanted: str, image: str, *, docker: str = "docker", timeout: float = 7200.0
) -> StockOracle | PlexOracle:
    """``auto`` takes Plex's own where the image is at hand, and stock SQLite otherwise."""
    if wanted == "stock":
        return StockOracle()
    oracle = PlexOracle(image, docker=docker, timeout=timeout)
    reason = oracle.available()
    if not reason:
        return oracle
    if wanted == "plex":
        raise OracleUnavailableError(
            f"oracle=plex: {reason}; pull the image first, or use oracle=stock"
        )
    return StockOracle()
