# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A full disk or a word of SQLite's ends in a message, not in a traceback."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path
from types import ModuleType

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import (
    plex_db_check,
    plex_db_info,
    plex_db_remap,
    plex_db_repair,
)
from cloudburst_lab.plex_schema import Pair
from tests.unit.conftest import ModuleFailedError, RunModule

MAPPING = [{"from": "/media/plex/Movies", "to": "/mnt/Movies"}]


@pytest.mark.parametrize(
    ("module", "work", "more"),
    [
        (plex_db_check, "Checker.pair", {}),
        (plex_db_repair, "repair", {"dest": "sound"}),
        (plex_db_remap, "remap", {"mappings": MAPPING}),
        (plex_db_info, "describe", {}),
    ],
    ids=["check", "repair", "remap", "info"],
)
@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x/y.db"), "/x/y.db: No sp"),
        (OSError("odd"), r"odd"),
        (sqlite3.OperationalError("no such column: blob_type"), "no such column"),
    ],
    ids=["full", "odd", "sqlite"],
)
def test_a_failure_is_told(
    run_module: RunModule,
    monkeypatch: pytest.MonkeyPatch,
    pair: Pair,
    tmp_path: Path,
    module: ModuleType,
    work: str,
    more: dict[str, object],
    failure: Exception,
    told: str,
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise failure

    monkeypatch.setattr(f"{module.__name__}.{work}", fail)
    given = {"library": pair.library, "blobs": pair.blobs, **more}
    if module is plex_db_remap:
        del given["blobs"]
    if "dest" in given:
        given["dest"] = tmp_path / "sound"
    with pytest.raises(ModuleFailedError, match=told):
        run_module(module, given)


def test_a_copy_to_look_at_that_finds_no_room_is_told(
    run_module: RunModule, monkeypatch: pytest.MonkeyPatch, pair: Pair
) -> None:
    """Where there are no hard links, the check needs a copy."""

    def fail(source: str, target: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", target)

    for function in ("os.link", "shutil.copyfile"):
        monkeypatch.setattr(f"{plex_db_check.Checker.__module__}.{function}", fail)
    with pytest.raises(ModuleFailedError, match="could not be checked: .*No space"):
        run_module(plex_db_check, {"library": pair.library, "blobs": pair.blobs})
