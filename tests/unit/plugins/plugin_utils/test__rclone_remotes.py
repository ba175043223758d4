# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.cloudburst.plex.plugins.plugin_utils._rclone_remotes import (
    UnknownRemote,
    as_ini,
    needed_remotes,
)

DUMP = {
    "s3": {"type": "s3", "secret_access_key": "abc", "endpoint": "https://s3.example"},
    "other": {"type": "s3", "secret_access_key": "not yours"},
    "vault": {"type": "crypt", "remote": "s3:media/secret"},
    "both": {"type": "union", "upstreams": 'vault: "s3:with space:ro"'},
    "combined": {"type": "combine", "upstreams": "films=s3:films"},
}


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("s3:media", {"s3"}),
        ("s3:", {"s3"}),
        ("vault:x/y", {"vault", "s3"}),
        ("both:", {"both", "vault", "s3"}),
        ("combined:", {"combined", "s3"}),
    ],
)
def test_only_what_the_remote_stands_on_travels(
    remote: str, expected: set[str]
) -> None:
    assert set(needed_remotes(DUMP, remote)) == expected


def test_unknown_remote_is_named_with_those_that_exist() -> None:
    with pytest.raises(UnknownRemote, match=r"'s4'.*both, combined, other, s3, vault"):
        needed_remotes(DUMP, "s4:media")


def test_text_is_an_rclone_conf() -> None:
    text = as_ini(needed_remotes(DUMP, "vault:"))
    assert text.splitlines()[:2] == ["[s3]", "type = s3"]
    assert "[vault]" in text and "not yours" not in text
