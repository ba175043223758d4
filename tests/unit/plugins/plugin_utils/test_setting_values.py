# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user types, in every spelling, becomes one value."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.plugin_utils import (
    _setting_values as values,
)

NAMES = st.lists(
    st.text(
        st.characters(exclude_categories=["C", "Z"], exclude_characters=","),
        min_size=1,
        max_size=12,
    ).filter(lambda text: text[0] not in "[{\"'"),
    min_size=1,
    max_size=5,
    unique=True,
)


@pytest.mark.parametrize(
    "raw",
    [
        "Movies,TV Shows",
        " Movies , TV Shows ,",
        '["Movies", "TV Shows"]',
        "['Movies', 'TV Shows']",
        "[Movies, TV Shows]",
        ["Movies", "TV Shows"],
        ("Movies", "TV Shows", "Movies"),
    ],
)
def test_list_spellings(raw: object) -> None:
    assert values.texts(raw) == ["Movies", "TV Shows"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("[007, 1e3, NaN]", ["007", "1e3", "NaN"]),
        ('["Rock, Pop", "2024"]', ["Rock, Pop", "2024"]),
        ([2024, "x"], ["2024", "x"]),
        (2024, ["2024"]),
    ],
)
def test_names_that_look_like_numbers(raw: object, expected: list[str]) -> None:
    assert values.texts(raw) == expected


@pytest.mark.parametrize("raw", ["", "[]", [], None])
def test_empty_lists(raw: object) -> None:
    assert values.texts(raw) == []


@pytest.mark.parametrize("raw", [{"a": 1}, '{"a": 1}', "[broken", True, [["x"]]])
def test_what_is_no_list(raw: object) -> None:
    with pytest.raises(values.SettingError):
        values.texts(raw)


@given(NAMES)
def test_every_spelling_of_a_list_is_the_same(names: list[str]) -> None:
    spellings = [
        names,
        ",".join(names),
        json.dumps(names),
        yaml.safe_dump(names, default_flow_style=True),
    ]
    assert {tuple(values.texts(spelling)) for spelling in spellings} == {tuple(names)}


@pytest.mark.parametrize(
    "raw", [True, "true", "True", "yes", "on", "1", 1, "YES", " y "]
)
def test_true(raw: object) -> None:
    assert values.boolean(raw) is True


@pytest.mark.parametrize("raw", [False, "false", "no", "off", "0", 0, "N"])
def test_false(raw: object) -> None:
    assert values.boolean(raw) is False


@pytest.mark.parametrize(
    ("parse", "raw"),
    [
        (values.boolean, "maybe"),
        (values.boolean, None),
        (values.whole, "1.5"),
        (values.whole, "-3"),
        (values.whole, True),
        (values.number, "soon"),
        (values.number, "nan"),
        (values.number, "inf"),
        (values.text, ["x"]),
        (values.text, False),
        (values.mapping, "[1]"),
        (values.burst_name, "Has Blanks"),
        (values.burst_name, "-x"),
        (values.burst_name, "x" * 33),
        (values.remote, "media"),
        (values.remote, "s3:"),
        (values.remote, "s3:/"),
        (values.claim, "xxx"),
        (values.url, "plex.tv"),
        (values.zones, "paris"),
        (values.zones, "fr-par"),
    ],
)
def test_refused(parse: Callable[[Any], Any], raw: object) -> None:
    with pytest.raises(values.SettingError):
        parse(raw)


@pytest.mark.parametrize(
    ("parse", "raw", "expected"),
    [
        (values.whole, "200", 200),
        (values.number, "0.5", 0.5),
        (values.text, 7, "7"),
        (values.mapping, '{"photo": 8}', {"photo": 8}),
        (values.mapping, "", {}),
        (values.remote, "mega-s4:media-center/plex", "mega-s4:media-center/plex"),
        (values.burst_name, "plex-2", "plex-2"),
        (values.claim, "claim-Ab_1-x", "claim-Ab_1-x"),
        (values.zones, "fr-par-1,nl-ams-1", ["fr-par-1", "nl-ams-1"]),
        (values.url, "http://172.30.77.1:8481", "http://172.30.77.1:8481"),
    ],
)
def test_accepted(parse: Callable[[Any], Any], raw: object, expected: object) -> None:
    assert parse(raw) == expected
