# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""media_read run as a module: which files of a library are read, and where they are."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import media_read
from cloudburst_lab.plex_schema import Pair
from cloudburst_lab.plex_schema.fill import Filler
from tests.unit.conftest import NOW, ModuleFailedError, RunModule


def section_id(pair: Pair, name: str) -> int:
    with closing(sqlite3.connect(pair.library)) as connection:
        query = "SELECT id FROM library_sections WHERE name = ?"
        return int(connection.execute(query, (name,)).fetchone()[0])


@pytest.mark.parametrize(
    ("path", "root_map", "expected"),
    [
        ("/media/plex/a.mkv", {}, "/media/plex/a.mkv"),
        ("/media/plex/a.mkv", {"/media/plex": "/srv/tree"}, "/srv/tree/a.mkv"),
        ("/media/plex/a.mkv", {"/media/plex/": "/srv/tree/"}, "/srv/tree/a.mkv"),
        ("/media/plex", {"/media/plex": "/srv/tree"}, "/srv/tree"),
        ("/media/plex2/a.mkv", {"/media/plex": "/srv/tree"}, "/media/plex2/a.mkv"),
        ("/media/plex/a.mkv", {"/": "/host"}, "/host/media/plex/a.mkv"),
        ("/m/x/a", {"/m": "/wrong", "/m/x": "/right"}, "/right/a"),
        ("/m/x/a", {"/m/x": "/right", "/m": "/wrong"}, "/right/a"),
    ],
)
def test_place_on_the_host(path: str, root_map: dict[str, str], expected: str) -> None:
    assert media_read.on_host(path, root_map) == expected


@pytest.fixture
def chosen(pair: Pair) -> Callable[..., list[str]]:
    """Base names of the files that would be read of a library."""

    def files(name: str, **params: Any) -> list[str]:
        usual = {"pending": True, "limit": 0, "root_map": {}}
        section = {"databases": pair.library.parent, "section": section_id(pair, name)}
        found = media_read.library_files({**usual, **section, **params})
        return [os.path.basename(path) for path in found]

    return files


def touch(column: str, value: object, table: str = "metadata_items") -> Any:
    """Changes Film 1, which waits for nothing; it has a thumbnail and an analysis."""

    def alter(fill: Filler) -> None:
        key = "id" if table == "metadata_items" else "metadata_item_id"
        fill.main.execute(
            f"UPDATE {table} SET {column} = ? WHERE {key} ="
            " (SELECT id FROM metadata_items WHERE title = 'Film 1')",
            (value,),
        )

    return alter


@pytest.mark.parametrize(
    ("alter", "waits"),
    [
        (touch("tags_genre", "x"), False),
        (touch("user_thumb_url", ""), True),
        (touch("user_thumb_url", None), True),
        (touch("media_analysis_version", 0, "media_items"), True),
    ],
    ids=["complete", "thumbnail empty", "no thumbnail", "no analysis"],
)
def test_what_waits(
    chosen: Callable[..., list[str]],
    pair: Pair,
    alter: Callable[[Filler], None],
    waits: bool,
) -> None:
    with pair.filler(NOW) as fill:
        alter(fill)
    found = chosen("Movies")
    assert ("Film 1.mkv" in found) == waits
    assert len(found) == 20 + waits
    assert len(chosen("Movies", pending=False)) == 40


def test_a_track_waits_for_sonic_analysis_and_never_for_a_thumbnail(
    chosen: Callable[..., list[str]],
) -> None:
    """20 of 60 tracks are analysed, and none has a picture of its own."""
    names = [f"{number:03}.mp3" for number in range(20, 60)]
    assert sorted(chosen("Music")) == names
    assert len(chosen("Music", pending=False)) == 60


@pytest.mark.parametrize(
    ("table", "row"),
    [("metadata_items", "m.id"), ("media_items", "i.id"), ("media_parts", "p.id")],
)
def test_what_is_in_the_trash_is_not_read(
    chosen: Callable[..., list[str]], pair: Pair, table: str, row: str
) -> None:
    with pair.filler(NOW) as fill:
        fill.main.execute(
            f"UPDATE {table} SET deleted_at = ? WHERE id = (SELECT {row}"
            " FROM media_parts p JOIN media_items i ON i.id = p.media_item_id"
            " JOIN metadata_items m ON m.id = i.metadata_item_id"
            " WHERE m.title = 'Film 0')",
            (NOW,),
        )
    found = chosen("Movies", pending=False)
    assert "Film 0.mkv" not in found
    assert len(found) == 39


@pytest.mark.parametrize(("limit", "count"), [(0, 20), (3, 3), (100, 20)])
def test_limit(chosen: Callable[..., list[str]], limit: int, count: int) -> None:
    found = chosen("Movies", limit=limit)
    assert found == chosen("Movies")[:count]


def test_the_files_of_a_library_are_read_where_the_host_has_them(
    run_module: RunModule, pair: Pair, tmp_path: Path
) -> None:
    for number in (0, 2):
        file = tmp_path / f"tree/Movies/Film {number}/Film {number}.mkv"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x" * 300)
    params = {
        "databases": pair.library.parent,
        "section": section_id(pair, "Movies"),
        "root_map": {"/media/plex": str(tmp_path / "tree")},
        "pending": True,
        "size": 100,
    }
    result = run_module(media_read, params)
    assert result["changed"] is False
    assert (result["asked"], result["read"], result["bytes"]) == (20, 2, 200)
    assert len(result["failed"]) == 18
    assert {row["reason"] for row in result["failed"]} == {"No such file or directory"}
    assert result["silent"] is False


def test_random_files_of_a_folder(run_module: RunModule, tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.mkv").write_bytes(b"x" * 10)
    result = run_module(media_read, {"directory": tmp_path, "count": 3})
    assert (result["asked"], result["read"], result["failed"]) == (3, 3, [])


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "one of the following"),
        ({"directory": "/x", "databases": "/y"}, "mutually exclusive"),
        ({"databases": "/y"}, "section"),
        ({"databases": "/nonexistent", "section": 1}, "/nonexistent: unable to open"),
    ],
)
def test_ways_to_be_wrong(
    run_module: RunModule, params: dict[str, Any], words: str
) -> None:
    with pytest.raises(ModuleFailedError, match=words):
        run_module(media_read, params)
