# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots: one moment for both files, complete, beside a writing server."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils import _db_snapshot
from ansible_collections.cloudburst.plex.plugins.module_utils._db_check import Checker
from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    pin,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    pinned as pinned_view,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_oracle import (
    StockOracle,
)
from cloudburst_lab.plex_schema import Pair

# Writes the same counter to both databases, library first, as fast as it can.
WRITER = """
import sqlite3, sys
pair = [sqlite3.connect(path, isolation_level=None) for path in sys.argv[1:]]
for connection in pair:
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("INSERT INTO preferences(name, value) VALUES('beat', 0)")
beat = 0
while True:
    beat += 1
    if beat == 50:
        print("go", flush=True)
    for connection in pair:
        connection.execute("UPDATE preferences SET value=? WHERE name='beat'", (beat,))
"""


def beat(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT value FROM preferences WHERE name='beat'"
        return int(connection.execute(query).fetchone()[0])


def test_copies_of_a_busy_pair_are_sound_and_of_one_moment(
    pair: Pair, tmp_path: Path
) -> None:
    sources = (str(pair.library), str(pair.blobs))
    command = [sys.executable, "-c", WRITER, *sources]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"go\n"
            copies = _db_snapshot.snapshot_pair(sources, str(tmp_path / "out"))
        finally:
            writer.kill()
    made = Pair.of(tmp_path / "out")
    assert [copy.path for copy in copies] == [str(made.library), str(made.blobs)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [made.library.name, made.blobs.name, "pair.json"]
    )
    assert Checker(StockOracle(), "full").pair(str(made.library), str(made.blobs)) == []
    # Between its two commits the writer is one ahead in the library.
    assert beat(made.library) - beat(made.blobs) in (0, 1)


def commit_after_pins(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, which: set[int]
) -> list[int]:
    """A writer that commits to both databases right after the pins of these numbers."""
    pins: list[int] = []

    def pin_and_commit(connection: sqlite3.Connection) -> None:
        pin(connection)
        pins.append(len(pins))
        if pins[-1] in which or -1 in which:
            for path in (pair.blobs, pair.library):
                with closing(sqlite3.connect(path, isolation_level=None)) as other:
                    other.execute("INSERT INTO devices(name) VALUES('committed')")

    monkeypatch.setattr(_db_snapshot, "pin", pin_and_commit)
    return pins


def devices(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT COUNT(*) FROM devices WHERE name='committed'"
        return int(connection.execute(query).fetchone()[0])


def test_a_commit_between_the_two_views_is_not_torn(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = (str(pair.library), str(pair.blobs))
    pins = commit_after_pins(pair, monkeypatch, {0, 2})
    _db_snapshot.snapshot_pair(sources, str(tmp_path / "out"))
    made = Pair.of(tmp_path / "out")
    assert (devices(made.library), devices(made.blobs)) == (2, 2)
    assert len(pins) == 6


def test_a_commit_before_that_is_seen_begins_anew(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = (str(pair.library), str(pair.blobs))
    commit_after_pins(pair, monkeypatch, {1, 3})
    _db_snapshot.snapshot_pair(sources, str(tmp_path / "out"))
    made = Pair.of(tmp_path / "out")
    assert devices(made.library) == devices(made.blobs) == 2


def test_without_a_moment_of_rest_it_says_so(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = (str(pair.library), str(pair.blobs))
    commit_after_pins(pair, monkeypatch, {-1})
    monkeypatch.setattr(_db_snapshot, "_PATIENCE", 0.05)
    with pytest.raises(DbError, match=r"blobs\.db: something was written"):
        _db_snapshot.snapshot_pair(sources, str(tmp_path / "out"))
    assert not list((tmp_path / "out").iterdir())


def test_room_for_the_wal_is_asked_for_three_times(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        _db_snapshot, "require_space", lambda folder, needed, what: asked.append(needed)
    )
    with closing(sqlite3.connect(pair.library, isolation_level=None)) as connection:
        connection.execute("UPDATE media_parts SET size=4711")
        wal = Path(f"{pair.library}-wal").stat().st_size
        sources = (str(pair.library), str(pair.blobs))
        _db_snapshot.snapshot_pair(sources, str(tmp_path / "out"))
    size = pair.library.stat().st_size + pair.blobs.stat().st_size
    assert wal > 0
    assert asked[0] >= 3 * (size + wal)


def test_page_size_and_journal_mode_stay(pair: Pair, tmp_path: Path) -> None:
    sources = (str(pair.library), str(pair.blobs))
    for copy in _db_snapshot.snapshot_pair(sources, str(tmp_path / "out")):
        assert (copy.page_size, copy.journal_mode) == (1024, "wal")


def test_committed_rows_in_the_wal_are_in_the_copy(pair: Pair, tmp_path: Path) -> None:
    with closing(sqlite3.connect(pair.library, isolation_level=None)) as connection:
        connection.execute("UPDATE media_parts SET size=4711")
        sources = (str(pair.library), str(pair.blobs))
        _db_snapshot.snapshot_pair(sources, str(tmp_path / "out"))
    with closing(sqlite3.connect(Pair.of(tmp_path / "out").library)) as copy:
        sizes = copy.execute("SELECT DISTINCT size FROM media_parts").fetchall()
    assert sizes == [(4711,)]


def test_an_older_snapshot_is_replaced_with_what_lies_beside_it(
    pair: Pair, tmp_path: Path
) -> None:
    sources = (str(pair.library), str(pair.blobs))
    made = Pair.of(tmp_path / "out")
    _db_snapshot.snapshot_pair(sources, str(tmp_path / "out"))
    Path(f"{made.library}-wal").write_bytes(b"stale")
    _db_snapshot.snapshot_pair(sources, str(tmp_path / "out"))
    assert not Path(f"{made.library}-wal").exists()


def test_a_failure_leaves_the_older_snapshot(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = (str(pair.library), str(pair.blobs))
    _db_snapshot.snapshot_pair(sources, str(tmp_path / "out"))
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}

    def fail(path: str) -> None:
        raise DbError("no more room")

    with monkeypatch.context() as patch:
        patch.setattr(_db_snapshot, "remove_side_files", fail)
        with pytest.raises(DbError, match="no more room"):
            _db_snapshot.snapshot_pair(sources, str(tmp_path / "out"))
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before


def test_a_missing_blobs_database_is_an_error(pair: Pair, tmp_path: Path) -> None:
    pair.blobs.unlink()
    sources = (str(pair.library), str(pair.blobs))
    with pytest.raises(DbError, match="blobs.db: cannot be read"):
        _db_snapshot.snapshot_pair(sources, str(tmp_path / "out"))


def test_the_view_stands_still_while_it_is_pinned(pair: Pair, tmp_path: Path) -> None:
    with pinned_view(str(pair.library)) as pinned:
        thread = threading.Thread(target=_write, args=(pair.library,))
        thread.start()
        thread.join()
        count = pinned.execute("SELECT COUNT(*) FROM devices").fetchone()[0]
    assert count == 0
    assert not list(pair.library.parent.glob("*-wal"))


def _write(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO devices(name) VALUES('x')")
