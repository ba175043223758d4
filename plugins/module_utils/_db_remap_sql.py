# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: path mappings as SQL, by ranges that an index serves."""

from __future__ import annotations

from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._paths import (
    PathMapping,
    prefix_range,
)


def update_statement(
    table: str, column: str, mappings: tuple[PathMapping, ...]
) -> tuple[str, list[Any]]:
    """One UPDATE for all mappings: the first matching arm wins, so nothing chains."""
    arms: list[str] = []
    values: list[Any] = []
    for item in mappings:
        match, bounds = below(column, (item,))
        arms.append(f'WHEN {match} THEN ? || substr("{column}", ?)')
        values += [*bounds, item.new, len(item.old) + 1]
    where, bounds = below(column, mappings)
    cases = f'CASE {" ".join(arms)} END'
    return f'UPDATE {table} SET "{column}"={cases} WHERE {where}', values + bounds


def below(column: str, mappings: tuple[PathMapping, ...]) -> tuple[str, list[str]]:
    """A condition that the index on the column serves, and its values."""
    conditions: list[str] = []
    values: list[str] = []
    for item in mappings:
        if item.old:
            conditions.append(f'"{column}" = ?')
            values.append(item.old)
        conditions.append(f'("{column}" >= ? AND "{column}" < ?)')
        values += prefix_range(item.old)
    return f"({' OR '.join(conditions)})", values
