# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of one moment are never refused, pairs of two moments are, whatever happened."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import damage
from ansible_collections.cloudburst.plex.plugins.module_utils._db_moments import (
    compare,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_vectors import Vectors

MARK = '{"ms:musicAnalysisVersion":"1"}'
LIBRARY = """
CREATE TABLE metadata_items(id INTEGER PRIMARY KEY AUTOINCREMENT, metadata_type integer,
 guid varchar(255), extra_data varchar(255), created_at dt_integer(8),
 updated_at dt_integer(8), deleted_at dt_integer(8));
"""
BLOBS = """
CREATE TABLE b.blobs(id INTEGER PRIMARY KEY AUTOINCREMENT, blob blob,
 linked_type varchar(255), linked_id integer, linked_guid varchar(255),
 created_at dt_integer(8), blob_type integer);
CREATE UNIQUE INDEX b.i ON blobs(linked_type, linked_id, blob_type);
CREATE UNIQUE INDEX b.g ON blobs(linked_type, linked_guid, blob_type);
"""


@dataclass(frozen=True)
class Track:
    made: int
    touched: int
    marked: bool = False
    trashed: bool = False


@dataclass
class Server:
    """A server's two databases as values: what it does to both, and a copy of them."""

    clock: int = 1_700_000_000
    given: int = 0
    tracks: dict[int, Track] = field(default_factory=dict)
    # Track and time, in the order of their ids.
    vectors: list[tuple[int, int]] = field(default_factory=list)
    analysed: int = 0

    def copy(self) -> Server:
        return replace(self, tracks=dict(self.tracks), vectors=list(self.vectors))

    def do(self, what: str, count: int) -> None:
        self.clock += 3600
        getattr(self, what)(count)

    def add(self, count: int) -> None:
        for number in range(self.given + 1, self.given + count + 1):
            self.tracks[number] = Track(self.clock, self.clock)
        self.given += count

    def analyse(self, count: int) -> None:
        todo = [n for n, track in self.tracks.items() if not track.marked][:count]
        for number in todo:
            self.clock += 1
            self._mark(number)
            self.vectors.append((number, self.clock))
        self.analysed += len(todo)

    def fail(self, count: int) -> None:
        """An album: marked, and no vector (L81)."""
        todo = [n for n, track in self.tracks.items() if not track.marked]
        for number in todo[: min(count, 12)]:
            self._mark(number)

    def _mark(self, number: int) -> None:
        # Whether a server touches the time of an item with that is not known.
        self.tracks[number] = replace(self.tracks[number], marked=True)

    def refresh(self, count: int) -> None:
        for number, track in self.tracks.items():
            self.tracks[number] = replace(track, touched=self.clock)

    def trash(self, count: int) -> None:
        for number in list(self.tracks)[:count]:
            self.tracks[number] = replace(self.tracks[number], trashed=True)

    def delete(self, count: int) -> None:
        for number in list(self.tracks)[-count:]:
            del self.tracks[number]

    def collect(self, count: int) -> None:
        self.vectors = [item for item in self.vectors if item[0] in self.tracks]

    def write_library(self, connection: sqlite3.Connection, into: str = "main") -> None:
        rows = [
            (n, 10, MARK if t.marked else None, t.made, t.touched, t.trashed or None)
            for n, t in self.tracks.items()
        ]
        _fill(connection, f"{into}.metadata_items", self.given, rows)

    def write_blobs(self, connection: sqlite3.Connection, into: str = "b") -> None:
        rows = [
            (at, "metadata_item", n, made, 7, None)
            for at, (n, made) in enumerate(self.vectors)
        ]
        _fill(connection, f"{into}.blobs", len(rows), rows)


COLUMNS = {
    "metadata_items": "id, metadata_type, extra_data, created_at, updated_at, deleted_at",
    "blobs": "id, linked_type, linked_id, created_at, blob_type, linked_guid",
}


def _fill(
    connection: sqlite3.Connection, place: str, given: int, rows: list[Any]
) -> None:
    schema, table = place.split(".")
    columns = COLUMNS[table]
    values = "VALUES(?,?,?,?,?,?)"
    connection.executemany(f"INSERT INTO {place}({columns}) {values}", rows)
    connection.execute(f"DELETE FROM {schema}.sqlite_sequence")
    sequence = f"INSERT INTO {schema}.sqlite_sequence VALUES(?,?)"
    connection.execute(sequence, (table, given))


@contextmanager
def opened() -> Iterator[sqlite3.Connection]:
    """Both databases of a pair without a row, in one connection."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("ATTACH ':memory:' AS b")
        connection.executescript(LIBRARY + BLOBS)
        yield connection


def findings_of(library: Server, blobs: Server) -> list[Any]:
    with opened() as connection:
        library.write_library(connection)
        blobs.write_blobs(connection)
        return damage(compare(connection, "the library", "the blobs"))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["add", "analyse", "refresh", "trash", "delete", "collect", "analyse"]
        ),
        st.integers(1, 150),
    ),
    min_size=2,
    max_size=12,
)


def lived(steps: list[tuple[str, int]], failed: int = 0) -> Server:
    server = Server()
    server.do("add", 60)
    for at, step in enumerate(steps):
        if at < failed:
            # At any place, so it may also be the last thing that happened.
            server.do("fail", 12)
        server.do(*step)
    return server


@settings(max_examples=60)
@given(STEPS, st.integers(0, 2), st.booleans())
def test_a_pair_of_one_moment_is_never_refused(
    steps: list[tuple[str, int]], failed: int, at_the_end: bool
) -> None:
    server = lived(steps[::-1] if at_the_end else steps, failed)
    event("with failures" if failed else "without failures")
    assert findings_of(server, server) == []


@settings(max_examples=60)
@given(STEPS, STEPS, st.booleans())
# Half of the vectors are of ids that the library had not given out.
@example([("add", 1), ("analyse", 1)], [("add", 61), ("analyse", 121)], False)
def test_a_pair_of_two_moments_is_refused_by_name(
    before: list[tuple[str, int]], between: list[tuple[str, int]], older: bool
) -> None:
    """From so many analyses on, of tracks that were there before or of new ones."""
    first = lived(before)
    second = first.copy()
    for step in between:
        second.do(*step)
    old = {n for n, t in first.tracks.items() if t.marked and not t.trashed}
    new = {
        n
        for n, t in second.tracks.items()
        if t.marked and not t.trashed and n not in old
    }
    # The other way round only tracks that the first moment knows, too, can tell.
    telling = new if older else {n for n in new if n in first.tracks}
    telling = {n for n in telling if older or not first.tracks[n].trashed}
    whole = len(old | telling)
    told = len(telling) > max(24, whole / 10) and (older or bool(old))
    event(f"told: {told}")
    found = findings_of(*((second, first) if older else (first, second)))
    if told:
        assert [item.kind for item in found] == ["pair_mismatch"]
        assert ("an earlier moment" if older else "a later moment") in found[0].text


def music(count: int, analysed: int) -> Server:
    server = Server()
    server.do("add", count)
    server.do("analyse", analysed)
    return server


@pytest.mark.parametrize("older", [True, False], ids=["older blobs", "newer blobs"])
def test_sonic_over_tracks_that_were_there_tells(older: bool) -> None:
    """The case of a burst: nothing is added, everything is analysed."""
    first = music(400, 100)
    second = first.copy()
    second.do("analyse", 200)
    (found,) = findings_of(*((second, first) if older else (first, second)))
    named = "200 of 300 tracks that are marked" if older else "200 of 300 tracks with a"
    assert named in found.text
    assert ("clears the mark" in found.text) == older


def test_new_tracks_tell_although_they_are_a_small_share() -> None:
    first = music(5000, 4000)
    second = first.copy()
    second.do("add", 120)
    second.tracks = dict(reversed(second.tracks.items()))
    second.do("analyse", 120)
    (found,) = findings_of(second, first)
    assert "is of an earlier moment" in found.text
    assert "120 of 4120" in found.text


def test_the_newest_vectors_tell_although_they_are_a_small_share() -> None:
    first = music(5000, 4000)
    second = first.copy()
    second.do("analyse", 120)
    (found,) = findings_of(first, second)
    assert "is of a later moment" in found.text


def test_a_refresh_of_everything_after_failures_is_no_other_moment() -> None:
    """All are touched after the last vector, those that have one as well."""
    server = music(4000, 3000)
    for _album in range(20):
        server.do("fail", 12)
    server.do("refresh", 1)
    assert findings_of(server, server) == []


def test_vectors_of_a_deleted_library_are_no_strangers() -> None:
    server = music(3000, 3000)
    server.do("delete", 2900)
    assert findings_of(server, server) == []


def test_a_server_whose_marks_are_not_known_is_not_refused() -> None:
    """Vectors without any mark: then it writes another one, or none."""
    server = music(200, 200)
    for number, track in server.tracks.items():
        server.tracks[number] = replace(track, marked=False)
    assert findings_of(server, server) == []


def test_a_vector_under_the_guid_of_its_track_counts() -> None:
    server = music(60, 60)
    with opened() as connection:
        server.write_library(connection)
        server.write_blobs(connection)
        connection.execute("UPDATE metadata_items SET guid='plex://'||id")
        guid = "UPDATE blobs SET linked_guid='plex://'||linked_id, linked_id=NULL"
        connection.execute(guid)
        assert compare(connection, "the library", "the blobs") == []


def test_blobs_from_before_there_was_sonic_analysis_are_no_mismatch() -> None:
    with opened() as connection:
        music(60, 60).write_library(connection)
        connection.execute("DROP TABLE b.blobs")
        connection.execute("CREATE TABLE b.blobs(id INTEGER PRIMARY KEY, linked_type)")
        connection.execute("ALTER TABLE b.blobs ADD COLUMN linked_id integer")
        assert compare(connection, "the library", "the blobs") == []


@pytest.mark.parametrize(
    ("numbers", "older"),
    [
        (Vectors(marked=81_000, lacking=8_100), False),
        (Vectors(marked=81_000, lacking=8_101), True),
        (Vectors(marked=100, lacking=24), False),
        (Vectors(marked=100, lacking=25), True),
        (Vectors(marked=81_000, lacking=810, touched=810, touched_lacking=810), False),
        (Vectors(marked=81_000, lacking=811, touched=811, touched_lacking=811), True),
        (
            Vectors(marked=81_000, lacking=900, touched=1_800, touched_lacking=900),
            False,
        ),
    ],
)
def test_how_many_are_too_many(numbers: Vectors, older: bool) -> None:
    assert numbers.older_blobs == older
