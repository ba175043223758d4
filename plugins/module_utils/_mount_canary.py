# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""The canary: a file whose bytes are known without keeping them. Pure.

Each block follows from the file's name and the block's number, so that any
part of it can be compared wherever it was read.
"""

from __future__ import annotations

import hashlib
import typing as t

BLOCK = 65536
# In its own folder, which Plex passes over: its name begins with a dot.
FOLDER = ".cloudburst/canary"
# 128 blocks are more than a guess can hit, and a second of upload.
SIZE = 8 << 20


def canary_path(name: str) -> str:
    """Where the canary of one burst is, relative to the bucket."""
    return f"{FOLDER}/{name}"


def block(name: str, number: int) -> bytes:
    """One block of the canary."""
    return hashlib.shake_256(f"{name}:{number}".encode()).digest(BLOCK)


def content(name: str, size: int = SIZE) -> t.Iterator[bytes]:
    """The whole canary, block by block."""
    for number in range(0, size // BLOCK):
        yield block(name, number)
    if size % BLOCK:
        yield block(name, size // BLOCK)[: size % BLOCK]


def expected(name: str, offset: int, size: int) -> bytes:
    """The bytes of the canary at ``offset``."""
    first, skip = divmod(offset, BLOCK)
    last = (offset + max(size, 1) - 1) // BLOCK
    joined = b"".join(block(name, number) for number in range(first, last + 1))
    return joined[skip : skip + size]
