# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What years of use leave in a library: accounts, watches, ratings, playlists, posters, Sonic.

Rows are written into the pair of a stopped server and chosen by rule, so that two labs have
the same home. Plex's own ``Plex SQLite`` brings its indexes in order afterwards.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from cloudburst_lab.plex_schema.codes import MetadataType, SectionType, TagType
from cloudburst_lab.plex_schema.fill import Filler
from cloudburst_lab.plex_schema.rows import Section

#: Share of the tracks that home has analysed: 81,035 of 456,534 in the field (lessons.md).
SONIC_SHARE = 0.178
#: Other people of the household, by plex.tv ids (plex-facts §1.7).
PEOPLE = {7_700_001: "camille", 7_700_002: "noé"}
#: One player per person, by which statistics are told apart.
PLAYERS = ("Salon", "Téléphone de Camille", "Tablette")
STATISTICS_ROWS = 400
UPLOADS = 3


def live_in(filler: Filler, metadata: Path, picture: bytes) -> None:
    """Leave the traces of a household in the library.

    ``metadata`` is the server's folder of bundles, ``picture`` the poster that was uploaded.
    """
    items = {
        kind: _ids(filler.main, kind)
        for kind in (MetadataType.MOVIE, MetadataType.EPISODE, MetadataType.TRACK)
    }
    for account, name in PEOPLE.items():
        filler.account(account, name)
    for number, player in enumerate(PLAYERS, 1):
        filler.row("devices", identifier=f"player-{number}", name=player, platform="TV")
    _watch(filler, items)
    _rate(filler, items)
    _collect(filler, items)
    _label(filler, items)
    for movie in items[MetadataType.MOVIE][1::20][:UPLOADS]:
        upload_poster(filler, movie, metadata, picture)
    _analyse(filler, items[MetadataType.TRACK])
    _count(filler)


def _ids(connection: sqlite3.Connection, kind: MetadataType) -> list[int]:
    rows = connection.execute(
        "SELECT id FROM metadata_items WHERE metadata_type = ?"
        " AND library_section_id IS NOT NULL ORDER BY id",
        (int(kind),),
    )
    return [int(row[0]) for row in rows]


def _watch(filler: Filler, items: dict[MetadataType, list[int]]) -> None:
    """Everybody watched something, some of it only in part."""
    for at, account in enumerate((1, *PEOPLE)):
        for kind, step in ((MetadataType.MOVIE, 3), (MetadataType.EPISODE, 4)):
            for item in items[kind][at::step]:
                filler.watched(item, account, count=1 + item % 2)
        for item in items[MetadataType.MOVIE][at + 1 :: 9]:
            offset = 60_000 * (1 + item % 50)
            filler.setting(filler.guid(item), account, view_offset=offset)


def _rate(filler: Filler, items: dict[MetadataType, list[int]]) -> None:
    for item in items[MetadataType.TRACK][::7]:
        stars = float(2 + item % 9)
        filler.setting(filler.guid(item), 1, rating=stars)


def _collect(filler: Filler, items: dict[MetadataType, list[int]]) -> None:
    movies, tracks = items[MetadataType.MOVIE], items[MetadataType.TRACK]
    filler.playlist("Soirée d'été", tracks[::11], 1)
    filler.playlist("Sunday films", movies[::5], 1)
    filler.playlist("Pour Noé", tracks[3::17], next(reversed(PEOPLE)))
    for section in _sections(filler.main):
        if section.type is SectionType.MOVIE:
            members = [
                item for item in movies if _section_of(filler.main, item) == section.id
            ]
            filler.collection(section, "À revoir", members[::4])


def _label(filler: Filler, items: dict[MetadataType, list[int]]) -> None:
    for item in items[MetadataType.MOVIE][::6]:
        filler.tag(item, "Pour les enfants", TagType.LABEL)
    for item in items[MetadataType.TRACK][::25]:
        filler.tag(item, "Trajet", TagType.LABEL)


def upload_poster(filler: Filler, movie: int, metadata: Path, picture: bytes) -> Path:
    """Give a film a poster of one's own: it is kept in the bundle's ``Uploads`` (L86)."""
    digest = hashlib.sha1(picture).hexdigest()
    (name,) = filler.main.execute(
        "SELECT hash FROM metadata_items WHERE id = ?", (movie,)
    ).fetchone()
    bundle: Path = metadata / "Movies" / name[0] / f"{name[1:]}.bundle"
    poster = bundle / "Uploads" / "posters" / digest
    poster.parent.mkdir(parents=True, exist_ok=True)
    poster.write_bytes(picture)
    filler.main.execute(
        "UPDATE metadata_items SET user_thumb_url = ? WHERE id = ?",
        (f"upload://posters/{digest}", movie),
    )
    return poster


def _sections(connection: sqlite3.Connection) -> Sequence[Section]:
    rows = connection.execute(
        "SELECT id, section_type, agent FROM library_sections ORDER BY id"
    )
    return [Section(int(row[0]), SectionType(row[1]), str(row[2]), ()) for row in rows]


def _section_of(connection: sqlite3.Connection, item: int) -> int:
    (section,) = connection.execute(
        "SELECT library_section_id FROM metadata_items WHERE id = ?", (item,)
    ).fetchone()
    return int(section)


def _analyse(filler: Filler, tracks: list[int]) -> None:
    """Mark every n-th track, so that both music sections are analysed in part."""
    done = 0
    for at, track in enumerate(tracks, 1):
        if done < at * SONIC_SHARE and not _broken(filler.main, track):
            filler.sonic(track)
            done += 1


def _broken(connection: sqlite3.Connection, track: int) -> bool:
    """No server can have analysed a track that it could not decode."""
    (unread,) = connection.execute(
        "SELECT COUNT(*) FROM media_items WHERE metadata_item_id = ?"
        " AND COALESCE(media_analysis_version, 0) = 0",
        (track,),
    ).fetchone()
    return bool(unread)


def _count(filler: Filler) -> None:
    """Statistics, which make up much of a real library that was never cleaned."""
    hours = [filler.now - 3600 * n for n in range(STATISTICS_ROWS)]
    people = (1, *PEOPLE)
    filler.rows(
        "statistics_bandwidth",
        ("account_id", "device_id", "timespan", "at", "lan", "bytes"),
        (
            (people[n % 3], 1 + n % 3, 1, at, 1, 50_000 * n)
            for n, at in enumerate(hours)
        ),
    )
    filler.rows(
        "statistics_media",
        (
            "account_id",
            "device_id",
            "timespan",
            "at",
            "metadata_type",
            "count",
            "duration",
        ),
        (
            (people[n % 3], 1 + n % 3, 4, at, 1, 1, 5400)
            for n, at in enumerate(hours[::8])
        ),
    )
    filler.rows(
        "statistics_resources",
        ("timespan", "at", "host_cpu_utilization", "process_cpu_utilization"),
        ((6, at, 40.0 + n % 50, 20.0 + n % 40) for n, at in enumerate(hours[::4])),
    )
