# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The remap of a library: one transaction, whole components, a backup, idempotent."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.module_utils import (
    _db_oracle,
    _db_remap,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_check import Checker
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import (
    is_under,
    path_map,
)
from cloudburst_lab.plex_schema import Pair
from tests.unit.conftest import AWKWARD
from tests.unit.plugins.module_utils.db_faults import held_open

NAMES = st.sampled_from(["a", "ab", "a'b", "a%", "a_", "é", "A", "0", "a0"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
PAIRS = [("/media/plex/Music", "/b"), ("/media/plex/Films d'auteur", "/c/l'_%é")]


def column(path: Path | str, table: str, name: str) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        query = f"SELECT {name} FROM {table} ORDER BY id"
        return [row[0] for row in connection.execute(query)]


def schema(path: Path | str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2"
        return connection.execute(query).fetchall()


def run(pair: Pair, pairs: list[tuple[str, str]]) -> _db_remap.RemapResult:
    folder = str(pair.library.parent.parent / "backup")
    return _db_remap.remap(str(pair.library), path_map(pairs), folder, "now")


def test_all_columns_change_by_whole_components(pair: Pair) -> None:
    files = column(pair.library, "media_parts", "file")
    roots = column(pair.library, "section_locations", "root_path")
    result = run(pair, PAIRS)
    mapping = path_map(PAIRS)
    assert column(pair.library, "media_parts", "file") == [*map(mapping.apply, files)]
    after = column(pair.library, "section_locations", "root_path")
    assert after == [*map(mapping.apply, roots)]
    urls = [url for url in column(pair.library, "media_streams", "url") if url]
    assert urls == ["file:///c/l%27_%25%C3%A9/100%25_s%C3%BBr%20%281999%29/a.srt"]
    assert result.rows == {
        "section_locations": 2,
        "media_parts": 51,
        "media_streams": 1,
    }
    assert mapping.apply(AWKWARD) in after + column(pair.library, "media_parts", "file")


def test_indexes_schema_and_journal_mode_are_as_before_and_the_file_is_sound(
    pair: Pair,
) -> None:
    before, mode = schema(pair.library), pair.library.stat().st_mode
    run(pair, PAIRS)
    assert schema(pair.library) == before
    assert pair.library.stat().st_mode == mode
    assert pair.library.read_bytes()[18:20] == b"\2\2"  # still WAL
    assert not list(pair.library.parent.glob("*-wal"))
    assert (
        Checker(_db_oracle.StockOracle(), "full").file(str(pair.library), "library")
        == []
    )


def test_the_backup_is_the_database_as_it_was(pair: Pair) -> None:
    before = pair.library.read_bytes()
    result = run(pair, PAIRS)
    assert Path(result.backup).read_bytes() == before
    assert Path(result.backup).parent == pair.library.parent.parent / "backup"


def test_the_second_run_changes_nothing(pair: Pair) -> None:
    assert run(pair, PAIRS).changed
    after = pair.library.read_bytes()
    again = run(pair, PAIRS)
    assert not again.changed
    assert again.backup == ""
    assert pair.library.read_bytes() == after


@pytest.mark.parametrize(
    "pairs",
    [
        [("/media/plex/Music", "/media/plex/M2"), ("/media/plex/M2", "/media/plex/M3")],
        [("/media/plex", "/media/plex/deeper")],
        [
            ("/media/plex/Music", "/media/plex/M2"),
            ("/media/plex/M2", "/media/plex/Music"),
        ],
        [("/", "/mnt")],
    ],
)
def test_a_mapping_that_matches_its_own_result_is_applied_once(
    pair: Pair, pairs: list[tuple[str, str]]
) -> None:
    files = column(pair.library, "media_parts", "file")
    expected = [*map(path_map(pairs).apply, files)]
    for _time in range(2):
        run(pair, pairs)
        assert column(pair.library, "media_parts", "file") == expected


def test_a_fresh_copy_at_the_same_place_is_mapped_again(
    pair: Pair, make_pair: Callable[[Path], Pair]
) -> None:
    pairs = [("/media/plex", "/media/plex/deeper")]
    run(pair, pairs)
    make_pair(pair.library.parent)
    _db_remap.remap(
        str(pair.library), path_map(pairs), str(pair.library.parent), "later"
    )
    assert all(
        path.startswith("/media/plex/deeper/")
        for path in column(pair.library, "media_parts", "file")
    )


def test_a_failure_in_the_middle_changes_nothing(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pair.library.read_bytes()

    def fail(*arguments: object) -> None:
        raise DbError("the disk is full")

    monkeypatch.setattr(_db_remap, "sync", fail)
    with pytest.raises(DbError, match="disk is full"):
        run(pair, PAIRS)
    assert pair.library.read_bytes() == before
    assert sorted(path.name for path in pair.library.parent.iterdir()) == sorted(
        [pair.library.name, pair.blobs.name]
    )


def test_a_database_in_use_is_refused(pair: Pair) -> None:
    with held_open(pair.library), pytest.raises(DbError, match="has it open"):
        run(pair, PAIRS)


def test_what_a_killed_server_left_is_refused_by_name(
    pair: Pair, tmp_path: Path
) -> None:
    """No check has seen that -wal: it is not put into the original, nor left out."""
    killed = Pair.of(tmp_path / "killed")
    killed.library.parent.mkdir()
    with closing(sqlite3.connect(pair.library, isolation_level=None)) as connection:
        connection.execute("UPDATE media_parts SET size=4711")
        for end in ("", "-wal"):
            data = Path(f"{pair.library}{end}").read_bytes()
            Path(f"{killed.library}{end}").write_bytes(data)
    before = {path.name: path.read_bytes() for path in killed.library.parent.iterdir()}
    with pytest.raises(DbError, match=r"library\.db-wal: was left behind"):
        run(killed, PAIRS)
    with pytest.raises(DbError, match=r"library\.db-wal: was left behind"):
        _db_remap.plan_remap(str(killed.library), path_map(PAIRS))
    after = {path.name: path.read_bytes() for path in killed.library.parent.iterdir()}
    assert after == before


DEEPER = [
    [("/media/plex", "/media/plex/plex")],
    # Neither a location nor the first or last file changes.
    [("/media/plex/Music/Artist 2", "/media/plex/Music/Artist 2/x")],
    [("/media/plex/Music", "/media/plex/M2"), ("/media/plex/M2", "/media/plex/Music")],
]


@pytest.mark.parametrize("swapped", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("pairs", DEEPER)
def test_a_kill_on_either_side_of_the_swap_leaves_a_library_mapped_once(
    pair: Pair,
    monkeypatch: pytest.MonkeyPatch,
    pairs: list[tuple[str, str]],
    swapped: bool,
) -> None:
    files = column(pair.library, "media_parts", "file")
    place = _db_remap.place

    def killed(copy: str, library: str) -> None:
        if swapped:
            place(copy, library)
        os._exit(9)

    child = os.fork()
    if not child:
        monkeypatch.setattr(_db_remap, "place", killed)
        try:
            run(pair, pairs)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    there = files if not swapped else [*map(path_map(pairs).apply, files)]
    assert column(pair.library, "media_parts", "file") == there
    folder = str(pair.library.parent.parent / "backup")
    for stamp in ("again", "and again"):
        _db_remap.remap(str(pair.library), path_map(pairs), folder, stamp)
        expected = [*map(path_map(pairs).apply, files)]
        assert column(pair.library, "media_parts", "file") == expected


def test_a_row_that_is_gone_since_does_not_undo_the_note(pair: Pair) -> None:
    pairs = [("/media/plex", "/media/plex/plex")]
    run(pair, pairs)
    with closing(sqlite3.connect(pair.library, isolation_level=None)) as connection:
        connection.execute("DELETE FROM media_parts WHERE id IN (1, 2)")
    assert not run(pair, pairs).changed


def test_a_plan_counts_without_writing_and_a_mapping_without_files_shows(
    pair: Pair,
) -> None:
    before = pair.library.read_bytes()
    pairs = [("/media/plex", "/x"), ("/media/plex/Music", "/y"), ("/nowhere", "/z")]
    plan = _db_remap.plan_remap(str(pair.library), path_map(pairs))
    files = {item["from"]: item["files"] for item in plan.per_mapping}
    assert files == {"/media/plex/Music": 50, "/media/plex": 69, "/nowhere": 0}
    assert plan.rows["media_parts"] == 119
    assert pair.library.read_bytes() == before


@given(st.data())
def test_exclusive_counts_are_those_of_the_longest_prefix(data: st.DataObject) -> None:
    pairs = data.draw(st.dictionaries(PATHS, st.just("/new"), max_size=5))
    paths = data.draw(st.lists(PATHS, max_size=20))
    mapping = path_map(list(pairs.items()))
    singles = {
        item: sum(is_under(path, item.old) for path in paths)
        for item in mapping.mappings
    }
    expected = dict.fromkeys(mapping.mappings, 0)
    for item in filter(None, map(mapping.find, paths)):
        expected[item] += 1
    assert _db_remap.exclusive(singles) == expected


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.dictionaries(PATHS, PATHS, min_size=1, max_size=4), st.lists(PATHS, max_size=30)
)
def test_the_statement_does_what_the_mapping_says(
    pairs: dict[str, str], paths: list[str]
) -> None:
    mapping = path_map(list(pairs.items()))
    if not mapping.mappings:
        return
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, p)")
        connection.execute("CREATE INDEX i ON t(p)")
        connection.executemany(
            "INSERT INTO t(p) VALUES(?)", [(path,) for path in paths]
        )
        statement, values = _db_remap.update_statement("t", "p", mapping.mappings)
        connection.execute(statement, values)
        rows = connection.execute("SELECT p FROM t ORDER BY id")
        assert [row[0] for row in rows] == [*map(mapping.apply, paths)]


def test_the_index_serves_the_search() -> None:
    mapping = path_map([("/a", "/b"), ("/c", "/d")])
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, p)")
        connection.execute("CREATE INDEX i ON t(p)")
        statement, values = _db_remap.update_statement("t", "p", mapping.mappings)
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
    assert not any("SCAN" in row[3] for row in plan), plan


def test_backups_on_another_disk_are_copies(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    with tempfile.TemporaryDirectory() as folder:
        mapping = path_map(PAIRS)
        files = column(pair.library, "media_parts", "file")
        result = _db_remap.remap(str(pair.library), mapping, folder, "x")
        assert column(result.backup, "media_parts", "file") == files
