# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plex's own SQLite as the oracle, driven through a docker command that is a script."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils import _db_oracle
from ansible_collections.cloudburst.plex.plugins.module_utils._db_check import Checker
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    damage,
    summary,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_oracle import (
    OracleUnavailableError,
    PlexOracle,
    Report,
    StockOracle,
    choose_oracle,
)
from cloudburst_lab.plex_schema import Pair
from cloudburst_lab.plex_schema.pair import connect
from tests.support.plex_sqlite import IMAGE, write_docker
from tests.unit.plugins.module_utils import db_faults

MakeDocker = Callable[..., str]


@pytest.fixture
def make_docker(tmp_path: Path) -> MakeDocker:
    def make(**how: Any) -> str:
        return write_docker(tmp_path, **how)

    return make


def finish_full_text(pair: Pair) -> None:
    """Fill the ICU tables, as a server has them."""
    for path in (pair.library, pair.blobs):
        with closing(connect(path)) as connection:
            for table in ("fts4_metadata_titles_icu", "fts4_tag_titles_icu"):
                connection.execute(f"INSERT INTO {table}({table}) VALUES('rebuild')")
            connection.commit()


def oracle(docker: str, timeout: float = 30) -> PlexOracle:
    return PlexOracle(IMAGE, docker=docker, timeout=timeout)


@pytest.mark.parametrize("level", ["quick", "full"])
def test_a_healthy_pair_passes_untouched(
    pair: Pair, make_docker: MakeDocker, level: str
) -> None:
    finish_full_text(pair)
    before = {p.name: p.read_bytes() for p in pair.library.parent.iterdir()}
    checker = Checker(oracle(make_docker()), level)
    assert checker.pair(str(pair.library), str(pair.blobs)) == []
    assert {p.name: p.read_bytes() for p in pair.library.parent.iterdir()} == before


@pytest.mark.parametrize(
    ("fault", "named"),
    [(fault, named) for fault, _quick, named in db_faults.FAULTS],
    ids=[fault[0].__name__ for fault in db_faults.FAULTS],
)
def test_damage_is_found(
    pair: Pair, make_docker: MakeDocker, fault: Callable[[Path], None], named: str
) -> None:
    finish_full_text(pair)
    fault(pair.library)
    before = {p.name: p.read_bytes() for p in pair.library.parent.iterdir()}
    found = Checker(oracle(make_docker()), "full").file(str(pair.library), "library")
    assert damage(found)
    assert named in summary(found, 99)
    assert {p.name: p.read_bytes() for p in pair.library.parent.iterdir()} == before


def test_a_search_index_over_another_tables_text_is_a_notice(
    pair: Pair, make_docker: MakeDocker
) -> None:
    finish_full_text(pair)
    with closing(connect(pair.library)) as connection:
        connection.execute("DELETE FROM fts4_metadata_titles_icu WHERE docid < 9")
        connection.commit()
    found = Checker(oracle(make_docker()), "full").file(str(pair.library), "library")
    assert [(item.kind, item.table, item.severity) for item in found] == [
        ("full_text", "fts4_metadata_titles_icu", "notice")
    ]
    assert "'rebuild'" in found[0].text


@dataclass
class Says:
    """An oracle with a SQLite of 3.44 or newer, whose own check knows search indexes."""

    lines: list[str]
    name: str = "plex"
    stubbed: bool = False

    def check(self, path: str, level: str, *, options: str = "") -> Report:
        return Report(self.lines)

    def full_text(self, path: str, tables: Sequence[str]) -> list[str]:
        return list(tables)


@pytest.mark.parametrize("level", ["quick", "full"])
@pytest.mark.parametrize("own_text", [False, True])
def test_newer_sqlite_tells_of_search_indexes_itself(
    pair: Pair, level: str, own_text: bool
) -> None:
    """Then, too, it is damage only where the table holds its text."""
    if own_text:
        db_faults.search_index_with_its_own_text(pair.library)
    table = "fts4_tag_titles_icu"
    says = Says([f"malformed inverted index for FTS4 table main.{table}"])
    found = Checker(says, level).file(str(pair.library), "library")
    assert [item.severity for item in found if item.table == table] == [
        "damage" if own_text else "notice"
    ]


def test_a_search_index_with_its_own_text_is_damage(
    pair: Pair, make_docker: MakeDocker
) -> None:
    """As on 1.43, where the ICU tables hold their text (plex-facts §1.3)."""
    table = db_faults.search_index_with_its_own_text(pair.library)
    found = Checker(oracle(make_docker()), "full").file(str(pair.library), "library")
    assert [(item.kind, item.table) for item in damage(found)] == [("full_text", table)]


def test_the_command_has_no_network_and_only_a_folder_of_its_own(
    pair: Pair, make_docker: MakeDocker, tmp_path: Path
) -> None:
    Checker(oracle(make_docker()), "quick").file(str(pair.library), "library")
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert "'--rm', '--network', 'none'" in line
    assert "'/usr/lib/plexmediaserver/Plex SQLite'" in line
    assert f"{pair.library.parent}/.check-" in line
    assert f"{pair.library.parent}:/v" not in line


def test_a_check_that_hangs_ends(pair: Pair, make_docker: MakeDocker) -> None:
    checker = Checker(oracle(make_docker(hang=True), timeout=0.5), "quick")
    with pytest.raises(DbError, match="did not finish in"):
        checker.file(str(pair.library), "library")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        # A sound database says "ok"; who says nothing has not looked.
        (0, ""),
        (137, ""),
        (1, "Error: in prepare, database is locked (5)"),
        (1, "Error: unable to open database file"),
        (1, "Error: stepping, database or disk is full (13)"),
        (1, "Error: stepping, out of memory (7)"),
    ],
)
def test_trouble_in_looking_is_no_verdict(
    pair: Pair, make_docker: MakeDocker, code: int, says: str
) -> None:
    checker = Checker(oracle(make_docker(code=code, says=says)), "quick")
    with pytest.raises(DbError, match="'Plex SQLite' could not check it") as failure:
        checker.file(str(pair.library), "library")
    assert str(pair.library) in str(failure.value)
    assert (says or "said nothing") in str(failure.value)
    assert "lost" not in str(failure.value)


@pytest.mark.parametrize(
    "says",
    ["Error: in prepare, file is not a database (26)"]
    + ["Error: stepping, database disk image is malformed (11)"],
)
def test_what_sqlite_says_of_the_file_is_a_verdict(
    pair: Pair, make_docker: MakeDocker, says: str
) -> None:
    checker = Checker(oracle(make_docker(says=says)), "quick")
    (found,) = damage(checker.file(str(pair.library), "library"))
    assert says in found.text


@pytest.mark.parametrize(
    ("error", "corrupt"),
    [
        ("database is locked", False),
        ("unable to open database file", False),
        ("disk I/O error", False),
        ("database or disk is full", False),
        ("database disk image is malformed", True),
        ("file is not a database", True),
        ('malformed database schema (x) - near "y": syntax error', True),
    ],
)
def test_stock_likewise(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, error: str, corrupt: bool
) -> None:
    def fail(connection: object) -> None:
        raise sqlite3.OperationalError(error)

    monkeypatch.setattr(_db_oracle, "register_stubs", fail)
    if corrupt:
        assert StockOracle().check(str(pair.library), "quick").error == error
        return
    with pytest.raises(DbError, match=error):
        StockOracle().check(str(pair.library), "quick")


def test_docker_trouble_is_not_damage(pair: Pair, make_docker: MakeDocker) -> None:
    db_faults.table_leaf(pair.library)
    checker = Checker(oracle(make_docker(code=125)), "quick")
    with pytest.raises(OracleUnavailableError, match="could not be run"):
        checker.file(str(pair.library), "library")


@pytest.mark.parametrize(
    ("wanted", "image", "name"),
    [("auto", IMAGE, "plex"), ("auto", "other:1", "stock"), ("auto", "", "stock")]
    + [("plex", IMAGE, "plex"), ("stock", IMAGE, "stock")],
)
def test_choice(make_docker: MakeDocker, wanted: str, image: str, name: str) -> None:
    assert choose_oracle(wanted, image, docker=make_docker()).name == name


@pytest.mark.parametrize(
    ("image", "reason"), [("other:1", "No such image"), ("", "no image was named")]
)
def test_plex_wanted_but_not_here_is_an_error(
    make_docker: MakeDocker, image: str, reason: str
) -> None:
    with pytest.raises(OracleUnavailableError, match=reason):
        choose_oracle("plex", image, docker=make_docker())


def test_without_docker_auto_is_stock(tmp_path: Path) -> None:
    chosen = choose_oracle("auto", IMAGE, docker=str(tmp_path / "none"))
    assert isinstance(chosen, StockOracle)


def test_the_stand_in_is_stricter_than_counting_rows(pair: Pair) -> None:
    """SELECT COUNT(*) is blind to what the check sees (L23)."""
    db_faults.table_interior(pair.library)
    with closing(sqlite3.connect(pair.library)) as connection:
        query = "SELECT COUNT(*) FROM library_sections"
        assert connection.execute(query).fetchone() == (5,)
    assert damage(Checker(StockOracle(), "quick").file(str(pair.library), "library"))
