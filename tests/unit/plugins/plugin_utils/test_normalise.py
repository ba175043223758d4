# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole door: types, defaults, dependencies, and every problem at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import (
    burst_settings as burst_settings_doc,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._normalise import (
    Settings,
    Surroundings,
    normalise,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._profiles import (
    PROFILE_NAMES,
    patience,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._setting_values import (
    SettingError,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._settings import (
    VARIABLES,
)

PERSONAL = ("archive", "bucket", "plex_account_token", "plex_claim", "media_root")
FILES = {
    "/cfg/rclone.conf": "[mega-s4]\ntype = s3\n",
    "/cfg/token": "file-token\n",
    "/cfg/env": 'export S3_BUCKET="media-center"\nexport LITE_INSTANCE_TYPE="DEV1-L"\n',
    "/cfg/a.tar.zst": "",
}


def read(path: str) -> str:
    if path not in FILES:
        raise SettingError(f"cannot read the file {path}: No such file or directory")
    return FILES[path]


def door(
    given: Mapping[str, Any], require: tuple[str, ...] = (), **env: str
) -> Settings:
    around = Surroundings(
        env=env, timezone="Europe/Paris", read_text=read, is_file=FILES.__contains__
    )
    return normalise(given, around, require)


def test_defaults_are_complete_and_nothing_is_personal() -> None:
    found = door({})
    assert found.problems == ()
    assert set(VARIABLES) - {"plex_account_token", "plex_claim"} <= set(found.burst)
    for name in PERSONAL:
        assert VARIABLES[name].default is None
    assert found.burst["timezone"] == "Europe/Paris"
    assert found.burst["max_lifetime_hours"] == 96
    assert found.burst["profile"]["name"] == "standard"
    assert found.burst["monitoring"]["name"] == "cloud"


def test_no_secret_in_the_fact() -> None:
    found = door({"plex_account_token": "TOP", "plex_claim": "claim-TOP"})
    assert "TOP" not in repr(found.burst)
    assert found.secrets == {"plex_account_token": "TOP", "plex_claim": "claim-TOP"}
    assert found.burst["has_account_token"] is True
    assert found.burst["has_claim"] is True


@pytest.mark.parametrize(
    ("given", "env", "token"),
    [
        ({}, {}, ""),
        ({}, {"PLEX_ACCOUNT_TOKEN": "env-token"}, "env-token"),
        ({"plex_account_token_file": "/cfg/token"}, {}, "file-token"),
        (
            {"plex_account_token_file": "/cfg/token"},
            {"PLEX_ACCOUNT_TOKEN": "e"},
            "file-token",
        ),
        ({"plex_account_token": "typed"}, {"PLEX_ACCOUNT_TOKEN": "e"}, "typed"),
    ],
)
def test_where_the_token_comes_from(
    given: dict[str, str], env: dict[str, str], token: str
) -> None:
    assert door(given, **env).secrets["plex_account_token"] == token


def test_a_wrong_secret_is_not_repeated() -> None:
    (problem,) = door({"plex_claim": "SECRETTEXT"}).problems
    assert problem.startswith("plex_claim ")
    assert "SECRETTEXT" not in problem


def test_everything_that_is_wrong_is_said_at_once() -> None:
    given = {
        "profile": "turbo",
        "keep": "maybe",
        "sample": "many",
        "zones": "paris",
        "bucket": "a:b",
        "path_mappings": "/nowhere.json",
        "scan_limits": {"moovie": 1},
        "rclone_options": {"cache_siez": "1G"},
        "media_root": "media",
    }
    found = door(given, ("archive",))
    named = [problem.split()[0] for problem in found.problems]
    wanted = set(given) - {"bucket"} | {"archive"}
    assert set(named) == wanted
    assert len(named) == len(wanted)
    text = "\n".join(found.problems)
    assert "'turbo'" in text
    assert "did you mean cache_size?" in text
    assert "did you mean movie?" in text


def test_needed_files_have_to_exist() -> None:
    ready = {"archive": "/cfg/a.tar.zst", "bucket": "mega-s4:m"}
    good = door({**ready, "rclone_config": "/cfg/rclone.conf"}, ("archive", "bucket"))
    assert good.problems == ()
    bad = door(
        {"archive": "/gone.tar", "bucket": "s3:m", "rclone_config": "/gone.conf"},
        ("archive", "bucket"),
    )
    assert [p.split()[0] for p in bad.problems] == ["archive", "rclone_config"]
    assert "/gone.tar" in bad.problems[0]


def test_files_that_nobody_needs_are_not_looked_at() -> None:
    assert door({"archive": "/gone.tar"}).problems == ()


@pytest.mark.parametrize("empty", ["", None])
def test_empty_means_not_given(empty: str | None) -> None:
    (problem,) = door({"archive": empty}, ("archive",)).problems
    assert problem.startswith("archive is needed")


def test_predecessor_env_file() -> None:
    given = {
        "env_file": "/cfg/env",
        "profile": "lite",
        "rclone_config": "/cfg/rclone.conf",
    }
    found = door(given)
    assert found.problems == ()
    assert found.burst["bucket"] == "mega-s4:media-center"
    assert found.burst["profile"]["instance_types"] == ["DEV1-L"]
    own = door({**given, "bucket": "x:y", "instance_types": "GP1-S,PRO2-S"})
    assert own.burst["bucket"] == "x:y"
    assert own.burst["profile"]["instance_types"] == ["GP1-S", "PRO2-S"]


def test_sample_and_quick_test_exclude_each_other() -> None:
    (problem,) = door({"sample": "200", "quick_test": "yes"}).problems
    assert problem.startswith("sample ")


@pytest.mark.parametrize(
    ("given", "name", "stall"),
    [
        ({}, "cloud_standard", 900),
        ({"target": "local"}, "local_delta", 600),
        ({"target": "local", "quick_test": True}, "local_quick", 150),
        ({"target": "local", "monitoring": "cloud"}, "cloud_standard", 900),
    ],
)
def test_patience_follows_the_target(
    given: dict[str, Any], name: str, stall: int
) -> None:
    found = door(given).burst["monitoring"]
    assert found["phases"]["scan"]["name"] == name
    assert found["stall_seconds"] == found["phases"]["scan"]["stall_seconds"] == stall


def test_patience_of_sonic_and_refresh() -> None:
    phases = door({}).burst["monitoring"]["phases"]
    assert phases["sonic"]["stall_seconds"] == 3600
    assert phases["refresh"]["stall_seconds"] == 7200


@pytest.mark.parametrize(
    ("name", "threshold", "interval", "idle"),
    [
        ("local_quick", 5, 30, 5),
        ("local_delta", 10, 60, 10),
        ("cloud_standard", 15, 60, 10),
        ("cloud_intensive", 30, 120, 5),
        ("metadata_refresh", 60, 120, 20),
    ],
)
def test_table_of_l53(name: str, threshold: int, interval: int, idle: int) -> None:
    line = patience(name)
    assert line["stall_seconds"] == threshold * interval
    assert (line["check_interval"], line["cpu_idle"]) == (interval, idle)


def test_only_the_cloud_remounts_by_itself() -> None:
    assert door({}).burst["monitoring"]["mount"]["remount"] is True
    local = door({"target": "local"}).burst["monitoring"]["mount"]
    assert local["remount"] is False
    assert (
        local["probe_timeout"] > door({}).burst["monitoring"]["mount"]["probe_timeout"]
    )


def test_limits_can_be_changed_one_by_one() -> None:
    limits = door({"scan_limits": '{"photo": "8"}'}).burst["scan_limits"]
    assert (limits["photo"], limits["show"], limits["sonic"]) == (8, 2, 72)


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_profiles_have_what_a_mount_needs(name: str) -> None:
    found = door({"profile": name}).burst["profile"]
    rclone = found["rclone"]
    assert rclone["mtime_mode"] == "server"
    assert rclone["timeout"] == "10s"
    assert found["instance_types"]
    assert found["volume_gb"] >= 20
    assert "memory" not in found


def test_overrides_reach_profile_and_patience() -> None:
    given = {
        "rclone_options": {"cache_size": "40G"},
        "volume_gb": "200",
        "monitoring_options": {"check_interval": "2", "mount": {"probe_timeout": 3}},
    }
    burst = door(given).burst
    assert burst["profile"]["rclone"]["cache_size"] == "40G"
    assert burst["profile"]["volume_gb"] == 200
    for phase in burst["monitoring"]["phases"].values():
        assert phase["check_interval"] == 2
    assert burst["monitoring"]["mount"]["probe_timeout"] == 3
    assert burst["monitoring"]["mount"]["remount"] is True


@pytest.mark.parametrize("key", ["check_interval", "stall_threshold"])
@pytest.mark.parametrize("value", [0, "0", "0.0"])
def test_no_pause_and_no_patience_are_refused(key: str, value: object) -> None:
    problems = door({"monitoring_options": {key: value}}).problems
    assert [x for x in problems if key in x and "more than 0" in x]


def test_defaults_are_not_shared_between_runs() -> None:
    first = door({})
    first.burst["sections"].append("x")
    first.burst["profile"]["rclone"]["cache_size"] = "x"
    assert door({}).burst["sections"] == []
    assert door({}).burst["profile"]["rclone"]["cache_size"] != "x"


def test_every_variable_is_explained() -> None:
    for variable in VARIABLES.values():
        assert variable.help.endswith("."), variable.name
        assert variable.name in variable.example or variable.secret


def test_every_variable_is_in_the_documentation() -> None:
    for name in VARIABLES:
        assert f"C({name})" in burst_settings_doc.DOCUMENTATION, name
