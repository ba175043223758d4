# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misspelt names are told (L65), values with blanks arrive whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.parsing.splitter import parse_kv

from ansible_collections.cloudburst.plex.plugins.plugin_utils._setting_names import (
    restored,
    role_variables,
    unknown_names,
    whole_values,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._settings import (
    VARIABLES,
)

ROLES = {"scan": {"scan_sections", "scan_limits"}, "plex_docker": {"plex_docker_name"}}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("keeep", "keep"),
        ("section", "sections"),
        ("profil", "profile"),
        ("force-refresh", "force_refresh"),
        ("Quick_Test", "quick_test"),
        ("path_mapping", "path_mappings"),
        ("zone", "zones"),
        ("scan_sectoins", "scan_sections"),
        ("scan_wibble", "role scan"),
        ("plex_docker_wibble", "role plex_docker"),
    ],
)
def test_looks_like_ours(name: str, hint: str) -> None:
    (problem,) = unknown_names([name], VARIABLES, ROLES)
    assert problem.startswith(name)
    assert hint in problem


@pytest.mark.parametrize(
    "name",
    [
        *VARIABLES,
        "scan_sections",
        "ansible_user",
        "_raw_params",
        "my_own_thing",
        "http_port",
        "env",
    ],
)
def test_left_alone(name: str) -> None:
    assert unknown_names([name], VARIABLES, ROLES) == []


def test_role_variables_come_from_specs_and_defaults(tmp_path: Path) -> None:
    role = tmp_path / "roles" / "scan"
    (role / "meta").mkdir(parents=True)
    (role / "defaults").mkdir()
    (role / "meta" / "argument_specs.yml").write_text(
        "argument_specs:\n  main:\n    options:\n      scan_sections:\n        type: list\n"
    )
    (role / "defaults" / "main.yml").write_text("---\nscan_limits: {}\n")
    (tmp_path / "roles" / "bare").mkdir()
    assert role_variables(str(tmp_path)) == {"scan": {"scan_sections", "scan_limits"}}


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        ("sections=Movies,TV Shows", "sections", "Movies,TV Shows"),
        ("sections='Movies,TV Shows'", "sections", "Movies,TV Shows"),
        ('sections=["Movies", "TV Shows"]', "sections", '["Movies", "TV Shows"]'),
        ("keep=yes sections=Movies,TV Shows sample=5", "sections", "Movies,TV Shows"),
        ("archive=/home/me/my plex.tar.zst", "archive", "/home/me/my plex.tar.zst"),
        (
            "sections=Home Videos,Films d auteur",
            "sections",
            "Home Videos,Films d auteur",
        ),
    ],
)
def test_blanks_belong_to_the_value(typed: str, name: str, value: str) -> None:
    whole = whole_values([typed])
    assert whole[name] == value
    cut = parse_kv(typed)[name]
    assert restored(cut, cut, name, whole) == value


def test_later_sources_win() -> None:
    whole = whole_values(["sections=Movies,TV Shows"])
    assert restored(["Music"], ["Music"], "sections", whole) == ["Music"]
    assert restored("Music", "Music", "sections", whole) == "Music"
    assert restored("Movies,TV", "other", "sections", whole) == "Movies,TV"


@pytest.mark.parametrize("typed", ["@vars.yml", '{"sections": ["a b"]}', "[1]", ""])
def test_other_forms_are_not_cut(typed: str) -> None:
    assert whole_values([typed]) == {}
