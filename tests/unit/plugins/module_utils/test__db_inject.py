# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Injection: raised sequences, a base, stale files gone, once and never over a server."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.module_utils import _db_inject
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_sequences import (
    autoincrement_tables,
    new_sequence,
)
from cloudburst_lab.plex_schema import SCHEMA_HEAD, Pair
from tests.unit.plugins.module_utils import db_faults
from tests.unit.plugins.module_utils.db_faults import foreign_wal, held_open

OFFSET = 1_000_000


@pytest.fixture
def job(pair: Pair, tmp_path: Path) -> _db_inject.Injection:
    return _db_inject.Injection(
        source_library=str(pair.library),
        source_blobs=str(pair.blobs),
        databases=str(tmp_path / "plex" / "Databases"),
        base_dir=str(tmp_path / "base"),
        burst_id="b1",
        sequence_offset=OFFSET,
        uid=os.getuid(),
        gid=os.getgid(),
    )


def placed(job: _db_inject.Injection) -> Pair:
    return Pair.of(Path(job.databases))


def digest(path: Path | str) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()


def test_new_rows_are_far_above_every_id_of_home_in_both_databases(
    job: _db_inject.Injection, pair: Pair
) -> None:
    _db_inject.inject(job, 1)
    for before, after in (
        (pair.library, placed(job).library),
        (pair.blobs, placed(job).blobs),
    ):
        with (
            closing(sqlite3.connect(before)) as old,
            closing(sqlite3.connect(after)) as new,
        ):
            known = dict(old.execute("SELECT name, seq FROM sqlite_sequence"))
            raised = dict(new.execute("SELECT name, seq FROM sqlite_sequence"))
            tables = autoincrement_tables(new)
            assert len(tables) > 40
            assert set(raised) == set(tables)
            for table in tables:
                highest = old.execute(f'SELECT MAX(id) FROM "{table}"').fetchone()[0]
                floor = max(known.get(table, 0), highest or 0)
                assert raised[table] == floor + OFFSET
            new.execute("INSERT INTO media_parts(file) VALUES('/x')")
            new_id = new.execute("SELECT MAX(id) FROM media_parts").fetchone()[0]
            assert new_id == raised["media_parts"] + 1


def test_a_sequence_below_the_highest_id_does_not_count(
    job: _db_inject.Injection, pair: Pair
) -> None:
    with closing(sqlite3.connect(pair.library, isolation_level=None)) as connection:
        connection.execute("UPDATE sqlite_sequence SET seq=3 WHERE name='media_parts'")
    record = _db_inject.inject(job, 1).base
    assert record["sequences"]["library"]["media_parts"] == 119 + OFFSET


def test_the_base_is_what_was_placed_and_the_record_says_so(
    job: _db_inject.Injection, pair: Pair
) -> None:
    sources = digest(pair.library), digest(pair.blobs)
    result = _db_inject.inject(job, 7)
    assert result.changed
    assert json.loads(Path(job.record).read_text()) == result.base
    assert result.base["created"] == 7
    assert result.base["schema_head"] == SCHEMA_HEAD
    assert result.base["page_size"] == 1024
    for role, name in (("library", pair.library.name), ("blobs", pair.blobs.name)):
        base = Path(job.base_dir) / name
        assert digest(base) == digest(Path(job.databases) / name)
        assert result.base["base"][f"{role}_sha256"] == digest(base)
    assert (digest(pair.library), digest(pair.blobs)) == sources
    assert sorted(os.listdir(job.databases)) == sorted(
        [pair.library.name, pair.blobs.name]
    )


def test_a_repeat_changes_nothing_although_plex_has_worked(
    job: _db_inject.Injection,
) -> None:
    first = _db_inject.inject(job, 1)
    with closing(sqlite3.connect(placed(job).library)) as connection:
        connection.execute("UPDATE media_parts SET size=1")
        connection.commit()
    worked = digest(placed(job).library)
    again = _db_inject.inject(job, 2)
    assert not again.changed
    assert again.base == first.base
    assert digest(placed(job).library) == worked


def test_a_source_that_was_only_touched_is_the_same(job: _db_inject.Injection) -> None:
    _db_inject.inject(job, 1)
    os.utime(job.source_library, (1, 1))
    assert not _db_inject.inspect(job).changed


@pytest.mark.parametrize("what", ["burst", "offset", "source", "base gone", "gone"])
def test_anything_else_is_injected_anew_and_the_old_pair_is_kept(
    job: _db_inject.Injection, what: str
) -> None:
    _db_inject.inject(job, 1)
    before = digest(placed(job).blobs)
    if what == "burst":
        job = replace(job, burst_id="b2")
    elif what == "offset":
        job = replace(job, sequence_offset=5)
    elif what == "source":
        with closing(sqlite3.connect(job.source_library)) as connection:
            connection.execute("UPDATE media_parts SET size=1")
            connection.commit()
    elif what == "base gone":
        os.unlink(job.base("blobs"))
    else:
        placed(job).library.unlink()
    result = _db_inject.inject(job, 2)
    assert result.changed
    assert digest(Path(result.set_aside) / placed(job).blobs.name) == before


def test_stale_files_are_removed_before_the_new_ones_come(
    job: _db_inject.Injection, make_pair: Callable[[Path], Pair]
) -> None:
    old = make_pair(Path(job.databases))
    for path in (old.library, old.blobs):
        foreign_wal(path)
        Path(f"{path}-shm").write_bytes(b"stale")
        path.unlink()
    assert len(_db_inject.inspect(job).removed) == 4
    result = _db_inject.inject(job, 1)
    assert len(result.removed) == 4
    with closing(sqlite3.connect(old.library)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT COUNT(*) FROM media_parts").fetchone() == (
            119,
        )


def killed_server(folder: Path, make_pair: Callable[[Path], Pair]) -> Pair:
    """As ``docker stop`` leaves it after SIGKILL: committed rows only in the -wal."""
    worked, killed = make_pair(folder.parent / "worked"), Pair.of(folder)
    folder.mkdir(parents=True)
    for source, target in (
        (worked.library, killed.library),
        (worked.blobs, killed.blobs),
    ):
        with closing(sqlite3.connect(source, isolation_level=None)) as connection:
            connection.execute("INSERT INTO devices(name) VALUES('committed')")
            for end in ("", "-wal", "-shm"):
                Path(f"{target}{end}").write_bytes(Path(f"{source}{end}").read_bytes())
    return killed


def devices(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM devices")]


def test_the_pair_that_is_set_aside_keeps_the_rows_in_its_wal(
    job: _db_inject.Injection, make_pair: Callable[[Path], Pair]
) -> None:
    killed_server(Path(job.databases), make_pair)
    result = _db_inject.inject(job, 1)
    aside = Pair.of(Path(result.set_aside))
    assert [devices(path) for path in (aside.library, aside.blobs)] == [
        ["committed"],
        ["committed"],
    ]
    assert result.removed == ()
    assert devices(placed(job).library) == []


def cut_short(moves: int) -> Callable[..., None]:
    """``os.replace`` until the process is killed."""
    move, left = os.replace, iter(range(moves))

    def replace_or_die(source: str, target: str) -> None:
        if "replaced" in target and next(left, None) is None:
            raise KeyboardInterrupt
        move(source, target)

    return replace_or_die


@pytest.mark.parametrize("moves", range(7))
def test_a_kill_while_setting_aside_loses_no_row(
    job: _db_inject.Injection,
    make_pair: Callable[[Path], Pair],
    monkeypatch: pytest.MonkeyPatch,
    moves: int,
) -> None:
    killed_server(Path(job.databases), make_pair)
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", cut_short(moves))
        patch.setattr(_db_inject.os, "rename", cut_short(0))
        with pytest.raises(KeyboardInterrupt):
            _db_inject.inject(job, 1)
    aside = Pair.of(Path(_db_inject.inject(job, 2).set_aside))
    assert [devices(path) for path in (aside.library, aside.blobs)] == [
        ["committed"],
        ["committed"],
    ]


def test_a_server_on_either_side_is_refused_before_anything_changes(
    job: _db_inject.Injection, pair: Pair, make_pair: Callable[[Path], Pair]
) -> None:
    there = make_pair(Path(job.databases))
    before = there.library.stat().st_ino
    for path in (there.library, there.blobs):
        with held_open(path), pytest.raises(DbError, match="has it open"):
            _db_inject.inject(job, 1)
    assert there.library.stat().st_ino == before
    assert not os.path.exists(job.record)


def test_a_source_with_rows_in_its_wal_is_refused(
    job: _db_inject.Injection, pair: Pair
) -> None:
    foreign_wal(pair.blobs)
    with pytest.raises(DbError, match=r"blobs\.db-wal: was left behind"):
        _db_inject.inject(job, 1)
    assert not os.path.exists(job.databases)


def test_a_journal_that_would_be_rolled_back_is_refused_by_name(
    job: _db_inject.Injection, pair: Pair
) -> None:
    """DBRepair leaves databases without WAL; then a killed server leaves this."""
    journal = Path(f"{pair.library}-journal")
    journal.write_bytes(bytes.fromhex("d9d505f920a163d7") + bytes(504))
    with pytest.raises(DbError, match=r"library\.db-journal: was left behind"):
        _db_inject.inject(job, 1)


def test_a_pair_of_two_moments_is_not_injected(
    job: _db_inject.Injection, pair: Pair
) -> None:
    db_faults.analyse_more(pair)
    db_faults.forget_new_items(pair.library)
    with pytest.raises(DbError, match="is of a later moment"):
        _db_inject.inject(job, 1)
    assert not os.path.exists(job.databases)


def test_a_missing_source_is_named(job: _db_inject.Injection, pair: Pair) -> None:
    pair.blobs.unlink()
    with pytest.raises(DbError, match="blobs.db: cannot be read: No such file"):
        _db_inject.inject(job, 1)


def test_too_little_room_is_said_before_anything_changes(
    job: _db_inject.Injection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: os.statvfs_result([0] * 10))
    monkeypatch.setattr(_db_inject, "require_space", _no_room)
    with pytest.raises(DbError, match="MB are free"):
        _db_inject.inject(job, 1)
    assert os.listdir(job.databases) == []


def _no_room(folder: str, needed: int, purpose: str) -> None:
    raise DbError(f"{folder}: {purpose} needs {needed} MB, 0 MB are free")


@pytest.mark.parametrize(
    "moment", ["raise_sequences", "_set_aside", "write_atomically"]
)
def test_after_a_crash_a_repeat_completes_it(
    job: _db_inject.Injection, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def crash(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_db_inject, moment, crash)
        with pytest.raises(KeyboardInterrupt):
            _db_inject.inject(job, 1)
    result = _db_inject.inject(job, 2)
    assert result.changed
    assert digest(placed(job).library) == result.base["base"]["library_sha256"]
    assert not _db_inject.inspect(job).changed


def test_an_unreadable_record_is_an_error(job: _db_inject.Injection) -> None:
    _db_inject.inject(job, 1)
    Path(job.record).write_text("{")
    with pytest.raises(DbError, match="base.json: is not readable"):
        _db_inject.inject(job, 2)


@given(st.none() | st.integers(0, 10**9), st.none() | st.integers(0, 10**9))
def test_new_sequence(sequence: int | None, highest: int | None) -> None:
    value = new_sequence(sequence, highest, OFFSET)
    assert value >= OFFSET + max(sequence or 0, highest or 0)
