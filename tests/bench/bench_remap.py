# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remap the paths of 480,000 files: the collection's way against the predecessor's.

``python tests/bench/bench_remap.py [--rows 480000] [--runs 5]``. The ways take turns on
fresh copies of one database, so that a slow moment of the machine hits all of them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import library as bench

bench.make_collection_importable()
from ansible_collections.cloudburst.plex.plugins.module_utils import _db_remap
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import path_map

MAPPINGS = [
    ("/media/plex/Music", "/mnt/A"),
    ("/media/plex/Music2", "/data/B"),
    ("/media/plex/Movies", "/mnt/Movies"),
]
TABLES = (("section_locations", "root_path"), ("media_parts", "file"))


def ours(path: Path) -> None:
    """What plex_db_remap does beside its copy: count, rewrite, put in place."""
    mapping = path_map(MAPPINGS)
    plan = _db_remap.plan_remap(str(path), mapping)
    _db_remap.rewrite_copy(str(path), mapping, plan.rows)


def ours_with_backup(path: Path) -> None:
    """All of plex_db_remap: afterwards the database as it was is there, too."""
    _db_remap.remap(str(path), path_map(MAPPINGS), str(path.parent / "backup"), "x")
    shutil.rmtree(path.parent / "backup")


def predecessor(path: Path, condition: str) -> None:
    """One sqlite3 process per mapping and table."""
    for old, new in MAPPINGS:
        for table, column in TABLES:
            where = condition.format(column=column, old=old)
            sql = (
                f"UPDATE {table} SET {column}=REPLACE({column},'{old}','{new}'){where}"
            )
            subprocess.run(["sqlite3", str(path), sql], check=True)


def with_like(path: Path) -> None:
    predecessor(path, " WHERE {column} LIKE '{old}%'")


def without_where(path: Path) -> None:
    predecessor(path, "")


def defects(path: Path, count: int) -> tuple[int, int]:
    """Rows that went wrong: a sibling of a prefix, a prefix in the middle of the path."""
    mapping = path_map(MAPPINGS)
    sibling = middle = 0
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT file FROM media_parts ORDER BY id")
        for (got,), part in zip(rows, bench.parts(count), strict=True):
            if got == mapping.apply(part.file):
                continue
            if part.file.startswith("/media/plex/Music2/"):
                sibling += 1
            else:
                middle += 1
    return sibling, middle


def measure(template: Path, work: Path, way: Callable[[Path], None]) -> float:
    shutil.copyfile(template, work)
    # What the copy left to write must not be billed to whoever syncs first.
    os.sync()
    begin = time.perf_counter()
    way(work)
    return time.perf_counter() - begin


def run(rows: int, runs: int, folder: Path) -> str:
    template = bench.build(folder / "template", rows)
    work = folder / "work.db"
    ways = {
        "ours": ours,
        "REPLACE LIKE": with_like,
        "REPLACE": without_where,
        "ours, with its backup": ours_with_backup,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    wrong: dict[str, tuple[int, int]] = {}
    for turn in range(runs):
        for name, way in ways.items():
            times[name].append(measure(template, work, way))
            if not turn:
                wrong[name] = defects(work, rows)
            bench.drop_file(work)
    for name, values in times.items():
        shown = " ".join(f"{value:.2f}" for value in values)
        sibling, middle = wrong[name]
        print(f"{name:22} {bench.median(values):6.2f} s  ({shown})", end="  ")
        print(f"wrong rows: {sibling} sibling prefix, {middle} middle of the path")
    own, like = bench.median(times["ours"]), bench.median(times["REPLACE LIKE"])
    plain = bench.median(times["REPLACE"])
    return (
        f"remap of {rows} rows, median of {runs}: {own:.2f} s against {like:.2f} s"
        f" (REPLACE LIKE, {like / own:.1f}x) and {plain:.2f} s (REPLACE,"
        f" {plain / own:.1f}x); wrong rows {sum(wrong['ours'])} against"
        f" {wrong['REPLACE LIKE'][0]} sibling + {wrong['REPLACE LIKE'][1]} mid-path"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=480_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    if not shutil.which("sqlite3"):
        print("bench remap: the predecessor's way needs the sqlite3 command")
        return 1
    with tempfile.TemporaryDirectory(prefix="bench-remap-") as folder:
        print(run(options.rows, options.runs, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
