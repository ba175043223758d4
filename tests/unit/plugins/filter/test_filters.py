# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every filter: its documentation, and that a template finds it."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader
from ansible.template import Templar, trust_as_template

FOLDER = Path(__file__).resolve().parents[4] / "plugins/filter"
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))


def plugin(name: str) -> Any:
    """The filter as a template gets it."""
    return filter_loader.get(f"cloudburst.plex.{name}")


def source(name: str) -> ModuleType:
    """The file of the filter, as a module."""
    path = FOLDER / f"{name}.py"
    spec = {"__name__": name, "__file__": str(path)}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), spec)
    module = ModuleType(name)
    module.__dict__.update(spec)
    return module


def documented(name: str) -> tuple[list[str], dict[str, Any]]:
    """Positional arguments and options of the documentation."""
    text = yaml.safe_load(source(name).DOCUMENTATION)
    positional = text["positional"]
    if isinstance(positional, str):
        positional = [word.strip() for word in positional.split(",")]
    return positional, text["options"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_holds_the_filter_of_its_name(name: str) -> None:
    module = source(name)
    assert list(module.FilterModule().filters()) == [name]
    assert yaml.safe_load(module.DOCUMENTATION)["name"] == name
    assert f"cloudburst.plex.{name}" in module.EXAMPLES


@pytest.mark.parametrize("name", NAMES)
def test_the_documented_arguments_are_those_of_the_function(name: str) -> None:
    positional, options = documented(name)
    _first, *others = inspect.signature(plugin(name).j2_function).parameters.values()
    # A clock for tests is no argument of a template.
    public = [row for row in others if row.name != "clock"]
    assert [row.name for row in public] == positional
    assert sorted(options) == sorted(["_input", *positional])
    for row in public:
        required = row.default is inspect.Parameter.empty
        assert bool(options[row.name].get("required")) == required
        if not required:
            assert options[row.name]["default"] == row.default


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0.19074 | cloudburst.plex.euros", "0.19 EUR"),
        ("4312 | cloudburst.plex.duration", "1 h 11 min"),
        ("4312 | cloudburst.plex.duration(parts=1)", "1 h"),
        ("4312 | cloudburst.plex.duration(3)", "1 h 11 min 52 s"),
        ("3 | cloudburst.plex.poll_pauses(1)", [1.0, 1.0, 1.0]),
        (
            "{'s3': {'type': 's3'}} | cloudburst.plex.rclone_remote_config('s3:media')",
            "[s3]\ntype = s3\n",
        ),
        (
            "[{'what': 'movies', 'before': 1, 'after': 2, 'change': 1}]"
            " | cloudburst.plex.media_table | last",
            "movies       1      2      +1",
        ),
    ],
)
def test_in_a_template(expression: str, expected: Any) -> None:
    text = trust_as_template("{{ " + expression + " }}")
    assert Templar(DataLoader(), {}).template(text) == expected
