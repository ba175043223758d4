# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: give a library database new paths (L25).

All mappings in one transaction, found by range on the index, whole components only, the
longest prefix first; a crash leaves the old paths (sqlite-lab §3).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    read_only,
    writable,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    discarded_on_error,
    place,
    remove_side_files,
    require_alone,
    require_unused,
    sync,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_remap_sql import (
    below,
    update_statement,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_remapped import (
    Witness,
    is_done,
    note_of,
    write_note,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_snapshot import (
    backup_once,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import (
    PathMap,
    PathMapping,
    is_under,
    prefix_range,
)

# Columns that hold plain absolute paths (plex-facts §5.3).
PATH_COLUMNS = (("section_locations", "root_path"), ("media_parts", "file"))
URL_COLUMN = ("media_streams", "url")
_URL_CHANGES = "url LIKE 'file://%' AND map_url(url) <> url"
# Above this share of rows, making the index anew is cheaper than keeping it (measured).
_REBUILD_SHARE = 0.05
_EXAMPLES = 3


@dataclass
class RemapResult:
    """What was changed, or would be."""

    rows: dict[str, int] = field(default_factory=dict)
    per_mapping: list[dict[str, Any]] = field(default_factory=list)
    backup: str = ""
    already: bool = False
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return any(self.rows.values())


def plan_remap(library: str, mapping: PathMap) -> RemapResult:
    """Count what the mappings would change, without writing.

    Raises DbError when a server left a -wal: no check has seen it, no backup would hold it.
    """
    require_alone(library)
    with read_only(library) as connection:
        return _plan(connection, library, mapping)


def remap(library: str, mapping: PathMap, backup_dir: str, stamp: str) -> RemapResult:
    """Apply all mappings or none, keeping the database as it was as a backup.

    A copy is rewritten and takes the name of the original, which becomes the backup: a
    crash at any moment leaves the one or the other, and the copy needs no journal on
    disk. ``stamp`` goes into the backup's name. Raises DbError when a server has the
    database open, when it cannot be read, or when there is no room for the copy.
    """
    require_unused(library)
    result = plan_remap(library, mapping)
    if not result.changed:
        return result
    # A fixed name: what a killed run left is overwritten, not left lying.
    copy = f"{library}.remapping"
    backup_once(library, copy)
    with discarded_on_error(copy):
        note = rewrite_copy(copy, mapping, result.rows)
        shutil.copystat(library, copy)
        os.chown(copy, os.stat(library).st_uid, os.stat(library).st_gid)
        result.backup = _keep(library, backup_dir, stamp)
        require_unused(library)
        # The note first: until the copy is in place it is contradicted by its witnesses.
        write_note(library, note)
        remove_side_files(library)
        place(copy, library)
    return result


def _keep(library: str, backup_dir: str, stamp: str) -> str:
    """The database under a second name; a copy where the backups are on another disk."""
    name = f"{os.path.basename(library)}.before-remap-{stamp}"
    backup = os.path.join(backup_dir, name)
    os.makedirs(backup_dir, exist_ok=True)
    try:
        os.link(library, backup)
    except OSError:
        backup_once(library, backup)
    return backup


def rewrite_copy(path: str, mapping: PathMap, rows: dict[str, int]) -> dict[str, Any]:
    """Rewrite a database that may be lost, in one transaction; the note about it.

    ``rows`` are the planned numbers by table: a table without any is left alone.
    """
    with writable(path) as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        connection.execute("PRAGMA journal_mode=MEMORY").fetchone()
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-262144")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.create_function("map_url", 1, mapping.apply_url, deterministic=True)
        note = note_of(mapping, _witnesses(connection, mapping))
        _rewrite(connection, mapping, rows)
        connection.execute(f"PRAGMA journal_mode={mode}").fetchone()
    sync(path)
    return note


def _witnesses(connection: sqlite3.Connection, mapping: PathMap) -> list[Witness]:
    """Some of the rows that every mapping changes, before they are changed."""
    found = []
    for table, column in PATH_COLUMNS:
        for item in mapping.mappings:
            where, values = below(column, (item,))
            for row, path in _some(connection, table, column, where, values):
                after = mapping.apply(path)
                found.append(Witness(table, column, row, path, after))
    table, column = URL_COLUMN
    for row, url in _some(connection, table, column, _URL_CHANGES, []):
        found.append(Witness(table, column, row, url, mapping.apply_url(url)))
    return found


def _some(
    connection: sqlite3.Connection,
    table: str,
    column: str,
    where: str,
    values: list[str],
) -> list[tuple[int, str]]:
    query = f"SELECT id, {column} FROM {table} WHERE {where} LIMIT ?"
    return connection.execute(query, (*values, _EXAMPLES)).fetchall()


def _rewrite(
    connection: sqlite3.Connection, mapping: PathMap, rows: dict[str, int]
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table, column in PATH_COLUMNS:
            if rows[table]:
                _rewrite_column(connection, table, column, mapping, rows[table])
        table, column = URL_COLUMN
        connection.execute(
            f'UPDATE {table} SET "{column}"=map_url("{column}") WHERE {_URL_CHANGES}'
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _rewrite_column(
    connection: sqlite3.Connection,
    table: str,
    column: str,
    mapping: PathMap,
    count: int,
) -> None:
    total = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
    indexes = _indexes_on(connection, table, column)
    rebuild = count > total * _REBUILD_SHARE
    for name in indexes if rebuild else ():
        connection.execute(f'DROP INDEX "{name}"')
    statement, values = update_statement(table, column, mapping.mappings)
    connection.execute(statement, values)
    for definition in indexes.values() if rebuild else ():
        connection.execute(definition)


def _indexes_on(
    connection: sqlite3.Connection, table: str, column: str
) -> dict[str, str]:
    """Name and DDL of the plain indexes that contain the column."""
    found = {}
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master"
        " WHERE type='index' AND tbl_name=? AND sql IS NOT NULL",
        (table,),
    ).fetchall()
    for name, definition in rows:
        columns = [r[2] for r in connection.execute(f'PRAGMA index_info("{name}")')]
        if column in columns:
            found[name] = definition
    return found


def exclusive(singles: dict[PathMapping, int]) -> dict[PathMapping, int]:
    """From the rows below each old prefix, those that each mapping really changes.

    What lies below a longer prefix belongs to that one.
    """
    result = {}
    for item, count in singles.items():
        inner = [o for o in singles if o != item and is_under(o.old, item.old)]
        outermost = [
            other
            for other in inner
            if not any(o != other and is_under(other.old, o.old) for o in inner)
        ]
        result[item] = count - sum(singles[other] for other in outermost)
    return result


def _countbelow(
    connection: sqlite3.Connection, table: str, column: str, mapping: PathMap
) -> dict[PathMapping, int]:
    singles = {}
    for item in mapping.mappings:
        # One range at a time is a count on the index; an OR of ranges is a search.
        where, values = below(column, (item,))
        query = f"SELECT COUNT(*) FROM {table} WHERE {where}"
        singles[item] = int(connection.execute(query, values).fetchone()[0])
    return exclusive(singles)


def _plan(
    connection: sqlite3.Connection, library: str, mapping: PathMap
) -> RemapResult:
    result = RemapResult(before=_locations(connection))
    result.already = mapping.repeats_differ and is_done(connection, library, mapping)
    if result.already or not mapping.mappings:
        result.rows = {table: 0 for table, _column in (*PATH_COLUMNS, URL_COLUMN)}
        result.after = result.before
        return result
    for table, column in PATH_COLUMNS:
        # The last one is media_parts, whose numbers are told by mapping.
        counts = _countbelow(connection, table, column, mapping)
        result.rows[table] = sum(counts.values())
    connection.create_function("map_url", 1, mapping.apply_url, deterministic=True)
    table, _column = URL_COLUMN
    query = f"SELECT COUNT(*) FROM {table} WHERE {_URL_CHANGES}"
    result.rows[table] = connection.execute(query).fetchone()[0]
    result.per_mapping = [
        _describe(connection, item, count) for item, count in counts.items()
    ]
    result.after = [mapping.apply(path) for path in result.before]
    return result


def _describe(
    connection: sqlite3.Connection, item: PathMapping, files: int
) -> dict[str, Any]:
    """How many files one mapping concerns, with examples; 0 is worth a look."""
    rows = connection.execute(
        "SELECT file FROM media_parts WHERE file >= ? AND file < ? LIMIT ?",
        (*prefix_range(item.old), _EXAMPLES),
    )
    return {
        "from": item.old or "/",
        "to": item.new or "/",
        "files": files,
        "examples": [row[0] for row in rows],
    }


def _locations(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT root_path FROM section_locations ORDER BY root_path"
    ).fetchall()
    return [str(row[0]) for row in rows]
