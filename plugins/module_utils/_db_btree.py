# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: find which table or index a damaged page belongs to.

SQLite stops at the first malformed page and, before 3.42, names only a page number. This
walks the B-trees of the file itself, so that a message can say "index
index_media_parts_on_file, REINDEX is enough" or "table media_parts, rows are lost".
Run only after a check failed: it looks at every page once.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_INTERIOR_INDEX, _INTERIOR_TABLE, _LEAF_INDEX, _LEAF_TABLE = 2, 5, 10, 13
_KINDS = {
    "table": (_INTERIOR_TABLE, _LEAF_TABLE),
    "index": (_INTERIOR_INDEX, _LEAF_INDEX),
}
_INTERIOR = (_INTERIOR_INDEX, _INTERIOR_TABLE)


@dataclass(frozen=True)
class Tree:
    """One B-tree of the schema: a table or an index, and its root page."""

    kind: str
    name: str
    table: str
    root: int


@dataclass(frozen=True)
class BadPage:
    """A page that cannot be what its tree needs it to be."""

    tree: Tree
    page: int
    problem: str


def bad_pages(path: str, page_size: int, trees: Iterable[Tree]) -> list[BadPage]:
    """Every page of the trees that is out of the file, of a wrong kind, or garbage."""
    with open(path, "rb") as file, _mapped(file.fileno()) as data:
        walker = _Walker(data, page_size)
        return [bad for tree in trees for bad in walker.walk(tree)]


def _mapped(descriptor: int) -> mmap.mmap:
    return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)


class _Walker:
    def __init__(self, data: mmap.mmap, page_size: int) -> None:
        self.data = data
        self.page_size = page_size
        self.pages = len(data) // page_size
        self.seen: set[int] = set()

    def walk(self, tree: Tree) -> Iterator[BadPage]:
        waiting = [tree.root]
        while waiting:
            page = waiting.pop()
            problem = self._problem(tree, page)
            if problem:
                yield BadPage(tree, page, problem)
                continue
            self.seen.add(page)
            waiting.extend(self._children(page))

    def _problem(self, tree: Tree, page: int) -> str:
        if not 1 <= page <= self.pages:
            return "lies beyond the end of the file"
        if page in self.seen:
            return "is referenced twice"
        start = self._start(page)
        kind, free, cells, content = struct.unpack_from(">BHHH", self.data, start)
        if kind not in _KINDS[tree.kind]:
            return f"has no valid page header (type {kind})"
        head = start + (12 if kind in _INTERIOR else 8)
        room = (page - 1) * self.page_size + self.page_size
        if (
            head + 2 * cells > room
            or (content or 65536) > self.page_size
            or free >= (self.page_size)
        ):
            return "has a damaged page header"
        return ""

    def _start(self, page: int) -> int:
        # Page 1 begins with the file header.
        return (page - 1) * self.page_size + (100 if page == 1 else 0)

    def _children(self, page: int) -> Iterator[int]:
        start = self._start(page)
        if self.data[start] not in _INTERIOR:
            return
        count = struct.unpack_from(">H", self.data, start + 3)[0]
        yield struct.unpack_from(">I", self.data, start + 8)[0]
        base = (page - 1) * self.page_size
        for offset in struct.unpack_from(f">{count}H", self.data, start + 12):
            if offset + 4 <= self.page_size:
                yield struct.unpack_from(">I", self.data, base + offset)[0]
            else:
                yield 0
