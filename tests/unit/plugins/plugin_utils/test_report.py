# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as a person reads them."""

from __future__ import annotations

import pytest

from ansible_collections.cloudburst.plex.plugins.filter.duration import (
    FilterModule as DurationFilter,
)
from ansible_collections.cloudburst.plex.plugins.filter.euros import (
    FilterModule as EurosFilter,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._surroundings import (
    local_timezone,
)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (4312, "1 h 11 min"),
        (273_600, "3 d 4 h"),
        (-75, "-1 min 15 s"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    assert DurationFilter().filters()["duration"](seconds) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0, "0.00 EUR"), (0.008976, "0.0090 EUR"), (1234.5, "1,234.50 EUR")],
)
def test_euros(amount: float, expected: str) -> None:
    assert EurosFilter().filters()["euros"](amount) == expected


def test_timezone(tmp_path: object) -> None:
    assert local_timezone({"TZ": ":Europe/Paris"}) == "Europe/Paris"
    link = f"{tmp_path}/localtime"
    assert local_timezone({}, link, f"{tmp_path}/none") == "UTC"
