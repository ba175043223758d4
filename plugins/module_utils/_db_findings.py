# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: what the lines of SQLite's checks mean (L22, L23)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

DAMAGE = "damage"
NOTICE = "notice"
# What a stand-in for the ICU collation cannot know: the order of that one index
# (plex-facts §1.4). Its b-tree and its number of entries are still checked.
_ICU_ORDER = re.compile(
    r"row \d+ missing from index index_title_sort_(icu|naturalsort)$"
)
# The legacy FTS tables are empty beside a filled content table on every Plex DB; the
# ICU ones were written by a tokenizer that the stand-in is not (sqlite-lab §1).
_FTS_LEGACY = re.compile(
    r"malformed inverted index for FTS4 table (main\.)?fts4_(metadata|tag)_titles$"
)
_FTS_ICU = re.compile(
    r"malformed inverted index for FTS4 table (main\.)?fts4_(metadata|tag)_titles_icu$"
)
_MISSING_ENTRY = re.compile(r"row (\d+) missing from index (\S+)")
_WRONG_COUNT = re.compile(r"wrong # of entries in index (\S+)")
_NON_UNIQUE = re.compile(r"non-unique entry in index (\S+)")
_IN_TABLE = re.compile(r"(?:NULL value|value|NUMERIC value|TEXT value)[^.]* in (\w+)\.")
_PAGE = re.compile(r"[Pp]age (\d+)")
# What SQLite says when it gives up because of what is in the file. Anything else (locked,
# no memory, killed, cannot open) says nothing about the rows.
_CORRUPT = re.compile(r"malformed|not a database|unsupported file format|too big", re.I)
_ADVICE_DATA = (
    "rows are lost or unreadable: take an intact copy (the archive, a checkpoint, a dated"
    " backup); repairing this one loses data"
)
_ADVICE_ENTRY = (
    "row and index disagree, and which of them is right cannot be told: take an intact"
    " copy"
)
_ADVICE_INDEX = (
    "an index only: take an intact copy, or with Plex stopped run REINDEX with Plex's own"
    " 'Plex SQLite'"
)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one file, or worth knowing about it."""

    file: str
    kind: str
    message: str
    severity: str = DAMAGE
    table: str = ""
    index: str = ""
    page: int = 0
    count: int = 1
    advice: str = ""

    @property
    def text(self) -> str:
        where = ""
        if self.index:
            where = f" (index {self.index}"
            where += f" of table {self.table})" if self.table else ")"
        elif self.table:
            where = f" (table {self.table})"
        more = f", {self.count} times" if self.count > 1 else ""
        advice = f"; {self.advice}" if self.advice else ""
        return f"{self.file}: {self.message}{where}{more}{advice}"

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "text": self.text}


def is_false_alarm(line: str, *, stubbed: bool) -> bool:
    """Whether a healthy Plex database gives this line, too."""
    if _FTS_LEGACY.match(line):
        return True
    return stubbed and bool(_ICU_ORDER.match(line) or _FTS_ICU.match(line))


def findings_of(file: str, lines: Iterable[str], *, stubbed: bool) -> list[Finding]:
    """The findings in the lines of integrity_check or quick_check, alike ones counted."""
    found: dict[tuple[str, str, str], Finding] = {}
    for line in _single_lines(lines):
        if line == "ok" or is_false_alarm(line, stubbed=stubbed):
            continue
        item = _read_line(file, line)
        key = (item.kind, item.table, item.index)
        known = found.get(key)
        found[key] = item if known is None else replace(known, count=known.count + 1)
    return list(found.values())


def _single_lines(lines: Iterable[str]) -> Iterable[str]:
    """SQLite puts several b-tree errors into one row, under a heading."""
    for row in lines:
        for line in row.splitlines():
            if line.strip() and not line.startswith("*** in database"):
                yield line.strip()


def _read_line(file: str, line: str) -> Finding:
    match = _MISSING_ENTRY.match(line)
    if match:
        return Finding(file, "index_entry", line, index=match[2], advice=_ADVICE_ENTRY)
    match = _WRONG_COUNT.match(line) or _NON_UNIQUE.match(line)
    if match:
        return Finding(file, "index_count", line, index=match[1], advice=_ADVICE_INDEX)
    if "inverted index" in line:
        return _full_text(file, line)
    match = _IN_TABLE.search(line)
    if match:
        return Finding(file, "value", line, table=match[1], advice=_ADVICE_DATA)
    page = _PAGE.search(line)
    number = int(page[1]) if page else 0
    return Finding(file, "page", line, page=number, advice=_ADVICE_DATA)


def _full_text(file: str, line: str) -> Finding:
    """The search index is derived data: wrong results, but no row is lost."""
    table = line.split("table ")[-1].split(":")[0].split(".")[-1]
    advice = f"with Plex stopped, let 'Plex SQLite' rebuild it: {rebuild(table)}"
    return Finding(file, "full_text", line, table=table, advice=advice)


def rebuild(table: str) -> str:
    return f"INSERT INTO {table}({table}) VALUES('rebuild')"


def is_corruption(error: object) -> bool:
    """Whether a message of SQLite tells of damage, and not of trouble in looking."""
    return bool(_CORRUPT.search(str(error)))


def aborted(file: str, error: str) -> Finding:
    """The check itself could not go on, as on a page that is no page."""
    return Finding(file, "malformed", error, advice=_ADVICE_DATA)


def page_finding(
    file: str, kind: str, name: str, table: str, page: int, problem: str
) -> Finding:
    """A bad page with its owner known."""
    is_index = kind == "index"
    return Finding(
        file,
        "index_page" if is_index else "table_page",
        f"page {page} {problem}",
        table=table,
        index=name if is_index else "",
        page=page,
        advice=_ADVICE_INDEX if is_index else _ADVICE_DATA,
    )


def combine(pages: list[Finding], lines: list[Finding]) -> list[Finding]:
    """Pages with a known owner replace the nameless lines about them, counted by owner."""
    if not pages:
        return lines
    owners: dict[tuple[str, str], Finding] = {}
    for item in pages:
        key = (item.table, item.index)
        known = owners.get(key)
        owners[key] = item if known is None else replace(known, count=known.count + 1)
    # Two thirds of what SQLite says about a broken tree follows from the broken page.
    rest = [item for item in lines if item.kind not in ("page", "malformed")]
    return [*owners.values(), *rest]


def damage(findings: Iterable[Finding]) -> list[Finding]:
    return [item for item in findings if item.severity == DAMAGE]


def summary(findings: Iterable[Finding], limit: int = 5) -> str:
    """One message for a person: the first findings, and how many more there are."""
    texts = [item.text for item in damage(findings)]
    if not texts:
        return "no damage found"
    more = f" (and {len(texts) - limit} more)" if len(texts) > limit else ""
    return "; ".join(texts[:limit]) + more
