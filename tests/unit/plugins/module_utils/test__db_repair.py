# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy before any repair; a salvage that tells the truth, row by row (L24)."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils import (
    _db_check,
    _db_connect,
    _db_estimate,
    _db_files,
    _db_identity,
    _db_oracle,
    _db_rebuild,
    _db_reindex,
    _db_repair,
    _db_wreck,
    _stubs,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_check import Checker
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import damage
from ansible_collections.cloudburst.plex.plugins.module_utils._db_oracle import (
    PlexOracle,
    StockOracle,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_outcome import (
    Outcome,
    Repair,
    RepairRefusedError,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_rebuild import (
    Salvage,
    salvage,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_repair import repair
from cloudburst_lab.plex_schema import Pair
from cloudburst_lab.plex_schema.pair import connect
from tests.support.db_truth import lies, unreported
from tests.support.plex_sqlite import IMAGE, write_docker
from tests.unit.plugins.module_utils import db_faults

try:
    import pysqlite3
except ImportError:
    pysqlite3 = None

ENGINES = [sqlite3, pysqlite3] if pysqlite3 else [sqlite3]
STOCK = Checker(StockOracle(), "full")
AT_REST = [
    (fault, named)
    for fault, _, named in db_faults.FAULTS
    if fault not in (db_faults.foreign_wal, db_faults.stale_wal)
]


@pytest.fixture(params=ENGINES, ids=lambda module: module.sqlite_version)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With this Python's SQLite, and with a newer one where installed."""
    using = (_db_check, _db_identity, _db_oracle, _stubs, _db_connect)
    making = (_db_estimate, _db_rebuild, _db_reindex, _db_wreck)
    for module in (*using, *making):
        monkeypatch.setattr(module, "sqlite3", request.param)


def state_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def attempt(source: Path, target: Path, max_loss: float = 0.99) -> Salvage:
    lines = StockOracle().check(str(source), "full").lines
    return salvage(str(source), str(target), lines, max_loss)


def job(pair: Pair, tmp_path: Path, **more: object) -> Repair:
    dest = str(tmp_path / "sound")
    return Repair(str(pair.library), str(pair.blobs), dest, **more)


@pytest.mark.parametrize(
    "fault", [fault for fault, _ in AT_REST], ids=lambda fault: fault.__name__
)
def test_each_fault_is_refused_or_salvaged_with_a_true_report(
    pair: Pair,
    pair_template: Pair,
    tmp_path: Path,
    engine: None,
    fault: Callable[[Path], None],
) -> None:
    before = shutil.copy(pair_template.library, tmp_path / "before.db")
    fault(pair.library)
    damaged = pair.library.read_bytes()
    try:
        made = attempt(pair.library, tmp_path / "new.db")
    except DbError as error:
        assert str(pair.library) in str(error)
    else:
        report = [item.as_dict() for item in made.reports]
        assert unreported(Path(before), Path(made.path), report) == []
        if fault is not db_faults.torn_copy:
            # What the writer of that one committed was never in the original.
            assert lies(Path(before), Path(made.path), report) == []
        assert not damage(STOCK.file(made.path, "library"))
    assert pair.library.read_bytes() == damaged


@pytest.mark.parametrize("seed", range(20))
def test_random_damage_anywhere_is_never_counted_as_saved(
    pair: Pair, pair_template: Pair, tmp_path: Path, engine: None, seed: int
) -> None:
    """From a few bytes to many pages, at any offset but in the file's own header."""
    choice = random.Random(seed)
    size = choice.choice([300, 1024, 4096, 20_000])
    offset = choice.randrange(100, pair.library.stat().st_size - size)
    db_faults.overwrite(pair.library, offset, choice.randbytes(size))
    if not damage(STOCK.file(str(pair.library), "library")):
        # Nothing that a check reads was hit, as in a free page.
        return
    try:
        made = attempt(pair.library, tmp_path / "new.db")
    except DbError as error:
        assert "only an intact copy" in str(error) or "too much is lost" in str(error)
        return
    report = [item.as_dict() for item in made.reports]
    assert lies(pair_template.library, Path(made.path), report) == []


MORE_PARTS = (
    "INSERT INTO media_parts(file, hash, created_at)"
    " SELECT file || '.new', hash || 'n', created_at FROM media_parts WHERE id <= 10"
)
FEWER_PARTS = "DELETE FROM media_parts WHERE id IN (4, 5, 6)"


def parts(made: Salvage) -> dict[str, object]:
    (row,) = [item for item in made.reports if item.table == "media_parts"]
    return row.as_dict()


@pytest.mark.parametrize(
    ("hidden", "statement", "expected"),
    [
        # An index that merely lacks rows proves nothing against them.
        (["hash"], MORE_PARTS, (129, 129, 0)),
        (["file"], MORE_PARTS, (129, 129, 0)),
        (["hash", "file", "media_item_id"], MORE_PARTS, (129, 129, 0)),
        # Rows that only an index has still are lost: the table may have held them.
        (["hash"], FEWER_PARTS, (119, 116, 3)),
    ],
    ids=["lacking", "lacking-2", "lacking-all", "too-many"],
)
def test_a_stale_index_costs_no_row_and_hides_no_loss(
    pair: Pair,
    tmp_path: Path,
    engine: None,
    hidden: list[str],
    statement: str,
    expected: tuple[int, int, int],
) -> None:
    stale(pair.library, hidden, statement)
    truth = shutil.copy(pair.library, tmp_path / "truth.db")
    made = attempt(pair.library, tmp_path / "new.db")
    row = parts(made)
    assert (row["before"], row["after"], row["lost"]) == expected
    assert unreported(Path(truth), Path(made.path), [row]) == []
    assert not damage(STOCK.file(made.path, "library"))


def stale(library: Path, columns: list[str], statement: str) -> None:
    names = tuple(f"index_media_parts_on_{name}" for name in columns)
    db_faults.hidden_from(library, names, statement)


def test_an_index_that_lacks_rows_does_not_count_a_damaged_table(
    pair: Pair, tmp_path: Path, engine: None
) -> None:
    """Only one index is left to ask, and it lacks rows that are far from the damage."""
    keep = "index_media_parts_on_hash"
    with closing(connect(pair.library)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type='index' AND name<>?"
            " AND tbl_name='media_parts' AND sql IS NOT NULL",
            (keep,),
        ).fetchall()
        for (name,) in names:
            connection.execute(f'DROP INDEX "{name}"')
        connection.commit()
    stale(pair.library, ["hash"], MORE_PARTS)
    truth = shutil.copy(pair.library, tmp_path / "truth.db")
    pages = db_faults.pages_of(pair.library, "media_parts", "leaf")
    db_faults.zero_page(pair.library, pages[2])
    row = parts(made := attempt(pair.library, tmp_path / "new.db"))
    assert row["before_is"] == "estimated"
    assert unreported(Path(truth), Path(made.path), [row]) == []


def test_a_lost_order_is_not_read_from_an_index_that_lacks_titles(
    pair: Pair, tmp_path: Path
) -> None:
    db_faults.hidden_from(
        pair.library,
        ("index_title_sort_icu",),
        "INSERT INTO metadata_items(metadata_type, guid, title, title_sort)"
        " VALUES(1, 'x://1', 'Never indexed', 'Never indexed')",
    )
    assert (
        "REINDEX index_title_sort_icu"
        in attempt(pair.library, tmp_path / "new.db").unfinished
    )


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (sqlite3.DatabaseError("database disk image is malformed"), True),
        (sqlite3.OperationalError("database or disk is full"), False),
        (sqlite3.OperationalError("disk I/O error"), False),
    ],
)
def test_only_damage_costs_a_row(error: sqlite3.Error, lost: bool) -> None:
    class Connection:
        def execute(self, *args: object) -> None:
            raise error

    builder = object.__new__(_db_rebuild._Builder)
    builder.connection = Connection()
    if lost:
        builder._between("media_parts", "id", 1, 4)
        return
    with pytest.raises(type(error), match=str(error)):
        builder._between("media_parts", "id", 1, 4)


def test_a_full_disk_is_not_called_damage(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small(address: str) -> sqlite3.Connection:
        connection = made(address)
        connection.execute("PRAGMA main.max_page_count=40")
        return connection

    made = _db_rebuild.opened
    monkeypatch.setattr(_db_rebuild, "opened", small)
    db_faults.table_leaf(pair.library)
    with pytest.raises(DbError, match="disk is full.*that is no damage"):
        attempt(pair.library, tmp_path / "new.db")


def test_damage_in_the_header_is_told_whatever_byte_it_hits(
    pair: Pair, tmp_path: Path
) -> None:
    """No traceback from a page size of 0, a list of free pages that is none, and so on."""
    healthy, choice = pair.library.read_bytes(), random.Random(5)
    for offset in (16, 18, 20, 24, 28, 32, 36, 44, 52, 56, 60, 92, 96):
        db_faults.overwrite(pair.library, offset, choice.randbytes(4))
        if damage(STOCK.file(str(pair.library), "library")):
            with contextlib.suppress(DbError):
                attempt(pair.library, tmp_path / f"{offset}.db")
        pair.library.write_bytes(healthy)


def test_an_index_is_made_anew_without_loss_and_in_plex_order(
    pair: Pair, tmp_path: Path
) -> None:
    """The order of the ICU index, which stock SQLite does not know, is read from it."""
    db_faults.index_leaf(pair.library)
    done = repair(job(pair, tmp_path, salvage=True), STOCK)
    assert (done.status, done.lost) == ("salvaged", 0)
    with closing(connect(Path(done.library))) as connection:
        lines = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    assert lines == ["ok"]


def plex(tmp_path: Path) -> Checker:
    docker = write_docker(tmp_path)
    return Checker(PlexOracle(IMAGE, docker=docker, timeout=30), "full")


def test_what_only_plex_can_do_is_left_to_plex(pair: Pair, tmp_path: Path) -> None:
    db_faults.icu_index_leaf(pair.library)
    todo = job(pair, tmp_path, salvage=True)
    with pytest.raises(RepairRefusedError, match="REINDEX index_title_sort_icu"):
        repair(todo, STOCK)
    assert not list((tmp_path / "sound").iterdir())
    done = repair(todo, plex(tmp_path))
    assert (done.status, done.lost) == ("salvaged", 0)
    # It opens for writing: never in the folder of the pair.
    assert f"'{pair.library.parent}:/v'" not in (tmp_path / "log").read_text()
    with closing(connect(Path(done.library))) as connection:
        lines = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    assert lines == ["ok"]


def test_a_search_index_that_does_not_fit_its_text_costs_nothing(
    pair: Pair, tmp_path: Path
) -> None:
    table = db_faults.search_index_with_its_own_text(pair.library)
    done = repair(job(pair, tmp_path, salvage=True), plex(tmp_path))
    assert (done.status, done.lost) == ("salvaged", 0)
    with closing(connect(Path(done.library))) as connection:
        query = f"SELECT count(*) FROM {table} WHERE {table} MATCH ?"
        found = [
            connection.execute(query, (word,)).fetchone()[0]
            for word in ("one", "three")
        ]
    assert found == [0, 1]


def test_lost_rows_are_reported_table_by_table(
    pair: Pair, pair_template: Pair, tmp_path: Path
) -> None:
    db_faults.table_leaf(pair.library)
    todo = job(pair, tmp_path, salvage=True, max_loss=0.2)
    planned = repair(todo, STOCK, dry_run=True)
    assert (planned.status, planned.changed) == ("damaged", True)
    done = repair(todo, plex(tmp_path))
    assert planned.lost == done.lost
    assert f"would lose {done.lost} rows at least" in planned.message
    (parts,) = [row for row in done.tables["library"] if row["table"] == "media_parts"]
    assert 0 < parts["lost"] <= 24
    assert parts["before"] == parts["after"] + parts["lost"] == 119
    assert lies(pair_template.library, Path(done.library), done.tables["library"]) == []
    assert f"a loss of {done.lost} rows" in done.message
    assert Path(done.blobs).exists()


def test_a_loss_beyond_the_threshold_is_refused_with_the_report(
    pair: Pair, tmp_path: Path
) -> None:
    db_faults.table_leaf(pair.library)
    before = state_of(pair.library.parent)
    with pytest.raises(RepairRefusedError, match="at most 1.0% of a table") as failure:
        repair(job(pair, tmp_path, salvage=True), STOCK)
    assert "media_parts: about" in str(failure.value)
    tables = failure.value.outcome.tables["library"]
    assert [row["table"] for row in tables if row["lost"]] == ["media_parts"]
    assert state_of(pair.library.parent) == before
    assert not list((tmp_path / "sound").iterdir())


@pytest.mark.parametrize("fault", [db_faults.table_leaf, db_faults.table_interior])
def test_a_loss_beyond_the_threshold_is_known_before_anything_is_made(
    pair: Pair, tmp_path: Path, fault: Callable[[Path], None]
) -> None:
    """Without Plex's SQLite, and without writing: where nothing is paid yet."""
    fault(pair.library)
    before = state_of(pair.library.parent)
    todo = job(pair, tmp_path, salvage=True)
    with pytest.raises(RepairRefusedError, match="at most 1.0% of a table") as failure:
        repair(todo, STOCK, dry_run=True)
    assert failure.value.outcome.lost > 0
    assert not (tmp_path / "sound").exists()
    assert state_of(pair.library.parent) == before


@pytest.mark.parametrize("table", ["library_sections", "schema_migrations", "accounts"])
def test_a_row_of_what_gives_the_rest_its_meaning_may_not_be_lost(
    pair: Pair, tmp_path: Path, table: str
) -> None:
    pages = db_faults.pages_of(pair.library, table, "leaf")
    db_faults.zero_page(pair.library, pages[0])
    with pytest.raises(DbError, match=f"{table}: |list of its tables"):
        attempt(pair.library, tmp_path / "new.db")


def backup(pair: Pair, date: str) -> tuple[Path, Path]:
    """A dated backup as Plex leaves it."""
    made = [Path(f"{path}-{date}") for path in (pair.library, pair.blobs)]
    for source, target in zip((pair.library, pair.blobs), made):
        shutil.copyfile(source, target)
    return made[0], made[1]


def test_plex_own_backup_is_preferred_to_a_repair(pair: Pair, tmp_path: Path) -> None:
    backup(pair, "2026-11-12")
    library, blobs = backup(pair, "2026-11-15")
    db_faults.table_leaf(backup(pair, "2026-11-18")[0])
    db_faults.table_leaf(pair.library)
    before = state_of(pair.library.parent)
    done = repair(job(pair, tmp_path, salvage=True, max_loss=0.9), STOCK)
    assert (done.status, done.source) == ("copied", "Plex's backup of 2026-11-15")
    assert [item["intact"] for item in done.copies] == [False, True]
    assert "media_parts" in done.copies[0]["reason"]
    for made, source in ((done.library, library), (done.blobs, blobs)):
        # But for the counters of the header.
        assert Path(made).read_bytes()[100:] == source.read_bytes()[100:]
    assert "what changed after it is not in it" in done.message
    assert state_of(pair.library.parent) == before


def test_a_named_copy_is_taken_when_no_backup_is_intact(
    pair: Pair, make_pair: Callable[[Path], Pair], tmp_path: Path
) -> None:
    make_pair(tmp_path / "base")
    db_faults.table_leaf(backup(pair, "2026-11-18")[0])
    db_faults.table_leaf(pair.library)
    copies = [str(tmp_path / "nothing"), str(tmp_path / "base")]
    done = repair(job(pair, tmp_path, copies=copies), STOCK)
    assert done.source == str(tmp_path / "base")


def test_backups_are_left_alone_where_the_newest_rows_are_the_point(
    pair: Pair, tmp_path: Path
) -> None:
    backup(pair, "2026-11-18")
    db_faults.index_leaf(pair.library)
    todo = job(pair, tmp_path, salvage=True, dated_backups=False)
    done = repair(todo, STOCK)
    assert (done.status, done.copies) == ("salvaged", [])


def test_half_a_backup_is_none(pair: Pair, tmp_path: Path) -> None:
    backup(pair, "2026-11-18")[1].unlink()
    db_faults.table_leaf(pair.library)
    with pytest.raises(RepairRefusedError, match="no copy of the pair is intact") as e:
        repair(job(pair, tmp_path), STOCK)
    assert "travels together" in e.value.outcome.copies[0]["reason"]


def test_a_copy_of_another_server_is_not_taken(
    pair: Pair, make_pair: Callable[[Path], Pair], tmp_path: Path
) -> None:
    other = make_pair(tmp_path / "other")
    with closing(sqlite3.connect(other.library)) as connection:
        connection.execute("UPDATE library_sections SET uuid='x'||uuid")
        connection.commit()
    db_faults.table_leaf(pair.library)
    with pytest.raises(RepairRefusedError, match="another server's library"):
        repair(job(pair, tmp_path, copies=[str(tmp_path / "other")]), STOCK)


def test_without_salvage_nothing_is_salvaged(pair: Pair, tmp_path: Path) -> None:
    db_faults.index_leaf(pair.library)
    with pytest.raises(RepairRefusedError, match="no copy of the pair was found"):
        repair(job(pair, tmp_path), STOCK)
    assert not (tmp_path / "sound").exists()


def test_a_healthy_pair_is_left_where_it_is(pair: Pair, tmp_path: Path) -> None:
    done = repair(job(pair, tmp_path, salvage=True), STOCK)
    assert done == Outcome(
        "healthy", False, str(pair.library), str(pair.blobs), message="no damage found"
    )
    assert not (tmp_path / "sound").exists()


def test_a_second_run_changes_nothing(pair: Pair, tmp_path: Path) -> None:
    db_faults.index_leaf(pair.library)
    todo = job(pair, tmp_path, salvage=True)
    first = repair(todo, STOCK)
    made = state_of(tmp_path / "sound")
    second = repair(todo, STOCK)
    assert (first.changed, second.changed) == (True, False)
    assert second.tables == first.tables
    assert state_of(tmp_path / "sound") == made
    Path(first.library).unlink()
    assert repair(todo, STOCK).changed


def test_an_old_salvage_is_not_taken_once_there_is_a_copy(
    pair: Pair, pair_template: Pair, tmp_path: Path
) -> None:
    db_faults.index_leaf(pair.library)
    todo = job(pair, tmp_path, salvage=True)
    assert repair(todo, STOCK).status == "salvaged"
    for path in (pair_template.library, pair_template.blobs):
        shutil.copyfile(path, f"{pair.library.parent / path.name}-2026-11-18")
    again = repair(todo, STOCK)
    assert (again.status, again.source) == ("copied", "Plex's backup of 2026-11-18")


def test_an_old_salvage_is_not_taken_when_less_may_be_lost(
    pair: Pair, tmp_path: Path
) -> None:
    db_faults.index_leaf(pair.library)
    repair(job(pair, tmp_path, salvage=True, max_loss=0.2), STOCK)
    assert repair(job(pair, tmp_path, salvage=True, max_loss=0.1), STOCK).changed


def test_what_was_copied_is_checked_where_it_arrived(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(pair, "2026-11-18")
    db_faults.table_leaf(pair.library)

    def torn(source: str, target: str) -> None:
        shutil.copyfile(source, target)
        if target.endswith("library.db"):
            db_faults.table_leaf(Path(target))

    monkeypatch.setattr(_db_repair, "backup_once", torn)
    with pytest.raises(RepairRefusedError, match="of Plex's backup .* is not sound"):
        repair(job(pair, tmp_path), STOCK)
    assert not list((tmp_path / "sound").iterdir())


@pytest.mark.parametrize("where", ["own", "link", "copy"])
def test_what_is_given_is_no_place_for_the_result(
    pair: Pair, make_pair: Callable[[Path], Pair], tmp_path: Path, where: str
) -> None:
    make_pair(tmp_path / "copy")
    (tmp_path / "link").symlink_to(pair.library.parent)
    dest = {"own": pair.library.parent}.get(where, tmp_path / where)
    db_faults.index_leaf(pair.library)
    before = [state_of(pair.library.parent), state_of(tmp_path / "copy")]
    todo = replace(
        job(pair, tmp_path, salvage=True, copies=[str(tmp_path / "copy")]),
        dest=str(dest),
    )
    with pytest.raises(DbError, match="^dest: .* is the folder of .* itself$"):
        repair(todo, STOCK)
    assert [state_of(pair.library.parent), state_of(tmp_path / "copy")] == before


def test_plex_makes_no_blobs_that_are_missing(pair: Pair, tmp_path: Path) -> None:
    """Its SQLite opens for writing, and makes what is not there."""
    db_faults.index_leaf(pair.library)
    pair.blobs.unlink()
    with pytest.raises(RepairRefusedError, match=r"blobs\.db: does not exist"):
        repair(job(pair, tmp_path, salvage=True), plex(tmp_path))
    assert not pair.blobs.exists()


@pytest.mark.parametrize("dry_run", [False, True])
def test_blobs_of_another_moment_are_not_salvaged(
    pair: Pair, tmp_path: Path, dry_run: bool
) -> None:
    db_faults.analyse_more(pair)
    db_faults.forget_new_items(pair.library)
    with pytest.raises(RepairRefusedError, match="is of a later moment"):
        repair(job(pair, tmp_path, salvage=True), STOCK, dry_run=dry_run)


def test_three_times_the_room_is_asked_for(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = pair.library.stat().st_size + pair.blobs.stat().st_size
    usage = shutil.disk_usage(tmp_path)._replace(free=3 * size - 1)
    monkeypatch.setattr(_db_files.shutil, "disk_usage", lambda path: usage)
    db_faults.index_leaf(pair.library)
    with pytest.raises(DbError, match="three times the pair"):
        repair(job(pair, tmp_path, salvage=True), STOCK)
    assert not list((tmp_path / "sound").iterdir())


def test_a_wal_left_behind_is_named(pair: Pair, tmp_path: Path) -> None:
    db_faults.foreign_wal(pair.library)
    with pytest.raises(DbError, match=r"library\.db-wal: was left behind"):
        repair(job(pair, tmp_path, salvage=True), STOCK)


def test_a_server_that_runs_on_it_is_named(pair: Pair, tmp_path: Path) -> None:
    with (
        db_faults.held_open(pair.library),
        pytest.raises(DbError, match="stop that server first"),
    ):
        repair(job(pair, tmp_path, salvage=True), STOCK)
