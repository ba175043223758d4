# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""path_verdict: whether a library may be scanned where its files are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.filter.path_verdict import FilterModule

verdict = FilterModule().filters()["path_verdict"]

SECTION = {"id": 3, "name": "Movies"}
RULES: dict[str, Any] = {
    "media_root": "/media/plex",
    "missing_threshold": 0.05,
    "missing_cap": 0.5,
    "mtime_drift_threshold": 0.2,
    "force_deep_scan": False,
    "accept_deletions": False,
    "accept_mtime_drift": False,
}


def location(missing: int = 0, drifted: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "path": "/media/plex/Movies",
        "reachable": True,
        "reason": "",
        "total": 224,
        "sampled": 200,
        "missing": missing,
        "missing_share": missing / 200,
        "examples": ["/media/plex/Movies/a", "/media/plex/Movies/b"],
        "mtime_drift": {"compared": 100, "drifted": drifted, "examples": ["c"]},
        **more,
    }


def judged(*locations: dict[str, Any], outside: int = 0, **rules: Any) -> Any:
    checked = {"locations": list(locations), "outside": {"3": outside}}
    return verdict(checked, SECTION, {**RULES, **rules})


def test_a_library_that_is_there_may_be_scanned() -> None:
    assert judged(location(), location()) == {"refusals": [], "notes": []}


@pytest.mark.parametrize(
    ("missing", "rules", "refused"),
    [
        (10, {}, ""),
        (11, {}, "more than 5 %"),
        (100, {}, "more than 5 %"),
        (101, {}, "more than 50 %"),
        (11, {"force_deep_scan": True}, ""),
        (11, {"accept_deletions": True}, ""),
        (101, {"force_deep_scan": True, "accept_deletions": True}, "more than 50 %"),
        (101, {"missing_cap": 1.0, "accept_deletions": True}, ""),
        (11, {"missing_threshold": 0.1}, ""),
    ],
)
def test_missing_files(missing: int, rules: dict[str, Any], refused: str) -> None:
    refusals = judged(location(missing), **rules)["refusals"]
    if not refused:
        assert refusals == []
        return
    (text,) = refusals
    assert refused in text
    assert f"{missing} of 200 sampled files of Movies" in text
    assert "/media/plex/Movies/a; /media/plex/Movies/b" in text


def test_a_wrong_prefix_is_told_how_to_map_it() -> None:
    (text,) = judged(location(200))["refusals"]
    assert "{'/media/plex/Movies': '/media/plex/<folder in the bucket>'}" in text


@pytest.mark.parametrize(
    ("drifted", "rules", "refused"),
    [
        (20, {}, False),
        (21, {}, True),
        (21, {"accept_mtime_drift": True}, False),
        (21, {"mtime_drift_threshold": 0.21}, False),
    ],
)
def test_other_times(drifted: int, rules: dict[str, Any], refused: bool) -> None:
    refusals = judged(location(0, drifted), **rules)["refusals"]
    assert len(refusals) == refused
    assert all("mtime_mode" in text for text in refusals)


def test_nothing_to_compare_is_no_drift() -> None:
    nothing = {"compared": 0, "drifted": 0, "examples": []}
    assert judged(location(mtime_drift=nothing))["refusals"] == []


def test_an_unreachable_location_is_named_once() -> None:
    lost = location(reachable=False, reason="is empty", missing_share=None, sampled=0)
    (text,) = judged(location(), lost)["refusals"]
    assert "is empty" in text
    assert "all of its 224 files" in text


def test_every_location_is_judged() -> None:
    assert len(judged(location(101), location(11), location())["refusals"]) == 2


def test_a_few_renamed_files_are_no_reason_but_a_hint() -> None:
    found = judged(location(3))
    assert found["refusals"] == []
    assert "force_deep_scan=true does" in found["notes"][0]
    assert judged(location(3), force_deep_scan=True)["notes"] == []


def test_files_outside_of_all_locations_are_named() -> None:
    (note,) = judged(location(), outside=7)["notes"]
    assert note.startswith("7 files of Movies are below none of its folders")


@given(missing=st.integers(0, 200), cap=st.floats(0, 1), low=st.floats(0, 1))
def test_more_than_the_cap_is_always_refused(
    missing: int, cap: float, low: float
) -> None:
    rules = {"missing_cap": cap, "missing_threshold": low, "accept_deletions": True}
    refused = judged(location(missing), force_deep_scan=True, **rules)["refusals"]
    assert bool(refused) is (missing / 200 > cap)
