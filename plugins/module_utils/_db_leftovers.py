# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: what a killed server leaves beside its databases."""

from __future__ import annotations

from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    Finding,
    damage,
)

_FOLD = "keep the two files together, start and stop Plex on them once, and copy again"


def leftover_wal(
    path: str, frames: int, alone: list[Finding], together: list[Finding]
) -> list[Finding]:
    """What a ``-wal`` that no server has open does to the file beside it.

    Even one that fits is refused: whoever takes the database alone loses its rows.
    """
    if damage(together) and damage(alone):
        return together
    if damage(together):
        stale = Finding(
            path + "-wal",
            "stale_wal",
            f"{frames} frames from elsewhere: the database is sound, but SQLite would"
            " replay this file onto it and destroy it",
            advice="delete the -wal and -shm beside the database",
        )
        return [stale]
    needed = bool(damage(alone))
    text = f"was left behind by a server, {frames} frames are not in the database yet"
    return [
        Finding(
            path + "-wal",
            "wal_needed" if needed else "wal_pending",
            f"{text}, which is damaged without them" if needed else text,
            advice=_FOLD,
        )
    ]


def leftover_journal(path: str) -> Finding:
    text = "was left behind by a server, half of what it wrote is in the database"
    return Finding(path + "-journal", "journal_pending", text, advice=_FOLD)
