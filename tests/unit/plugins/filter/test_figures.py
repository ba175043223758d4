# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""duration and euros: what is shown is what was given, up to what is cut off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.filter.duration import (
    FilterModule as DurationFilter,
)
from ansible_collections.cloudburst.plex.plugins.filter.euros import (
    FilterModule as EurosFilter,
)

duration = DurationFilter().filters()["duration"]
euros = EurosFilter().filters()["euros"]

SIZES = {"d": 86400, "h": 3600, "min": 60, "s": 1}
SECONDS = st.integers(min_value=0, max_value=400 * 86400)
PARTS = st.integers(min_value=1, max_value=4)


def seconds_of(text: str) -> int:
    """The seconds that the text says."""
    words = text.split()
    return sum(
        int(count) * SIZES[unit]
        for count, unit in zip(words[::2], words[1::2], strict=True)
    )


def smallest_shown(seconds: int, parts: int) -> int:
    """The unit in which the text has to end at the latest."""
    sizes = list(SIZES.values())
    first = next((n for n, size in enumerate(sizes) if seconds >= size), 3)
    return sizes[min(first + parts - 1, 3)]


@pytest.mark.parametrize(
    ("seconds", "parts", "expected"),
    [
        (0, 2, "0 s"),
        (0.9, 2, "0 s"),
        (-0.9, 2, "0 s"),
        (60, 2, "1 min"),
        (3599.9, 2, "59 min 59 s"),
        (86_459, 2, "1 d"),  # the minute is beyond the second unit
        (86_459, 4, "1 d 59 s"),
        (90_061, 4, "1 d 1 h 1 min 1 s"),
        (90_061, 1, "1 d"),
        (-90_061, 3, "-1 d 1 h 1 min"),
    ],
)
def test_duration(seconds: float, parts: int, expected: str) -> None:
    assert duration(seconds, parts) == expected


@given(SECONDS, PARTS)
def test_duration_only_cuts_off_what_is_below_its_last_unit(
    seconds: int, parts: int
) -> None:
    text = duration(seconds, parts)
    assert len(text.split()) <= 2 * parts
    assert 0 <= seconds - seconds_of(text) < smallest_shown(seconds, parts)


@given(SECONDS, SECONDS, PARTS)
def test_a_longer_duration_never_reads_shorter(one: int, two: int, parts: int) -> None:
    short, long = sorted((one, two))
    assert seconds_of(duration(short, parts)) <= seconds_of(duration(long, parts))


@given(st.integers(min_value=1, max_value=10**8), PARTS)
def test_a_negative_duration_is_the_same_with_a_sign(seconds: int, parts: int) -> None:
    assert duration(-seconds, parts) == "-" + duration(seconds, parts)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0, "0.00 EUR"),
        (0.0991, "0.0991 EUR"),
        (0.1, "0.10 EUR"),
        (0.19074, "0.19 EUR"),
        (-0.05, "-0.0500 EUR"),
        (-12, "-12.00 EUR"),
        (1_234_567.891, "1,234,567.89 EUR"),
    ],
)
def test_euros(amount: float, expected: str) -> None:
    assert euros(amount) == expected


@given(st.floats(min_value=-1e6, max_value=1e6))
def test_euros_are_right_to_half_of_the_last_digit(amount: float) -> None:
    number, unit = euros(amount).split(" ")
    half = 0.00005 if abs(amount) < 0.1 else 0.005
    assert unit == "EUR"
    assert abs(float(number.replace(",", "")) - amount) <= half + 1e-9
