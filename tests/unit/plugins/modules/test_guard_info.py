# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""guard_info and media_canary, run as modules."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._mount_canary import (
    BLOCK,
    content,
    expected,
)
from ansible_collections.cloudburst.plex.plugins.modules import (
    guard_info,
    media_canary,
)
from tests.support.module_run import run_module


def info(folder: Path, **more: Any) -> dict[str, Any]:
    args = {
        "journal": str(folder / "guard.jsonl"),
        "status": str(folder / "guard.json"),
        **more,
    }
    return run_module(guard_info.main, args, check_mode=True)


def test_no_guard(tmp_path: Path) -> None:
    result = info(tmp_path)
    assert (result["state"], result["fenced"], result["fences"]) == (
        "absent",
        False,
        [],
    )


def test_a_fenced_plex(tmp_path: Path) -> None:
    now = time.time()
    status = {"time": now, "pid": os.getpid(), "state": "fenced", "fenced": True}
    (tmp_path / "guard.json").write_text(json.dumps({**status, "verdict": "stale"}))
    fenced = {"time": now - 3, "event": "fenced", "good_until": now - 5}
    (tmp_path / "guard.jsonl").write_text(json.dumps(fenced) + "\n")
    result = info(tmp_path, since=now - 60)
    assert (result["state"], result["fenced"], result["verdict"]) == (
        "fenced",
        True,
        "stale",
    )
    assert 5 <= result["fenced_seconds_since"] < 8
    assert result["fences"] == result["overlapping"]
    assert result["fences"][0]["end"] is None
    assert info(tmp_path, since=now + 60)["fenced_seconds_since"] == 0


@pytest.mark.parametrize("state", ["watching", "fenced", "stopped"])
def test_only_who_watches_has_a_proof(tmp_path: Path, state: str) -> None:
    now = time.time()
    status = {"time": now, "pid": os.getpid(), "state": state, "good_until": now - 3}
    fenced = {"fenced": state == "fenced"}
    (tmp_path / "guard.json").write_text(json.dumps({**status, **fenced}))
    age = info(tmp_path)["proof_age"]
    if state == "watching":
        assert 3 <= age < 6
    else:
        assert age is None


@pytest.mark.parametrize("good_until", [None, "missing"])
def test_a_guard_that_begins_has_no_proof(tmp_path: Path, good_until: Any) -> None:
    status = {"time": time.time(), "pid": os.getpid(), "state": "watching"}
    if good_until is None:
        status["good_until"] = None
    (tmp_path / "guard.json").write_text(json.dumps(status))
    result = info(tmp_path)
    assert (result["state"], result["proof_age"]) == ("watching", None)


def test_a_journal_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    (tmp_path / "guard.jsonl").mkdir()
    result = info(tmp_path)
    assert result["failed"]
    assert "guard.jsonl" in result["msg"]


# --- the canary ------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, BLOCK, BLOCK + 1, 5 * BLOCK - 7])
def test_any_part_of_the_canary_is_known(size: int) -> None:
    whole = b"".join(content("c", size))
    assert len(whole) == size
    for offset in (0, 4096, BLOCK - 1, BLOCK):
        part = whole[offset : offset + BLOCK]
        assert expected("c", offset, len(part)) == part
    assert whole != b"".join(content("d", size))


FAKE = """#!/bin/sh
# An rclone whose remote "s3:b" is a folder.
root=%s
while [ $# -gt 0 ]; do case $1 in --*) shift ;; *) break ;; esac; done
command=$1; shift
[ "$1" = --stat ] && shift
path=$root/${1#s3:b/}
if [ -e "$root/../down" ]; then echo "dial tcp: connection refused" >&2; exit 5; fi
if [ -e "$root/../blind" ] && [ $command = lsjson ]; then echo "403: no listing" >&2; exit 1; fi
case $command in
lsjson) if [ -f "$path" ]; then echo "{\\"Size\\": $(stat -c %%s "$path"), \\"IsDir\\": false}"; else echo null; fi ;;
copyto) path=$root/${2#s3:b/}; if [ -e "$root/refuse" ]; then echo "403: access denied" >&2; exit 1; fi
  mkdir -p "$(dirname "$path")"; cp "$1" "$path" ;;
deletefile) [ -e "$path" ] || exit 4; rm "$path" ;;
rmdirs) find "$path" -type d -empty -delete ;;
esac
"""


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    (tmp_path / "bucket").mkdir()
    fake = tmp_path / "rclone"
    fake.write_text(FAKE % (tmp_path / "bucket"))
    fake.chmod(0o755)
    return tmp_path / "bucket"


def canary(bucket: Path, check: bool = False, **more: Any) -> dict[str, Any]:
    args = {
        "remote": "s3:b",
        "name": "plex-1",
        "size": 100_000,
        "config": str(bucket / "c"),
        "binary": str(bucket.parent / "rclone"),
        **more,
    }
    return run_module(media_canary.main, args, check_mode=check)


def test_the_canary_comes_and_goes(bucket: Path) -> None:
    assert canary(bucket, check=True)["changed"]
    assert list(bucket.iterdir()) == []
    made = canary(bucket)
    assert (made["changed"], made["writable"]) == (True, True)
    assert made["path"] == ".cloudburst/canary/plex-1"
    assert (bucket / made["path"]).read_bytes() == b"".join(content("plex-1", 100_000))
    assert not canary(bucket)["changed"]
    canary(bucket, name="other")
    gone = canary(bucket, state="absent")
    assert (gone["changed"], gone["path"]) == (True, "")
    assert not canary(bucket, state="absent")["changed"]
    assert [x.name for x in bucket.rglob("*") if x.is_file()] == ["other"]
    canary(bucket, name="other", state="absent")
    assert list(bucket.iterdir()) == []


def test_a_bucket_that_refuses_is_no_failure(bucket: Path) -> None:
    (bucket / "refuse").touch()
    result = canary(bucket)
    assert (result["failed"], result["changed"], result["writable"]) == (
        False,
        False,
        False,
    )
    assert (result["path"], result["message"]) == ("", "403: access denied")


@pytest.mark.parametrize("check", [True, False])
def test_a_store_that_gives_no_answer_does_not_say_that_it_is_gone(
    bucket: Path, check: bool
) -> None:
    made = canary(bucket)
    (bucket.parent / "down").touch()
    result = canary(bucket, check, state="absent")
    assert result["failed"]
    assert ".cloudburst/canary/plex-1" in result["msg"]
    assert "connection refused" in result["msg"]
    (bucket.parent / "down").unlink()
    assert (bucket / made["path"]).exists()
    assert canary(bucket, state="absent")["changed"]


def test_keys_that_may_write_and_not_look(bucket: Path) -> None:
    """Nothing is left that nobody could find again."""
    (bucket.parent / "blind").touch()
    result = canary(bucket)
    assert (result["path"], result["writable"]) == ("", False)
    assert "cannot be looked at" in result["message"]
    assert list(bucket.iterdir()) == []
    (bucket.parent / "blind").unlink()
    canary(bucket)
    (bucket.parent / "blind").touch()
    assert canary(bucket, state="absent")["changed"]
    assert not canary(bucket, state="absent")["changed"]
    assert list(bucket.iterdir()) == []


def test_fencing_is_not_fenced_yet(tmp_path: Path) -> None:
    now = time.time()
    status = {"time": now, "pid": os.getpid(), "state": "fencing", "fenced": False}
    (tmp_path / "guard.json").write_text(json.dumps({**status, "verdict": "stale"}))
    fencing = {"time": now - 3, "event": "fencing", "good_until": now - 5}
    (tmp_path / "guard.jsonl").write_text(json.dumps(fencing) + "\n")
    result = info(tmp_path, since=now - 4)
    assert (result["state"], result["fenced"]) == ("fencing", False)
    assert len(result["overlapping"]) == 1
