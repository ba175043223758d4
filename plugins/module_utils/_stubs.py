# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: make stock SQLite open what Plex's own SQLite made.

For reading and checking only: never write FTS tables, titles or the ICU index of a real
database through these stand-ins (plex-facts §1.4, sqlite-lab §1).
"""

from __future__ import annotations

import sqlite3

TOKENIZER = "collating"
# icu_root since 2021, naturalsort before (plex-facts §1.2).
COLLATIONS = ("icu_root", "naturalsort")


def compare(left: str, right: str) -> int:
    """Byte order. The real ones cannot be had, so order is what a stub cannot know."""
    return (left > right) - (left < right)


def register_collations(connection: sqlite3.Connection) -> None:
    for name in COLLATIONS:
        connection.create_collation(name, compare)


def register_tokenizer(connection: sqlite3.Connection) -> bool:
    """Alias ``collating`` to ``simple``; False where SQLite has no FTS to alias.

    Bound parameters pass the ENABLE_FTS3_TOKENIZER switch. The alias must be of
    ``simple`` or ``porter``: the others refuse the tokenizer's argument (sqlite-lab §1).
    """
    try:
        row = connection.execute("SELECT fts3_tokenizer(?)", ("simple",)).fetchone()
        connection.execute("SELECT fts3_tokenizer(?, ?)", (TOKENIZER, row[0]))
    except sqlite3.OperationalError:
        # Then no statement can reach an FTS table either: integrity_check skips
        # virtual tables whose module is missing.
        return False
    return True


def register_stubs(connection: sqlite3.Connection) -> None:
    register_collations(connection)
    register_tokenizer(connection)
