# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: which pages of a damaged database can be believed.

SQLite keeps no checksum of a page. What can be known is its structure: a page that was
overwritten has no valid header, an overwritten link of a long row leads nowhere. Damage
comes in blocks, so a page *beside* such a page may be overwritten in part, with a header
that still looks right. Those are suspect, and nothing on them counts as saved.
"""

from __future__ import annotations

import mmap
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._db_btree import Tree

UNKNOWN, GOOD, BAD = 0, 1, 2
# Disks and file systems lose blocks of this size, whatever the size of a page.
_BLOCK = 4096
_INTERIOR = (2, 5)
_KINDS = {"table": (5, 13), "index": (2, 10)}


@dataclass(frozen=True)
class Layout:
    """Numbers of the file format that follow from the header."""

    page_size: int
    usable: int
    pages: int

    @classmethod
    def of(cls, data: mmap.mmap) -> Layout:
        raw = struct.unpack_from(">H", data, 16)[0]
        size = 65536 if raw == 1 else int(raw)
        return cls(size, size - data[20], len(data) // size)

    def head(self, page: int) -> int:
        """Where the header of a page begins; page 1 begins with the file's."""
        return (page - 1) * self.page_size + (100 if page == 1 else 0)

    def most_local(self, kind: str) -> int:
        """The biggest payload that stays on its page."""
        if kind == "table":
            return self.usable - 35
        return (self.usable - 12) * 64 // 255 - 23

    def local(self, payload: int, kind: str) -> int:
        """How much of a payload is on its page (file format document, 1.6)."""
        most = self.most_local(kind)
        if payload <= most:
            return payload
        least = (self.usable - 12) * 32 // 255 - 23
        fit = least + (payload - least) % (self.usable - 4)
        return fit if fit <= most else least


def varint(data: mmap.mmap | bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where the next thing begins."""
    value = 0
    for place in range(at, at + 8):
        byte = data[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return _signed(value << 8 | data[at + 8]), at + 9


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


class PageMap:
    """The state and the owner of every page of a file, from one walk over all trees."""

    def __init__(self, data: mmap.mmap, trees: Sequence[Tree]) -> None:
        self.data = data
        self.layout = Layout.of(data)
        self.trees = list(trees)
        self.state = bytearray(self.layout.pages + 1)
        # The number of the tree that a page belongs to, 0 for none.
        self.owner = array("H", bytes(2 * (self.layout.pages + 1)))
        self.broken: set[int] = set()
        for number, tree in enumerate(self.trees, 1):
            self._walk(number, tree)
        self._free_pages()
        self.suspect: set[int] = set()

    def condemn(self, pages: Iterable[int]) -> None:
        """Call pages bad that somebody else complained about."""
        for page in pages:
            if 1 <= page <= self.layout.pages:
                self.state[page] = BAD

    def judge(self) -> None:
        """Find the suspect pages; call once, when all bad ones are known."""
        self.suspect = set(_beside(self.state, max(1, _BLOCK // self.layout.page_size)))

    def touched(self) -> set[int]:
        """Numbers of the trees that have a bad or suspect page, or a broken link."""
        found = {
            self.owner[page] for page, state in enumerate(self.state) if state == BAD
        }
        found.update(self.owner[page] for page in self.suspect)
        return (found | self.broken) - {0}

    def believed(self, page: int) -> bool:
        return (
            1 <= page <= self.layout.pages
            and self.state[page] != BAD
            and page not in self.suspect
        )

    def cells(self, page: int) -> tuple[int, ...]:
        """Offsets of the cells in the file, in order of their keys."""
        head = self.layout.head(page)
        interior = self.data[head] in _INTERIOR
        count = struct.unpack_from(">H", self.data, head + 3)[0]
        base = (page - 1) * self.layout.page_size
        at = head + (12 if interior else 8)
        raw = struct.unpack_from(f">{count}H", self.data, at)
        return tuple([base + offset for offset in raw])

    def is_interior(self, page: int) -> bool:
        return self.data[self.layout.head(page)] in _INTERIOR

    def rightmost(self, page: int) -> int:
        return int(struct.unpack_from(">I", self.data, self.layout.head(page) + 8)[0])

    def child(self, cell: int) -> int:
        return int(struct.unpack_from(">I", self.data, cell)[0])

    def chain(self, payload: int, at: int, kind: str) -> list[int] | None:
        """The overflow pages of a cell whose payload begins there; None if broken."""
        local = self.layout.local(payload, kind)
        missing, pages = payload - local, []
        if not missing:
            return []
        if at + local + 4 > len(self.data):
            return None
        following = self.child(at + local)
        while missing > 0:
            if not 1 <= following <= self.layout.pages or following in pages:
                return None
            pages.append(following)
            missing -= self.layout.usable - 4
            following = self.child((following - 1) * self.layout.page_size)
        return pages if following == 0 else None

    def payload(self, payload: int, at: int, kind: str, chain: list[int]) -> bytes:
        """All bytes of a cell, with those of its overflow pages."""
        parts = [self.data[at : at + self.layout.local(payload, kind)]]
        for page in chain:
            base = (page - 1) * self.layout.page_size
            parts.append(self.data[base + 4 : base + self.layout.usable])
        return b"".join(parts)[:payload]

    def _walk(self, number: int, tree: Tree) -> None:
        waiting = [tree.root]
        while waiting:
            page = waiting.pop()
            if not 1 <= page <= self.layout.pages:
                self.broken.add(number)
                continue
            if self.state[page] != UNKNOWN:
                # Two trees claim it: neither is believed.
                self.state[page] = BAD
                self.broken.update((number, self.owner[page]))
                continue
            self.owner[page] = number
            valid = self._valid(page, tree.kind)
            self.state[page] = GOOD if valid else BAD
            if valid:
                waiting.extend(self._below(page, number, tree.kind))

    def _valid(self, page: int, kind: str) -> bool:
        head = self.layout.head(page)
        code, free, count, content, loose = struct.unpack_from(
            ">BHHHB", self.data, head
        )
        if code not in _KINDS[kind] or loose > 60 or free >= self.layout.usable:
            return False
        start = head % self.layout.page_size + (12 if code in _INTERIOR else 8)
        first = start + 2 * count
        if first > self.layout.usable or (content or 65536) > self.layout.usable:
            return page == 1 and first <= self.layout.usable
        if not count:
            return code not in _INTERIOR
        base = (page - 1) * self.layout.page_size
        cells = struct.unpack_from(f">{count}H", self.data, base + start)
        lowest, highest = min(cells), max(cells)
        return bool(lowest >= max(first, content) and highest < self.layout.usable - 2)

    def _below(self, page: int, number: int, kind: str) -> Iterator[int]:
        """The children of an interior page; marks the overflow pages of its cells."""
        cells, interior = self.cells(page), self.is_interior(page)
        if interior:
            yield self.rightmost(page)
            yield from map(self.child, cells)
        if kind == "table" and interior or not cells:
            return
        if interior:
            cells = tuple(cell + 4 for cell in cells)
        # Almost no cell is long; the first byte of its size tells, quickly.
        sizes = [*map(self.data.__getitem__, cells)]
        if max(sizes) < 0x80:
            return
        for cell, size in zip(cells, sizes):
            if size >= 0x80:
                self._mark_chain(cell, number, kind)

    def _mark_chain(self, at: int, number: int, kind: str) -> None:
        payload, at = varint(self.data, at)
        if kind == "table":
            _rowid, at = varint(self.data, at)
        pages = self.chain(payload, at, kind)
        if pages is None:
            self.broken.add(number)
            return
        for page in pages:
            if self.state[page] != UNKNOWN:
                self.state[page] = BAD
                self.broken.update((number, self.owner[page]))
            else:
                self.state[page], self.owner[page] = GOOD, number

    def _free_pages(self) -> None:
        """Trunks of the list of free pages; its leaves hold nothing that can be checked."""
        page, seen = struct.unpack_from(">I", self.data, 32)[0], 0
        while 1 <= page <= self.layout.pages and seen <= self.layout.pages:
            if self.state[page] != UNKNOWN:
                return
            self.state[page] = GOOD
            page = self.child((page - 1) * self.layout.page_size)
            seen += 1


def _beside(state: bytearray, block: int) -> Iterator[int]:
    """Pages in the block of a bad page, or next to it, passing over unknown ones."""
    last = len(state) - 1
    passed: set[int] = set()
    for page, verdict in enumerate(state):
        if verdict != BAD:
            continue
        first = (page - 1) // block * block + 1
        yield from range(first, min(first + block, last + 1))
        for step in (-1, 1):
            near = page + step
            while 1 <= near <= last and near not in passed:
                yield near
                if state[near] != UNKNOWN:
                    break
                passed.add(near)
                near += step
