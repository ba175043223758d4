# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, once, at ``-vvv``: what came home, what is left, and what was shown."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Player
from tests.e2e.harness import Lab, Run
from tests.e2e.pairs import Pair, unpack
from tests.e2e.watchers import ProcessListSampler

VIDEO = {".mkv", ".mp4", ".avi"}
AUDIO = {".mp3", ".flac"}
PHOTO = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True)
class Outcome:
    run: Run
    results: Path
    home: Pair
    result: Pair
    seen: ProcessListSampler
    expectations: dict[str, Any]

    @property
    def archive(self) -> Path:
        return next(self.results.rglob("*.tar.zst"))


@pytest.fixture(scope="module")
def outcome(
    lab: Lab, player: Player, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outcome]:
    unpacked = tmp_path_factory.mktemp("pairs")
    with ProcessListSampler(lab.secrets) as seen:
        run = player("delta_sync.yml", "-e", "profile=power", "-vvv")
    assert run.ok, run.tail()
    results = run.artifacts.parents[2] / "results"
    archives = [path for path in results.rglob("*.tar.zst") if "logs" not in path.name]
    assert len(archives) == 1, archives
    yield Outcome(
        run,
        results,
        home=unpack(lab.archive, unpacked / "home"),
        result=unpack(archives[0], unpacked / "result"),
        seen=seen,
        expectations=json.loads(lab.expectations.read_text(encoding="utf-8")),
    )


def test_archive_holds_the_pair_and_plex_sqlite_accepts_both(
    outcome: Outcome, lab: Lab
) -> None:
    for database in (outcome.result.library, outcome.result.blobs):
        assert lab.plex_sqlite(database, "PRAGMA integrity_check;").strip() == "ok"


def test_every_new_file_is_in_the_database(outcome: Outcome) -> None:
    missing = {
        section: sorted(set(plan["new"]) - set(outcome.result.live_files(section)))
        for section, plan in outcome.expectations["sections"].items()
    }
    assert not any(missing.values()), missing


def test_renamed_files_live_at_their_new_path_only(outcome: Outcome) -> None:
    for section, plan in outcome.expectations["sections"].items():
        live = set(outcome.result.live_files(section))
        for old, new in plan["renamed"].items():
            assert new in live and old not in live, (section, old, new)


def test_removed_files_are_in_the_trash_not_gone(outcome: Outcome) -> None:
    for section, plan in outcome.expectations["sections"].items():
        assert set(plan["removed"]) <= set(
            outcome.result.trashed_files(section)
        ), section


def test_every_readable_track_has_its_vector_and_the_others_are_named(
    outcome: Outcome,
) -> None:
    unreadable = {
        path
        for plan in outcome.expectations["sections"].values()
        for path in plan["unreadable"]
    }
    assert len(unreadable) == 2
    vectors = outcome.result.vectors()
    without = {
        file for track, file in outcome.result.tracks().items() if track not in vectors
    }
    assert without == unreadable
    assert all(len(vector) == 50 for vector in vectors.values())
    for path in unreadable:
        assert path in outcome.run.output, f"{path} is not named in the run's output"


def test_every_video_and_photo_has_its_thumbnail(outcome: Outcome) -> None:
    bare = outcome.result.column(
        "SELECT title FROM metadata_items WHERE metadata_type IN (1, 4, 13)"
        " AND deleted_at IS NULL AND library_section_id IS NOT NULL"
        " AND COALESCE(user_thumb_url, '') = ''"
    )
    assert bare == []


def test_leaf_counts_equal_an_independent_count_of_the_bucket(
    outcome: Outcome, lab: Lab
) -> None:
    kinds: Counter[int] = Counter()
    for name in lab.bucket_files():
        suffix = Path(name).suffix.lower()
        top = name.split("/", 1)[0]
        if suffix in AUDIO:
            kinds[10] += 1
        elif suffix in PHOTO and top == "Photos":
            kinds[13] += 1
        elif suffix in VIDEO:
            kinds[4 if top in ("TV Shows", "Anime") else 1] += 1
    assert outcome.result.leaves() == dict(kinds)


def test_what_home_owned_travelled_unchanged(outcome: Outcome) -> None:
    for table in ("metadata_item_settings", "metadata_item_views", "accounts"):
        assert outcome.home.home_rows(table) <= outcome.result.home_rows(table), table


def test_rows_made_in_the_cloud_cannot_collide_with_homes(outcome: Outcome) -> None:
    highest = outcome.home.column("SELECT MAX(id) FROM metadata_items")[0]
    made = outcome.result.column(
        "SELECT MIN(id) FROM metadata_items WHERE id > ?", highest
    )[0]
    assert made >= highest + 1_000_000


def test_nothing_of_the_burst_is_left(outcome: Outcome, lab: Lab) -> None:
    assert lab.billable() == {}
    manifest = json.loads(
        next(outcome.result.directory.rglob("manifest.json")).read_text()
    )
    assert lab.account_servers() in ([], [manifest["machine_identifier"]])


def test_no_secret_was_shown(outcome: Outcome, lab: Lab) -> None:
    """L67: output at -vvv, everything that came home, and every process list on the way."""
    secrets = {**lab.secrets, **lab.burst_secrets()}
    assert outcome.seen.samples > 300
    assert outcome.seen.seen == set()
    texts = {"output": outcome.run.output.encode()}
    for path in outcome.results.rglob("*"):
        if path.is_file():
            texts |= _contents(path)
    shown = [
        (name, where)
        for name, value in secrets.items()
        for where in texts
        if value.encode() in texts[where]
    ]
    assert shown == []
    assert len(texts) > 5, "no log came home"
    assert not re.search(rb"claim-[A-Za-z0-9_-]{20}", b"".join(texts.values()))


def _contents(path: Path) -> dict[str, bytes]:
    """Return name and bytes of a file, or of what an archive of logs holds."""
    if path.name.endswith(".tar.zst"):
        raw = subprocess.run(
            ["zstd", "-dcq", str(path)], check=True, capture_output=True
        ).stdout
        return {f"{path.name} (unpacked)": raw}
    if path.name.endswith((".tar.gz", ".tgz")):
        with tarfile.open(path) as archive:
            return {
                f"{path.name}:{member.name}": handle.read()
                for member in archive
                if (handle := archive.extractfile(member)) is not None
            }
    return {path.name: path.read_bytes()}


def test_summary_shows_every_media_type_the_archive_and_the_cost(
    outcome: Outcome,
) -> None:
    for word in ("movie", "episode", "track", "photo"):
        assert re.search(rf"\b{word}s?\b", outcome.run.output, re.I), word
    assert outcome.archive.name in outcome.run.output
    assert re.search(r"€|EUR", outcome.run.output)
