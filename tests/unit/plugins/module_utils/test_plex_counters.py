# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters from a real pair, read-only; what cannot be read is never zero (L20)."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_counters import (
    CountersUnreadable,
    PlexCounters,
    read_only_uri,
)
from cloudburst_lab.plex_schema import Pair

SONIC_OLD = "ms%3AmusicAnalysisVersion=1"


@pytest.fixture
def counters(pair: Pair) -> PlexCounters:
    return PlexCounters(str(Path(pair.library).parent))


def ids(counters: PlexCounters) -> dict[str, int]:
    return {row.name: row.id for row in counters.sections()}


def write(pair: Pair, statement: str) -> None:
    with closing(sqlite3.connect(pair.library)) as connection, connection:
        # Triggers need Plex's tokenizer; none of them matters here.
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master WHERE type = 'trigger'")
        connection.execute("PRAGMA writable_schema = RESET")
        connection.execute(statement)


def test_sections(counters: PlexCounters) -> None:
    types = {row.name: row.type for row in counters.sections()}
    assert types == {
        "Movies": "movie",
        "Films d'auteur": "movie",
        "TV Shows": "show",
        "Music": "artist",
        "Photos": "photo",
    }


def test_quick_counts_every_leaf_type(counters: PlexCounters) -> None:
    known = ids(counters)
    found = counters.quick(list(known.values()))
    assert found.total[(known["Movies"], 1)] == 40
    assert found.total[(known["TV Shows"], 4)] == 10
    assert found.deleted[(known["TV Shows"], 4)] == 1
    assert found.total[(known["Music"], 10)] == 60
    assert found.total[(known["Photos"], 13)] == 8
    assert found.unanalysed[known["Films d'auteur"]] == 1
    assert known["Movies"] not in found.unanalysed


def test_deleted_media_do_not_count(counters: PlexCounters, pair: Pair) -> None:
    movies = ids(counters)["Movies"]
    before = counters.quick([movies])
    write(
        pair,
        "UPDATE media_items SET deleted_at = 5 WHERE id IN (SELECT id FROM media_items"
        f" WHERE library_section_id = {movies} LIMIT 3)",
    )
    assert counters.quick([movies]).media[movies] == before.media[movies] - 3


def test_the_planner_stays_on_small_indexes(pair: Pair) -> None:
    """Deleted rows are found by their index, not by reading every item."""
    plans: list[str] = []

    class Spy(PlexCounters):
        def _rows(self, query: str, *more: object, **named: object) -> list[Any]:
            with closing(sqlite3.connect(self.library)) as connection:
                rows = connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
            plans.extend(row[3] for row in rows if "TEMP B-TREE" not in row[3])
            return []

    Spy(str(Path(pair.library).parent)).quick([1, 2])
    reads_rows = [p for p in plans if "section" in p and "COVERING" not in p]
    assert len(plans) >= 5
    assert reads_rows == []


def test_a_chosen_section_is_all_that_is_counted(counters: PlexCounters) -> None:
    music = ids(counters)["Music"]
    assert set(counters.quick([music]).total) == {(music, 10)}
    assert counters.quick([]).total == {}


def test_sonic_marker_in_both_forms(counters: PlexCounters, pair: Pair) -> None:
    music = ids(counters)["Music"]
    assert counters.full([music]).sonic_marked == {music: 20}
    write(
        pair,
        f"UPDATE metadata_items SET extra_data = '{SONIC_OLD}' WHERE id ="
        " (SELECT id FROM metadata_items WHERE metadata_type = 10"
        " AND coalesce(extra_data, '') NOT LIKE '%musicAnalysis%' LIMIT 1)",
    )
    assert counters.full([music]).sonic_marked == {music: 21}


def test_thumbs_and_refreshes(counters: PlexCounters, pair: Pair) -> None:
    movies = ids(counters)["Movies"]
    assert counters.full([movies]).thumbs_missing == {movies: 20}
    assert counters.full([movies]).refreshed == {movies: 0}
    write(
        pair,
        "UPDATE metadata_items SET refreshed_at = 2000000000"
        f" WHERE library_section_id = {movies} AND metadata_type = 1",
    )
    assert counters.full([movies], since=1_900_000_000).refreshed == {movies: 40}


def test_vectors_and_only_new_ones(counters: PlexCounters) -> None:
    music = ids(counters)["Music"]
    everything = counters.vectors([music])
    assert everything.by_section == {music: 20}
    later = counters.vectors([music], after_id=everything.last_id)
    assert later.by_section == {}
    assert later.last_id == everything.last_id


def test_counts_while_a_writer_holds_the_wal(
    counters: PlexCounters, pair: Pair
) -> None:
    movies = ids(counters)["Movies"]
    with closing(sqlite3.connect(pair.library, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE library_sections SET scanned_at = 5")
        assert counters.quick([movies]).total == {(movies, 1): 40}
        writer.execute("COMMIT")
        assert {row.scanned_at for row in counters.sections()} == {5}


def test_uri_never_claims_immutability() -> None:
    uri = read_only_uri("/a b/c?d.db")
    assert uri == "file:/a%20b/c%3Fd.db?mode=ro"
    assert "immutable" not in uri


@pytest.mark.parametrize("name", ["library", "blobs"])
def test_a_missing_file_is_an_error(
    counters: PlexCounters, pair: Pair, name: str
) -> None:
    music = ids(counters)["Music"]
    os.unlink(getattr(pair, name))
    with pytest.raises(CountersUnreadable, match="Cannot read .*No such file"):
        counters.vectors([music])


def test_an_empty_file_is_an_error(counters: PlexCounters, pair: Pair) -> None:
    Path(pair.library).write_bytes(b"")
    with pytest.raises(CountersUnreadable, match="empty"):
        counters.quick([1])


def test_garbage_is_an_error(counters: PlexCounters, pair: Pair) -> None:
    Path(pair.library).write_bytes(os.urandom(4096))
    with pytest.raises(CountersUnreadable, match="not a database"):
        counters.sections()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop to another user")
def test_no_permission_is_an_error(tmp_path: Path, pair: Pair) -> None:
    os.chmod(pair.library, 0o600)
    child = os.fork()
    if child == 0:
        try:
            os.chmod(tmp_path, 0o755)
            os.setuid(65534)
            PlexCounters(str(Path(pair.library).parent)).sections()
        except CountersUnreadable as exc:
            os._exit(0 if "Permission denied" in str(exc) else 2)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
