# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""media_comparison and media_table: every media type, before and after."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.filter.media_comparison import (
    FilterModule as ComparisonFilter,
)
from ansible_collections.cloudburst.plex.plugins.filter.media_table import (
    FilterModule as TableFilter,
)

compare = ComparisonFilter().filters()["media_comparison"]
table = TableFilter().filters()["media_table"]

LEAVES = ("movie", "episode", "track", "photo")
PLAIN = ("deleted", "analysed", "thumbs_missing", "sonic_done", "sonic_vectors")
TITLES = (
    "movies",
    "episodes",
    "tracks",
    "photos",
    "in the trash",
    "analysed",
    "thumbnails missing",
    "Sonic marks",
    "Sonic vectors",
)
COUNT = st.integers(min_value=0, max_value=10_000_000)
SECTION = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["movie", "show", "artist", "photo"]),
        "leaves": st.fixed_dictionaries(dict.fromkeys(LEAVES, COUNT)),
        **dict.fromkeys(PLAIN, COUNT),
    }
)
SAMPLE = st.builds(
    lambda rows: {"sections": {str(n): row for n, row in enumerate(rows)}},
    st.lists(SECTION, max_size=3),
)


def section(**changes: Any) -> dict[str, Any]:
    """One library with nothing in it, apart from the changes."""
    leaves = {**dict.fromkeys(LEAVES, 0), **changes.pop("leaves", {})}
    return {"type": "movie", **dict.fromkeys(PLAIN, 0), "leaves": leaves, **changes}


def sample(*sections: dict[str, Any]) -> dict[str, Any]:
    return {"sections": {str(n): row for n, row in enumerate(sections)}}


def after_of(*sections: dict[str, Any]) -> dict[str, Any]:
    rows = compare(sample(), sample(*sections))
    return {row["what"]: row["after"] for row in rows}


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        *(({"leaves": {leaf: 7}}, f"{leaf}s") for leaf in LEAVES),
        ({"deleted": 7}, "in the trash"),
        ({"analysed": 7}, "analysed"),
        ({"thumbs_missing": 7}, "thumbnails missing"),
        ({"sonic_done": 7}, "Sonic marks"),
        ({"sonic_vectors": 7}, "Sonic vectors"),
    ],
)
def test_each_counter_has_its_row(changes: dict[str, Any], title: str) -> None:
    assert after_of(section(**changes)) == {**dict.fromkeys(TITLES, 0), title: 7}


def test_tracks_need_no_thumbnail_of_their_own() -> None:
    music = section(type="artist", thumbs_missing=456_534)
    films = section(thumbs_missing=3)
    assert after_of(music, films)["thumbnails missing"] == 3


@pytest.mark.parametrize(
    ("row", "unknown"),
    [
        (section(sonic_done=None), {"Sonic marks"}),  # the costly pass was left out
        (section(thumbs_missing=None), {"thumbnails missing"}),
        (section(type="artist", thumbs_missing=None), set()),
        (section(leaves={"photo": None}), {"photos"}),
        ({**section(), "leaves": None}, {f"{leaf}s" for leaf in LEAVES}),
        ({}, set(TITLES)),
    ],
)
def test_what_was_not_counted_is_unknown_and_not_zero(
    row: dict[str, Any], unknown: set[str]
) -> None:
    rows = compare(sample(section(), row), sample(section()))
    assert {r["what"] for r in rows if r["before"] is None} == unknown
    assert {r["what"] for r in rows if r["change"] is None} == unknown
    assert all(r["after"] == 0 for r in rows)
    shown = [line for line in table(rows) if "unknown" in line]
    assert len(shown) == len(unknown)


@pytest.mark.parametrize("nothing", [{}, {"sections": None}])
def test_no_sample_is_unknown_and_no_library_is_zero(nothing: dict[str, Any]) -> None:
    assert {row["before"] for row in compare(nothing, sample())} == {None}
    assert {row["before"] for row in compare(sample(), sample())} == {0}


@given(SAMPLE, SAMPLE)
def test_change_leads_from_before_to_after(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    rows = compare(old, new)
    assert tuple(row["what"] for row in rows) == TITLES
    assert all(row["before"] + row["change"] == row["after"] for row in rows)
    back = [-row["change"] for row in compare(new, old)]
    assert back == [row["change"] for row in rows]
    assert {row["change"] for row in compare(old, old)} == {0}


@given(st.lists(SECTION, max_size=3), st.lists(SECTION, max_size=3))
def test_libraries_add_up(one: list[Any], two: list[Any]) -> None:
    alone, other = after_of(*one), after_of(*two)
    assert after_of(*one, *two) == {x: alone[x] + other[x] for x in TITLES}


@given(SAMPLE, SAMPLE)
def test_the_table_is_aligned_and_says_the_same(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    rows = compare(old, new)
    head, *lines = table(rows)
    assert head.split() == ["before", "after", "change"]
    assert {len(line) for line in lines} == {len(head)}
    for row, line in zip(rows, lines, strict=True):
        assert line.startswith(row["what"])
        figures = [int(x.replace(",", "")) for x in line.split()[-3:]]
        assert figures == [row["before"], row["after"], row["change"]]


def test_the_table_reads_well() -> None:
    rows = compare(
        sample(section(leaves={"track": 456_534})), sample(section(deleted=2))
    )
    lines = table(rows)
    assert lines[3] == "tracks              456,534      0  -456,534"
    assert lines[5] == "in the trash              0      2        +2"
    assert table([]) == ["  before  after  change"]
