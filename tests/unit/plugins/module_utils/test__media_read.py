# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._media_read import (
    HeadReader,
    ReadOrder,
    pick_files,
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for number in range(12):
        folder = tmp_path / f"Show {number % 3}" / "Season 1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.mkv").write_bytes(bytes(200 + number))
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x").write_bytes(b"x")
    return tmp_path


def test_reads_the_head_of_each_file_and_names_those_that_fail(tree: Path) -> None:
    good = sorted(str(x) for x in tree.rglob("*.mkv"))
    empty = tree / "empty.mkv"
    empty.touch()
    names = [*good, str(tree / "gone.mkv"), str(empty)]
    summary = HeadReader(ReadOrder(100, 4), 10).run(lambda: names)
    assert (summary.asked, summary.read, summary.bytes) == (14, 12, 1200)
    reasons = {Path(x["file"]).name: x["reason"] for x in summary.failed}
    assert reasons == {"gone.mkv": "No such file or directory", "empty.mkv": "is empty"}
    assert summary.as_dict()["latency_ms"]["median"] is not None


def test_a_read_that_hangs_is_named_and_left_behind(tree: Path) -> None:
    pipe = tree / "hangs"
    os.mkfifo(pipe)
    began = time.monotonic()
    summary = HeadReader(ReadOrder(100, 1), 0.5).run(lambda: [str(pipe)])
    assert time.monotonic() - began < 3
    assert summary.silent
    assert summary.failed == ({"file": str(pipe), "reason": "no answer in time"},)
    assert summary.as_dict()["latency_ms"]["median"] is None


def test_random_files_are_visible_and_not_hidden(tree: Path) -> None:
    found = pick_files(str(tree), 5, random.Random(7))
    assert len(found) == len(set(found)) == 5
    assert all(x.endswith(".mkv") for x in found)


def test_an_unlistable_folder_is_a_failure_not_an_empty_result() -> None:
    reader = HeadReader(ReadOrder(100, 1), 5)
    summary = reader.run(lambda: pick_files("/nonexistent/tree", 1, random.Random()))
    assert summary.read == 0
    assert "/nonexistent/tree" in summary.failed[0]["reason"]
