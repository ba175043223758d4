# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Home's library is lived in, and its archive is one that a burst accepts."""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
import subprocess
import tarfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._archive_inspect import (
    inspect,
)
from cloudburst_lab.config import SECTIONS, LabConfig
from cloudburst_lab.home.archive import manifest, pack
from cloudburst_lab.home.household import PEOPLE, live_in
from cloudburst_lab.home.server import HomeServer
from cloudburst_lab.media import MediaLibrary
from cloudburst_lab.media.plan import FOLDER_MTIME
from cloudburst_lab.plex_schema import BLOBS, LIBRARY, Pair, create_pair

PICTURE = b"\xff\xd8 a poster"


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small pair that a household has lived in; no server was needed."""
    folder = tmp_path_factory.mktemp("pair")
    pair = create_pair(folder)
    with pair.filler() as fill:
        films = fill.section("Movies", "movie", ["/media/plex/Movies"])
        music = fill.section("Music", "artist", ["/media/plex/Music"])
        for n in range(60):
            path = f"/media/plex/Movies/Film {n}.mkv"
            fill.movie(films, f"Film {n}", 1960 + n, path)
        for n in range(100):
            path = f"/media/plex/Music/Artist/Album/{n}.mp3"
            whole = n != 0
            fill.track(music, "Artist", "Album", n, f"Song {n}", path, analysed=whole)
        live_in(fill, folder / "Metadata", PICTURE)
    return folder


def ask(databases: Path, sql: str, name: str = LIBRARY) -> list[tuple[object, ...]]:
    path = f"file:{databases / name}?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as connection:
        return connection.execute(sql).fetchall()


def test_three_people_watched_rated_and_made_lists(databases: Path) -> None:
    people = {1, *PEOPLE}
    for table in ("metadata_item_settings", "metadata_item_views"):
        assert {
            row[0] for row in ask(databases, f"SELECT account_id FROM {table}")
        } == people
    rated = "SELECT COUNT(*) FROM metadata_item_settings WHERE rating IS NOT NULL"
    assert ask(databases, rated)[0][0]
    kinds = dict(
        ask(databases, "SELECT metadata_type, COUNT(*) FROM metadata_items GROUP BY 1")
    )
    assert kinds[15] == 3 and kinds[18] == 1, "playlists and collections"
    for table in ("statistics_bandwidth", "statistics_media", "statistics_resources"):
        assert ask(databases, f"SELECT COUNT(*) FROM {table}")[0][0]


def test_1_7_one_state_per_guid_and_account(databases: Path) -> None:
    twice = ask(
        databases,
        "SELECT guid, account_id FROM metadata_item_settings GROUP BY 1, 2"
        " HAVING COUNT(*) > 1",
    )
    assert twice == []


def test_a_share_of_the_readable_tracks_is_sonic_analysed(databases: Path) -> None:
    marked = ask(
        databases,
        "SELECT id FROM metadata_items WHERE extra_data LIKE '%ms:musicAnalysisVersion%'",
    )
    vectors = dict(
        ask(databases, "SELECT linked_id, blob FROM blobs WHERE blob_type=7", BLOBS)
    )
    assert set(vectors) == {row[0] for row in marked}
    assert 0.15 < len(vectors) / 100 < 0.2
    for blob in vectors.values():
        assert len(gzip.decompress(blob).split(b",")) == 50
    broken = ask(databases, "SELECT id FROM metadata_items WHERE title='Song 0'")[0][0]
    assert broken not in vectors


def test_L86_uploaded_posters_are_in_their_bundles(databases: Path) -> None:
    rows = ask(
        databases,
        "SELECT hash, user_thumb_url FROM metadata_items"
        " WHERE user_thumb_url LIKE 'upload://%'",
    )
    assert rows
    for name, url in rows:
        bundle = databases / "Metadata/Movies" / name[0] / f"{name[1:]}.bundle"
        poster = bundle / "Uploads" / str(url).removeprefix("upload://")
        assert poster.read_bytes() == PICTURE


def test_the_archive_is_what_a_burst_takes(
    databases: Path, config: LabConfig, tmp_path: Path
) -> None:
    archive = tmp_path / "home.tar.zst"
    pack(config, databases, archive)
    found = inspect(str(archive))
    assert found.ok, found.errors
    assert found.manifest == {
        **manifest(config, databases),
        "created": found.manifest["created"],
    }
    assert found.manifest["counts"] == {
        "movie": 60,
        "episode": 0,
        "track": 100,
        "photo": 0,
    }
    sidecar = Path(f"{archive}.sha256").read_text(encoding="utf-8").split()
    assert sidecar == [hashlib.sha256(archive.read_bytes()).hexdigest(), archive.name]


# --- the real one ---------------------------------------------------------------------------
@pytest.fixture(scope="module")
def home(lab: LabConfig) -> HomeServer:
    return HomeServer(lab)


@pytest.fixture(scope="module")
def snapshot(home: HomeServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lab's archive, unpacked by the system's tar."""
    place = tmp_path_factory.mktemp("snapshot")
    archive = home.config.archive
    subprocess.run(["tar", "--zstd", "-xf", archive, "-C", place], check=True)
    return place / "databases"


@pytest.mark.lab
def test_home_knows_the_generation_that_it_saw(
    home: HomeServer, snapshot: Path
) -> None:
    expected = MediaLibrary(home.config).expected()
    text = (snapshot.parent / "manifest.json").read_text(encoding="utf-8")
    assert json.loads(text)["counts"] == expected["counts"]["seen"]
    assert ask(snapshot, "SELECT name FROM library_sections ORDER BY id") == [
        (name,) for name, _ in SECTIONS
    ]
    seen = {home.media.in_plex(path) for path in home.media.plan.seen}
    files = {row[0] for row in ask(snapshot, "SELECT file FROM media_parts")}
    assert files <= seen


@pytest.mark.lab
def test_B1_home_saw_the_times_that_an_rclone_mount_shows(
    home: HomeServer, snapshot: Path
) -> None:
    folders = ask(
        snapshot, "SELECT DISTINCT updated_at FROM directories WHERE path != ''"
    )
    assert folders == [(FOLDER_MTIME,)]
    for path, time_seen in ask(snapshot, "SELECT file, updated_at FROM media_parts"):
        relative = str(path).removeprefix(home.config.media_root + "/")
        assert time_seen == home.media.plan.mtime(relative, "seen")


@pytest.mark.lab
def test_home_is_lived_in_in_both_music_sections(snapshot: Path) -> None:
    rows = ask(
        snapshot,
        "SELECT library_section_id, SUM(extra_data LIKE '%ms:musicAnalysisVersion%'),"
        " COUNT(*) FROM metadata_items WHERE metadata_type=10 AND library_section_id>0"
        " GROUP BY 1",
    )
    assert len(rows) == 2
    for _, done, tracks in rows:
        assert 0 < done < tracks
    share = sum(row[1] for row in rows) / sum(row[2] for row in rows)
    assert 0.16 < share < 0.2


@pytest.mark.lab
def test_1_4_plex_sqlite_accepts_home_and_stock_sqlite_does_not(
    home: HomeServer, snapshot: Path
) -> None:
    for name in (LIBRARY, BLOBS):
        answer = home.image.plex_sqlite(snapshot, name, "PRAGMA integrity_check;")
        assert answer == "ok"
    with pytest.raises(sqlite3.OperationalError, match="icu_root"):
        ask(snapshot, "PRAGMA integrity_check")


@pytest.mark.lab
def test_no_identity_of_home_is_in_its_archive(home: HomeServer) -> None:
    """Only the databases travel: ``Preferences.xml`` would clone the server (plex-facts §4)."""
    archive = str(home.config.archive)
    plain = subprocess.run(
        ["zstd", "-dcq", archive], check=True, capture_output=True
    ).stdout
    assert home.config.credentials.home_token.encode() not in plain
    names = subprocess.run(
        ["tar", "--zstd", "-tf", archive], check=True, capture_output=True
    )
    assert names.stdout.decode().split("\n")[0] == "manifest.json"
    assert b"Preferences" not in names.stdout


@pytest.mark.lab
def test_home_runs_claimed_and_a_second_up_costs_little(home: HomeServer) -> None:
    start = time.monotonic()
    home.up()
    assert time.monotonic() - start < 5
    identity = home.plex.call("GET", "/identity")
    assert identity["claimed"] is True
    assert (
        identity["machineIdentifier"] == home.config.credentials.home_machine_identifier
    )
    assert home.status()["healthy"] is True


def test_the_archive_is_a_plain_tar_with_the_manifest_first(
    databases: Path, config: LabConfig, tmp_path: Path
) -> None:
    archive = tmp_path / "plain.tar.zst"
    pack(config, databases, archive)
    plain = tmp_path / "plain.tar"
    subprocess.run(["zstd", "-dq", archive, "-o", plain], check=True)
    with tarfile.open(plain) as tar:
        assert tar.getnames() == [
            "manifest.json",
            *(
                f"databases/{Path(p).name}"
                for p in (Pair.of(databases).library, Pair.of(databases).blobs)
            ),
        ]
