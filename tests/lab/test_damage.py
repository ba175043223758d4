# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""1 MiB of random damage anywhere in a database of 50,000 items (L21, L23, L24).

Needs no running lab, only its schema. ``make damage N=50`` (``CLOUDBURST_DAMAGED=50``) also
repairs all of the places that are checked, which takes half an hour; three by default.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._db_check import Checker
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    damage,
    summary,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_oracle import (
    PlexOracle,
    StockOracle,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_outcome import (
    Repair,
    RepairRefusedError,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_repair import repair
from cloudburst_lab.plex_schema import Pair, create_pair
from tests.support.db_truth import lies
from tests.support.plex_sqlite import IMAGE, write_docker

NOW = 1_700_000_000
ITEMS = 50_000
SIZE = 1 << 20
SEEDS = range(50)
REPAIRED = range(int(os.environ.get("CLOUDBURST_DAMAGED", "3")))
STOCK = StockOracle()


@pytest.fixture(scope="module")
def big_pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """50,000 items of all kinds, a third of the music analysed, all films watched."""
    pair = create_pair(tmp_path_factory.mktemp("big"), clock=NOW)
    with pair.filler(NOW) as fill:
        films = fill.section("Movies", "movie", ["/media/plex/Movies"])
        music = fill.section("Music", "artist", ["/media/plex/Music"])
        shows = fill.section("TV Shows", "show", ["/media/plex/TV Shows"])
        photos = fill.section("Photos", "photo", ["/media/plex/Photos"])
        for n in range(ITEMS):
            if n % 10 < 6:
                names = (f"Artist {n // 200}", f"Album {n // 12}")
                file = f"/media/plex/Music/{names[0]}/{names[1]}/{n:05}.mp3"
                fill.track(music, *names, n, f"Song {n}", file, sonic=n % 3 == 0)
            elif n % 10 < 8:
                file = f"/media/plex/Movies/Film {n}/Film {n}.mkv"
                fill.watched(fill.movie(films, f"Film {n}", 1950 + n % 70, file))
            elif n % 10 < 9:
                show, season = f"Show {n // 500}", n // 100 % 5
                file = f"/media/plex/TV Shows/{show}/S{season}/E{n}.mkv"
                fill.episode(shows, show, season, n, f"Episode {n}", file)
            else:
                file = f"/media/plex/Photos/{n}.jpg"
                fill.photo(photos, f"{2000 + n // 5000}", f"Photo {n}", file)
    return pair


@pytest.fixture(scope="module")
def damaged_pair(
    big_pair: Pair, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., object]:
    """A copy in which one place after another is damaged and mended again."""
    copy = Pair.of(tmp_path_factory.mktemp("damaged"))
    shutil.copyfile(big_pair.library, copy.library)
    shutil.copyfile(big_pair.blobs, copy.blobs)

    @contextmanager
    def damaged(seed: int, name: str = "library") -> Iterator[Pair]:
        path: Path = getattr(copy, name)
        choice = random.Random(seed)
        offset = choice.randrange(path.stat().st_size - SIZE)
        with path.open("r+b") as file:
            file.seek(offset)
            was = file.read(SIZE)
            file.seek(offset)
            file.write(choice.randbytes(SIZE))
        try:
            yield copy
        finally:
            with path.open("r+b") as file:
                file.seek(offset)
                file.write(was)

    return damaged


@pytest.mark.parametrize("level", ["quick", "full"])
def test_the_healthy_pair_is_not_refused(big_pair: Pair, level: str) -> None:
    found = Checker(STOCK, level).pair(str(big_pair.library), str(big_pair.blobs))
    assert found == []


@pytest.mark.parametrize("level", ["quick", "full"])
def test_damage_at_each_place_is_refused(
    damaged_pair: Callable[..., object], level: str
) -> None:
    for seed in SEEDS:
        with damaged_pair(seed) as pair:
            found = Checker(STOCK, level).file(str(pair.library), "library")
        assert damage(found), f"seed {seed} was accepted"
        assert str(pair.library) in summary(found)


def test_damaged_blobs_are_refused(damaged_pair: Callable[..., object]) -> None:
    for seed in SEEDS:
        with damaged_pair(seed, "blobs") as pair:
            found = Checker(STOCK, "full").file(str(pair.blobs), "blobs")
        assert damage(found), f"seed {seed} was accepted"


@pytest.mark.parametrize("max_loss", [0.01, 0.1])
def test_a_repair_is_refused_or_tells_the_truth(
    big_pair: Pair,
    damaged_pair: Callable[..., object],
    tmp_path: Path,
    max_loss: float,
    record_property: Callable[[str, object], None],
) -> None:
    """With Plex's SQLite, for damage of this size hits the text indexes everywhere."""
    oracle = PlexOracle(IMAGE, docker=write_docker(tmp_path), timeout=300)
    ended: Counter[str] = Counter()
    for seed in REPAIRED:
        with damaged_pair(seed) as pair:
            todo = (str(pair.library), str(pair.blobs), str(tmp_path / "sound"))
            job = Repair(*todo, salvage=True, max_loss=max_loss)
            try:
                done = repair(job, Checker(oracle, "full"))
            except RepairRefusedError as error:
                ended["refused"] += 1
                assert "is lost" in str(error) or "intact copy" in str(error)
                continue
        ended[done.status] += 1
        ended["lost"] += done.lost
        report = done.tables["library"]
        assert lies(big_pair.library, Path(done.library), report) == [], f"seed {seed}"
        shutil.rmtree(tmp_path / "sound")
    assert ended["refused"] + ended["salvaged"] == len(REPAIRED)
    # Of 1 MiB in 65 MB a tenth of a table is rarely lost; refusing all would prove nothing.
    assert ended["salvaged"] or max_loss < 0.1, "every repair was refused"
    record_property("ended", dict(ended))
    print(f"{max_loss:.0%} of a table may be lost: {dict(ended)}")
