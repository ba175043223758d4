# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pure-Python approximation of the ``icu_root`` collation, and the tokenizer alias.

Good enough to *build* a database whose ICU index Plex's own SQLite accepts for Latin
titles; ``PlexImage.finish`` rebuilds index and FTS with real ICU afterwards.
"""

from __future__ import annotations

import functools
import re
import sqlite3
import unicodedata

# ICU root order of what precedes digits; digits precede letters.
_PUNCTUATION = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
_RANK = {char: rank for rank, char in enumerate("\t\n\v\f\r " + _PUNCTUATION)}
_DIGIT, _LETTER = len(_RANK), len(_RANK) + 1
_NUMBER = re.compile(r"\d+")
_TOKENS = re.compile(r"\d+|.", re.S)
_LIGATURES = str.maketrans(
    {"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ß": "ss", "’": "'"}
)
SortKey = tuple[tuple[tuple[int, int, str], ...], tuple[str, ...], tuple[bool, ...]]


def _primary(token: str) -> tuple[int, int, str]:
    if token.isdigit():
        return (_DIGIT, int(token), "")
    rank = _RANK.get(token)
    return (rank, 0, "") if rank is not None else (_LETTER, 0, token.casefold())


@functools.lru_cache(maxsize=1 << 17)
def sort_key(text: str) -> SortKey:
    """Three levels: letters with numbers by value, then accents, then case."""
    text = _NUMBER.sub(lambda digits: str(int(digits[0])), text.translate(_LIGATURES))
    bare: list[str] = []
    accents: list[str] = []
    for char in unicodedata.normalize("NFD", text):
        if unicodedata.combining(char):
            if accents:
                accents[-1] += char
            continue
        bare.append(char)
        accents.append("")
    tokens = _TOKENS.findall("".join(bare))
    return (
        tuple(_primary(token) for token in tokens),
        tuple(accents),
        tuple(char.isupper() for char in bare),
    )


def compare(left: str, right: str) -> int:
    """The collation callback: negative, 0 or positive."""
    a, b = sort_key(left), sort_key(right)
    return (a > b) - (a < b)


def register(connection: sqlite3.Connection) -> None:
    """Give a connection ``icu_root`` and a tokenizer called ``collating``.

    Bound parameters pass the ENABLE_FTS3_TOKENIZER switch (sqlite-lab §1). The alias
    is of ``porter``, which ignores the tokenizer's argument.
    """
    connection.create_collation("icu_root", compare)
    pointer = connection.execute("SELECT fts3_tokenizer(?)", ("porter",)).fetchone()
    connection.execute("SELECT fts3_tokenizer(?, ?)", ("collating", pointer[0]))
