# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One function per kind of damage in the table of sqlite-lab §4."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cloudburst_lab.plex_schema import Pair
from cloudburst_lab.plex_schema.pair import connect

PAGE = 1024


def pages_of(path: Path, name: str, kind: str) -> list[int]:
    """Page numbers of a table or index: leaf, internal or overflow."""
    with closing(connect(path)) as connection:
        query = "SELECT pageno FROM dbstat WHERE name=? AND pagetype=? ORDER BY pageno"
        return [row[0] for row in connection.execute(query, (name, kind))]


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def zero_page(path: Path, page: int) -> None:
    overwrite(path, (page - 1) * PAGE, bytes(PAGE))


def table_leaf(path: Path) -> None:
    zero_page(path, pages_of(path, "media_parts", "leaf")[2])


def table_interior(path: Path) -> None:
    zero_page(path, pages_of(path, "media_parts", "internal")[0])


def index_leaf(path: Path) -> None:
    zero_page(path, pages_of(path, "index_media_parts_on_file", "leaf")[2])


def index_leaf_garbage(path: Path) -> None:
    page = pages_of(path, "index_metadata_items_on_guid", "leaf")[1]
    overwrite(path, (page - 1) * PAGE, b"\xff\x13" * 4)


def icu_index_leaf(path: Path) -> None:
    zero_page(path, pages_of(path, "index_title_sort_icu", "leaf")[0])


def payload_of_indexed_column(path: Path) -> None:
    """Bytes inside a value: only the comparison with the index shows them."""
    at = path.read_bytes().index(b"/media/plex/Movies/Film 7/Film 7.mkv")
    overwrite(path, at + 20, b"XX")


def stale_index_entry(path: Path) -> None:
    """Rows change while their index is hidden from SQLite."""
    statement = "UPDATE media_parts SET hash='changed' WHERE id=3"
    hidden_from(path, ("index_media_parts_on_hash",), statement)


def hidden_from(path: Path, indexes: tuple[str, ...], statement: str) -> None:
    """A tool that writes to a table without keeping some of its indexes."""
    chosen = f"type='index' AND name IN ({', '.join('?' * len(indexes))})"
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        rows = [
            tuple(row)
            for row in connection.execute(
                "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master"
                f" WHERE {chosen}",
                indexes,
            )
        ]
        assert len(rows) == len(indexes)
        connection.execute(f"DELETE FROM sqlite_master WHERE {chosen}", indexes)
        connection.commit()
    with closing(connect(path)) as connection:
        connection.execute(statement)
        connection.execute("PRAGMA writable_schema=ON")
        connection.executemany("INSERT INTO sqlite_master VALUES(?,?,?,?,?)", rows)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def search_index_with_its_own_text(path: Path) -> str:
    """As on 1.43 (plex-facts §1.3), and its text changed behind its back."""
    table = "fts4_tag_titles_icu"
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(
            "DELETE FROM sqlite_master WHERE tbl_name LIKE 'fts4_%_icu%'"
        )
        connection.execute("DELETE FROM sqlite_master WHERE name LIKE 'fts4_%_icu'")
        connection.commit()
    with closing(connect(path)) as connection:
        connection.execute("VACUUM")
        ddl = "tag, tokenize=collating 'root@colStrength=primary'"
        connection.execute(f"CREATE VIRTUAL TABLE {table} USING fts4({ddl})")
        connection.execute(f"INSERT INTO {table}(docid, tag) VALUES(1, 'one two')")
        connection.execute(f"UPDATE {table}_content SET c0tag='three'")
        connection.commit()
    return table


def truncated(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 7 // 10)


def header_zeroed(path: Path) -> None:
    overwrite(path, 0, bytes(100))


def random_pages(path: Path) -> None:
    choice = random.Random(7)
    pages = path.stat().st_size // PAGE
    for page in choice.sample(range(2, pages), 40):
        zero_page(path, page)


def torn_copy(path: Path) -> None:
    """A ``cp`` that reads its first half before a writer's commit, its second after."""
    before = path.read_bytes()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        rows = [(f"/media/plex/new/{n}.mkv", f"{n:040}") for n in range(400)]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO media_parts(file, hash) VALUES(?,?)", rows)
        connection.execute("COMMIT")
    after = path.read_bytes()
    half = len(before) // 2 // PAGE * PAGE
    path.write_bytes(before[:half] + after[half:])


def zero_bytes(path: Path) -> None:
    path.write_bytes(b"")


def foreign_wal(path: Path) -> None:
    """The -wal of another database beside this one."""
    other = path.with_name("other.db")
    with closing(sqlite3.connect(other, isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size=1024")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t(x)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        values = [("x" * 900,) for _ in range(200)]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES(?)", values)
        connection.execute("COMMIT")
        shutil.copyfile(f"{other}-wal", f"{path}-wal")
    other.unlink()


def stale_wal(path: Path) -> None:
    """The -wal of the file that was here before: same library, other pages."""
    current = path.read_bytes()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("UPDATE media_parts SET hash=hash||'x', file=file||'.old'")
        connection.execute("COMMIT")
        wal = path.with_name(path.name + "-wal").read_bytes()
    # The next one had rows deleted and its pages laid out anew.
    path.write_bytes(current)
    with closing(connect(path)) as connection:
        connection.execute("DELETE FROM media_streams WHERE id % 2")
        connection.commit()
        connection.execute("VACUUM")
    path.with_name(path.name + "-wal").write_bytes(wal)


def analyse_more(pair: Pair, count: int = 12, at: int = 1_800_000_000) -> None:
    """The server goes on: new tracks are found and analysed."""
    with pair.filler(at) as fill:
        music = fill.section("More", "artist", ["/media/plex/More"])
        for number in range(count):
            file = f"/media/plex/More/A/B/{number}.mp3"
            fill.track(music, "A", "B", number, f"New {number}", file, sonic=True)


def forget_new_items(library: Path) -> None:
    """The library as it was before ``analyse_more``, its sequences too."""
    with closing(connect(library)) as connection:
        for table in ("metadata_items", "media_items", "media_parts", "media_streams"):
            (top,) = connection.execute(
                f"SELECT MAX(id) FROM {table} WHERE created_at < 1800000000"
            ).fetchone()
            triggers = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type='trigger'"
            ).fetchall()
            for name, _ in triggers:
                connection.execute(f'DROP TRIGGER "{name}"')
            connection.execute(f"DELETE FROM {table} WHERE id > ?", (top,))
            for _, sql in triggers:
                connection.execute(sql)
            sequence = "UPDATE sqlite_sequence SET seq=? WHERE name=?"
            connection.execute(sequence, (top, table))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("UPDATE media_parts SET size=7")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_open(path: Path) -> Iterator[None]:
    """Another process has the database open, with rows in its -wal, as a server does."""
    command = [sys.executable, "-c", HOLD, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == b"held\n"
        yield
        process.communicate(b"")


# Fault, whether quick_check sees it, what the message must name.
FAULTS: list[tuple[Callable[[Path], None], bool, str]] = [
    (table_leaf, True, "media_parts"),
    (table_interior, True, "media_parts"),
    (index_leaf, True, "index_media_parts_on_file"),
    (index_leaf_garbage, True, "index_metadata_items_on_guid"),
    (icu_index_leaf, True, "index_title_sort_icu"),
    (payload_of_indexed_column, False, "index_media_parts_on_file"),
    (stale_index_entry, False, "index_media_parts_on_hash"),
    (truncated, True, "cut off"),
    (header_zeroed, True, "no SQLite database"),
    (random_pages, True, "table "),
    (torn_copy, True, "take an intact copy"),
    (zero_bytes, True, "empty"),
    (foreign_wal, True, "-wal"),
    (stale_wal, True, "-wal"),
]
