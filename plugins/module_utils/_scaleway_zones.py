# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: the zones of Scaleway, and a look into all of them.

What bills is looked for everywhere: the zone of an earlier run is remembered nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

#: the SDK's own list lacks pl-waw-3 and it-mil-1
ALL_ZONES = (
    "fr-par-1",
    "fr-par-2",
    "fr-par-3",
    "it-mil-1",
    "nl-ams-1",
    "nl-ams-2",
    "nl-ams-3",
    "pl-waw-1",
    "pl-waw-2",
    "pl-waw-3",
)
#: few, for a sweep over all zones is throttled soon (429)
AT_ONCE = 4

Found = TypeVar("Found")


def everywhere(*named: str) -> list[str]:
    """Every zone, those that were named first; one that is not known here as well."""
    return list(dict.fromkeys([*named, *ALL_ZONES]))


def across(zones: Sequence[str], look: Callable[[str], Iterable[Found]]) -> list[Found]:
    """What a look finds in each zone, in their order. A zone that fails, fails it all."""
    if len(zones) < 2:
        return [item for zone in zones for item in look(zone)]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return [
            item
            for found in pool.map(lambda zone: list(look(zone)), zones)
            for item in found
        ]
