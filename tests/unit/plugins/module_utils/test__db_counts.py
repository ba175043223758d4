# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts: every leaf type, by section, both forms of the Sonic marker (L20, L28)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils import _db_counts
from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    read_only,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from cloudburst_lab.plex_schema import SCHEMA_HEAD, Pair


def read(pair: Pair, *, with_vectors: bool = True) -> _db_counts.LibraryInfo:
    attach = str(pair.blobs) if with_vectors else None
    with read_only(str(pair.library), attach=attach) as connection:
        return _db_counts.read_library(connection, with_vectors=with_vectors)


def write(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def of_type(info: _db_counts.LibraryInfo, name: str) -> list[_db_counts.Counts]:
    return [item for item in info.counts if item.type == name]


def test_every_leaf_type_is_counted(pair: Pair) -> None:
    info = read(pair)
    assert [(s.name, s.type) for s in info.sections] == [
        ("Movies", "movie"),
        ("Films d'auteur", "movie"),
        ("TV Shows", "show"),
        ("Music", "artist"),
        ("Photos", "photo"),
    ]
    assert [place.path for place in info.sections[3].locations] == [
        "/media/plex/Music",
        "/media/plex/M2",
    ]
    assert info.schema_head == SCHEMA_HEAD
    assert _db_counts.totals(info.counts) == {
        "movie": {"live": 41, "deleted": 0},
        "episode": {"live": 9, "deleted": 1},
        "track": {"live": 60, "deleted": 0},
        "photo": {"live": 8, "deleted": 0},
    }
    movies = of_type(info, "movie")
    assert [(item.thumbs_missing, item.analysed) for item in movies] == [
        (20, 40),
        (1, 0),
    ]


def test_a_type_without_a_row_is_a_counted_zero() -> None:
    assert _db_counts.totals([])["photo"] == {"live": 0, "deleted": 0}


def test_both_forms_of_the_marker_count(pair: Pair) -> None:
    rows = "metadata_type=10 AND id IN (SELECT id FROM metadata_items"
    rows += " WHERE metadata_type=10 ORDER BY id LIMIT 3 OFFSET 30)"
    marker = "a=b&ms%3AmusicAnalysisVersion=1"
    write(pair.library, f"UPDATE metadata_items SET extra_data='{marker}' WHERE {rows}")
    (tracks,) = of_type(read(pair), "track")
    assert tracks.sonic_marked == 23
    assert tracks.sonic_vectors == 20


def test_what_only_resembles_the_marker_does_not_count(pair: Pair) -> None:
    other = '{"ms:musicAnalysisFailed":"1"}'
    write(pair.library, f"UPDATE metadata_items SET extra_data='{other}'")
    (tracks,) = of_type(read(pair), "track")
    assert tracks.sonic_marked == 0


def test_vectors_of_other_kinds_or_of_deleted_tracks_do_not_count(pair: Pair) -> None:
    write(pair.blobs, "UPDATE blobs SET blob_type=5 WHERE id <= 4")
    write(
        pair.library,
        "UPDATE metadata_items SET deleted_at=1 WHERE id IN (SELECT id FROM"
        " metadata_items WHERE extra_data LIKE '%ms:%' ORDER BY id DESC LIMIT 10)",
    )
    (tracks,) = of_type(read(pair), "track")
    assert tracks.deleted == 10
    assert tracks.sonic_marked == 10
    assert tracks.sonic_vectors == 6


def test_without_blobs_vectors_are_unknown_and_not_zero(pair: Pair) -> None:
    info = read(pair, with_vectors=False)
    (tracks,) = of_type(info, "track")
    assert tracks.sonic_vectors is None
    summary = _db_counts.sonic_summary(info.sections, info.counts)
    assert (summary["total"], summary["marked"], summary["vectors"]) == (60, 20, None)


def test_placeholder_rows_of_no_section_are_not_tracks(pair: Pair) -> None:
    """A real server keeps type 10 rows in section -2 (plex-facts §1.7)."""
    write(
        pair.library,
        "UPDATE metadata_items SET library_section_id=-2 WHERE metadata_type=10"
        " AND id IN (SELECT MAX(id) FROM metadata_items WHERE metadata_type=10)",
    )
    (tracks,) = of_type(read(pair), "track")
    assert tracks.live == 59


@pytest.mark.parametrize(
    ("versions", "head"),
    [
        (["20200224131300", "202507311200", "500000000001.231"], "202507311200"),
        (["20240718114400", "202407301359"], "202407301359"),
        (["pg_adapter_1.0.0"], ""),
    ],
)
def test_schema_head(versions: list[str], head: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE schema_migrations(version)")
        rows = [(version,) for version in versions]
        connection.executemany("INSERT INTO schema_migrations VALUES(?)", rows)
        assert _db_counts.schema_head(connection) == head


def test_a_database_that_cannot_be_read_is_an_error_and_not_zero(pair: Pair) -> None:
    pair.library.write_bytes(b"SQLite format 3\0" + bytes(2000))
    with pytest.raises(DbError, match="library.db"):
        read(pair)


def test_reading_leaves_nothing_behind(pair: Pair) -> None:
    read(pair)
    names = sorted(path.name for path in pair.library.parent.iterdir())
    assert names == sorted([pair.library.name, pair.blobs.name])
