# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job at ``-vvv``: what came home, what was shown; then again, and its end."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
from collections import Counter
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
    player: Player
    run: Run
    home: Pair
    result: Pair
    seen: ProcessListSampler
    expectations: dict[str, Any]


@pytest.fixture(scope="module")
def outcome(
    lab: Lab, module_player: Player, tmp_path_factory: pytest.TempPathFactory
) -> Outcome:
    unpacked = tmp_path_factory.mktemp("pairs")
    with ProcessListSampler(lab.secrets) as seen:
        run = module_player(
            "delta_sync.yml", "-e", "profile=power", "-e", "keep=yes", "-vvv"
        )
    assert run.ok, run.tail()
    (archive,) = module_player.archives
    return Outcome(
        module_player,
        run,
        home=unpack(lab.archive, unpacked / "home"),
        result=unpack(archive, unpacked / "result"),
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


def test_folder_times_stay_those_of_an_object_store(outcome: Outcome) -> None:
    """They never move, so the scan above had to find what is new by path (L54)."""
    times = (
        "SELECT DISTINCT updated_at FROM directories"
        " WHERE deleted_at IS NULL AND path <> '' ORDER BY 1"
    )
    assert outcome.result.column(times) == outcome.home.column(times)


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


def test_no_secret_was_shown(outcome: Outcome, lab: Lab) -> None:
    """L67: output at -vvv, everything that came home, and every process list on the way."""
    secrets = {**lab.secrets, **lab.burst_secrets()}
    assert outcome.seen.samples > 300
    assert outcome.seen.seen == set()
    texts = {"output": outcome.run.output.encode()}
    for path in outcome.player.results.rglob("*"):
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


def test_only_pinned_host_keys_are_trusted(outcome: Outcome) -> None:
    """ansible-runner switches the check of host keys off; the burst's host keeps it on."""
    assert "StrictHostKeyChecking=yes" in outcome.run.output
    assert "StrictHostKeyChecking=no" not in outcome.run.output


def test_summary_shows_every_media_type_the_archive_and_the_cost(
    outcome: Outcome,
) -> None:
    for word in ("movie", "episode", "track", "photo"):
        assert re.search(rf"\b{word}s?\b", outcome.run.output, re.I), word
    assert outcome.player.archives[0].name in outcome.run.output
    assert re.search(r"€|EUR", outcome.run.output)


def _digests(player: Player) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in player.archives
    }


def test_status_shows_what_is_alive(outcome: Outcome) -> None:
    (server,) = outcome.player.left()["servers"]
    run = outcome.player("status.yml")
    assert run.ok, run.tail()
    assert run.changed == []
    shown = run.output.lower()
    for word in (outcome.player.burst, server["id"], "eur", "sonic", "export"):
        assert word in shown, word


def test_a_second_run_converges_on_the_same_instance(outcome: Outcome) -> None:
    player = outcome.player
    (server,) = player.left()["servers"]
    before = _digests(player)
    again = player("delta_sync.yml", "-e", "profile=power", "-e", "keep=1")
    assert again.ok, again.tail()
    assert [row["id"] for row in player.left()["servers"]] == [server["id"]]
    assert _digests(player) == before
    assert again.changed == [], "the second run changed something"


def test_teardown_leaves_nothing_and_names_it(outcome: Outcome, lab: Lab) -> None:
    """Last in this module: nothing in the Scaleway API, no worker in the plex.tv account."""
    gone = outcome.player("teardown.yml")
    assert gone.ok, gone.tail()
    assert outcome.player.left() == {}
    log = outcome.run.output
    home = lab.config.credentials.home_machine_identifier
    assert home in lab.account_servers()
    workers = set(re.findall(r'machine_identifier"?: "?([0-9a-f]{40})', log)) - {home}
    assert workers and not workers & set(lab.account_servers())
