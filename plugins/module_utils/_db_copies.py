# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: intact copies of a damaged pair.

Any of them beats a repair (L24): the dated backups that Plex leaves beside its databases
(plex-facts §1.1), the base of a burst, or whatever else a folder holds.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._db_base import (
    mappings_of,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_check import Checker
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    BLOBS,
    LIBRARY,
    DbError,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    damage,
    summary,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_identity import (
    options_at_rest,
    stock_connection,
)

_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Copy:
    """A pair that may be intact; what it is called in the report."""

    library: str
    blobs: str
    name: str
    # Lies beside the pair, so it is of the same server. Others have to show that.
    beside: bool = False


@dataclass(frozen=True)
class Verdict:
    """Whether a copy can be used, and why not; the path mappings that are in it."""

    copy: Copy
    reason: str = ""
    mappings: Sequence[dict[str, str]] = ()

    @property
    def intact(self) -> bool:
        return not self.reason

    def as_dict(self) -> dict[str, object]:
        return {
            "name": self.copy.name,
            "intact": self.intact,
            "reason": self.reason,
            "mappings": list(self.mappings),
        }


def copies_of(library: str, blobs: str, folders: Sequence[str]) -> list[Copy]:
    """The copies that there are, the best first.

    What came with the pair is of its server and as old as it says; a named folder may
    hold an older pair, or another server's.
    """
    return [*_dated(library, blobs), *_named(folders)]


def _dated(library: str, blobs: str) -> list[Copy]:
    dates = sorted(set(_dates_of(library)) | set(_dates_of(blobs)), reverse=True)
    return [
        Copy(f"{library}-{date}", f"{blobs}-{date}", f"Plex's backup of {date}", True)
        for date in dates
    ]


def _named(folders: Sequence[str]) -> list[Copy]:
    return [
        Copy(os.path.join(path, LIBRARY), os.path.join(path, BLOBS), path)
        for path in folders
        if os.path.exists(os.path.join(path, LIBRARY))
        or os.path.exists(os.path.join(path, BLOBS))
    ]


def _dates_of(path: str) -> list[str]:
    folder, name = os.path.split(os.path.abspath(path))
    return [
        entry[len(name) + 1 :]
        for entry in os.listdir(folder)
        if entry.startswith(f"{name}-") and _DATE.fullmatch(entry[len(name) + 1 :])
    ]


def judge(copy: Copy, library: str, checker: Checker) -> Verdict:
    """Check a copy as thoroughly as the pair itself: a backup of damage is damaged."""
    found = damage(checker.pair(copy.library, copy.blobs))
    if found:
        return Verdict(copy, summary(found, 2))
    ours, theirs = _sections(library), _sections(copy.library)
    if ours and theirs and not ours & theirs:
        return Verdict(copy, f"{copy.library}: is of another server's library")
    if copy.beside:
        return Verdict(copy)
    if not ours or not theirs:
        unread = copy.library if ours else library
        text = (
            f"{unread}: its libraries cannot be read, so nothing shows that {copy.name}"
        )
        return Verdict(copy, f"{text} is of the same server")
    try:
        return Verdict(copy, mappings=mappings_of(os.path.dirname(copy.library)))
    except DbError as error:
        return Verdict(copy, str(error))


def _sections(path: str) -> set[str]:
    """The uuids of the libraries; empty where they cannot be read any more."""
    try:
        with stock_connection(path, options_at_rest(path)) as connection:
            rows = connection.execute("SELECT uuid FROM library_sections").fetchall()
    except sqlite3.Error:
        # The pair is damaged, perhaps just there.
        return set()
    return {str(row[0]) for row in rows if row[0]}
