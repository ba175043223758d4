# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of damage of sqlite-lab §4 is found, and a healthy pair passes (L22, L23)."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils import (
    _db_check,
    _db_connect,
    _db_identity,
    _db_moments,
    _db_oracle,
    _stubs,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import is_in_use
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    damage,
    summary,
)
from cloudburst_lab.plex_schema import Pair
from cloudburst_lab.plex_schema.pair import connect
from tests.unit.plugins.module_utils import db_faults

try:
    import pysqlite3
except ImportError:
    pysqlite3 = None

ENGINES = [sqlite3, pysqlite3] if pysqlite3 else [sqlite3]


@pytest.fixture(params=ENGINES, ids=lambda module: module.sqlite_version)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Each test with this Python's SQLite, and with a newer one where installed."""
    for module in (
        _db_check,
        _db_identity,
        _db_moments,
        _db_oracle,
        _stubs,
        _db_connect,
    ):
        monkeypatch.setattr(module, "sqlite3", request.param)
    return request.param


def checker(level: str = "full") -> _db_check.Checker:
    return _db_check.Checker(_db_oracle.StockOracle(), level)


def state_of(folder: Path) -> dict[str, str]:
    return {
        path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()
    }


@pytest.mark.parametrize("level", ["quick", "full"])
def test_a_healthy_pair_passes_and_nothing_is_touched(
    pair: Pair, engine: object, level: str
) -> None:
    before = state_of(pair.library.parent)
    assert checker(level).pair(str(pair.library), str(pair.blobs)) == []
    assert state_of(pair.library.parent) == before


def test_stock_sqlite_alone_would_call_the_healthy_pair_broken(pair: Pair) -> None:
    """The trap that the stubs are for (L22)."""
    connection = sqlite3.connect(pair.library)
    with pytest.raises(sqlite3.OperationalError, match="icu_root|collating"):
        connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()


@pytest.mark.parametrize("level", ["quick", "full"])
@pytest.mark.parametrize(
    ("fault", "quick_sees_it", "named"),
    db_faults.FAULTS,
    ids=[fault[0].__name__ for fault in db_faults.FAULTS],
)
def test_damage_is_found_and_named(
    pair: Pair,
    engine: object,
    level: str,
    fault: Callable[[Path], None],
    quick_sees_it: bool,
    named: str,
) -> None:
    fault(pair.library)
    before = state_of(pair.library.parent)
    found = checker(level).file(str(pair.library), "library")
    if level == "full" or quick_sees_it:
        assert damage(found)
        assert str(pair.library) in summary(found)
        assert named in summary(found, 99)
    else:
        assert not damage(found)
    assert state_of(pair.library.parent) == before


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (db_faults.index_leaf, "REINDEX"),
        (db_faults.table_leaf, "intact copy"),
        (db_faults.foreign_wal, "delete the -wal"),
    ],
)
def test_the_message_says_what_to_do(
    pair: Pair, fault: Callable[[Path], None], advice: str
) -> None:
    fault(pair.library)
    assert advice in summary(checker().file(str(pair.library), "library"))


def test_a_missing_blobs_database_is_damage(pair: Pair) -> None:
    pair.blobs.unlink()
    text = summary(checker("quick").pair(str(pair.library), str(pair.blobs)))
    assert str(pair.blobs) in text
    assert "travels together" in text


def test_a_swapped_pair_is_refused(pair: Pair) -> None:
    found = checker("quick").pair(str(pair.blobs), str(pair.library))
    assert [item.kind for item in found] == ["swapped"]


def test_blobs_of_another_library_are_refused(pair: Pair) -> None:
    with closing(sqlite3.connect(pair.blobs, isolation_level=None)) as connection:
        connection.execute("UPDATE blobs SET linked_id=linked_id+900000")
    found = checker("quick").pair(str(pair.library), str(pair.blobs))
    assert [item.kind for item in found] == ["pair_mismatch"]
    assert "20 of 20 Sonic vectors" in summary(found)


def test_blobs_of_a_later_moment_are_refused(pair: Pair) -> None:
    db_faults.analyse_more(pair)
    db_faults.forget_new_items(pair.library)
    (found,) = checker("quick").pair(str(pair.library), str(pair.blobs))
    assert found.kind == "pair_mismatch"
    assert f"is of a later moment than {pair.library}" in found.text
    assert "metadata_item 1" in found.text


def test_blobs_of_an_earlier_moment_are_refused(pair: Pair) -> None:
    earlier = pair.blobs.read_bytes()
    db_faults.analyse_more(pair, 60)
    assert checker("quick").pair(str(pair.library), str(pair.blobs)) == []
    pair.blobs.write_bytes(earlier)
    (found,) = checker("quick").pair(str(pair.library), str(pair.blobs))
    assert found.kind == "pair_mismatch"
    assert f"is of an earlier moment than {pair.library}: 60 of 80 tracks" in found.text


def test_a_few_marks_without_a_vector_are_worth_a_notice(pair: Pair) -> None:
    """Two albums whose analysis failed, or that are being analysed (L81)."""
    earlier = pair.blobs.read_bytes()
    db_faults.analyse_more(pair, 24)
    pair.blobs.write_bytes(earlier)
    (found,) = checker("quick").pair(str(pair.library), str(pair.blobs))
    assert (found.kind, found.severity) == ("pair_strays", "notice")
    assert "24 of 44 tracks that are marked as analysed have no" in found.text


def test_what_a_check_did_not_see_is_a_finding_when_reading_runs_into_it(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*paths: str) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(_db_check, "mismatch", fail)
    (found,) = checker("quick").pair(str(pair.library), str(pair.blobs))
    assert found.kind == "malformed"
    assert f"{pair.library} with {pair.blobs.name}: database disk" in found.text


def test_deleted_items_leave_blobs_that_are_no_damage(pair: Pair) -> None:
    """The highest ids were given out, and their rows are gone: Plex collects them later."""
    db_faults.analyse_more(pair)
    with closing(connect(pair.library)) as connection:
        sequences = dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))
    db_faults.forget_new_items(pair.library)
    with closing(sqlite3.connect(pair.library, isolation_level=None)) as connection:
        for name, given in sequences.items():
            values = (given, name)
            connection.execute("UPDATE sqlite_sequence SET seq=? WHERE name=?", values)
    assert checker("quick").pair(str(pair.library), str(pair.blobs)) == []


def test_another_sqlite_database_is_refused(pair: Pair) -> None:
    pair.library.unlink()
    with closing(sqlite3.connect(pair.library, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t(x)")
    found = checker("quick").file(str(pair.library), "library")
    assert [item.kind for item in found] == ["not_plex"]


def killed(pair: Pair, folder: Path) -> Path:
    """As after SIGKILL: committed rows are still in the -wal (plex-facts §1.1)."""
    left = Pair.of(folder).library
    folder.mkdir()
    with closing(sqlite3.connect(pair.library, isolation_level=None)) as connection:
        connection.execute("UPDATE media_parts SET size=5")
        for end in ("", "-wal"):
            shutil.copyfile(f"{pair.library}{end}", f"{left}{end}")
    return left


def test_a_wal_left_behind_is_refused_by_name_although_it_fits(
    pair: Pair, tmp_path: Path
) -> None:
    left = killed(pair, tmp_path / "killed")
    (found,) = damage(checker().file(str(left), "library"))
    assert found.kind == "wal_pending"
    assert f"{left}-wal: was left behind by a server" in found.text


def test_a_database_that_needs_its_wal_is_refused_by_name(
    pair: Pair, tmp_path: Path
) -> None:
    left = killed(pair, tmp_path / "killed")
    # A page that the -wal holds, so only without it the database is damaged.
    db_faults.zero_page(
        left, db_faults.pages_of(pair.library, "media_parts", "leaf")[2]
    )
    (found,) = damage(checker().file(str(left), "library"))
    assert found.kind == "wal_needed"
    assert f"{left}-wal: was left behind by a server" in found.text


@pytest.mark.parametrize("ended", [False, True])
def test_a_journal_left_behind_is_refused_by_name(pair: Pair, ended: bool) -> None:
    """DBRepair leaves databases without WAL; a transaction that ended leaves zeros."""
    with closing(sqlite3.connect(pair.library)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    magic = bytes(8) if ended else bytes.fromhex("d9d505f920a163d7")
    Path(f"{pair.library}-journal").write_bytes(magic + bytes(504))
    found = damage(checker().file(str(pair.library), "library"))
    assert [item.kind for item in found] == ([] if ended else ["journal_pending"])
    if not ended:
        assert f"{pair.library}-journal: was left behind" in found[0].text


def test_a_database_in_use_is_checked_where_it_is(pair: Pair) -> None:
    with db_faults.held_open(pair.library):
        assert is_in_use(str(pair.library))
        assert checker().file(str(pair.library), "library") == []
    assert not is_in_use(str(pair.library))


def test_without_read_permission_it_says_so(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    text = summary(checker().file(str(pair.library), "library"))
    assert "Permission denied" in text
