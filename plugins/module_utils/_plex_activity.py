# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""What Plex is doing, told from its activities. Pure.

Scan and analysis are told apart by activity types, never by process names
(L43). An idle server keeps a permanent ``butler`` row at 100 %, so an empty
list is not the sign of rest (``plex-facts §3.2``).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    as_int,
    as_list,
)

Kind = t.Literal["scan", "refresh", "analysis", "butler", "idle", "other"]

# The settle rule's prefixes (plex-facts §3.3): while one of them is there,
# the library is still moving, also when `refreshing` is already false.
WORKING_PREFIXES = ("library.", "media.generate.", "provider.subscriptions.")

_SCAN = ("library.update.section",)
_REFRESH = ("library.update.item.", "library.refresh.", "provider.subscriptions.")
_ANALYSIS = ("media.generate.", "library.analyze", "media.analyze")


@dataclass(frozen=True)
class Activity:
    """One row of ``/activities``."""

    uuid: str
    type: str
    title: str
    subtitle: str
    progress: int
    section: int | None
    kind: Kind

    @property
    def busy(self) -> bool:
        """True when work is going on, whatever it is."""
        return self.kind in ("scan", "refresh", "analysis", "butler") or (
            self.type.startswith(WORKING_PREFIXES)
        )

    def as_dict(self) -> dict[str, t.Any]:
        """A JSON-ready copy."""
        return dict(self.__dict__)


def classify(kind: str, progress: int) -> Kind:
    """The class of an activity type; a Butler at 100 % is the permanent row."""
    if kind == "butler" or kind.startswith("butler."):
        return "idle" if progress >= 100 else "butler"
    if kind.startswith(_SCAN):
        return "scan"
    if kind.startswith(_REFRESH):
        return "refresh"
    if kind.startswith(_ANALYSIS):
        return "analysis"
    return "other"


def activity_of(row: t.Mapping[str, t.Any]) -> Activity:
    """One row of the answer; the section appears about 1 s late."""
    kind = str(row.get("type", ""))
    progress = as_int(row.get("progress"))
    progress = -1 if progress is None else progress
    contexts = as_list(row.get("Context"))
    section = as_int(contexts[0].get("librarySectionID")) if contexts else None
    return Activity(
        uuid=str(row.get("uuid", "")),
        type=kind,
        title=str(row.get("title") or ""),
        subtitle=str(row.get("subtitle") or ""),
        progress=progress,
        section=section,
        kind=classify(kind, progress),
    )


def activities_of(rows: t.Iterable[t.Mapping[str, t.Any]]) -> list[Activity]:
    """All rows of the answer."""
    return [activity_of(row) for row in rows]


def busy_with(
    activities: t.Iterable[Activity], refreshing: t.Collection[int] = ()
) -> bool:
    """True while any activity or any ``refreshing`` library says so."""
    return bool(refreshing) or any(activity.busy for activity in activities)


def running_butler_tasks(activities: t.Iterable[Activity]) -> list[str]:
    """Names of Butler tasks that show themselves among the activities."""
    return sorted(
        {a.subtitle or a.title or a.type for a in activities if a.kind == "butler"}
    )
