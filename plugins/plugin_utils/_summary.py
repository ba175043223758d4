# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Before and after, of every media type, as numbers and as a table (F17). Pure."""

from __future__ import annotations

import typing as t

LEAVES = ("movie", "episode", "track", "photo")
ROWS = (
    *((f"{leaf}s", "leaves", leaf) for leaf in LEAVES),
    ("in the trash", "deleted", None),
    ("analysed", "analysed", None),
    ("thumbnails missing", "thumbs_missing", None),
    ("Sonic marks", "sonic_done", None),
    ("Sonic vectors", "sonic_vectors", None),
)


def totals(sample: t.Mapping[str, t.Any]) -> dict[str, int | None]:
    """Sums over all libraries of a sample of ``plex_progress``.

    What was not counted in one of them is None: never a zero (L20).
    """
    sections = sample.get("sections")
    rows = [{}] if sections is None else list(sections.values())
    return {
        name: _sum(_number(row, key, leaf) for row in rows) for name, key, leaf in ROWS
    }


def _sum(numbers: t.Iterable[int | None]) -> int | None:
    known = list(numbers)
    return None if None in known else sum(x for x in known if x is not None)


def _number(row: t.Mapping[str, t.Any], key: str, leaf: str | None) -> int | None:
    if key == "thumbs_missing" and row.get("type") == "artist":
        return 0  # tracks show their album's picture and have none of their own
    value = row.get(key)
    if leaf is not None:
        value = (value or {}).get(leaf)
    return None if value is None else int(value)


def compare(
    before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]
) -> list[dict[str, t.Any]]:
    """One row per kind of number; every leaf type is always there (L28)."""
    old, new = totals(before), totals(after)
    return [
        {
            "what": name,
            "before": old[name],
            "after": new[name],
            "change": _change(old[name], new[name]),
        }
        for name, _key, _leaf in ROWS
    ]


def _change(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def table(rows: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """The lines of the table, aligned."""
    cells = [("", "before", "after", "change")]
    cells += [
        (
            row["what"],
            _shown(row["before"]),
            _shown(row["after"]),
            _shown(row["change"], "+,"),
        )
        for row in rows
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    return [
        "  ".join(
            text.ljust(width) if not column else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]


def _shown(number: int | None, form: str = ",") -> str:
    return "unknown" if number is None else format(number, form)
