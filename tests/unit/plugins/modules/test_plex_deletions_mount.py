# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plex_deletions asks the mount: what is there was not deleted, nor is what nobody saw."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import plex_deletions
from cloudburst_lab.plex_schema import Pair
from tests.unit.conftest import AWKWARD, RunModule
from tests.unit.plugins.modules.test_plex_deletions import (
    FILMS,
    MOVIES,
    execute,
    purge,
    section,
    trash,
)

Look = Callable[..., dict[str, Any]]


@pytest.fixture
def mount(pair: Pair, tmp_path: Path) -> Path:
    """All live files of the library, as the database has them."""
    root = tmp_path / "mount"
    with closing(sqlite3.connect(pair.library)) as connection:
        for (file,) in connection.execute("SELECT file FROM media_parts"):
            path = root / file.removeprefix("/media/plex/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    return root


@pytest.fixture
def look(run_module: RunModule, pair: Pair, mount: Path, tmp_path: Path) -> Look:
    """Runs the module on the pair, with a snapshot of it and the mount."""
    given = {"library": pair.library, "ledger": tmp_path / "deletions.db"}
    run_module(plex_deletions, {**given, "state": "snapshot"})

    def run(state: str, *, check: bool = False, **more: Any) -> dict[str, Any]:
        params = {**given, "state": state, "root_map": {"/media/plex": str(mount)}}
        return run_module(plex_deletions, params | more, check=check)

    return run


def remove(pair: Pair, mount: Path, pattern: str) -> int:
    """Files that went from the bucket, and that a scan put into the trash."""
    for path in mount.glob(pattern):
        path.unlink()
    return trash(pair, f"/media/plex/{pattern}")


def test_files_that_are_there_were_not_deleted(
    look: Look, pair: Pair, mount: Path
) -> None:
    trash(pair, "/media/plex/Films*")
    remove(pair, mount, "Movies/Film 7/*")
    found = look("compared")
    assert (found["doubtful"], found["over_budget"]) == (True, False)
    assert section(found, FILMS)["present"] == 1
    assert section(found, MOVIES)["present"] == 0
    assert {row["file"]: row["present"] for row in found["deleted"]} == {
        "/media/plex/Movies/Film 7/Film 7.mkv": False,
        AWKWARD: True,
    }
    assert "Plex lost 1 files that are there on the mount: 100%_sûr (1999)" in (
        found["message"]
    )
    rows = look("compared", root_map={})["deleted"]
    assert [row["present"] for row in rows] == [None, None]


def test_a_file_that_is_there_was_not_renamed(
    look: Look, pair: Pair, mount: Path
) -> None:
    """It was copied: both files are there, and Plex has the new one only."""
    trash(pair, "/media/plex/Movies/Film 7/*")
    insert = (
        "INSERT INTO media_parts(media_item_id, file, size)"
        " SELECT media_item_id, '/media/plex/Movies/x/Film 7.mkv', size"
        " FROM media_parts WHERE file GLOB '*/Film 8.mkv'"
    )
    execute(pair, (insert, ()))
    found = look("compared", sections=[MOVIES])
    assert (found["doubtful"], found["renamed"]) == (True, [])
    (mount / "Movies/Film 7/Film 7.mkv").unlink()
    found = look("compared", sections=[MOVIES])
    assert (found["doubtful"], len(found["renamed"])) == (False, 1)


def test_accepted_losses_count_no_more_but_new_ones_do(
    look: Look, pair: Pair, mount: Path
) -> None:
    remove(pair, mount, "Movies/Film 1?/*")
    accept = {"accept": True, "sections": [MOVIES]}
    assert look("compared", check=True, **accept)["changed"] is True
    assert look("compared")["over_budget"]
    done = look("compared", **accept)
    assert (done["changed"], done["over_budget"], done["deleted"]) == (True, False, [])
    assert len(done["accepted"]) == 10
    found = look("compared")
    assert (section(found, MOVIES)["accepted"], found["over_budget"]) == (10, False)
    remove(pair, mount, "Movies/Film 2?/*")
    assert section(look("compared"), MOVIES)["deleted"] == 10


def test_only_what_the_mount_calls_absent_is_accepted(
    look: Look, pair: Pair, mount: Path
) -> None:
    remove(pair, mount, "Movies/Film 1?/*")  # 10 of 20 films
    trash(pair, "/media/plex/Movies/Film 2?/*")
    purge(pair, "/media/plex/Movies/Film 3/*")
    (mount / "Movies/Film 3/Film 3.mkv").unlink()
    found = look("compared", sections=[MOVIES], accept=True)
    row = section(found, MOVIES)
    assert (row["accepted"], row["deleted"], row["present"]) == (10, 11, 10)
    assert found["doubtful"] and found["purged"] and found["over_budget"]
    # Without a mount nobody says that anything is absent.
    assert look("compared", accept=True, root_map={})["changed"] is False


def test_an_accepted_film_that_leaves_the_database_is_purged(
    look: Look, pair: Pair, mount: Path
) -> None:
    remove(pair, mount, "Movies/Film 7/*")
    assert look("compared", accept=True)["changed"]
    purge(pair, "/media/plex/Movies/Film 7/*")
    execute(pair, ("DELETE FROM metadata_items WHERE title = 'Film 7'", ()))
    assert look("compared")["purged"]


@pytest.mark.parametrize("left", ["nothing", "folders"])
def test_nothing_is_absent_from_a_mount_that_is_not_there(
    look: Look, pair: Pair, mount: Path, left: str
) -> None:
    trash(pair, "/media/plex/Movies/Film 7/*")
    shutil.rmtree(mount)
    (mount if left == "nothing" else mount / "Movies" / "Film 1").mkdir(parents=True)
    found = look("compared", sections=[MOVIES], accept=True)
    assert (found["doubtful"], found["changed"]) == (True, False)
    assert look("trash", sections=[MOVIES], accept=True)["refused"]


def test_a_library_without_a_live_file_is_proven_by_the_mount_as_a_whole(
    look: Look, pair: Pair, mount: Path
) -> None:
    remove(pair, mount, "Movies/*/*")
    assert section(look("compared"), MOVIES)["unanswered"] == 0
    shutil.rmtree(mount)
    mount.mkdir()
    assert section(look("compared"), MOVIES)["unanswered"] == 40


def test_a_trashed_file_that_is_there_is_never_emptied(look: Look, pair: Pair) -> None:
    trash(pair, "/media/plex/Movies/Film 1/*")
    found = look("trash", accept=True, sections=[MOVIES], emptying=True)
    assert (found["refused"], found["changed"]) == (True, False)
    assert "Film 1 (1981)" in found["message"]


def test_one_file_that_is_there_is_found_in_the_largest_trash(
    look: Look, pair: Pair, mount: Path
) -> None:
    with pair.filler(9) as fill:
        (media,) = fill.main.execute(
            "SELECT media_item_id FROM media_parts WHERE file GLOB '*/Film 7.mkv'"
        ).fetchone()
        fill.main.executemany(
            "INSERT INTO media_parts(media_item_id, file, size) VALUES(?, ?, 1)",
            [(media, f"/media/plex/Movies/Film 7/{x}.mkv") for x in range(2_500)],
        )
    trash(pair, "/media/plex/Movies/Film 7/*")
    (mount / "Movies/Film 7/Film 7.mkv").rename(mount / "Movies/Film 7/2499.mkv")
    (row,) = look("trash", sections=[MOVIES], accept=True)["trash"]
    assert (row["files"], row["present"], row["refused"]) == (2_501, 1, True)


def test_trash_outside_of_the_mount_is_not_emptied(
    look: Look, pair: Pair, mount: Path
) -> None:
    remove(pair, mount, "Movies/Film 7/*")
    elsewhere = (
        "UPDATE media_parts SET file = '/old/7.mkv' WHERE file GLOB '*/Film 7.mkv'"
    )
    execute(pair, (elsewhere, ()))
    found = look("trash", sections=[MOVIES], accept=True)
    assert (found["trash"][0]["unanswered"], found["refused"]) == (1, True)
