# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared libraries and what it takes to have them (plex-facts §3.3)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_api import Section
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_section import (
    SectionConflict,
    creation_params,
    edit_params,
    plan_section,
    section_spec,
)


def declared(**changes: Any) -> dict[str, Any]:
    return {"name": "N", "type": "movie", "locations": ["/media/plex/N/"], **changes}


def existing(**changes: Any) -> Section:
    base: dict[str, Any] = {
        "id": 1,
        "name": "N",
        "type": "movie",
        "agent": "tv.plex.agents.movie",
        "scanner": "Plex Movie",
        "language": "fr-FR",
        "refreshing": False,
        "scanned_at": 1,
        "locations": ("/media/plex/N",),
    }
    return Section(**{**base, **changes})


@pytest.mark.parametrize(
    ("changes", "agent", "scanner", "language"),
    [
        ({}, "tv.plex.agents.movie", "Plex Movie", "en-US"),
        ({"agent": "none"}, "tv.plex.agents.none", "Plex Video Files", "xn"),
        (
            {"agent": "com.plexapp.agents.none"},
            "com.plexapp.agents.none",
            "Plex Video Files",
            "xn",
        ),
        ({"type": "show"}, "tv.plex.agents.series", "Plex TV Series", "en-US"),
        ({"type": "artist"}, "tv.plex.agents.music", "Plex Music", "en-US"),
        ({"type": "photo"}, "tv.plex.agents.none", "Plex Photo Scanner", "xn"),
        (
            {"language": "fr-FR", "scanner": "Mine"},
            "tv.plex.agents.movie",
            "Mine",
            "fr-FR",
        ),
    ],
)
def test_defaults(
    changes: dict[str, Any], agent: str, scanner: str, language: str
) -> None:
    spec = section_spec(declared(**changes))
    assert (spec.agent, spec.scanner, spec.language) == (agent, scanner, language)
    assert spec.locations == ("/media/plex/N",)


def test_new_library() -> None:
    plan = plan_section(section_spec(declared()), [existing(name="Other")])
    assert plan.changed
    assert plan.existing is None
    params = creation_params(section_spec(declared(locations=["/a", "/b c"])))
    assert [v for k, v in params if k == "location"] == ["/a", "/b c"]


def test_nothing_to_do() -> None:
    assert not plan_section(section_spec(declared()), [existing()]).changed


def test_a_missing_location_is_added_and_none_is_taken_away() -> None:
    have = existing(locations=("/media/plex/N", "/old"))
    spec = section_spec(declared(locations=["/media/plex/N", "/new"]))
    plan = plan_section(spec, [have])
    assert plan.missing_locations == ("/new",)
    assert edit_params(plan) == [
        ("agent", "tv.plex.agents.movie"),
        ("location", "/media/plex/N"),
        ("location", "/old"),
        ("location", "/new"),
    ]


@pytest.mark.parametrize(
    "sections", [[existing(type="show")], [existing(), existing(id=2)]]
)
def test_conflicts(sections: list[Section]) -> None:
    with pytest.raises(SectionConflict):
        plan_section(section_spec(declared()), sections)
