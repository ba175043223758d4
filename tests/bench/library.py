# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A library database of real size for benchmarks, and how they are measured."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
NOW = 1_700_000_000


def make_collection_importable() -> None:
    """Ansible's loader, as in a play: the modules are imported by their full name."""
    from ansible.plugins.loader import init_plugin_loader

    sys.path.insert(0, str(REPOSITORY / "lab" / "src"))
    init_plugin_loader([str(REPOSITORY / "collections")])


@dataclass(frozen=True)
class Part:
    """One file of the library."""

    section: int
    file: str


def parts(count: int) -> Iterator[Part]:
    """Paths as in the field: mostly music, and what goes wrong with plain text search.

    There is a sibling folder that begins like a mapped one, and there are old backups
    whose path holds the same prefix again, or another one, further in.
    """
    for number in range(count):
        artist, album = number // 240, number // 12
        if number % 60 == 0:
            root, section = "/media/plex/Music2", 2
        elif number % 20 == 1:
            root, section = "/media/plex/Movies", 1
        elif number % 10000 == 2:
            root, section = "/media/plex/Music/old/media/plex/Music", 2
        elif number % 10000 == 5002:
            root, section = "/media/plex/Music/old/media/plex/Movies", 2
        else:
            root, section = "/media/plex/Music", 2
        name = f"{number % 12 + 1:02} - Title of track {number}.flac"
        yield Part(section, f"{root}/Artist {artist:05}/Album {album:06}/{name}")


def build(folder: Path, count: int) -> Path:
    """Fill a pair of the real schema, indexes included; its library DB."""
    from cloudburst_lab.plex_schema import create_pair

    pair = create_pair(folder, clock=NOW)
    with pair.filler(NOW) as fill:
        fill.section("Movies", "movie", ["/media/plex/Movies"])
        roots = ["/media/plex/Music", "/media/plex/Music2"]
        fill.section("Music", "artist", roots)
        fill.rows(
            "media_items",
            ("library_section_id", "metadata_item_id", "container", "updated_at"),
            ((p.section, n, "flac", NOW) for n, p in enumerate(parts(count), 1)),
        )
        columns = ("media_item_id", "directory_id", "file", "hash", "size")
        fill.rows(
            "media_parts",
            (*columns, "duration", "created_at", "updated_at", "extra_data"),
            (
                (n, n // 12, p.file, f"{n:040x}", 9_000_000 + n, 180_000, NOW, NOW, "")
                for n, p in enumerate(parts(count), 1)
            ),
        )
        fill.rows(
            "media_streams",
            ("stream_type_id", "media_item_id", "media_part_id", "codec", "url"),
            ((2, n, n, "flac", "") for n in range(1, count + 1)),
        )
    return pair.library


def median(values: list[float]) -> float:
    return statistics.median(values)


def drop_file(path: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        if os.path.exists(f"{path}{end}"):
            os.unlink(f"{path}{end}")
