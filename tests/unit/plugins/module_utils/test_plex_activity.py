# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scan, refresh and analysis told apart; the permanent Butler row is rest (L43)."""

from __future__ import annotations

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_activity import (
    activities_of,
    activity_of,
    busy_with,
    running_butler_tasks,
)

IDLE = {"uuid": "b", "type": "butler", "progress": 100, "title": "Butler"}


def row(kind: str, progress: int = -1) -> dict[str, object]:
    return {"uuid": "u", "type": kind, "progress": progress, "title": "T"}


@pytest.mark.parametrize(
    ("kind", "progress", "expected", "busy"),
    [
        ("library.update.section", 10, "scan", True),
        ("library.update.item.metadata", 10, "refresh", True),
        ("library.refresh.items", -1, "refresh", True),
        ("provider.subscriptions.process", 0, "refresh", True),
        ("media.generate.intros", 5, "analysis", True),
        ("media.generate.chapter.thumbs", 5, "analysis", True),
        ("library.something.new", 5, "other", True),
        ("butler", 100, "idle", False),
        ("butler", 40, "butler", True),
        ("butler", -1, "butler", True),
        ("provider.epg.load", 5, "other", False),
        ("", 0, "other", False),
    ],
)
def test_classes(kind: str, progress: int, expected: str, busy: bool) -> None:
    activity = activity_of(row(kind, progress))
    assert (activity.kind, activity.busy) == (expected, busy)


@pytest.mark.parametrize(
    "context", [{"librarySectionID": 3}, {"librarySectionID": "3"}]
)
def test_section_comes_late(context: dict[str, object]) -> None:
    base = row("library.update.section")
    assert activity_of(base).section is None
    assert activity_of({**base, "Context": context}).section == 3
    assert activity_of({**base, "Context": [context]}).section == 3


def test_an_idle_server_is_not_busy_for_ever() -> None:
    activities = activities_of([IDLE])
    assert not busy_with(activities)
    assert busy_with(activities, refreshing=[4])
    assert busy_with(activities_of([IDLE, row("library.update.section")]))


def test_butler_tasks_by_name() -> None:
    working = {**row("butler", 12), "subtitle": "MusicAnalysis"}
    assert running_butler_tasks(activities_of([IDLE, working])) == ["MusicAnalysis"]
    assert running_butler_tasks(activities_of([IDLE])) == []


def test_xml_rows_are_understood() -> None:
    activity = activity_of({"uuid": "x", "type": "butler", "progress": "100"})
    assert activity.kind == "idle"
