# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which folder the bucket is mounted at, and what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.module_utils._layout import (
    OCCUPIED,
    Bucket,
    LayoutError,
    arrange,
    check_media_root,
    infer_media_root,
    select,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import path_map

DIRECTORIES = [
    "Movies",
    "Films d'auteur",
    "Films d'auteur/Été",
    "TV Shows",
    "Music",
    "video/4K",
]
BUCKET = Bucket([*DIRECTORIES, "video"], 2)


def section(name: str, *locations: Any) -> dict[str, Any]:
    return {"id": 1, "name": name, "type": "movie", "locations": list(locations)}


@pytest.mark.parametrize(
    ("locations", "root"),
    [
        (["/media/plex/Movies"], "/media/plex"),
        (["/media/plex/Movies/"], "/media/plex"),
        (["/media/plex/Movies", "/media/plex/Films d'auteur"], "/media/plex"),
        (["/mnt/a/b/video/4K"], "/mnt/a/b"),
        (["/mnt/a/b/video/4K", "/mnt/a/b/Music"], "/mnt/a/b"),
        (["/mnt/a/video/4K/deep/er"], "/mnt/a"),
        (["/m/x/Movies", "/m/x"], "/m/x"),
    ],
)
def test_the_root_follows_from_locations_and_bucket(
    locations: list[str], root: str
) -> None:
    assert infer_media_root(locations, BUCKET) == root


def test_the_explanation_with_more_folders_wins() -> None:
    bucket = Bucket(["plex", "plex/Movies", "Movies"], 2)
    assert infer_media_root(["/media/plex/Movies"], bucket) == "/media"


@pytest.mark.parametrize(
    ("locations", "named"),
    [
        (["/media/plex/Nothing"], "/media/plex/Nothing"),
        (["/media/plex/Movies", "/data/other/Movies2"], "/data/other/Movies2"),
        (["/media/plex/Movies", "/media/plex/Gone"], "/media/plex/Gone"),
        (
            ["/media/plex/Movies", "/elsewhere/Movies"],
            "/elsewhere/Movies|/media/plex/Movies",
        ),
        (["/media/plex/Movies/../Music"], r"\.\."),
    ],
)
def test_a_location_outside_every_mount_is_named(
    locations: list[str], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        infer_media_root(locations, BUCKET)


def test_a_wrong_bucket_is_not_taken_for_the_librarys_own_folder() -> None:
    """One selected library would fit any bucket, mounted at its very location."""
    with pytest.raises(LayoutError, match="bucket.*media_root"):
        infer_media_root(["/media/plex/Movies"], Bucket(["backups", "photos"], 2))


@given(
    root=st.lists(st.text("abcé '%_", min_size=1, max_size=5), min_size=2, max_size=4),
    folders=st.lists(
        st.text("xyzÉ'&", min_size=1, max_size=6), min_size=2, max_size=5, unique=True
    ),
)
def test_every_root_is_found_again(root: list[str], folders: list[str]) -> None:
    place = "/" + "/".join(root)
    bucket = Bucket(folders, 1)
    assert infer_media_root([f"{place}/{name}" for name in folders], bucket) == place


@pytest.mark.parametrize(
    "root",
    [
        *("/", "/config", "/transcode", "/usr", "/etc", "/home", "/cloudburst", "/opt"),
        *("/config/media", "/usr/share/media", "/tmp/x", "/root/media"),
    ],
)
def test_roots_that_would_hide_the_containers_own_folders(root: str) -> None:
    with pytest.raises(LayoutError, match="path_mappings"):
        check_media_root(root)


@pytest.mark.parametrize(
    "root",
    [
        *("/media/plex", "/mnt/nas/media/", "/data/a/b/c", "/home/me/media"),
        *("/data", "/media/", "/opt/media"),
    ],
)
def test_roots_that_can_be_mounted(root: str) -> None:
    assert check_media_root(root) == root.rstrip("/")


def test_the_role_links_where_the_layout_says_that_a_bind_would_hide() -> None:
    file = Path(__file__).resolve().parents[4] / "roles/plex_docker/vars/main.yml"
    reserved = yaml.safe_load(file.read_text("utf-8"))["__plex_docker_reserved"]
    assert tuple(reserved) == OCCUPIED


def test_libraries_at_data_need_no_mapping() -> None:
    assert layout([section("Movies", "/data/Movies")])["media_root"] == "/data"


SECTIONS = [
    section("Movies", "/media/plex/Movies"),
    section("Films d'auteur", {"id": 2, "path": "/media/plex/Films d'auteur"}),
]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ["Movies", "Films d'auteur"]),
        (["Films d'auteur"], ["Films d'auteur"]),
        (["movies", "Movies"], ["Movies"]),
        (["Films d'auteur", "Movies"], ["Films d'auteur", "Movies"]),
    ],
)
def test_sections_by_name(names: list[str], expected: list[str]) -> None:
    assert [s["name"] for s in select(SECTIONS, names)] == expected


def test_an_unknown_section_is_named_with_the_nearest_one() -> None:
    with pytest.raises(
        LayoutError, match="'Moveis'.*did you mean 'Movies'.*Films d'auteur"
    ):
        select(SECTIONS, ["Moveis"])


def layout(
    sections: list[dict[str, Any]],
    mappings: dict[str, str] | None = None,
    root: str = "",
) -> dict[str, Any]:
    chosen = path_map(list((mappings or {}).items()))
    return arrange(sections, [], chosen, root, BUCKET)


def test_locations_as_rows_and_as_paths_and_behind_the_mappings() -> None:
    found = layout(
        [*SECTIONS, section("Old", "/old/nas/Music")], {"/old/nas": "/media/plex"}
    )
    assert found["media_root"] == "/media/plex"
    assert found["sections"][1]["locations"] == ["/media/plex/Films d'auteur"]
    assert found["sections"][2]["locations"] == ["/media/plex/Music"]
    assert found["sections"][2]["home_locations"] == ["/old/nas/Music"]


@pytest.mark.parametrize(
    ("mappings", "root", "named"),
    [
        ({"/old": "/media/plex/Nowhere"}, "", "/old -> /media/plex/Nowhere"),
        ({"/old": "/srv/else"}, "", "/old -> /srv/else"),
        (
            {"/media/plex/Movies": "/media/plex/Gone"},
            "",
            "path_mappings: /media/plex/Movies -> /media/plex/Gone.*outside every mount",
        ),
        ({}, "/media/other", "outside every mount: /media/plex/Movies of Movies"),
        ({"/media/plex/Movies": "/media/plex/Gone"}, "/media/plex", "'Gone'"),
    ],
)
def test_what_is_not_on_the_mount_is_named(
    mappings: dict[str, str], root: str, named: str
) -> None:
    with pytest.raises(LayoutError, match=named):
        layout(SECTIONS, mappings, root)


def test_a_mapping_above_the_mount_is_fine() -> None:
    assert layout(SECTIONS, {"/old": "/media"})["media_root"] == "/media/plex"


def test_all_problems_in_one_message() -> None:
    sections = [section("A", "/media/plex/A"), section("B", "/media/plex/B")]
    with pytest.raises(LayoutError, match="A.*B"):
        layout([*SECTIONS, *sections], root="/media/plex")
