# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: which rows of a damaged table can be taken over.

A row counts as saved only if every page that holds a part of it is believed. A row beside
the damage whose record is in order is taken over, too, but named as doubtful: a changed
letter cannot be seen. What is missing is estimated from the ids between which it is missing; where an index of the
table is whole, that one is counted instead (``_db_rebuild``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._db_pages import (
    BAD,
    GOOD,
    UNKNOWN,
    PageMap,
    varint,
)

# Rows of these cannot be missing without changing what the rest means.
INDISPENSABLE = frozenset(
    {
        "accounts",
        "library_sections",
        "schema_migrations",
        "section_locations",
        "sqlite_sequence",
    }
)


@dataclass(frozen=True)
class Run:
    """Rows that follow each other and can all be read."""

    first: int
    before_last: int
    last: int
    count: int


@dataclass(frozen=True)
class Gap:
    """A part of a table that cannot be read: ids above ``low`` up to ``high``."""

    low: int
    high: int | None
    page: int


@dataclass
class TableScan:
    """What can be read of one table."""

    name: str
    runs: list[Run] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    # Ids from and to; what was taken over from beside the damage.
    doubtful: list[tuple[int, int]] = field(default_factory=list)
    doubts: int = 0
    unread: int = 0
    leaves: int = 0

    @property
    def kept(self) -> int:
        return sum(run.count for run in self.runs)

    def estimate_lost(self, highest: int | None) -> int:
        """How many rows were in the gaps, or could not be read on their pages.

        Ids are given out in order, so a gap held about as many rows for each id as the
        rest does. ``highest`` is the highest id ever given, where it is known.
        """
        if not self.gaps:
            return self.unread
        seen = self.kept + self.unread
        first = self.runs[0].first if self.runs else 1
        top = max([run.last for run in self.runs] + [gap.low for gap in self.gaps])
        open_end = any(gap.high is None for gap in self.gaps)
        spans = [gap.high - gap.low for gap in self.gaps if gap.high is not None]
        if open_end and highest is not None:
            spans.append(max(0, highest - top))
        covered = max(seen, top - first + 1 - sum(_inside(self.gaps, first, top)))
        share = min(1.0, seen / covered) if covered else 1.0
        lost = sum(max(1, round(span * share)) for span in spans if span > 0)
        if open_end and highest is None:
            lost += max(1, round(seen / max(1, self.leaves)))
        return self.unread + max(lost, 1)


def _inside(gaps: list[Gap], first: int, top: int) -> Iterator[int]:
    for gap in gaps:
        if gap.high is not None:
            yield max(0, min(gap.high, top) - max(gap.low, first - 1))


@dataclass(frozen=True)
class TableReport:
    """One line of the report: how many rows there were, are, and how that is known."""

    table: str
    before: int | None
    after: int
    lost: int | None
    doubtful: int = 0
    counted: bool = False
    how: str = "copied"
    doubtful_ids: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The lost part; 1 when it is not known how much there was."""
        if self.lost is None or self.before is None:
            return 1.0
        return self.lost / self.before if self.before else 0.0

    def refusal(self, max_loss: float) -> str:
        """Why this loss is too much; empty when it is not."""
        if self.lost is None:
            return f"{self.table}: its root is gone, and how much it held is not known"
        if self.doubtful and self.table in INDISPENSABLE:
            return f"{self.table}: {self.doubtful} of its rows lie beside the damage"
        if not self.lost:
            return ""
        text = f"{self.table}: about {self.lost} of {self.before} rows are lost"
        if self.table in INDISPENSABLE:
            return f"{text}, and the others mean nothing without them"
        if self.share <= max_loss:
            return ""
        return f"{text} ({self.share:.1%})"

    def as_dict(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "before": self.before,
            "before_is": "counted" if self.counted else "estimated",
            "after": self.after,
            "lost": self.lost,
            "doubtful": self.doubtful,
            "doubtful_ids": list(self.doubtful_ids),
            "how": self.how,
        }


def scan_table(pages: PageMap, number: int) -> TableScan:
    """Sort the rows of the tree with that number into runs and gaps."""
    tree = pages.trees[number - 1]
    scan = _Scan(pages, number, TableScan(tree.name))
    scan.descend(tree.root, -(1 << 63), None)
    scan.close()
    return scan.result


class _Scan:
    def __init__(self, pages: PageMap, number: int, result: TableScan) -> None:
        self.pages = pages
        self.number = number
        self.result = result
        self.run: list[int] = []

    def descend(self, root: int, low: int, high: int | None) -> None:
        waiting = [(root, low, high)]
        while waiting:
            page, low, high = waiting.pop()
            if not self._is_mine(page):
                self._gap(low, high, page)
            elif self.pages.is_interior(page):
                children = list(self._children(page, low, high))
                if children:
                    waiting.extend(reversed(children))
                else:
                    self._gap(low, high, page)
            else:
                self._leaf(page, low, high)

    def close(self) -> None:
        if self.run:
            first, before, last, count = self.run
            self.result.runs.append(Run(first, before, last, count))
            self.run = []

    def _is_mine(self, page: int) -> bool:
        return (
            1 <= page <= self.pages.layout.pages
            and self.pages.state[page] == GOOD
            and self.pages.owner[page] == self.number
        )

    def _gap(self, low: int, high: int | None, page: int) -> None:
        self.close()
        self.result.gaps.append(Gap(max(low, 0), high, page))

    def _children(
        self, page: int, low: int, high: int | None
    ) -> Iterator[tuple[int, int, int | None]]:
        """Each child with the bounds of its ids; none when they make no sense."""
        found: list[tuple[int, int, int | None]] = []
        for cell in self.pages.cells(page):
            key, _end = varint(self.pages.data, cell + 4)
            if key < low or (high is not None and key > high):
                return
            found.append((self.pages.child(cell), low, key))
            low = key
        yield from found
        yield self.pages.rightmost(page), low, high

    def _leaf(self, page: int, low: int, high: int | None) -> None:
        rows = list(self._rows(page))
        ids = [row for row, _cells in rows]
        in_order = all(a < b for a, b in zip(ids, ids[1:]))
        if ids and (
            not in_order or ids[0] <= low or (high is not None and ids[-1] > high)
        ):
            self._gap(low, high, page)
            return
        self.result.leaves += 1
        for row, verdict in rows:
            if verdict == BAD:
                self.close()
                self.result.unread += 1
                continue
            self._take(row)
            if verdict == UNKNOWN:
                self._doubt(row)

    def _doubt(self, row: int) -> None:
        self.result.doubts += 1
        known = self.result.doubtful
        if known and self.run[0] <= known[-1][1] == self.run[1]:
            known[-1] = (known[-1][0], row)
        else:
            known.append((row, row))

    def _take(self, row: int) -> None:
        if self.run:
            self.run = [self.run[0], self.run[2], row, self.run[3] + 1]
        else:
            self.run = [row, row, row, 1]

    def _rows(self, page: int) -> Iterator[tuple[int, int]]:
        """Each row's id, and GOOD, UNKNOWN for a doubtful one, or BAD."""
        data, layout = self.pages.data, self.pages.layout
        believed = self.pages.believed(page)
        end = page * layout.page_size
        for cell in self.pages.cells(page):
            payload, at = varint(data, cell)
            row, at = varint(data, at)
            local = layout.local(payload, "table")
            if payload < 0 or at + local > end:
                yield row, BAD
            elif local == payload and believed:
                yield row, GOOD
            else:
                yield row, self._verdict(at, payload, believed)

    def _verdict(self, at: int, payload: int, believed: bool) -> int:
        chain = self.pages.chain(payload, at, "table")
        if chain is None or not all(map(self._is_mine, chain)):
            return BAD
        if believed and all(map(self.pages.believed, chain)):
            return GOOD
        record = self.pages.payload(payload, at, "table", chain)
        return UNKNOWN if is_record(record) else BAD


def is_record(data: bytes) -> bool:
    """Whether the header of a record fits its length, and its texts are UTF-8."""
    try:
        size, at = varint(data, 0)
        begin = size
        while at < size:
            kind, at = varint(data, at)
            length = _length(kind)
            if length is None or begin + length > len(data):
                return False
            if kind >= 13 and kind % 2:
                data[begin : begin + length].decode("utf-8")
            begin += length
    except (IndexError, UnicodeDecodeError):
        return False
    return at == size and begin == len(data)


def _length(kind: int) -> int | None:
    """Bytes of a value, by its serial type (file format document, 2.1)."""
    if kind in (10, 11) or kind < 0:
        return None
    return (kind - 12) // 2 if kind >= 12 else (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind]
