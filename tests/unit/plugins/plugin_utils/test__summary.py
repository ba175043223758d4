# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cloudburst.plex.plugins.plugin_utils import _summary


def _sample(**row: object) -> dict[str, object]:
    leaves = {"movie": 0, "episode": 0, "track": 0, "photo": 0}
    base = {"leaves": {**leaves, **row.pop("leaves", {})}, "thumbs_missing": 0}  # type: ignore[dict-item]
    return {"sections": {"1": {**base, **row}}}


def test_every_leaf_type_has_its_row_even_at_zero() -> None:
    rows = _summary.compare(_sample(), _sample())
    assert [row["what"] for row in rows][:4] == [
        "movies",
        "episodes",
        "tracks",
        "photos",
    ]


def test_change_is_after_minus_before_over_all_libraries() -> None:
    before = _sample(leaves={"photo": 10}, sonic_vectors=5)
    after = _sample(leaves={"photo": 12}, sonic_vectors=9)
    after["sections"]["2"] = {"leaves": {"photo": 3}, "sonic_vectors": 0}  # type: ignore[index]
    rows = {row["what"]: row for row in _summary.compare(before, after)}
    assert rows["photos"] == {"what": "photos", "before": 10, "after": 15, "change": 5}
    assert rows["Sonic vectors"]["change"] == 4


def test_table_is_aligned() -> None:
    lines = _summary.table(
        _summary.compare(_sample(leaves={"track": 456534}), _sample())
    )
    assert len({len(line) for line in lines}) == 1
    assert any("456,534" in line and "-456,534" in line for line in lines)
