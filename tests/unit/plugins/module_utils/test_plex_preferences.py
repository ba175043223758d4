# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences are compared by type, proved by reading back (L45)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_preferences import (
    PreferenceValueError,
    apply_preferences,
    not_applied,
    plan_preferences,
    settings_by_id,
    typed,
    wire,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexError,
)

ROWS: list[dict[str, Any]] = [
    {"id": "autoEmptyTrash", "type": "bool", "value": True},
    {"id": "DatabaseCacheSize", "type": "int", "value": 40},
    {"id": "FriendlyName", "type": "text", "value": "home"},
    {
        "id": "GenerateBIFBehavior",
        "type": "text",
        "value": "never",
        "enumValues": "never:never|scheduled:as a task|asap:and at once",
    },
    {"id": "ButlerTaskDeepMediaAnalysis", "type": "bool", "value": True},
]


class FakePlex:
    """Applies what it knows, forgets the rest, and may lie about one name."""

    def __init__(self, deaf_to: str = "") -> None:
        self.rows = [dict(row) for row in ROWS]
        self.deaf_to = deaf_to
        self.puts: list[Mapping[str, str]] = []

    def settings(self, section: int | None = None) -> list[dict[str, Any]]:
        return [dict(row) for row in self.rows]

    def put_settings(
        self, values: Mapping[str, str], section: int | None = None
    ) -> None:
        self.puts.append(values)
        for row in self.rows:
            if row["id"] in values and row["id"] != self.deaf_to:
                row["value"] = typed(row["type"], values[row["id"]])


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        ("bool", "yes", True),
        ("bool", "0", False),
        ("bool", False, False),
        ("bool", 1, True),
        ("int", "40", 40),
        ("int", True, 1),
        ("double", "1.5", 1.5),
        ("text", 7, "7"),
        ("text", None, ""),
        ("text", True, "true"),
    ],
)
def test_types(kind: str, raw: object, expected: object) -> None:
    value = typed(kind, raw)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("kind", "raw"), [("bool", "maybe"), ("int", "x"), ("int", 1.5), ("double", "")]
)
def test_values_that_do_not_fit(kind: str, raw: object) -> None:
    with pytest.raises(PreferenceValueError):
        typed(kind, raw)


@given(st.one_of(st.booleans(), st.integers(-(10**9), 10**9), st.text(max_size=20)))
def test_the_wire_brings_a_value_back(value: bool | int | str) -> None:
    kind = {bool: "bool", int: "int", str: "text"}[type(value)]
    assert typed(kind, wire(value)) == value


def test_plan_names_only_what_differs() -> None:
    plan = plan_preferences(
        settings_by_id(ROWS), {"autoEmptyTrash": "false", "DatabaseCacheSize": "40"}
    )
    assert plan.changes == {"autoEmptyTrash": False}
    assert plan.before == {"autoEmptyTrash": True, "DatabaseCacheSize": 40}
    assert plan.problems == ()


def test_unknown_name_is_an_error_with_close_names() -> None:
    plan = plan_preferences(settings_by_id(ROWS), {"ButlerTaskDeepAnalysis": False})
    assert len(plan.problems) == 1
    assert "ButlerTaskDeepMediaAnalysis" in plan.problems[0]


def test_optional_name_is_skipped_with_a_reason() -> None:
    plan = plan_preferences(
        settings_by_id(ROWS),
        {"MusicAnalysisBehavior": "never"},
        ["MusicAnalysisBehavior"],
    )
    assert not plan.problems
    assert "Plex Pass" in plan.unavailable["MusicAnalysisBehavior"]


def test_optional_does_not_hide_a_wrong_value() -> None:
    plan = plan_preferences(
        settings_by_id(ROWS), {"GenerateBIFBehavior": "soon"}, ["GenerateBIFBehavior"]
    )
    assert "asap" in plan.problems[0]


def test_apply_and_restore() -> None:
    plex = FakePlex()
    first = apply_preferences(plex, {"autoEmptyTrash": False, "FriendlyName": "b"})
    assert first.changed == ("autoEmptyTrash", "FriendlyName")
    again = apply_preferences(plex, {"autoEmptyTrash": False, "FriendlyName": "b"})
    assert again.changed == ()
    apply_preferences(plex, first.before)
    assert settings_by_id(plex.rows) == settings_by_id(ROWS)
    assert len(plex.puts) == 2


def test_one_unknown_name_changes_nothing() -> None:
    plex = FakePlex()
    with pytest.raises(PlexError, match="Nothing was changed"):
        apply_preferences(plex, {"autoEmptyTrash": False, "AutoScan": False})
    assert plex.puts == []


def test_accepted_is_not_applied() -> None:
    with pytest.raises(PlexError, match="autoEmptyTrash: asked for False"):
        apply_preferences(FakePlex("autoEmptyTrash"), {"autoEmptyTrash": False})


def test_check_mode_writes_nothing() -> None:
    plex = FakePlex()
    outcome = apply_preferences(plex, {"autoEmptyTrash": False}, check_mode=True)
    assert outcome.changed == ("autoEmptyTrash",)
    assert plex.puts == []


def test_vanished_setting_is_told() -> None:
    assert "vanished" in not_applied({"x": True}, {})["x"]
