# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: does a search index fit its text, and is it damage if not?

A table with its own text must fit it. One that indexes another table's columns differs
from them on a healthy server, for tag triggers leave most types out and titles get a
show's name (plex-facts §1.3). From SQLite 3.44 on, Plex's checks tell of both alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    DAMAGE,
    NOTICE,
    Finding,
    rebuild,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_identity import (
    names_in,
)

_FULL_TEXT = re.compile(r"fts4_\w+_titles_icu")


def search_tables(place: str, options: str) -> dict[str, bool]:
    """The ICU full-text tables, and whether they hold their own text."""
    names = names_in(place, options)
    tables = sorted(name for name in names if _FULL_TEXT.fullmatch(name))
    return {name: f"{name}_content" in names for name in tables}


def search_finding(path: str, table: str, own_text: bool) -> Finding:
    return Finding(
        path,
        "full_text",
        "the search index does not match its text",
        severity=DAMAGE if own_text else NOTICE,
        table=table,
        advice=f"with Plex stopped, let 'Plex SQLite' run: {rebuild(table)}",
    )


def by_their_text(found: Iterable[Finding], tables: dict[str, bool]) -> list[Finding]:
    """The findings, those on a search index of another table's text as notices."""
    return [
        (
            replace(item, severity=NOTICE)
            if item.kind == "full_text" and tables.get(item.table) is False
            else item
        )
        for item in found
    ]
