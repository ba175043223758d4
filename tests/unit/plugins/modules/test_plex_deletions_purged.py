# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A row that left the database is lost, even when its file is found again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import plex_deletions
from cloudburst_lab.plex_schema import Pair
from tests.unit.conftest import RunModule
from tests.unit.plugins.modules.test_plex_deletions import (
    MOVIES,
    execute,
    section,
    trash,
)

Look = Callable[..., dict[str, Any]]


@pytest.fixture
def look(run_module: RunModule, pair: Pair, tmp_path: Path) -> Look:
    """Runs the module on the pair and a ledger of the test's own."""

    def run(state: str, **more: Any) -> dict[str, Any]:
        given = {"library": pair.library, "ledger": tmp_path / "deletions.db"}
        return run_module(plex_deletions, {**given, "state": state, **more})

    return run


def re_add(pair: Pair, name: str) -> None:
    """What a scan by path does to a file whose rows are gone: new ones."""
    with pair.filler(9) as fill:
        item = fill.main.execute(
            "INSERT INTO metadata_items(library_section_id, metadata_type, title)"
            " VALUES(1, 1, ?)",
            (name,),
        ).lastrowid
        media = fill.main.execute(
            "INSERT INTO media_items(library_section_id, metadata_item_id) VALUES(1, ?)",
            (item,),
        ).lastrowid
        fill.main.execute(
            "INSERT INTO media_parts(media_item_id, file, size) VALUES(?, ?, 1000000)",
            (media, f"/media/plex/Movies/{name}/{name}.mkv"),
        )


def purge_rows(pair: Pair, name: str) -> None:
    """Empty the trash of one film: every row of it goes."""
    of = "(SELECT id FROM metadata_items WHERE title = ?)"
    media = f"(SELECT id FROM media_items WHERE metadata_item_id IN {of})"
    execute(
        pair,
        (f"DELETE FROM media_parts WHERE media_item_id IN {media}", (name,)),
        (f"DELETE FROM media_items WHERE metadata_item_id IN {of}", (name,)),
        ("DELETE FROM metadata_items WHERE title = ?", (name,)),
    )


def test_a_purged_film_that_a_scan_found_again_stays_purged(
    look: Look, pair: Pair
) -> None:
    look("snapshot")
    purge_rows(pair, "Film 7")
    re_add(pair, "Film 7")
    found = look("compared", sections=[MOVIES], budget=50)
    assert (found["purged"], found["over_budget"]) == (True, True)
    assert found["message"] == (
        "Movies: the rows of 1 files left the database for good, although nobody emptied"
        " the trash: Film 7 (1987)"
    )
    # A later snapshot, as of the next run, does not make its new item the right one.
    look("snapshot")
    assert look("compared")["purged"]


def test_a_purged_film_that_came_back_elsewhere_is_no_rename(
    look: Look, pair: Pair
) -> None:
    look("snapshot")
    purge_rows(pair, "Film 7")
    re_add(pair, "x")
    moved = "/media/plex/Movies/x/Film 7.mkv"
    execute(
        pair, ("UPDATE media_parts SET file = ? WHERE file GLOB '*/x.mkv'", (moved,))
    )
    found = section(look("compared", sections=[MOVIES]), MOVIES)
    assert (found["purged"], found["renamed"]) == (1, 0)


def test_a_film_that_plex_merged_with_another_is_not_lost(
    look: Look, pair: Pair
) -> None:
    look("snapshot")
    of = "(SELECT id FROM metadata_items WHERE title = ?)"
    update = (
        f"UPDATE media_items SET metadata_item_id = {of} WHERE metadata_item_id = {of}"
    )
    execute(
        pair,
        (update, ("Film 8", "Film 7")),
        ("DELETE FROM metadata_items WHERE title = 'Film 7'", ()),
    )
    found = look("compared", sections=[MOVIES])
    assert (found["deleted"], found["purged"], found["message"]) == ([], False, "")


def test_what_came_back_after_its_trash_was_emptied_is_known_by_its_new_rows(
    look: Look, pair: Pair
) -> None:
    look("snapshot")
    trash(pair, "/media/plex/Movies/Film 7/*")
    look("trash", sections=[MOVIES], emptying=True)
    purge_rows(pair, "Film 7")
    re_add(pair, "Film 7")
    assert look("compared")["message"] == ""
    look("snapshot")
    assert look("compared")["message"] == ""
    purge_rows(pair, "Film 7")
    re_add(pair, "Film 7")
    assert look("compared")["purged"]
