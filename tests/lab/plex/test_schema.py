# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair's schema: own DDL against the dump of a real one (plex-facts §0, §1)."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloudburst_lab.plex_schema import BlobType, Pair, SectionType, create_pair
from cloudburst_lab.plex_schema.collation import compare, register
from cloudburst_lab.plex_schema.extra_data import decode, encode, merged

REPO = Path(__file__).resolve().parents[3]
DUMP = "plex/library-schema-1.42.sql"
SHADOWS = ("_content", "_segments", "_segdir", "_docsize", "_stat")
RTREE_SHADOWS = ("locations_node", "locations_rowid", "locations_parent")
FAR_COLUMNS = "name, type, dflt_value, pk"


def fixtures() -> Path:
    folder = os.environ.get("CLOUDBURST_FIXTURES")
    return Path(folder) if folder else REPO.parent / "shared" / "fixtures"


def objects(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """(type, name) of everything that is not SQLite's own, with its SQL."""
    rows = connection.execute(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_master"
        " WHERE name NOT LIKE 'sqlite_%'"
    )
    return {(row[0], row[1]): row[2] for row in rows}


def columns(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    rows = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    return [
        (r[1], r[2].lower(), r[3], str(r[4]).strip("'\"").lower(), r[5]) for r in rows
    ]


def is_virtual(sql: str) -> bool:
    return sql.upper().startswith("CREATE VIRTUAL")


def is_shadow(name: str) -> bool:
    fts = name.startswith("fts4_") and name.endswith(SHADOWS)
    return fts or name in RTREE_SHADOWS


@pytest.fixture()
def pair(tmp_path: Path) -> Pair:
    return create_pair(tmp_path)


@pytest.fixture()
def reference() -> Iterator[sqlite3.Connection]:
    """The real dump, loaded as far as stock SQLite can."""
    dump = fixtures() / DUMP
    if not dump.exists():
        pytest.skip(f"{DUMP} is not in the folder shared/fixtures beside the checkout")
    with closing(sqlite3.connect(":memory:")) as connection:
        text = "".join(line for line in dump.open() if not line.startswith("/*"))
        for statement in text.split(";\n"):
            wanted = statement.strip()
            if wanted and not is_virtual(wanted):
                connection.execute(wanted)
        yield connection


def test_s1_8_tables_columns_types_equal_the_real_dump(
    pair: Pair, reference: sqlite3.Connection
) -> None:
    with closing(sqlite3.connect(pair.library)) as own:
        for kind, name in objects(reference):
            if kind == "table" and not is_shadow(name):
                assert columns(own, name) == columns(reference, name), name
        real = {name for kind, name in objects(reference) if kind == "table"}
        mine = {n for (k, n), sql in objects(own).items() if k == "table"}
        virtual = {n for (_, n), sql in objects(own).items() if is_virtual(sql)}
        assert mine - virtual - real == set()
        assert real - mine == set()


def test_s1_8_indexes_equal_the_real_dump(
    pair: Pair, reference: sqlite3.Connection
) -> None:
    with closing(sqlite3.connect(pair.library)) as own:
        real = {name for kind, name in objects(reference) if kind == "index"}
        mine = {name for kind, name in objects(own) if kind == "index"}
        # The ICU index is missing from the dump by design (plex-facts §0).
        assert mine - real == {"index_title_sort_icu"}
        assert real - mine == set()
        register(own)
        for name in real:
            query = f'PRAGMA index_xinfo("{name}")'
            assert (
                own.execute(query).fetchall() == reference.execute(query).fetchall()
            ), name


def test_s1_8_foreign_keys_and_uniqueness_equal_the_real_dump(
    pair: Pair, reference: sqlite3.Connection
) -> None:
    with closing(sqlite3.connect(pair.library)) as own:
        for kind, name in objects(reference):
            if kind == "table" and not is_shadow(name):
                keys = f'PRAGMA foreign_key_list("{name}")'
                unique = f'PRAGMA index_list("{name}")'
                assert sorted(r[2:] for r in own.execute(keys)) == sorted(
                    r[2:] for r in reference.execute(keys)
                ), name
                assert sorted(r[2] for r in own.execute(unique) if r[3] == "u") == (
                    sorted(r[2] for r in reference.execute(unique) if r[3] == "u")
                ), name


def test_s1_3_virtual_tables_equal_the_real_dump(pair: Pair) -> None:
    dump = fixtures() / DUMP
    if not dump.exists():
        pytest.skip(f"{DUMP} is not in the folder shared/fixtures beside the checkout")
    lines = [line.rstrip(";\n") for line in dump.open() if is_virtual(line)]
    with closing(sqlite3.connect(pair.library)) as own:
        mine = {sql for sql in objects(own).values() if is_virtual(sql)}
    assert mine == set(lines)


def test_s1_3_eight_triggers_with_the_tag_guard(pair: Pair) -> None:
    with closing(sqlite3.connect(pair.library)) as own:
        triggers = {n: s for (k, n), s in objects(own).items() if k == "trigger"}
    assert set(triggers) == {
        f"fts4_{kind}_titles_{moment}_icu"
        for kind in ("metadata", "tag")
        for moment in ("before_update", "before_delete", "after_update", "after_insert")
    }
    insert = triggers["fts4_tag_titles_after_insert_icu"]
    assert "new.tag_type in (0, 1, 2, 4, 6, 207, 400)" in insert


@pytest.mark.parametrize("name", ["library", "blobs"])
def test_s1_1_s1_6_both_files_have_the_schema_wal_and_1k_pages(
    pair: Pair, name: str
) -> None:
    path: Path = getattr(pair, name)
    assert not path.with_name(path.name + "-wal").exists()
    with closing(sqlite3.connect(path)) as own:
        assert own.execute("PRAGMA page_size").fetchone() == (1024,)
        assert own.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert own.execute("PRAGMA user_version").fetchone() == (0,)
        assert ("table", "metadata_items") in objects(own)
        head = own.execute("SELECT max(version) FROM schema_migrations").fetchone()
        assert head[0] >= "202507311200"


STOCK = [
    ("SELECT count(*) FROM metadata_items", None, None),
    ("UPDATE metadata_items SET summary='x'", None, None),
    ("UPDATE metadata_items SET extra_data='x'", None, None),
    ("UPDATE metadata_items SET title='x'", "collating", "collating"),
    ("UPDATE metadata_items SET title_sort='x'", "icu_root", "collating"),
    ("INSERT INTO metadata_items(title) VALUES('x')", "icu_root", "collating"),
    ("DELETE FROM metadata_items", "icu_root", "collating"),
    ("INSERT INTO tags(tag, tag_type) VALUES('x', 99)", "collating", "collating"),
    ("DELETE FROM tags", "collating", "collating"),
    ("UPDATE media_parts SET file=replace(file, 'a', 'b')", None, None),
    ("INSERT INTO media_items(size) VALUES(1)", None, None),
    ("UPDATE section_locations SET root_path='x'", None, None),
    ("INSERT INTO metadata_item_settings(guid) VALUES('x')", None, None),
    ("INSERT INTO taggings(text) VALUES('x')", None, None),
    ("SELECT * FROM fts4_tag_titles_icu WHERE tag MATCH 'x'", "collating", "collating"),
    ("PRAGMA table_info(fts4_metadata_titles_icu)", "collating", "collating"),
    ("SELECT * FROM spellfix_tag_titles", "spellfix1", "spellfix1"),
    ("REINDEX", "icu_root", None),
    ("ANALYZE", "icu_root", None),
    ("VACUUM", "icu_root", None),
]


@pytest.mark.parametrize("stub", [False, True], ids=["bare", "stub_collation"])
@pytest.mark.parametrize("row", STOCK, ids=[row[0][:40] for row in STOCK])
def test_s1_4_what_stock_sqlite_can_and_cannot_do(
    pair: Pair, row: tuple[str, str | None, str | None], stub: bool
) -> None:
    fill_a_little(pair)
    statement, error = row[0], row[2 if stub else 1]
    with closing(sqlite3.connect(pair.library, isolation_level=None)) as own:
        if stub:
            own.create_collation("icu_root", compare)
        if error is None:
            own.execute(statement)
            return
        with pytest.raises(sqlite3.OperationalError, match=error):
            own.execute(statement).fetchall()


def test_s1_4_whole_checks_fail_and_online_backup_works(
    pair: Pair, tmp_path: Path
) -> None:
    fill_a_little(pair)
    with closing(sqlite3.connect(pair.library)) as own:
        # "no such collation" up to SQLite 3.43, "unknown tokenizer" from 3.44.
        with pytest.raises(sqlite3.OperationalError, match="icu_root|collating"):
            own.execute("PRAGMA integrity_check").fetchall()
        with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
            own.backup(copy)
            count = copy.execute("SELECT count(*) FROM metadata_items").fetchone()
        assert count[0] > 0


def test_s1_4_older_servers_fire_the_title_trigger_on_any_update(
    tmp_path: Path,
) -> None:
    old = create_pair(tmp_path / "old", any_update_triggers=True)
    with (
        closing(sqlite3.connect(old.library)) as own,
        pytest.raises(sqlite3.OperationalError, match="collating"),
    ):
        own.execute("UPDATE metadata_items SET summary='x'")


def fill_a_little(pair: Pair) -> None:
    with pair.filler(1_700_000_000) as fill:
        films = fill.section("Films d'auteur", "movie", ["/media/plex/Films d'auteur"])
        fill.movie(
            films, "L'Été", 2001, "/media/plex/Films d'auteur/L'Été (2001)/a.mkv"
        )
        music = fill.section("Music", "artist", ["/media/plex/Music"])
        path = "/media/plex/Music/A/B/01.mp3"
        fill.track(music, "A", "B", 1, "One", path, sonic=True)


def test_s1_7_a_filled_pair_has_the_codes_and_the_hierarchy(pair: Pair) -> None:
    fill_a_little(pair)
    with closing(sqlite3.connect(pair.library)) as own:
        sections = own.execute("SELECT section_type FROM library_sections").fetchall()
        assert sections == [(SectionType.MOVIE,), (SectionType.ARTIST,)]
        types = own.execute(
            "SELECT t.metadata_type, a.metadata_type, r.metadata_type"
            " FROM metadata_items t JOIN metadata_items a ON a.id=t.parent_id"
            " JOIN metadata_items r ON r.id=a.parent_id"
        ).fetchall()
        assert types == [(10, 9, 8)]
        roots = own.execute(
            "SELECT count(*) FROM directories WHERE path='' AND"
            " parent_directory_id IS NULL"
        ).fetchone()
        assert roots == (2,)


def test_s1_6_sonic_vector_is_gzip_of_fifty_floats_in_the_blobs_db(pair: Pair) -> None:
    fill_a_little(pair)
    with closing(sqlite3.connect(pair.blobs)) as blobs:
        linked, kind, data = blobs.execute(
            "SELECT linked_type, blob_type, blob FROM blobs"
        ).fetchone()
    assert (linked, kind) == ("metadata_item", BlobType.SONIC_VECTOR)
    assert len([float(x) for x in gzip.decompress(data).split(b",")]) == 50


def test_s2_1_extra_data_in_both_spellings() -> None:
    old = "ma%3Acontainer=mkv&ma%3AvideoProfile=high&pv%3Achapters=%7B%22Chapters%22%3A%7B%7D%7D"
    values = decode(old)
    assert values["pv:chapters"] == '{"Chapters":{}}'
    new = encode({"ln:gainOffset": 0.21, "ln:lra": "7.30"})
    assert new.endswith('"url":"ln%3AgainOffset=0%2E21&ln%3Alra=7%2E30"}')
    assert list(json.loads(new))[-1] == "url"
    assert all(isinstance(value, str) for value in json.loads(new).values())
    assert decode(encode(values)) == values == decode(merged(old, {}))
    assert decode(None) == decode("") == {}


def test_s1_3_stub_collation_sorts_numbers_by_value_and_accents_with_letters() -> None:
    assert compare("Movie 9", "Movie 10") < 0
    assert compare("Élan", "Fable") < 0 < compare("Élan", "Eland"[:4])
