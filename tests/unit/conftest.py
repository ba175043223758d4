# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the unit tests share: a small lived-in DB pair, and modules that really run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from hypothesis import settings

from cloudburst_lab.plex_schema import Pair, StreamType, create_pair

# A busy machine is no counterexample: how long one example takes proves nothing.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")

NOW = 1_700_000_000
AWKWARD = "/media/plex/Films d'auteur/100%_sûr (1999)/100%_sûr.mkv"


def fill_pair(pair: Pair) -> None:
    """All leaf types, accents, apostrophes, percent signs, sidecars, deletions."""
    with pair.filler(NOW) as fill:
        movies = fill.section("Movies", "movie", ["/media/plex/Movies"])
        for number in range(40):
            file = f"/media/plex/Movies/Film {number}/Film {number}.mkv"
            item = fill.movie(movies, f"Film {number}", 1980 + number, file)
            if number % 2:
                fill.thumb(item)
        films = fill.section("Films d'auteur", "movie", ["/media/plex/Films d'auteur"])
        fill.movie(films, "100%_sûr", 1999, AWKWARD, analysed=False)
        shows = fill.section("TV Shows", "show", ["/media/plex/TV Shows"])
        for number in range(10):
            file = f"/media/plex/TV Shows/Show/Season 01/S01E{number:02}.mkv"
            gone = {"deleted_at": NOW} if number == 9 else {}
            fill.episode(shows, "Show", 1, number, f"Episode {number}", file, **gone)
        music = fill.section("Music", "artist", ["/media/plex/Music", "/media/plex/M2"])
        for number in range(60):
            root = "/media/plex/Music" if number < 50 else "/media/plex/M2"
            file = f"{root}/Artist {number % 5}/Album {number % 10}/{number:03}.mp3"
            names = (f"Artist {number % 5}", f"Album {number % 10}", number)
            fill.track(music, *names, f"Song {number}", file, sonic=number < 20)
        photos = fill.section("Photos", "photo", ["/media/plex/Photos"])
        for number in range(8):
            file = f"/media/plex/Photos/2020/{number}.jpg"
            fill.photo(photos, "2020", f"Photo {number}", file)
        part = fill.main.execute(
            "SELECT media_item_id, id FROM media_parts WHERE file=?", (AWKWARD,)
        ).fetchone()
        url = "file:///media/plex/Films%20d%27auteur/100%25_s%C3%BBr%20%281999%29/a.srt"
        fill.stream(part[0], part[1], StreamType.SUBTITLE, "srt", url=url)


@pytest.fixture(scope="session")
def pair_template(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Made once; tests get copies."""
    pair = create_pair(tmp_path_factory.mktemp("template"), clock=NOW)
    fill_pair(pair)
    return pair


@pytest.fixture
def make_pair(pair_template: Pair) -> Callable[[Path], Pair]:
    """Copies the small pair into a folder."""

    def make(folder: Path) -> Pair:
        folder.mkdir(parents=True, exist_ok=True)
        copy = Pair.of(folder)
        shutil.copyfile(pair_template.library, copy.library)
        shutil.copyfile(pair_template.blobs, copy.blobs)
        return copy

    return make


@pytest.fixture
def pair(make_pair: Callable[[Path], Pair], tmp_path: Path) -> Pair:
    """A small DB pair of its own for this test: five sections, all leaf types."""
    return make_pair(tmp_path / "databases")


class ModuleFailedError(Exception):
    """What a module gave to ``fail_json``."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(str(result.get("msg")))
        self.result = result


class _ModuleDoneError(Exception):
    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__()
        self.result = result


def _exit(module: AnsibleModule, **result: Any) -> None:
    raise _ModuleDoneError(json.loads(json.dumps(result)))


def _fail(module: AnsibleModule, msg: str, **result: Any) -> None:
    raise ModuleFailedError({**result, "failed": True, "msg": msg})


RunModule = Callable[..., dict[str, Any]]


@pytest.fixture
def run_module(monkeypatch: pytest.MonkeyPatch) -> RunModule:
    """Runs a module's ``main`` in this process: ``run_module(plex_db_info, {...})``.

    Returns the result as it would be printed; raises ModuleFailedError on failure.
    """
    monkeypatch.setattr(AnsibleModule, "exit_json", _exit)
    monkeypatch.setattr(AnsibleModule, "fail_json", _fail)

    def run(
        module: ModuleType, params: dict[str, Any], *, check: bool = False
    ) -> dict[str, Any]:
        arguments = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in params.items()
        }
        arguments["_ansible_check_mode"] = check
        with patch_module_args(arguments):
            try:
                module.main()
            except _ModuleDoneError as done:
                return done.result
        raise AssertionError(f"{module.__name__} ended without a result")

    return run
