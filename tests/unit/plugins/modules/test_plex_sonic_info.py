# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plex_sonic_info: marker and vector together are done, everything else is named."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import plex_sonic_info
from cloudburst_lab.plex_schema import Pair
from cloudburst_lab.plex_schema.fill import Filler
from tests.unit.conftest import NOW, ModuleFailedError, RunModule

URL_ENCODED = "ms%3AmusicAnalysisVersion=1&at%3AartBlurHash=x"
Look = Callable[..., dict[str, Any]]


def section_id(pair: Pair, name: str) -> int:
    with closing(sqlite3.connect(pair.library)) as connection:
        query = "SELECT id FROM library_sections WHERE name = ?"
        return int(connection.execute(query, (name,)).fetchone()[0])


def track(fill: Filler, number: int) -> int:
    """Id of ``Song <number>``; 0 to 19 are analysed."""
    query = "SELECT id FROM metadata_items WHERE metadata_type = 10 AND title = ?"
    return int(fill.main.execute(query, (f"Song {number}",)).fetchone()[0])


def change(fill: Filler, number: int, column: str, value: object) -> None:
    fill.main.execute(
        f"UPDATE metadata_items SET {column} = ? WHERE id = ?",
        (value, track(fill, number)),
    )


def forget_vector(fill: Filler, number: int, column: str, value: object) -> None:
    fill.blobs.execute(
        f"UPDATE blobs SET {column} = ? WHERE linked_id = ?",
        (value, track(fill, number)),
    )


@pytest.fixture
def look(run_module: RunModule, pair: Pair) -> Look:
    """What the module says of this test's pair, of its music unless told."""

    def run(*names: str, **params: Any) -> dict[str, Any]:
        ids = [section_id(pair, name) for name in names or ("Music",)]
        given = {"databases": pair.library.parent, "sections": ids, **params}
        return run_module(plex_sonic_info, given)

    return run


def figures(result: dict[str, Any]) -> tuple[int, int, int]:
    return result["total"], result["done"], result["left"]


def test_counts_and_names(look: Look, pair: Pair) -> None:
    result = look()
    assert result["changed"] is False
    assert figures(result) == (60, 20, 40)
    music = str(section_id(pair, "Music"))
    assert result["sections"] == {music: {"total": 60, "done": 20, "left": 40}}
    assert {row["title"] for row in result["tracks"]} == {
        f"Song {number}" for number in range(20, 60)
    }
    first = result["tracks"][0]
    assert sorted(first) == ["album", "artist", "file", "id", "title"]
    assert (first["artist"], first["album"], first["title"]) == (
        "Artist 0",
        "Album 0",
        "Song 20",
    )
    assert first["file"] == "/media/plex/Music/Artist 0/Album 0/020.mp3"


def test_order_is_artist_album_number(look: Look) -> None:
    rows = look()["tracks"]
    keys = [(r["artist"], r["album"], int(r["title"].split()[1])) for r in rows]
    assert keys == sorted(keys)
    assert look()["tracks"] == rows


@pytest.mark.parametrize("limit", [0, 1, 39, 40, 1000])
def test_limit_is_of_the_names_and_not_of_the_count(look: Look, limit: int) -> None:
    result = look(limit=limit)
    assert figures(result) == (60, 20, 40)
    assert result["tracks"] == look()["tracks"][:limit]


def test_a_file_gets_all_names_whatever_the_limit(
    look: Look, pair: Pair, tmp_path: Path
) -> None:
    file = tmp_path / "left.jsonl"
    with pair.filler(NOW) as fill:
        change(fill, 20, "title", "Jóga\n2")
    assert len(look(limit=3, names_file=file)["tracks"]) == 3
    lines = file.read_text(encoding="utf-8").split("\n")
    assert [json.loads(line) for line in lines[:-1]] == look()["tracks"]
    assert lines[-1] == ""
    assert "Jóga" in lines[0]


def test_check_mode_writes_no_file(
    run_module: RunModule, pair: Pair, tmp_path: Path
) -> None:
    file = tmp_path / "left.jsonl"
    params = {"databases": pair.library.parent, "sections": [1], "names_file": file}
    run_module(plex_sonic_info, params, check=True)
    assert not file.exists()


def test_a_file_that_cannot_be_written_fails_by_name(
    look: Look, tmp_path: Path
) -> None:
    with pytest.raises(ModuleFailedError, match=r"none/left\.jsonl"):
        look(names_file=tmp_path / "none" / "left.jsonl")


def test_the_digest_is_of_which_tracks_are_left(look: Look, pair: Pair) -> None:
    """Not of how many, nor of their names, nor of how many are named."""
    before = look()["left_digest"]
    assert look(limit=1)["left_digest"] == before
    with pair.filler(NOW) as fill:
        change(fill, 20, "title", "Another title")
        change(fill, 21, "original_title", "Another artist")
    assert look()["left_digest"] == before
    with pair.filler(NOW) as fill:
        fill.sonic(track(fill, 30))
        change(fill, 0, "extra_data", None)
    assert figures(look()) == (60, 20, 40)
    assert look()["left_digest"] != before


@pytest.mark.parametrize(
    ("alter", "expected"),
    [
        # Song 0 is analysed; these take one half of it away.
        (lambda f: change(f, 0, "extra_data", None), (60, 19, 41)),
        (lambda f: change(f, 0, "extra_data", ""), (60, 19, 41)),
        (lambda f: forget_vector(f, 0, "blob_type", 2), (60, 19, 41)),
        (lambda f: forget_vector(f, 0, "linked_type", "media_part"), (60, 19, 41)),
        (lambda f: forget_vector(f, 0, "linked_id", 999_999), (60, 19, 41)),
        (lambda f: change(f, 0, "extra_data", URL_ENCODED), (60, 20, 40)),
        (lambda f: change(f, 0, "deleted_at", NOW), (59, 19, 40)),
        # Song 30 is not analysed.
        (lambda f: change(f, 30, "deleted_at", NOW), (59, 20, 39)),
        (lambda f: change(f, 30, "extra_data", URL_ENCODED), (60, 20, 40)),
        (lambda f: f.blob("metadata_item", track(f, 30), 7, b"x"), (60, 20, 40)),
        (lambda f: f.sonic(track(f, 30)), (60, 21, 39)),
    ],
    ids=[
        "no marker",
        "empty marker",
        "blob of another kind",
        "blob of another thing",
        "blob of another item",
        "older form of the marker",
        "analysed and in the trash",
        "in the trash",
        "marker alone",
        "vector alone",
        "both",
    ],
)
def test_only_marker_and_vector_together_are_done(
    look: Look,
    pair: Pair,
    alter: Callable[[Filler], object],
    expected: tuple[int, int, int],
) -> None:
    with pair.filler(NOW) as fill:
        alter(fill)
    result = look()
    assert figures(result) == expected
    assert len(result["tracks"]) == expected[2]


def test_the_track_artist_stands_before_the_album_artist(
    look: Look, pair: Pair
) -> None:
    with pair.filler(NOW) as fill:
        change(fill, 20, "original_title", "Björk")
        change(fill, 21, "original_title", "")
    artists = {row["title"]: row["artist"] for row in look()["tracks"]}
    assert (artists["Song 20"], artists["Song 21"]) == ("Björk", "Artist 1")


def test_a_track_without_parents_and_file_is_still_named(
    look: Look, pair: Pair
) -> None:
    with pair.filler(NOW) as fill:
        change(fill, 20, "parent_id", None)
        fill.main.execute(
            "DELETE FROM media_items WHERE metadata_item_id = ?", (track(fill, 20),)
        )
    result = look()
    assert figures(result) == (60, 20, 40)
    (row,) = (row for row in result["tracks"] if row["title"] == "Song 20")
    assert (row["artist"], row["album"], row["file"]) == ("", "", "")


def test_libraries_are_counted_apart_and_together(look: Look, pair: Pair) -> None:
    with pair.filler(NOW) as fill:
        other = fill.section("Classical", "artist", ["/media/plex/Classical"])
        for number in range(3):
            file = f"/media/plex/Classical/{number}.flac"
            names = ("Satie", "Gnossiennes", number)
            fill.track(other, *names, f"N. {number}", file, sonic=number == 0)
    music, classical = (section_id(pair, x) for x in ("Music", "Classical"))
    result = look("Music", "Classical")
    assert figures(result) == (63, 21, 42)
    assert result["sections"] == {
        str(music): {"total": 60, "done": 20, "left": 40},
        str(classical): {"total": 3, "done": 1, "left": 2},
    }
    assert figures(look("Classical")) == (3, 1, 2)
    assert {row["artist"] for row in look("Classical")["tracks"]} == {"Satie"}


def test_a_library_without_tracks_has_its_row(look: Look, pair: Pair) -> None:
    movies = str(section_id(pair, "Movies"))
    row = {"total": 0, "done": 0, "left": 0}
    assert look("Movies")["sections"] == {movies: row}
    assert figures(look(sections=[])) == (0, 0, 0)


def test_it_reads_beside_a_server_that_writes(look: Look, pair: Pair) -> None:
    """What is committed counts though it is only in the WAL; what is not, does not."""
    with closing(sqlite3.connect(pair.blobs, isolation_level=None)) as server:
        server.execute("PRAGMA journal_mode = WAL")
        server.execute("PRAGMA wal_autocheckpoint = 0")
        server.execute("UPDATE blobs SET blob_type = 2 WHERE id = 1")
        assert figures(look()) == (60, 19, 41)
        server.execute("BEGIN IMMEDIATE")
        server.execute("UPDATE blobs SET blob_type = 2 WHERE id < 5")
        assert figures(look()) == (60, 19, 41)
        server.execute("ROLLBACK")


@pytest.mark.parametrize("which", ["library", "blobs"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "unable to open"),
        (b"", "no such table"),
        (b"not a database at all" * 100, "not a database"),
    ],
    ids=["gone", "empty", "text"],
)
def test_what_cannot_be_read_fails_and_is_never_zero(
    run_module: RunModule, pair: Pair, which: str, content: bytes | None, words: str
) -> None:
    params = {"databases": pair.library.parent, "sections": [1]}
    path: Path = getattr(pair, which)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModuleFailedError, match=words) as caught:
        run_module(plex_sonic_info, params)
    assert str(pair.library.parent) in str(caught.value)
    assert path.exists() == (content is not None)
