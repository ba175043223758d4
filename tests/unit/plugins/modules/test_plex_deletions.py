# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plex_deletions on a real schema: snapshots, losses, renames, the trash."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._deletion_ledger import (
    Ledger,
)
from ansible_collections.cloudburst.plex.plugins.modules import plex_deletions
from cloudburst_lab.plex_schema import Pair
from tests.unit.conftest import ModuleFailedError, RunModule

MOVIES, FILMS, SHOWS, MUSIC, PHOTOS = range(1, 6)
Look = Callable[..., dict[str, Any]]


@pytest.fixture
def base(pair: Pair, tmp_path: Path) -> Path:
    """The pair as it was injected."""
    copy = tmp_path / "base" / pair.library.name
    copy.parent.mkdir()
    shutil.copyfile(pair.library, copy)
    return copy


@pytest.fixture
def look(run_module: RunModule, pair: Pair, tmp_path: Path) -> Look:
    """Runs the module on the pair and a ledger of the test's own."""

    def run(state: str, *, check: bool = False, **more: Any) -> dict[str, Any]:
        given = {"library": pair.library, "ledger": tmp_path / "deletions.db"}
        params = {**given, "state": state, **more}
        return run_module(plex_deletions, params, check=check)

    return run


def execute(pair: Pair, *statements: tuple[str, tuple[Any, ...]]) -> None:
    with pair.filler(9) as fill:
        for sql, values in statements:
            fill.main.execute(sql, values)


def trash(pair: Pair, pattern: str) -> int:
    """Soft-delete the files that match, as a scan does; how many items that are."""
    marked = "SELECT media_item_id FROM media_parts WHERE file GLOB ?"
    with closing(sqlite3.connect(pair.library)) as connection, connection:
        connection.execute(
            "UPDATE media_parts SET deleted_at = 5 WHERE file GLOB ?", (pattern,)
        )
        connection.execute(
            f"UPDATE media_items SET deleted_at = 5 WHERE id IN ({marked})", (pattern,)
        )
        return connection.execute(
            "UPDATE metadata_items SET deleted_at = 5 WHERE id IN (SELECT"
            f" metadata_item_id FROM media_items WHERE id IN ({marked}))",
            (pattern,),
        ).rowcount


def purge(pair: Pair, pattern: str) -> None:
    """What the emptying of the trash does to the files that match."""
    execute(pair, ("DELETE FROM media_parts WHERE file GLOB ?", (pattern,)))


def section(found: dict[str, Any], number: int) -> dict[str, Any]:
    return next(row for row in found["sections"] if row["section"] == number)


def test_a_snapshot_counts_every_section(look: Look) -> None:
    found = look("snapshot")
    assert found["counts"]["1"] == {"name": "Movies", "live": 40, "deleted": 0}
    assert found["counts"]["3"] == {"name": "TV Shows", "live": 9, "deleted": 1}
    assert found["counts"]["4"]["live"] == 60
    assert look("snapshot", sections=[PHOTOS])["counts"].keys() == {"5"}


def test_nothing_lost(look: Look) -> None:
    look("snapshot")
    found = look("compared")
    assert (found["over_budget"], found["doubtful"], found["message"]) == (
        False,
        False,
        "",
    )
    assert [row["deleted"] for row in found["sections"]] == [0] * 5
    assert found["changed"] is False


def test_over_the_budget_names_titles_and_writes_the_evidence(
    look: Look, pair: Pair, tmp_path: Path
) -> None:
    look("snapshot")
    assert trash(pair, "/media/plex/Movies/Film 1*") == 11
    report = tmp_path / "evidence" / "1.json"
    found = look("compared", sections=[MOVIES], report=report, show=2)
    assert found["over_budget"]
    assert found["message"] == (
        "Movies: 11 of 40 items were deleted, the budget is 5: Film 1 (1981);"
        " Film 10 (1990); and 9 more"
    )
    assert len(json.loads(report.read_text())["deleted"]) == 11
    assert report.stat().st_mode & 0o777 == 0o600
    assert look("compared", budget=11)["over_budget"] is False


def test_a_few_are_within_the_budget(look: Look, pair: Pair) -> None:
    look("snapshot")
    trash(pair, "/media/plex/Movies/Film 3[0-4]*")
    found = look("compared", sections=[MOVIES])
    assert (section(found, MOVIES)["deleted"], found["over_budget"]) == (5, False)
    assert found["deleted"][0]["state"] == "trashed"
    assert found["deleted"][0]["type"] == "movie"


def test_what_came_back_under_another_path_is_a_rename(look: Look, pair: Pair) -> None:
    look("snapshot")
    trash(pair, "/media/plex/Movies/Film 1*")
    with pair.filler(9) as fill:
        for number in [1, *range(10, 20)]:
            fill.main.execute(
                "INSERT INTO media_items(library_section_id, metadata_item_id)"
                " SELECT 1, id FROM metadata_items WHERE title = 'Film 2'"
            )
            fill.main.execute(
                "INSERT INTO media_parts(media_item_id, file, size)"
                " VALUES(last_insert_rowid(), ?, 1000000)",
                (f"/media/plex/Movies/x/Film {number}.mkv",),
            )
    found = look("compared", sections=[MOVIES])
    assert section(found, MOVIES)["renamed"] == 11
    assert (found["deleted"], found["over_budget"]) == ([], False)
    # A snapshot between loss and comparison, as of a run that was stopped, changes nothing.
    look("snapshot")
    assert section(look("compared"), MOVIES)["renamed"] == 11


def test_a_second_attempt_is_judged_by_the_first_ones_snapshot(
    look: Look, pair: Pair
) -> None:
    look("snapshot")
    trash(pair, "/media/plex/Movies/Film 1?/*")
    look("snapshot", sections=[MOVIES])
    trash(pair, "/media/plex/Movies/Film 2?/*")
    found = section(look("compared"), MOVIES)
    assert (found["live_before"], found["live"], found["deleted"]) == (40, 20, 20)


@pytest.mark.parametrize("remember", [True, False])
def test_what_is_new_is_known_to_the_next_comparison_if_remembered(
    look: Look, pair: Pair, remember: bool
) -> None:
    look("snapshot")
    with pair.filler(9) as fill:
        more = fill.section("More", "photo", ["/media/plex/More"])
        for number in range(8):
            fill.photo(more, "2021", f"{number}", f"/media/plex/More/{number}.jpg")
    assert look("compared", remember=remember)["changed"] is remember
    purge(pair, "/media/plex/More/*")
    assert bool(look("compared")["purged"]) is remember


def test_the_base_is_the_first_snapshot(look: Look, pair: Pair, base: Path) -> None:
    """Damage that is older than every look of ours still counts."""
    trash(pair, "/media/plex/Movies/Film 1?/*")
    look("snapshot", sections=[MOVIES], base=base)
    assert section(look("compared"), MOVIES)["deleted"] == 10
    assert look("compared")["over_budget"]


def test_the_base_alone_is_enough(look: Look, pair: Pair, base: Path) -> None:
    trash(pair, "/media/plex/Music/*")
    found = look("compared", base=base)
    assert section(found, MUSIC)["deleted"] == 50
    assert "Artist 0 / Album 0 / Song 0" in found["message"]


def test_another_injection_begins_anew_and_keeps_the_old(
    look: Look, pair: Pair, tmp_path: Path
) -> None:
    look("snapshot", identity="one")
    trash(pair, "/media/plex/Movies/*")
    look("snapshot", identity="one")
    assert look("compared")["over_budget"]
    look("snapshot", identity="two")
    assert look("compared")["over_budget"] is False
    assert len(list(tmp_path.glob("deletions.db.*"))) == 1


def test_what_left_the_database_by_itself_is_over_budget(
    look: Look, pair: Pair
) -> None:
    look("snapshot")
    trash(pair, "/media/plex/Movies/Film 7/*")
    purge(pair, "/media/plex/Movies/Film 7/*")
    found = look("compared", budget=50)
    assert (section(found, MOVIES)["purged"], found["over_budget"]) == (1, True)
    assert found["deleted"][0]["state"] == "purged"


def test_a_library_that_is_gone_lost_everything(look: Look, pair: Pair) -> None:
    look("snapshot")
    execute(
        pair,
        ("DELETE FROM media_items WHERE library_section_id = 1", ()),
        ("DELETE FROM library_sections WHERE id = 1", ()),
    )
    found = section(look("compared"), MOVIES)
    assert (found["name"], found["deleted"], found["live"]) == ("Movies", 40, 0)


def test_the_trash_within_the_budget_may_be_emptied(look: Look, pair: Pair) -> None:
    look("snapshot")
    trash(pair, "/media/plex/Movies/Film 1/*")
    found = look("trash", sections=[MOVIES], emptying=True)
    assert found["refused"] is False
    (row,) = found["trash"]
    assert (row["would_delete"], row["files"], row["budget"]) == (1, 1, 5)
    purge(pair, "/media/plex/Movies/Film 1/*")
    after = look("compared")
    assert (after["deleted"][0]["state"], after["over_budget"]) == ("emptied", False)


def test_trash_of_home_counts_as_well(look: Look) -> None:
    look("snapshot")
    (row,) = look("trash", sections=[SHOWS])["trash"]
    assert (row["would_delete"], row["refused"]) == (1, False)
    found = look("trash", sections=[SHOWS], budget=0, emptying=True)
    assert found["refused"]
    assert found["changed"] is False
    assert "would delete 1 items for good, the budget is 0: Show S01E09" in (
        found["message"]
    )
    assert not look("trash", sections=[SHOWS], budget=0, accept=True)["refused"]


def test_paths_that_are_no_text_are_kept_as_they_are(look: Look, pair: Pair) -> None:
    name = b"/media/plex/Movies/caf\xe9.mkv"
    update = (
        "UPDATE media_parts SET file = CAST(? AS TEXT) WHERE file GLOB '*/Film 3.mkv'"
    )
    execute(pair, (update, (name,)))
    look("snapshot")
    assert look("compared")["deleted"] == []
    execute(pair, ("DELETE FROM media_parts WHERE file = CAST(? AS TEXT)", (name,)))
    assert look("compared")["deleted"][0]["id"]


@pytest.mark.parametrize("state", ["snapshot", "compared"])
def test_a_database_that_cannot_be_read_is_an_error(
    look: Look, tmp_path: Path, state: str
) -> None:
    look("snapshot")
    with pytest.raises(ModuleFailedError, match="could not be counted: .*none.db"):
        look(state, library=tmp_path / "none.db")


def test_a_section_that_is_not_there_is_an_error(look: Look) -> None:
    with pytest.raises(ModuleFailedError, match="has no section 77"):
        look("snapshot", sections=[77])


def test_check_mode_writes_nothing(look: Look, tmp_path: Path) -> None:
    assert look("snapshot", check=True)["changed"] is True
    with pytest.raises(ModuleFailedError, match="no snapshot yet"):
        look("compared", check=True)
    assert not (tmp_path / "deletions.db").exists()


def test_a_ledger_that_is_no_database_is_an_error(look: Look, tmp_path: Path) -> None:
    (tmp_path / "deletions.db").write_text("not a database, but long enough" * 10)
    with pytest.raises(ModuleFailedError, match=r"deletions\.db"):
        look("compared")


def test_only_the_two_marks_exist(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="lost"):
        Ledger(str(tmp_path / "x.db")).mark("lost", 1, [])


@pytest.mark.parametrize("state", ["compared", "trash"])
def test_nothing_to_compare_with_is_no_clean_bill(
    look: Look, tmp_path: Path, state: str
) -> None:
    with pytest.raises(ModuleFailedError, match="no snapshot yet.*state=snapshot"):
        look(state)
    assert not (tmp_path / "deletions.db").exists()
    look("snapshot", sections=[MOVIES])
    with pytest.raises(ModuleFailedError, match="no snapshot of section 2, 5"):
        look(state, sections=[MOVIES, FILMS, PHOTOS])
