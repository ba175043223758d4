# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input ends in one message that names its cause, before anything exists."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Player
from tests.e2e.harness import Lab
from tests.e2e.pairs import BLOBS, LIBRARY, unpack

PAGE = 1024


@pytest.fixture(scope="module")
def home_pair(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(lab.archive, tmp_path_factory.mktemp("home")).library.parent


def _repack(
    pair: Path, target: Path, names: tuple[str, ...] = (LIBRARY, BLOBS)
) -> Path:
    """Make an archive without a manifest, as the predecessor's tar would be."""
    plain = target.with_suffix("")
    with tarfile.open(plain, "w") as archive:
        for name in names:
            archive.add(pair / name, arcname=f"Databases/{name}")
    subprocess.run(["zstd", "-q", "--rm", str(plain), "-o", str(target)], check=True)
    return target


def _truncated(lab: Lab, home_pair: Path, target: Path) -> Path:
    data = lab.archive.read_bytes()
    target.write_bytes(data[: len(data) * 2 // 3])
    return target


def _wrong_checksum(lab: Lab, home_pair: Path, target: Path) -> Path:
    target.write_bytes(lab.archive.read_bytes())
    Path(f"{target}.sha256").write_text(
        f"{'0' * 64}  {target.name}\n", encoding="utf-8"
    )
    return target


def _without_blobs(lab: Lab, home_pair: Path, target: Path) -> Path:
    return _repack(home_pair, target, (LIBRARY,))


def _damaged(kind: str) -> Callable[[Lab, Path, Path], Path]:
    """Overwrite one leaf page of a table or of an index of the library."""

    def make(lab: Lab, home_pair: Path, target: Path) -> Path:
        pair = target.parent / f"{kind}-pair"
        pair.mkdir()
        for name in (LIBRARY, BLOBS):
            (pair / name).write_bytes((home_pair / name).read_bytes())
        name = "media_parts" if kind == "table" else "index_media_parts_on_file"
        page = _leaf_page(pair / LIBRARY, name)
        with (pair / LIBRARY).open("r+b") as handle:
            handle.seek((page - 1) * PAGE)
            handle.write(os.urandom(PAGE))
        return _repack(pair, target)

    return make


def _leaf_page(database: Path, name: str) -> int:
    """Return the number of a leaf page of a b-tree: the root's right-most descendant."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)
        ).fetchone()
    data = database.read_bytes()
    while data[(page - 1) * PAGE] in (2, 5):  # an interior page: bytes 8-11 point right
        start = (page - 1) * PAGE + 8
        page = int.from_bytes(data[start : start + 4], "big")
    return int(page)


ARCHIVES: list[tuple[str, Callable[[Lab, Path, Path], Path], str]] = [
    ("truncated", _truncated, r"truncated|incomplete|cut|ends early"),
    ("checksum", _wrong_checksum, r"sha256|checksum"),
    ("no-blobs", _without_blobs, r"com\.plexapp\.plugins\.library\.blobs\.db"),
    ("table-page", _damaged("table"), r"damaged|malformed|corrupt"),
    ("index-page", _damaged("index"), r"damaged|malformed|corrupt"),
]

ARGUMENTS: list[tuple[str, list[str], str]] = [
    (
        "missing-archive",
        ["-e", "archive=/nowhere/plex.tar.zst"],
        r"archive.*/nowhere/plex\.tar\.zst",
    ),
    ("no-archive", ["-e", "archive="], r"archive"),
    ("unknown-section", ["-e", "sections=Moovies"], r"sections.*Moovies"),
    (
        "mapping-off-the-mount",
        ["-e", '{"path_mappings": {"/media/plex/Movies": "/media/plex/Nowhere"}}'],
        r"path_mappings.*Nowhere|Nowhere.*path_mappings",
    ),
    (
        "location-outside",
        ["-e", '{"path_mappings": {"/media/plex/Photos": "/elsewhere/Photos"}}'],
        r"/elsewhere/Photos",
    ),
    ("unknown-profile", ["-e", "profile=turbo"], r"profile.*turbo"),
    ("unknown-variable", ["-e", "profil=power"], r"profil\b.*profile"),
    (
        "wrong-bucket",
        ["-e", "bucket=labs3:nosuchbucket"],
        r"bucket.*nosuchbucket|nosuchbucket.*bucket",
    ),
]


def test_good_input_passes_and_creates_nothing(lab: Lab, player: Player) -> None:
    run = player("preflight.yml", "-e", "profile=power")
    assert run.ok, run.tail()
    assert lab.created_so_far(player.burst)["billed"] == 0


def _refused(
    lab: Lab, player: Player, pattern: str, *arguments: str, **env: str
) -> None:
    import re

    before = lab.created_so_far(player.burst)
    run = player("delta_sync.yml", "-e", "profile=power", *arguments, env=env)
    assert run.status == "failed", run.tail()
    assert len(run.failures) == 1, run.failures
    assert re.search(pattern, run.failures[0], re.S), run.failures[0]
    assert "Traceback" not in run.output
    assert (
        lab.created_so_far(player.burst) == before
    ), "something was created before the refusal"


@pytest.mark.parametrize(
    ("make", "pattern"), [row[1:] for row in ARCHIVES], ids=[row[0] for row in ARCHIVES]
)
def test_bad_archive(
    lab: Lab,
    player: Player,
    home_pair: Path,
    tmp_path: Path,
    make: Callable[[Lab, Path, Path], Path],
    pattern: str,
) -> None:
    archive = make(lab, home_pair, tmp_path / "bad.tar.zst")
    version = lab.config.plex_version
    _refused(
        lab,
        player,
        pattern,
        "-e",
        f"archive={archive}",
        "-e",
        f"plex_version={version}",
    )


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [row[1:] for row in ARGUMENTS],
    ids=[row[0] for row in ARGUMENTS],
)
def test_bad_variable(
    lab: Lab, player: Player, arguments: list[str], pattern: str
) -> None:
    _refused(lab, player, pattern, *arguments)


def test_no_credentials(lab: Lab, player: Player, tmp_path: Path) -> None:
    empty = {name: "" for name in lab.environment if name.startswith("SCW_")}
    empty["SCW_CONFIG_PATH"] = str(tmp_path / "config.yaml")
    empty["SCW_API_URL"] = lab.environment["SCW_API_URL"]
    _refused(lab, player, r"SCW_ACCESS_KEY", **empty)
