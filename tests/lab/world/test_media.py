# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The media are real, and the expectations say what is really on disk."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
from collections import Counter
from pathlib import Path

import mutagen
import pytest

from cloudburst_lab.config import SECTIONS
from cloudburst_lab.media import FOLDER_MTIME, UNREADABLE, MediaLibrary
from cloudburst_lab.media.plan import is_media, make_plan

LEAVES = {
    "mkv": "video",
    "mp4": "video",
    "mp3": "track",
    "flac": "track",
    "jpg": "photo",
}


def tree(root: Path) -> dict[str, Path]:
    return {str(p.relative_to(root)): p for p in root.rglob("*") if p.is_file()}


def test_there_are_at_least_400_media_files_in_the_eight_sections(
    media: MediaLibrary,
) -> None:
    leaves = [path for path, asset in media.plan.now.items() if is_media(asset)]
    assert len(leaves) >= 400
    assert {path.split("/")[0] for path in leaves} == {name for name, _ in SECTIONS}
    assert set(tree(media.bucket)) == set(media.plan.now)


def test_the_whole_set_is_small(media: MediaLibrary) -> None:
    for root in (media.seen, media.now):
        assert sum(path.stat().st_size for path in tree(root).values()) < 60e6


def test_expectations_match_the_two_trees(media: MediaLibrary) -> None:
    """Old tree, minus removed, with renamed, plus new is the bucket; media files only."""
    expected = json.loads(media.expectations.read_text(encoding="utf-8"))
    old = {media.in_plex(p) for p in tree(media.seen) if is_media(media.plan.seen[p])}
    for section in expected["sections"].values():
        old -= set(section["removed"])
        old -= set(section["renamed"])
        old |= set(section["renamed"].values()) | set(section["new"])
    current = {
        media.in_plex(p) for p in tree(media.bucket) if is_media(media.plan.now[p])
    }
    assert old == current


@pytest.mark.parametrize("section", [name for name, _ in SECTIONS])
def test_every_section_has_new_renamed_and_removed_files(
    media: MediaLibrary, section: str
) -> None:
    expected = media.expected()["sections"][section]
    assert expected["new"] and expected["renamed"] and expected["removed"]
    assert expected["new_folders"], "a plain scan must find something"
    nested = [
        p for p in expected["new"] if p.split("/")[4] not in expected["new_folders"]
    ]
    assert nested, "and must miss something"
    assert len(expected["removed"]) <= 5, "the deletion budget of a small section (L88)"


def test_a_renamed_file_keeps_its_bytes_and_gets_a_new_time(
    media: MediaLibrary,
) -> None:
    root = media.config.media_root + "/"
    for section in media.expected()["sections"].values():
        for old, new in section["renamed"].items():
            before = media.seen / old.removeprefix(root)
            after = media.bucket / new.removeprefix(root)
            assert before.read_bytes() == after.read_bytes()


def test_folders_have_the_time_that_rclone_gives_them(media: MediaLibrary) -> None:
    folders = [path for path in media.seen.rglob("*") if path.is_dir()]
    assert {path.stat().st_mtime for path in folders} == {FOLDER_MTIME}


def _audio(path: Path) -> bytes:
    """The bytes of a track without its tags."""
    data = path.read_bytes()
    if data[:3] == b"ID3":
        size = sum(part << shift for part, shift in zip(data[6:10], (21, 14, 7, 0)))
        return data[10 + size :]
    at = 4
    while not data[at] & 0x80:
        at += 4 + int.from_bytes(data[at + 1 : at + 4], "big")
    return data[at + 4 + int.from_bytes(data[at + 1 : at + 4], "big") :]


def test_every_track_has_different_audio(media: MediaLibrary) -> None:
    tracks = [
        p for n, p in tree(media.now).items() if media.plan.now[n].kind == "track"
    ]
    digests = Counter(hashlib.sha256(_audio(path)).hexdigest() for path in tracks)
    assert len(tracks) > 150
    assert set(digests.values()) == {1}


def test_tracks_carry_the_tags_of_the_plan(media: MediaLibrary) -> None:
    for name, path in tree(media.now).items():
        asset = media.plan.now[name]
        if asset.kind == "track":
            tags = mutagen.File(path, easy=True)
            assert tags.info.length > 1.5
            assert tags["title"] == [asset.title]
            assert tags["artist"] == [asset.artist]


@pytest.mark.parametrize("name", UNREADABLE)
def test_the_two_unreadable_tracks_are_no_audio_to_anyone(
    media: MediaLibrary, name: str
) -> None:
    path = media.now / name
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "null", "-"]
    assert subprocess.run(command, check=False, capture_output=True).returncode != 0
    with contextlib.suppress(mutagen.MutagenError):
        assert mutagen.File(path) is None


def test_videos_have_picture_sound_and_films_have_chapters(media: MediaLibrary) -> None:
    for name in (
        "Movies/1970s/Alien (1979)/Alien (1979).mkv",
        "Home Videos/2017/Piscine 50% vide.mp4",
    ):
        probe = [
            "ffprobe",
            "-v",
            "error",
            "-of",
            "json",
            "-show_streams",
            "-show_chapters",
        ]
        text = subprocess.run(
            [*probe, str(media.now / name)], check=True, capture_output=True
        )
        found = json.loads(text.stdout)
        assert {s["codec_type"] for s in found["streams"]} >= {"video", "audio"}
        assert bool(found["chapters"]) == name.startswith("Movies")


def test_a_second_up_changes_nothing_and_reset_brings_the_bucket_back(
    media: MediaLibrary,
) -> None:
    extra = media.bucket / "Movies" / "extra.mkv"
    extra.write_bytes(b"x")
    folder = media.bucket.stat().st_ino
    media.up()
    assert extra.exists(), "a filled bucket belongs to the lab's user"
    media.reset()
    assert media.bucket.stat().st_ino == folder, "home has this very folder mounted"
    assert not extra.exists()
    assert set(tree(media.bucket)) == set(media.plan.now)


def test_a_lost_bucket_is_healed(media: MediaLibrary) -> None:
    next(iter(tree(media.bucket).values())).unlink()
    media.bucket.rename(media.bucket.with_name("elsewhere"))
    assert media.status()["healthy"] is False
    media.up()
    assert set(tree(media.bucket)) == set(media.plan.now)


def test_the_plan_is_the_same_every_time() -> None:
    assert make_plan().key("x") == make_plan().key("x")
    assert make_plan().key("x") != make_plan().key("y")
