# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A library that loses too much stops the run; two ways on; the trash only when asked for."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudburst_lab.media.library import MediaLibrary
from tests.e2e.conftest import Player
from tests.e2e.harness import Lab
from tests.e2e.pairs import unpack

ROOT = "/media/plex"
MOVIES = ("delta_sync.yml", "-e", "profile=power", "-e", "sections=Movies")


def renames(lab: Lab) -> dict[str, str]:
    """Films that moved in the bucket since home looked."""
    plan = json.loads(lab.expectations.read_text(encoding="utf-8"))
    found: dict[str, str] = plan["sections"]["Movies"]["renamed"]
    return found


def in_bucket(lab: Lab) -> set[str]:
    names = [name for name in lab.bucket_files() if name.startswith("Movies/")]
    return {f"{ROOT}/{name}" for name in names if name.endswith(".mkv")}


def lose(lab: Lab) -> set[str]:
    """Delete 30 % of the films from the bucket, by S3, and say which."""
    gone = sorted(in_bucket(lab) - set(renames(lab).values()))[::3]
    for path in gone:
        lab.rclone("deletefile", lab.bucket + path.removeprefix(ROOT))
    return set(gone)


def heal(lab: Lab) -> None:
    """Put back the films that are missing; others may be at work in the rest of the bucket."""
    library = MediaLibrary(lab.config)
    for film in (library.now / "Movies").rglob("*"):
        there = library.bucket / film.relative_to(library.now)
        if film.is_file() and not there.exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(film, there)
            shutil.copystat(film.parent, there.parent)


@pytest.fixture(autouse=True)
def whole(lab: Lab) -> Iterator[None]:
    """Leave the bucket as it was."""
    yield
    heal(lab)


def evidence(player: Player) -> dict[str, Any]:
    """What the newest logs say about the films."""
    logs = max(player.results.rglob("logs-*.tar.gz"), key=lambda p: p.stat().st_mtime)
    with tarfile.open(logs) as archive:
        (name,) = [n for n in archive.getnames() if n.endswith("deletions/1.json")]
        member = archive.extractfile(name)
        assert member is not None
        found: dict[str, Any] = json.load(member)
        return found


@pytest.mark.alone
def test_too_many_deletions_stop_the_run_and_there_are_two_ways_on(
    lab: Lab, player: Player, tmp_path: Path
) -> None:
    home = unpack(lab.archive, tmp_path / "home")
    missed = set(home.live_files("Movies")) & lose(lab)
    assert len(missed) > 5, "the budget would not be touched"

    broken = player(*MOVIES)
    assert broken.status == "failed"
    message = next(m for m in broken.failures if m.startswith("STOPPED"))
    titles = [Path(path).parent.name for path in sorted(missed)]
    assert any(title in message for title in titles), message
    assert "accept_deletions=true" in message
    assert "the budget is 5" in message
    assert player.archives == []
    (server,) = player.left()["servers"]

    found = evidence(player)
    assert missed <= {row["file"] for row in found["deleted"]}
    assert {row["state"] for row in found["deleted"]} == {"trashed"}
    assert {row["present"] for row in found["deleted"]} == {False}
    assert renames(lab) == {row["file"]: row["now"] for row in found["renamed"]}

    again = player(*MOVIES)
    assert again.status == "failed"
    assert any("STOPPED" in m for m in again.failures), again.failures
    assert player.archives == []

    heal(lab)
    mended = player(*MOVIES, "-e", "keep=true")
    assert mended.ok, mended.tail()
    assert server["name"] in mended.output or server["id"] in mended.output
    result = unpack(player.archives[-1], tmp_path / "mended")
    assert set(result.live_files("Movies")) == in_bucket(lab)

    lose(lab)
    # The scan of these inputs is done; one of other inputs is not.
    anew = (*MOVIES, "-e", "force_deep_scan=false")
    run = player(*anew, "-e", "accept_deletions=true", "-e", "empty_trash=true")
    assert run.ok, run.tail()
    assert "Accepted with accept_deletions" in run.output
    assert "trash emptied" in run.output
    result = unpack(player.archives[-1], tmp_path / "accepted")
    assert set(result.live_files("Movies")) == in_bucket(lab)
    assert result.trashed_files("Movies") == []
    section = home.section_ids()["TV Shows"]
    rows = [pair.rows_of_section("media_parts", section) for pair in (home, result)]
    assert rows[0] == rows[1]
    assert player.left() == {}
