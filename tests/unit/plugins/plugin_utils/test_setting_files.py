# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a user already has are read as they are (L96)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.cloudburst.plex.plugins.plugin_utils import (
    _setting_files as files,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._setting_values import (
    SettingError,
)

TV = {"/Media/TVShows": "/Media/TV"}
WANTED = [{"from": "/Media/TVShows", "to": "/Media/TV"}]


@pytest.mark.parametrize(
    "raw",
    [
        TV,
        {"_comment": "text", "mappings": TV},
        {"_comment": "text", **TV},
        [{"from": "/Media/TVShows", "to": "/Media/TV"}],
        [{"old": "/Media/TVShows/", "new": "/Media/TV/"}],
        [["/Media/TVShows", "/Media/TV"]],
        json.dumps(TV),
        {**TV, "/same": "/same"},
    ],
)
def test_mapping_shapes(raw: object) -> None:
    assert files.mappings(raw, files.load_file) == WANTED


@pytest.mark.parametrize("dump", [json.dumps, yaml.safe_dump])
def test_mappings_from_a_file(tmp_path: Path, dump: Any) -> None:
    file = tmp_path / "path_mappings"
    file.write_text(dump({"_comment": "x", "mappings": TV}))
    assert files.mappings(str(file), files.load_file) == WANTED


def test_json_with_tabs_is_json(tmp_path: Path) -> None:
    file = tmp_path / "m.json"
    file.write_text('{\n\t"/a": "/b"\n}')
    assert files.mappings(str(file), files.load_file) == [{"from": "/a", "to": "/b"}]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"Media/TV": "/x"}, "absolute"),
        ({"/a": "b"}, "absolute"),
        ([["/a", "/b"], ["/a", "/c"]], "two places"),
        ([{"from": "/a"}], "without one from and one to"),
        ([1], "without one from and one to"),
        (5, "has to map"),
        ("/nowhere/file.json", "No such file"),
    ],
)
def test_bad_mappings(raw: object, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        files.mappings(raw, files.load_file)


def test_a_file_that_is_nothing(tmp_path: Path) -> None:
    file = tmp_path / "m.json"
    file.write_text("{broken: [")
    with pytest.raises(SettingError, match="neither JSON nor YAML"):
        files.mappings(str(file), files.load_file)


PREDECESSOR = [
    {
        "title": "Music",
        "type": "artist",
        "agent": "tv.plex.agents.music",
        "scanner": "Plex Music",
        "language": "en-US",
        "paths": ["/Media/Music"],
    },
    {"title": "Photos", "type": "photo", "paths": ["/Media/Photos"]},
]


@pytest.mark.parametrize(
    "raw", [PREDECESSOR, {"libraries": PREDECESSOR}, json.dumps(PREDECESSOR)]
)
def test_library_shapes(raw: object) -> None:
    music, photos = files.libraries(raw, files.load_file)
    assert music == {
        "name": "Music",
        "type": "artist",
        "agent": "tv.plex.agents.music",
        "scanner": "Plex Music",
        "language": "en-US",
        "locations": ["/Media/Music"],
        "prefs": {},
    }
    assert photos["locations"] == ["/Media/Photos"]
    assert "agent" not in photos


def test_libraries_by_name() -> None:
    raw = {"Films d'auteur": {"type": "movies", "path": "/m/Films d'auteur/"}}
    (found,) = files.libraries(raw, files.load_file)
    assert (found["name"], found["type"]) == ("Films d'auteur", "movie")
    assert found["locations"] == ["/m/Films d'auteur"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([{"type": "movie", "paths": ["/x"]}], "without a name"),
        ([{"title": "A", "type": "opera", "paths": ["/x"]}], "needs a type"),
        ([{"title": "A", "type": "movie"}], "no locations"),
        ([{"title": "A", "type": "movie", "paths": ["x"]}], "'A' needs absolute"),
        ([{"title": "A", "type": "movie", "path": "/x", "agnet": 1}], "'agnet'"),
        ([{"title": "A", "type": "movie", "path": "/x"}] * 2, "more than once"),
        (["A"], "not a library"),
        (7, "has to be a list"),
    ],
)
def test_bad_libraries(raw: object, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        files.libraries(raw, files.load_file)


ENV = """
# === INSTANCE ===
export POWER_INSTANCE_TYPE="GP1-S"
export POWER_ROOT_VOLUME_SIZE="100G"
export SCW_DEFAULT_ZONE="fr-par-2"
S3_BUCKET=media-center
export PLEX_VERSION="latest"
echo "not a variable"
broken 'quote
"""


def test_env_file() -> None:
    found = files.env_defaults(files.env_lines(ENV), "power")
    assert found == {
        "bucket": "media-center",
        "zones": ["fr-par-2"],
        "instance_types": ["GP1-S"],
        "volume_gb": 100,
    }
    assert "instance_types" not in files.env_defaults(files.env_lines(ENV), "lite")


def test_plex_version_of_env_file() -> None:
    assert files.env_defaults({"PLEX_VERSION": "1.42.2.1-x"}, "lite") == {
        "plex_version": "1.42.2.1-x"
    }


def test_bare_bucket() -> None:
    remotes = files.remotes_in("[mega-s4]\ntype = s3\n\n[other]\n")
    assert remotes == ["mega-s4", "other"]
    assert files.remote_of("media", ["mega-s4"]) == "mega-s4:media"
    assert files.remote_of("x:media", remotes) == "x:media"
    with pytest.raises(SettingError, match="mega-s4, other"):
        files.remote_of("media", remotes)
