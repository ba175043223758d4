# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copies there are of a damaged pair, in which order, and which may be used."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._db_check import Checker
from ansible_collections.cloudburst.plex.plugins.module_utils._db_copies import (
    Copy,
    Verdict,
    copies_of,
    judge,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_inject import (
    Injection,
    inject,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_oracle import (
    StockOracle,
)
from cloudburst_lab.plex_schema import Pair
from tests.unit.plugins.module_utils import db_faults

MAPPINGS = [{"from": "/media", "to": "/media/plex"}]


def dated(pair: Pair, date: str) -> None:
    for path in (pair.library, pair.blobs):
        shutil.copyfile(path, f"{path}-{date}")


@pytest.fixture
def base(pair: Pair, tmp_path: Path) -> Path:
    """What an injection of this pair left on the burst host."""
    inject(
        Injection(
            source_library=str(pair.library),
            source_blobs=str(pair.blobs),
            databases=str(tmp_path / "plex"),
            base_dir=str(tmp_path / "base"),
            burst_id="b1",
            sequence_offset=10,
            uid=os.getuid(),
            gid=os.getgid(),
            mappings=MAPPINGS,
        ),
        1,
    )
    return tmp_path / "base"


def verdict(pair: Pair, folder: Path) -> Verdict:
    (copy,) = copies_of(str(pair.library), str(pair.blobs), [str(folder)])
    return judge(copy, str(pair.library), Checker(StockOracle(), "quick"))


def test_what_came_with_the_pair_is_before_a_base(pair: Pair, base: Path) -> None:
    dated(pair, "2026-11-12")
    dated(pair, "2026-11-15")
    folders = [str(base.parent / "nothing"), str(base)]
    found = copies_of(str(pair.library), str(pair.blobs), folders)
    assert [copy.name for copy in found] == [
        "Plex's backup of 2026-11-15",
        "Plex's backup of 2026-11-12",
        str(base),
    ]


def test_a_base_says_which_mappings_it_has_been_through(pair: Pair, base: Path) -> None:
    db_faults.table_leaf(pair.library)
    found = verdict(pair, base)
    assert found.intact
    assert found.as_dict()["mappings"] == MAPPINGS


def test_a_folder_without_a_record_was_not_mapped(
    pair: Pair, make_pair: Callable[[Path], Pair], tmp_path: Path
) -> None:
    make_pair(tmp_path / "copy")
    assert verdict(pair, tmp_path / "copy").as_dict()["mappings"] == []


def test_a_record_of_other_files_vouches_for_nothing(
    pair: Pair, base: Path, tmp_path: Path
) -> None:
    """The next injection was killed after its base, before its record."""
    with closing(sqlite3.connect(Pair.of(base).blobs)) as connection:
        connection.execute("INSERT INTO devices(name) VALUES('x')")
        connection.commit()
    found = verdict(pair, base)
    assert not found.intact
    assert "base.json: is not of this com.plexapp" in found.reason


def unreadable_sections(pair: Pair) -> None:
    page = db_faults.pages_of(pair.library, "library_sections", "leaf")[0]
    db_faults.overwrite(pair.library, (page - 1) * 1024, b"\xff" * 1024)


def test_without_readable_libraries_a_base_is_not_taken(pair: Pair, base: Path) -> None:
    unreadable_sections(pair)
    found = verdict(pair, base)
    assert not found.intact
    assert f"{pair.library}: its libraries cannot be read" in found.reason


def test_a_base_without_libraries_is_not_taken(pair: Pair, base: Path) -> None:
    with closing(sqlite3.connect(Pair.of(base).library)) as connection:
        connection.execute("UPDATE library_sections SET uuid=NULL")
        connection.commit()
    found = verdict(pair, base)
    assert f"{Pair.of(base).library}: its libraries cannot be read" in found.reason


def test_a_backup_beside_the_pair_needs_no_proof(pair: Pair) -> None:
    dated(pair, "2026-11-15")
    unreadable_sections(pair)
    (copy,) = copies_of(str(pair.library), str(pair.blobs), [])
    assert isinstance(copy, Copy)
    assert judge(copy, str(pair.library), Checker(StockOracle(), "quick")).intact
