# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened in the bucket since home last looked, section by section.

Each section has: a new folder directly below its location (a plain scan finds it), a new
file or folder inside a known folder (a plain scan misses it: S3 folders do not change their
mtime), a nested renamed folder (missed too), and removed files. Removed files stay within
the smallest deletion budget (5 per section, L88).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudburst_lab.media.assets import (
    UNREADABLE,
    Asset,
    album,
    episode,
    film,
    photos,
)


@dataclass(frozen=True)
class Change:
    """What happened to a section since home looked: three lists of operations."""

    new: tuple[Asset, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)  # folder -> folder
    removed: tuple[str, ...] = ()  # files or folders


_LIGETI = "Classical/György Ligeti/Études pour piano"

CHANGES: dict[str, Change] = {
    "Movies": Change(
        new=(
            film("Movies", "2020s", "Nomadland (2020)"),
            film("Movies", "2020s", "The Banshees of Inisherin (2022)"),
            film("Movies", "1970s", "Days of Heaven (1978)"),
        ),
        renamed={"1980s/Brazil (1985)": "1980s/Brazil (1985) [Director's Cut]"},
        removed=("1930s/Duck Soup (1933)", "1990s/Se7en (1995)"),
    ),
    "Films d'auteur": Change(
        new=(
            film("Films d'auteur", "Alice Guy", "La Fée aux choux (1896)"),
            film("Films d'auteur", "Agnès Varda", "Les Glaneurs et la Glaneuse (2000)"),
        ),
        renamed={
            "Éric Rohmer/L'Amour l'après-midi (1972)": (
                "Éric Rohmer/Six contes moraux/L'Amour l'après-midi (1972)"
            ),
            "Jacques Tati/Jour de fête (1949)": "Jacques Tati/Jour de fête (1949) - 4K",
        },
        removed=("Robert Bresson/Un condamné (1956)",),
    ),
    "TV Shows": Change(
        new=(
            episode("TV Shows", "P'tit Quinquin (2014)", 1, 1),
            episode("TV Shows", "P'tit Quinquin (2014)", 1, 2),
            episode("TV Shows", "Les Revenants (2012)", 2, 6),
            episode("TV Shows", "Grey's Anatomy (2005)", 2, 1),
        ),
        renamed={
            "Northern Exposure (1990)/Season 2": "Northern Exposure (1990)/Season 02"
        },
        removed=("Engrenages (2005)/Season 2",),
    ),
    "Anime": Change(
        new=(
            episode("Anime", "Serial Experiments Lain (1998)", 1, 1),
            episode("Anime", "Serial Experiments Lain (1998)", 1, 2),
            episode("Anime", "Haibane Renmei (2002)", 1, 7),
        ),
        renamed={"Mushishi (2005)/Season 2": "Mushishi (2005)/Season 2 - 蟲師 続章"},
        removed=("Cowboy Bebop (1998)/Specials",),
    ),
    "Music": Change(
        new=(
            *album(
                "Music",
                "Zaho de Sagazan",
                "La Symphonie des éclairs (2023)",
                (5,),
                "mp3",
            ),
            *album("Music", "Björk", "Biophilia (2011)", (4,), "mp3"),
        ),
        renamed={
            "Beyonce": "Beyoncé",  # directly below the location: a plain scan finds it
            "Sigur Rós/( ) (2002)": "Sigur Rós/( ) [Untitled] (2002)",
            "The Beatles/The Beatles (1968)/Disc 2": "The Beatles/The Beatles (1968)/CD 2",
        },
        removed=("Nina Simone/100% Simone (1970)",),
    ),
    "Classical": Change(
        new=(
            *album(
                "Classical", "Lili Boulanger", "D'un matin de printemps", (3,), "flac"
            ),
            Asset(
                UNREADABLE[1],
                "broken",
                title="Broken Fanfares",
                album="Études pour piano",
                artist="György Ligeti",
                number=9,
                disc=1,
            ),
            Asset(
                f"{_LIGETI}/10 - Der Zauberlehrling.flac",
                "track",
                title="Der Zauberlehrling",
                album="Études pour piano",
                artist="György Ligeti",
                number=10,
                disc=1,
            ),
        ),
        renamed={
            "Antonín Dvořák/Symphony No. 9 (Kubelík)": (
                "Antonín Dvořák/Symphonie n° 9 « Du Nouveau Monde »"
            )
        },
        removed=("Claude Debussy/L'isle joyeuse",),
    ),
    "Photos": Change(
        new=(
            *photos("2021/2021-06-21 Fête de la musique", 2001, 6),
            *photos("2020/2020-12-31 Réveillon", 2101, 4),
        ),
        renamed={
            "2019/2019-07-14 Bretagne": "2019/2019-07-14 Bretagne - l'île d'Ouessant"
        },
        removed=(
            "2016/2016-05-08 Île de Ré/IMG_1003.jpg",
            "2016/2016-05-08 Île de Ré/IMG_1005.jpg",
        ),
    ),
    "Home Videos": Change(
        new=(
            Asset("Home Videos/2021/Neige à Paris.mp4", "video", title="Neige à Paris"),
            Asset("Home Videos/2019/Tempête.mp4", "video", title="Tempête"),
        ),
        renamed={"2018/Mariage de Chloé": "2018/Mariage de Chloé et Léo"},
        removed=("2015/L'école.mp4",),
    ),
}
