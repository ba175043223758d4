# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Analysis and Sonic: tasks with their traces (plex-facts §1.6, §2.2, §2.3, §3.4)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from plexlab import SUPPORT, Plex, PlexTv, Start

from cloudburst_lab.plex_schema import sonic_blob
from cloudburst_lab.processes import wait_until

SONIC = "SELECT count(*) FROM metadata_items WHERE extra_data LIKE '%ms:musicAnalysis%'"
VECTORS = "SELECT count(*) FROM blobs WHERE blob_type=7"


@pytest.fixture(scope="module")
def plex(start: Start, films: Path, plextv: PlexTv) -> Plex:
    """A server with Plex Pass, everything in the background off."""
    running = start(films, environment={"PLEX_CLAIM": plextv.claim()})
    running.token = running.preferences["PlexOnlineToken"]
    wait_until(
        lambda: running.get("/").get("myPlexSubscription") == "1",
        timeout=10,
        what="Plex Pass",
    )
    names = ("GenerateIntroMarkerBehavior", "GenerateCreditsMarkerBehavior")
    running.put("/:/prefs", params=dict.fromkeys(names, "scheduled"))
    running.create("Movies", "movie")
    running.create("TV Shows", "show")
    running.create("Music", "artist")
    running.create("Classical", "artist", folder="Music/Artist A")
    running.create("Home Videos", "movie", "tv.plex.agents.none")
    return running


def extras(plex: Plex, table: str, key: str) -> int:
    found = plex.one(
        f"SELECT count(*) FROM {table} WHERE extra_data LIKE ?", f"%{key}%"
    )
    return int(found)


def markers(plex: Plex, text: str) -> int:
    query = (
        "SELECT count(*) FROM taggings g JOIN tags t ON t.id=g.tag_id"
        " WHERE t.tag_type=12 AND g.text=?"
    )
    return int(plex.one(query, text))


def blobs(plex: Plex, kind: int) -> list[bytes]:
    query = "SELECT blob FROM blobs WHERE blob_type=? AND linked_type='media_part'"
    return [gzip.decompress(row[0]) for row in plex.sql(query, kind, blobs=True)]


# --- video -------------------------------------------------------------------------


def test_s2_3_deep_analysis_marks_parts_and_bandwidths(plex: Plex) -> None:
    plex.butler("DeepMediaAnalysis")
    assert extras(plex, "media_parts", '"ma:deepAnalysisVersion":"6"') == 5
    assert extras(plex, "media_streams", "requiredBandwidths") == 5
    part = next(plex.get("/library/metadata/1").iter("Part"))
    assert part.get("deepAnalysisVersion") == "6"


def test_s2_1_chapter_thumbnails_are_files_and_taggings(plex: Plex) -> None:
    plex.butler("GenerateChapterThumbs")
    assert extras(plex, "media_parts", "pv:chapters") == 5
    media = plex.config / SUPPORT / "Media/localhost"
    assert len(list(media.rglob("Contents/Chapters/chapter*.jpg"))) >= 2
    query = "SELECT count(*) FROM taggings g JOIN tags t ON t.id=g.tag_id"
    assert plex.one(f"{query} WHERE t.tag_type=9") == 10


def test_s2_3_preview_indexes_need_their_setting(plex: Plex) -> None:
    media = plex.config / SUPPORT / "Media/localhost"
    plex.butler("GenerateMediaIndexFiles")
    assert not list(media.rglob("index-sd.bif"))
    plex.put("/:/prefs", params={"GenerateBIFBehavior": "scheduled"})
    plex.put("/library/sections/1/analyze")
    plex.settle()
    found = list(media.rglob("Contents/Indexes/index-sd.bif"))
    digest = plex.one("SELECT hash FROM media_parts WHERE file LIKE '%Alien%'")
    assert (
        media / digest[0] / f"{digest[1:]}.bundle/Contents/Indexes/index-sd.bif"
        in found
    )
    assert found[0].read_bytes().startswith(b"\x89BIF\r\n\x1a\n")
    plex.put("/:/prefs", params={"GenerateBIFBehavior": "never"})


def test_s1_6_intro_markers_of_episodes_with_fingerprints(plex: Plex) -> None:
    plex.butler("ButlerTaskGenerateIntroMarkers")
    assert markers(plex, "intro") == 2
    fingerprints = blobs(plex, 5)
    assert len(fingerprints) == 2
    assert all(0 <= int(n) < 2**32 for n in fingerprints[0].split(b","))


def test_s1_7_credits_markers_follow_the_section_setting(plex: Plex) -> None:
    plex.put("/library/sections/1/prefs", params={"enableCreditsMarkerGeneration": "0"})
    plex.butler("ButlerTaskGenerateCreditsMarkers")
    assert markers(plex, "credits") == 3  # two episodes, one home video


def test_s1_6_voice_activity_is_a_string_of_bits(plex: Plex) -> None:
    plex.butler("ButlerTaskGenerateVoiceActivity")
    assert {byte for blob in blobs(plex, 8) for byte in blob} <= set(b"01")
    assert len(blobs(plex, 8)) == 5


def test_s3_4_a_behaviour_of_never_blocks_its_task(plex: Plex) -> None:
    plex.put("/:/prefs", params={"LoudnessAnalysisBehavior": "never"})
    plex.butler("LoudnessAnalysis")
    assert extras(plex, "metadata_items", "ln:loudnessAnalysisVersion") == 0
    plex.put("/:/prefs", params={"LoudnessAnalysisBehavior": "scheduled"})


def test_s2_2_loudness_is_on_streams_and_then_on_the_item(plex: Plex) -> None:
    plex.butler("LoudnessAnalysis")
    assert extras(plex, "metadata_items", "ln:loudnessAnalysisVersion") == 5
    text = plex.one(
        "SELECT extra_data FROM media_streams WHERE extra_data LIKE '%ln:%'"
    )
    values = json.loads(text)
    assert values["ln:loudnessAnalysisVersion"] == "0.02"
    assert "ln%3AloudnessAnalysisVersion=0%2E02" in values["url"]


def test_s2_3_analyze_gives_thumbnails_to_what_lacks_them(
    start: Start, films: Path
) -> None:
    plex = start(films)
    plex.create("Home Videos", "movie", "tv.plex.agents.none")
    plex.stop()
    import sqlite3

    with sqlite3.connect(plex.databases / "com.plexapp.plugins.library.db") as database:
        database.execute("UPDATE metadata_items SET user_thumb_url=''")
        database.execute("UPDATE media_items SET media_analysis_version=0")
        database.execute("DELETE FROM media_streams")
    database.close()
    plex.restart()
    plex.put("/library/sections/1/analyze")
    plex.settle()
    assert plex.one("SELECT user_thumb_url FROM metadata_items").startswith("media://")
    assert plex.one("SELECT media_analysis_version FROM media_items") == 6
    assert plex.one("SELECT count(*) FROM media_streams") == 2


# --- Sonic -------------------------------------------------------------------------


def test_s2_2_music_analysis_is_a_setting_of_music_sections_only(plex: Plex) -> None:
    def names(section: int) -> list[str]:
        path = f"/library/sections/{section}/prefs"
        return [str(setting.get("id")) for setting in plex.get(path)]

    assert "musicAnalysis" in names(3) and "musicAnalysis" not in names(1)
    assert "enableBIFGeneration" in names(1) and "enableIntroMarkerGeneration" in names(
        2
    )


def test_s2_2_nothing_else_starts_sonic(plex: Plex) -> None:
    plex.put("/library/sections/3/prefs", params={"musicAnalysis": "1"})
    plex.put("/library/sections/3/analyze")
    track = plex.one("SELECT id FROM metadata_items WHERE metadata_type=10")
    plex.put(f"/library/metadata/{track}/analyze")
    plex.butler("DeepMediaAnalysis")
    assert plex.one(SONIC) == 0 and plex.one(VECTORS, blobs=True) == 0


def test_s2_2_sonic_takes_the_whole_backlog_of_the_sections_that_have_it_on(
    plex: Plex,
) -> None:
    plex.butler("MusicAnalysis")
    assert plex.sql(
        "SELECT library_section_id, count(*) FROM metadata_items"
        " WHERE extra_data LIKE '%ms:musicAnalysisVersion%' GROUP BY 1"
    ) == [(3, 3)]
    linked = plex.sql(
        "SELECT linked_id, blob FROM blobs WHERE blob_type=7 AND"
        " linked_type='metadata_item'",
        blobs=True,
    )
    assert len(linked) == 3
    for track, blob in linked:
        assert len([float(x) for x in gzip.decompress(blob).split(b",")]) == 50
        assert (
            plex.one("SELECT metadata_type FROM metadata_items WHERE id=?", track) == 10
        )


def test_s2_2_vectors_come_from_the_bytes_of_the_file(plex: Plex, films: Path) -> None:
    import hashlib

    path = films / "Music/Artist A/One/01 - Song 1.mp3"
    expected = sonic_blob(hashlib.sha256(path.read_bytes()).digest())
    stored = {row[0] for row in plex.sql("SELECT blob FROM blobs", blobs=True)}
    assert expected in stored


def test_s2_2_the_api_says_so_too(plex: Plex) -> None:
    tracks = plex.api.library.section("Music").searchTracks()
    assert sorted((t.title, t.hasSonicAnalysis) for t in tracks) == [
        ("01 - Song 1", True),
        ("01 - Song 1", True),
        ("02 - Song 2", True),
        ("Broken", False),
    ]
    analysed = next(t for t in tracks if t.hasSonicAnalysis)
    assert len(analysed.sonicallySimilar()) == 2


def test_s2_2_a_failed_track_is_logged_and_not_tried_until_its_album_is_refreshed(
    plex: Plex,
) -> None:
    def failures() -> int:
        return plex.log.count('Broken.mp3" failed')

    assert failures() == 1
    plex.butler("MusicAnalysis")
    assert failures() == 1
    album = plex.one("SELECT parent_id FROM metadata_items WHERE title='Broken'")
    plex.put(f"/library/metadata/{album}/refresh")
    plex.settle()
    plex.butler("MusicAnalysis")
    assert failures() == 2
    assert plex.one(SONIC + " AND title='Broken'") in (0, 1)
    assert plex.one(VECTORS, blobs=True) == 3


def test_s2_2_sonic_without_plex_pass_does_nothing(
    start: Start, films: Path, plextv: PlexTv
) -> None:
    plextv.account.plex_pass = False
    try:
        plex = start(films, environment={"PLEX_CLAIM": plextv.claim()})
        plex.token = plex.preferences["PlexOnlineToken"]
        wait_until(
            lambda: "PlexOnlineMail" in plex.preferences, timeout=10, what="owner"
        )
        section = plex.create("Music", "artist")
        plex.put(f"/library/sections/{section}/prefs", params={"musicAnalysis": "1"})
        plex.butler("MusicAnalysis")
        assert plex.one(SONIC) == 0
        assert "MusicAnalysis has nothing to do: requires Plex Pass" in plex.log
    finally:
        plextv.account.plex_pass = True


def test_s1_6_garbage_collection_removes_vectors_without_their_track(
    plex: Plex,
) -> None:
    plex.http("DELETE", "/library/sections/3")
    assert plex.one(VECTORS, blobs=True) == 3
    plex.butler("GarbageCollectBlobs")
    assert plex.one(VECTORS, blobs=True) == 0


def test_no_token_is_ever_logged(plex: Plex, plextv: PlexTv) -> None:
    plex.http("GET", "/library/sections", params={"X-Plex-Token": plextv.account_token})
    for secret in (plex.token, plextv.account_token):
        assert secret and secret not in plex.log and secret not in plex.logs()
