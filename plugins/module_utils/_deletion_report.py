# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: a verdict on what a library lost, in words and in rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._deletions import (
    LostFile,
    Verdict,
)


def titles(lost: Iterable[LostFile], show: int) -> str:
    """The first titles, and how many more there are."""
    names = list({one.item: one.title or one.file for one in lost}.values())
    more = len(names) - show
    return "; ".join(names[:show]) + (f"; and {more} more" if more > 0 else "")


def explain(verdict: Verdict, show: int = 10) -> str:
    """One sentence for each thing that is wrong; empty when nothing is."""
    name, said = verdict.losses.name, []
    there = _of(verdict, verdict.doubt.present)
    if there:
        said.append(
            f"{name}: Plex lost {len(there)} files that are there on the mount:"
            f" {titles(there, show)}"
        )
    mute = _of(verdict, verdict.doubt.unanswered)
    if mute:
        said.append(
            f"{name}: whether {len(mute)} lost files are gone cannot be said, the mount"
            f" does not answer: {titles(mute, show)}"
        )
    if verdict.purged:
        said.append(
            f"{name}: the rows of {len(verdict.purged)} files left the database for good,"
            f" although nobody emptied the trash: {titles(verdict.purged, show)}"
        )
    if verdict.items > verdict.budget:
        said.append(
            f"{name}: {verdict.items} of {verdict.losses.live_before} items were deleted,"
            f" the budget is {verdict.budget}: {titles(verdict.deleted, show)}"
        )
    return ". ".join(said)


def _of(verdict: Verdict, files: Collection[str]) -> list[LostFile]:
    return [one for one in verdict.losses.lost if one.file in files]


def as_dict(verdict: Verdict, show: int = 10) -> dict[str, Any]:
    """The verdict as modules return it."""
    losses = verdict.losses
    return {
        "section": losses.section,
        "name": losses.name,
        "live_before": losses.live_before,
        "live": losses.live,
        "budget": verdict.budget,
        "deleted": verdict.items,
        "renamed": len(verdict.renamed),
        "purged": len(verdict.purged),
        "accepted": losses.accepted,
        "present": len(verdict.doubt.present),
        "unanswered": len(verdict.doubt.unanswered),
        "over_budget": verdict.over_budget,
        "doubtful": verdict.doubtful,
        "message": explain(verdict, show),
    }


def deleted_rows(verdict: Verdict) -> list[dict[str, Any]]:
    """The deleted files with section and what the mount says of them."""
    return lost_rows(verdict, verdict.deleted)


def lost_rows(verdict: Verdict, files: Iterable[LostFile]) -> list[dict[str, Any]]:
    """Lost files with section and what the mount says of them."""
    rows = []
    for one in files:
        row = asdict(one)
        row["id"] = row.pop("item")
        row["section"] = verdict.losses.section
        row["present"] = verdict.witness.answer(one.file)
        rows.append(row)
    return rows


def renamed_rows(verdict: Verdict) -> list[dict[str, Any]]:
    """The renames with section, item, and both paths."""
    return [
        {
            "section": verdict.losses.section,
            "id": one.lost.item,
            "title": one.lost.title,
            "type": one.lost.type,
            "file": one.lost.file,
            "now": one.now,
        }
        for one in verdict.renamed
    ]
