# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look into every zone misses none and keeps their order."""

from __future__ import annotations

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_zones import (
    ALL_ZONES,
    across,
    everywhere,
)


def test_named_zones_come_first_and_none_is_missed() -> None:
    zones = everywhere("nl-ams-1", "xx-new-1")
    assert zones[:2] == ["nl-ams-1", "xx-new-1"]
    assert sorted(zones) == sorted({*ALL_ZONES, "xx-new-1"})


@pytest.mark.parametrize("zones", [[], ["a"], ["c", "a", "b"], list(ALL_ZONES)])
def test_everything_is_found_in_the_order_of_the_zones(zones: list[str]) -> None:
    assert across(zones, lambda zone: [zone, zone.upper()]) == [
        name for zone in zones for name in (zone, zone.upper())
    ]


def test_a_zone_that_cannot_be_read_is_no_empty_zone() -> None:
    def look(zone: str) -> list[str]:
        if zone == "pl-waw-2":
            raise LookupError(zone)
        return []

    with pytest.raises(LookupError, match="pl-waw-2"):
        across(ALL_ZONES, look)
