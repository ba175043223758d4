# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""A library as it is declared, and what it takes to have it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_api import Section
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexError,
)

NO_AGENT = "tv.plex.agents.none"

# plex-facts §3.3. Type: agent, scanner with that agent, scanner without agent.
DEFAULTS: dict[str, tuple[str, str, str]] = {
    "movie": ("tv.plex.agents.movie", "Plex Movie", "Plex Video Files"),
    "show": ("tv.plex.agents.series", "Plex TV Series", "Plex TV Series"),
    "artist": ("tv.plex.agents.music", "Plex Music", "Plex Music"),
    "photo": (NO_AGENT, "Plex Photo Scanner", "Plex Photo Scanner"),
}


class SectionConflict(PlexError):
    """A library of that name exists, but is something else."""


@dataclass(frozen=True)
class SectionSpec:
    """A declared library, every default filled in."""

    name: str
    type: str
    agent: str
    scanner: str
    language: str
    locations: tuple[str, ...]


@dataclass(frozen=True)
class SectionPlan:
    """What is there and what has to be done."""

    existing: Section | None
    missing_locations: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """True when something has to be written."""
        return self.existing is None or bool(self.missing_locations)


def section_spec(params: t.Mapping[str, t.Any]) -> SectionSpec:
    """The declaration with Plex's usual agent, scanner and language."""
    agent, scanner, bare_scanner = DEFAULTS[params["type"]]
    wanted = params.get("agent") or agent
    if wanted == "none":
        wanted = NO_AGENT
    without = wanted.endswith(".none")
    return SectionSpec(
        name=params["name"],
        type=params["type"],
        agent=wanted,
        scanner=params.get("scanner") or (bare_scanner if without else scanner),
        language=params.get("language") or ("xn" if without else "en-US"),
        locations=tuple(x.rstrip("/") or "/" for x in params["locations"]),
    )


def plan_section(spec: SectionSpec, sections: t.Iterable[Section]) -> SectionPlan:
    """Compare a declaration with the libraries of the server.

    Locations that the library has beyond the declared ones stay: taking one
    away would delete its items.
    """
    same = [section for section in sections if section.name == spec.name]
    if len(same) > 1:
        ids = ", ".join(str(section.id) for section in same)
        raise SectionConflict(
            f"{len(same)} libraries are called {spec.name!r} (ids {ids});"
            " rename one in Plex"
        )
    if not same:
        return SectionPlan(None, spec.locations)
    existing = same[0]
    if existing.type != spec.type:
        raise SectionConflict(
            f"The library {spec.name!r} exists with type {existing.type},"
            f" not {spec.type}; Plex cannot change that, choose another name"
        )
    have = {path.rstrip("/") for path in existing.locations}
    return SectionPlan(existing, tuple(p for p in spec.locations if p not in have))


def creation_params(spec: SectionSpec) -> list[tuple[str, str]]:
    """The query of ``POST /library/sections``."""
    return [
        ("name", spec.name),
        ("type", spec.type),
        ("agent", spec.agent),
        ("scanner", spec.scanner),
        ("language", spec.language),
        *(("location", path) for path in spec.locations),
    ]


def edit_params(plan: SectionPlan) -> list[tuple[str, str]]:
    """The query of ``PUT``: the agent is required, locations replace."""
    if plan.existing is None:
        raise ValueError("only an existing library can be edited")
    locations = (*plan.existing.locations, *plan.missing_locations)
    return [
        ("agent", plan.existing.agent),
        *(("location", path) for path in locations),
    ]
