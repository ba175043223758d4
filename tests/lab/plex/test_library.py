# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections, scans, trash, mounts (plex-facts §1.7, §2.4, §2.5, §3.3, §6)."""

from __future__ import annotations

import base64
import os
import shutil
import time
from pathlib import Path

import plexapi.exceptions
import pytest
from plexlab import Plex, Start

from cloudburst_lab.plex_schema import LIBRARY

#: the mtime that an object store's mount gives to every directory
CONSTANT = 946684800
EMPTY_TRASH_OFF = {"autoEmptyTrash": "0"}


def copy_media(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Media that a test may change, with the constant directory times of a bucket."""
    folder = tmp_path_factory.mktemp("own") / "media"
    shutil.copytree(films, folder)
    folder.parent.chmod(0o755)
    like_a_bucket(folder)
    return folder


def like_a_bucket(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
            os.utime(path, (CONSTANT, CONSTANT))


@pytest.fixture(scope="module")
def media(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_media(films, tmp_path_factory)


@pytest.fixture(scope="module")
def plex(start: Start, media: Path) -> Plex:
    """The five kinds of section, scanned."""
    running = start(media)
    running.put("/:/prefs", params=EMPTY_TRASH_OFF)
    running.create("Movies", "movie")
    running.create("TV Shows", "show")
    running.create("Music", "artist")
    running.create("Photos", "photo")
    running.create("Home Videos", "movie", "tv.plex.agents.none")
    return running


def leaves(plex: Plex, section: str, *, deleted: bool = False) -> int:
    """Live (or soft-deleted) leaves of a section."""
    mark = "IS NOT NULL" if deleted else "IS NULL"
    return int(
        plex.one(
            "SELECT count(*) FROM metadata_items WHERE library_section_id=?"
            f" AND metadata_type IN (1, 4, 10, 13) AND deleted_at {mark}",
            section,
        )
    )


# --- sections ----------------------------------------------------------------------


def test_s3_3_sections_are_listed_newest_first_with_all_fields(plex: Plex) -> None:
    container = plex.json("/library/sections")["MediaContainer"]
    assert (container["size"], container["title1"]) == (5, "Plex Library")
    keys = [section["key"] for section in container["Directory"]]
    assert keys == sorted(keys, key=int, reverse=True)
    assert {
        *("allowSync", "filters", "refreshing", "key", "type", "title", "agent"),
        *("scanner", "language", "uuid", "updatedAt", "createdAt", "scannedAt"),
        *("content", "directory", "contentChangedAt", "hidden", "Location"),
    } <= set(container["Directory"][0])
    assert container["Directory"][0]["Location"][0]["path"].startswith("/media/plex/")


def test_s3_3_creation_answers_201_with_a_location_and_scans_by_itself(
    plex: Plex,
) -> None:
    query = {"name": "Extra", "type": "movie", "location": "/media/plex/Movies"}
    reply = plex.http("POST", "/library/sections", params=query)
    section = reply.headers["Location"].rpartition("/")[2]
    assert reply.status_code == 201
    assert reply.headers["Location"] == f"/library/sections/{section}"
    plex.settle()
    assert leaves(plex, section) == 2
    assert plex.http("DELETE", f"/library/sections/{section}").status_code == 200
    assert plex.http("GET", f"/library/sections/{section}").status_code == 404
    assert leaves(plex, section) == leaves(plex, section, deleted=True) == 0


def test_s3_3_agents_scanners_and_languages(plex: Plex) -> None:
    rows = plex.sql("SELECT name, agent, scanner, language FROM library_sections")
    assert {row[0]: row[1:] for row in rows} == {
        "Movies": ("tv.plex.agents.movie", "Plex Movie", "en-US"),
        "TV Shows": ("tv.plex.agents.series", "Plex TV Series", "en-US"),
        "Music": ("tv.plex.agents.music", "Plex Music", "en-US"),
        "Photos": ("tv.plex.agents.none", "Plex Photo Scanner", "xn"),
        "Home Videos": ("tv.plex.agents.none", "Plex Video Files", "xn"),
    }


def test_s3_3_an_edit_needs_the_agent_and_replaces_locations(plex: Plex) -> None:
    path = "/library/sections/1"
    assert plex.http("PUT", path, params={"name": "Films"}).status_code == 400
    both = ["/media/plex/Movies", "/media/plex/More"]
    agent = {"agent": "tv.plex.agents.movie"}
    plex.put(path, params={**agent, "name": "Films", "location": both})
    section = plex.api.library.section("Films")
    assert sorted(section.locations) == sorted(both)
    plex.put(path, params={**agent, "name": "Movies", "location": both[:1]})
    assert plex.api.library.section("Movies").locations == both[:1]


def test_s6_plexapi_adds_a_library_after_browsing_its_location(plex: Plex) -> None:
    library = plex.api.library
    arguments = {
        "type": "movie",
        "agent": "tv.plex.agents.none",
        "scanner": "Plex Video Files",
        "language": "xn",
    }
    library.add(name="Added", location="/media/plex/Home Videos", **arguments)
    with pytest.raises(plexapi.exceptions.BadRequest):
        library.add(name="Bad", location="/media/plex/No such", **arguments)
    plex.settle()
    section = plex.api.library.section("Added")
    assert section.totalSize == 1
    section.delete()


def test_s3_2_browsing_lists_folders_and_on_request_files(plex: Plex) -> None:
    path = base64.urlsafe_b64encode(b"/media/plex/Home Videos").decode()
    assert plex.get(f"/services/browse/{path}").get("size") == "0"
    shown = plex.get(f"/services/browse/{path}", params={"includeFiles": "1"})
    assert [child.tag for child in shown] == ["File"]


def test_s3_3_unknown_sections_are_404(plex: Plex) -> None:
    for method, path in (
        ("GET", "/library/sections/99/refresh"),
        ("PUT", "/library/sections/99/analyze"),
        ("PUT", "/library/sections/99/emptyTrash"),
        ("GET", "/library/sections/99/all"),
        ("GET", "/library/metadata/99999"),
    ):
        assert plex.http(method, path).status_code == 404, path


def test_s3_3_all_sections_cannot_be_refreshed_unclaimed_with_music(plex: Plex) -> None:
    assert plex.http("GET", "/library/sections/all/refresh").status_code == 503


# --- what a scan makes -------------------------------------------------------------


def test_s1_7_items_hierarchy_and_directories(plex: Plex) -> None:
    types = plex.sql(
        "SELECT library_section_id, metadata_type, count(*) FROM metadata_items"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert types == [
        *[(1, 1, 2), (2, 2, 1), (2, 3, 1), (2, 4, 2)],
        *[(3, 8, 2), (3, 9, 2), (3, 10, 4), (4, 13, 1), (4, 14, 1), (5, 1, 1)],
    ]
    up = plex.sql(
        "SELECT t.title, a.title, r.title FROM metadata_items t JOIN metadata_items a"
        " ON a.id=t.parent_id JOIN metadata_items r ON r.id=a.parent_id"
        ' WHERE t.metadata_type=4 ORDER BY t."index"'
    )
    assert up == [("Pilot", "Season 1", "Show One"), ("Second", "Season 1", "Show One")]
    paths = plex.sql("SELECT path FROM directories WHERE library_section_id=2")
    assert sorted(paths) == [("",), ("Show One",), ("Show One/Season 01",)]


def test_s2_3_analysed_media_have_streams_duration_and_version_6(plex: Plex) -> None:
    rows = plex.sql(
        "SELECT p.file, i.media_analysis_version, i.duration > 0, (SELECT count(*) FROM"
        " media_streams s WHERE s.media_part_id=p.id) FROM media_parts p JOIN media_items i"
        " ON i.id=p.media_item_id WHERE i.library_section_id IN (1, 2, 3)"
    )
    for file, version, duration, streams in rows:
        if "Broken" in file:  # not analysable: it stays at 0
            assert (version, streams) == (0, 0)
        else:
            assert (version, duration) == (6, 1) and streams == 2 - ("Music" in file)
    kinds = plex.sql(
        "SELECT DISTINCT stream_type_id, codec FROM media_streams s JOIN media_items i"
        " ON i.id=s.media_item_id WHERE i.library_section_id=1 ORDER BY 1"
    )
    assert kinds == [(1, "h264"), (2, "aac")]


def test_s2_3_agents_set_refreshed_at_thumbs_and_bundles(plex: Plex) -> None:
    rows = plex.sql(
        "SELECT user_thumb_url, hash, refreshed_at FROM metadata_items"
        " WHERE library_section_id=1"
    )
    support = plex.databases.parents[1]
    for url, digest, refreshed in rows:
        assert url.startswith("metadata://posters/tv.plex.agents.movie_") and refreshed
        bundle = support / "Metadata/Movies" / digest[0] / f"{digest[1:]}.bundle"
        assert (bundle / "Contents/_combined/posters" / url.rpartition("/")[2]).exists()
    plain = plex.sql("SELECT user_thumb_url FROM metadata_items WHERE metadata_type=13")
    assert plain[0][0].startswith("media://") and plain[0][0].endswith("thumb1.jpg")


def test_s2_1_parts_have_the_new_extra_data_and_media_is_readable(plex: Plex) -> None:
    extra = plex.one("SELECT extra_data FROM media_parts WHERE file LIKE '%Alien%'")
    assert extra.startswith('{"ma:container":"') and '"url":"ma%3Acontainer=' in extra
    assert plex.one("SELECT json_valid(?)", extra) == 1


def test_s3_3_tree_shows_hashes(plex: Plex) -> None:
    item = plex.get("/library/metadata/1/tree")[0]
    part = item[0][0]
    assert [item.tag, item[0].tag, part.tag] == [
        "MetadataItem",
        "MediaItem",
        "MediaPart",
    ]
    assert len(str(part.get("hash"))) == 40
    assert len(str(part.get("openSubtitleHash"))) == 16


def test_s6_plexapi_walks_every_kind(plex: Plex) -> None:
    library = plex.api.library
    assert [m.title for m in library.section("Movies").all()] == [
        "Alien",
        "L'Été d'Élodie",
    ]
    show = library.section("TV Shows").get("Show One")
    assert [e.seasonEpisode for e in show.episodes()] == ["s01e01", "s01e02"]
    track = library.section("Music").searchTracks(title="01 - Song 1")[0]
    assert track.media[0].audioCodec in ("mp3", "flac") and track.artist()
    assert library.section("Photos").all()[0].photos()[0].title == "beach"
    film = library.section("Movies").get("Alien").reload()
    assert film.media[0].parts[0].streams[0].streamType == 1
    assert film.locations == ["/media/plex/Movies/Alien (1979)/Alien (1979).mkv"]


def test_s2_4_check_files_only_counts_on_the_item(plex: Plex) -> None:
    checked = plex.get("/library/metadata/1", params={"checkFiles": "1"})
    assert next(checked.iter("Part")).get("exists") == "1"
    ignored = plex.get("/library/sections/1/all", params={"checkFiles": "1"})
    assert next(ignored.iter("Part")).get("exists") is None


def test_s1_7_scrobble_sets_the_state_by_guid_and_writes_no_history(plex: Plex) -> None:
    plex.api.library.section("Movies").get("Alien").markWatched()
    guid = plex.one("SELECT guid FROM metadata_items WHERE title='Alien'")
    assert plex.sql(
        "SELECT account_id, guid, view_count FROM metadata_item_settings"
    ) == [(1, guid, 1)]
    assert plex.one("SELECT count(*) FROM metadata_item_views") == 0
    params = {"key": "1", "identifier": "com.plexapp.plugins.library"}
    assert plex.http("GET", "/:/unscrobble", params=params).status_code == 200
    assert plex.one("SELECT view_count FROM metadata_item_settings") == 0


def test_s1_1_triggers_keep_full_text_in_step(plex: Plex) -> None:
    query = (
        "SELECT count(*) FROM fts4_metadata_titles_icu"
        " WHERE fts4_metadata_titles_icu MATCH 'elodie'"
    )
    assert plex.plex_sqlite(LIBRARY, query) == "1"


# --- settling ----------------------------------------------------------------------


def test_s3_3_refreshing_ends_before_the_items_do(start: Start, films: Path) -> None:
    plex = start(films, tuning={"metadata_item": 0.5, "context_delay": 0.6})
    query = {"name": "Music", "type": "artist", "location": "/media/plex/Music"}
    seen: list[tuple[bool, bool]] = []
    contexts: list[bool] = []
    plex.http("POST", "/library/sections", params=query)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and seen[-3:] != [(False, False)] * 3:
        section = plex.json("/library/sections")["MediaContainer"]["Directory"][0]
        shown = plex.json("/activities")["MediaContainer"]["Activity"]
        kinds = [a["type"] for a in shown]
        moving = "library.update.item.metadata" in kinds
        seen.append((section["refreshing"], moving))
        contexts += [
            "Context" in a for a in shown if a["type"] == "library.update.section"
        ]
        time.sleep(0.1)
    assert (False, True) in seen and seen[-1] == (False, False)
    assert contexts[:1] in ([], [False])  # the Context comes late


def test_s3_3_a_scan_is_queued_and_can_be_cancelled(start: Start, films: Path) -> None:
    plex = start(films, tuning={"scan_item": 3.0, "context_delay": 0.2})
    query = {"name": "Movies", "type": "movie", "location": "/media/plex/Movies"}
    begun = time.monotonic()
    plex.http("POST", "/library/sections", params=query)
    assert time.monotonic() - begun < 1.5
    time.sleep(0.6)
    shown = plex.json("/activities")["MediaContainer"]["Activity"]
    scan = next(a for a in shown if a["type"] == "library.update.section")
    assert scan["title"] == "Scanning Movies"
    assert scan["Context"] == {"librarySectionID": "1"}
    assert plex.http("DELETE", "/library/sections/1/refresh").status_code == 200
    plex.settle(5)
    assert leaves(plex, "1") == 0


# --- what changes ------------------------------------------------------------------


def test_s2_5_new_top_level_folders_are_found_nested_ones_are_not(
    start: Start, films: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    media = copy_media(films, tmp_path_factory)
    plex = start(media)
    section = plex.create("Music", "artist")
    source = media / "untagged.mp3"  # named by its path
    for folder in ("Music/Artist C/Three", "Music/Artist A/Four"):
        (media / folder).mkdir(parents=True)
        shutil.copy(source, media / folder / "01 - New.mp3")
    like_a_bucket(media)
    plex.scan(section)
    assert leaves(plex, section) == 5  # only Artist C's
    plex.scan(section, path="/media/plex/Music/Artist A/Four")
    assert leaves(plex, section) == 6


def test_s2_5_a_nested_rename_needs_force_or_a_path(
    start: Start, films: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    media = copy_media(films, tmp_path_factory)
    plex = start(media)
    section = plex.create("TV Shows", "show")
    season = media / "TV Shows/Show One/Season 01"
    season.rename(season.with_name("Season 1"))
    like_a_bucket(media)
    plex.put("/:/prefs", params=EMPTY_TRASH_OFF)
    plex.scan(section)
    assert (leaves(plex, section), leaves(plex, section, deleted=True)) == (0, 2)
    refreshed = plex.one("SELECT max(refreshed_at) FROM metadata_items")
    time.sleep(1.1)
    plex.scan(section, force="1")
    assert leaves(plex, section) == 2
    assert plex.one("SELECT min(refreshed_at) FROM metadata_items") > refreshed


def test_s2_4_removed_files_are_soft_deleted_and_come_back(
    start: Start, films: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    media = copy_media(films, tmp_path_factory)
    plex = start(media)
    plex.put("/:/prefs", params=EMPTY_TRASH_OFF)
    section = plex.create("Music", "artist")
    aside = media / "aside"
    shutil.move(media / "Music/Artist B", aside)
    plex.scan(section)
    for table, count in (("media_parts", 2), ("media_items", 2), ("metadata_items", 4)):
        found = plex.one(f"SELECT count(*) FROM {table} WHERE deleted_at IS NOT NULL")
        assert found == count, table  # two tracks, their album, their artist
    before = plex.one("SELECT content_changed_at FROM library_sections")
    shutil.move(aside, media / "Music/Artist B")
    plex.scan(section)
    assert plex.one("SELECT count(*) FROM metadata_items WHERE deleted_at IS NULL") == 8
    shutil.move(media / "Music/Artist B", aside)
    plex.scan(section)
    plex.put(f"/library/sections/{section}/emptyTrash")
    assert plex.one("SELECT count(*) FROM metadata_items") == 4
    assert plex.one("SELECT count(*) FROM media_parts") == 2
    assert plex.one("SELECT content_changed_at FROM library_sections") > before


def test_s2_4_auto_empty_trash_is_the_default_and_keeps_watch_states(
    start: Start, films: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    media = copy_media(films, tmp_path_factory)
    plex = start(media)
    section = plex.create("Movies", "movie")
    plex.http("GET", "/:/scrobble", params={"key": "1"})
    shutil.rmtree(media / "Movies/Alien (1979)")
    plex.scan(section)
    assert plex.one("SELECT count(*) FROM metadata_items") == 1
    assert plex.one("SELECT view_count FROM metadata_item_settings") == 1


def test_s2_5_an_unavailable_root_loses_nothing_an_empty_one_all(
    start: Start, films: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    media = copy_media(films, tmp_path_factory)
    plex = start(media)
    section = plex.create("Movies", "movie")
    (media / "Movies").rename(media / "away")
    plex.scan(section)
    assert leaves(plex, section) == 2
    assert plex.one("SELECT available FROM section_locations") == 0
    (media / "Movies").mkdir()
    plex.scan(section)
    assert leaves(plex, section) == 0
    assert plex.one("SELECT count(*) FROM metadata_items") == 0  # gone for good


def test_s2_5_a_mount_that_goes_during_a_scan_costs_what_was_not_looked_at_yet(
    start: Start, films: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The root was listable when the scan began, so nothing is offline: rows go for good."""
    media = copy_media(films, tmp_path_factory)
    plex = start(media)
    section = plex.create("Movies", "movie")
    plex.admin("PUT", "/tuning", {"known_item": 1.5})
    plex.http("GET", f"/library/sections/{section}/refresh")
    time.sleep(0.7)  # listed, the first known file not looked at
    (media / "Movies").rename(media / "away")
    plex.settle()
    assert plex.one("SELECT count(*) FROM metadata_items") == 0


def test_s2_5_listable_but_unreadable_files_are_treated_as_deleted(
    start: Start, films: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    media = copy_media(films, tmp_path_factory)
    plex = start(media)
    plex.put("/:/prefs", params=EMPTY_TRASH_OFF)
    section = plex.create("Movies", "movie")
    for file in (media / "Movies").rglob("*.mkv"):
        file.chmod(0)
    plex.scan(section)
    assert (leaves(plex, section), leaves(plex, section, deleted=True)) == (0, 2)


def test_s2_5_a_changed_mtime_makes_plex_analyse_again(
    start: Start, films: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    media = copy_media(films, tmp_path_factory)
    plex = start(media)
    section = plex.create("Movies", "movie")
    (film,) = (media / "Movies").rglob("Alien*.mkv")
    os.utime(film, (CONSTANT, CONSTANT))
    plex.scan(section)
    assert 'Updating Metadata for "Alien"' in plex.log.split("Scanned")[-1]
    row = plex.sql("SELECT updated_at FROM media_parts WHERE file LIKE '%Alien%'")
    assert row == [(CONSTANT,)]


# --- notifications -----------------------------------------------------------------


def test_s3_2_activity_and_timeline_frames_on_the_websocket(plex: Plex) -> None:
    frames: list[dict[str, object]] = []
    listener = plex.api.startAlertListener(callback=frames.append)
    try:
        time.sleep(0.5)
        plex.put("/library/metadata/1/refresh")
        plex.settle()
    finally:
        listener.stop()
    kinds = {frame["type"] for frame in frames}
    assert {"activity", "timeline"} <= kinds
    states = [
        entry["state"]
        for frame in frames
        if frame["type"] == "timeline"
        for entry in frame["TimelineEntry"]  # type: ignore[attr-defined]
    ]
    assert states[-1] == 5
