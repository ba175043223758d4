# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host keys: what was published and what answers must agree."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._host_keys import (
    HostKey,
    HostKeyError,
    host_pattern,
    known_hosts,
    published,
    scanned,
    trusted,
)
from ansible_collections.cloudburst.plex.plugins.modules import host_key_pin
from tests.support.module_run import run_module

BLOBS = {kind: base64.b64encode(f"key {kind}".encode()).decode() for kind in "abc"}
KEYS = {kind: HostKey(f"ssh-{kind}", blob) for kind, blob in BLOBS.items()}
SCAN = "# 10.0.0.1:22 SSH-2.0-OpenSSH_9.2p1\n" + "".join(
    f"10.0.0.1 ssh-{kind} {BLOBS[kind]}\n" for kind in "ab"
)


def line(kind: str) -> str:
    return f"256 SHA256:{KEYS[kind].fingerprint} root@cloudburst-plex (ED25519)"


def test_fingerprints_are_those_of_openssh() -> None:
    digest = hashlib.sha256(b"key a").digest()
    assert KEYS["a"].fingerprint == base64.b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (line("a"), 1),
        (f"{line('a')} {line('b')}", 2),
        (f"SHA256:{KEYS['a'].fingerprint}=", 1),
        ("256 MD5:aa:bb:cc root@x (RSA)", 0),
        ("SHA256:tooshort", 0),
        ("", 0),
    ],
)
def test_fingerprints_in_any_text(text: str, count: int) -> None:
    assert len(published([text])) == count


def test_scans_with_noise() -> None:
    noise = "10.0.0.1 ssh-x not*base64\n10.0.0.1 short\n\n"
    assert [key.type for key in scanned(SCAN + noise + SCAN)] == ["ssh-a", "ssh-b"]


def test_only_what_was_published_is_trusted() -> None:
    keys = scanned(SCAN)
    assert trusted(keys, published([line("b"), line("c")]), "h") == [KEYS["b"]]
    with pytest.raises(HostKeyError, match="Somebody else"):
        trusted(keys, published([line("c")]), "h")


def test_other_hosts_keep_their_lines() -> None:
    old = f"other ssh-a {BLOBS['a']}\n10.0.0.1 ssh-c {BLOBS['c']}\nx,10.0.0.1 ssh-c y\n"
    new = known_hosts(old, ["10.0.0.1"], [KEYS["a"]])
    assert new.splitlines() == [
        f"other ssh-a {BLOBS['a']}",
        f"10.0.0.1 ssh-a {BLOBS['a']}",
    ]
    assert known_hosts(new, ["10.0.0.1"], [KEYS["a"]]) == new


def test_other_ports() -> None:
    assert (host_pattern("h", 22), host_pattern("h", 2222)) == ("h", "[h]:2222")


@pytest.fixture
def keyscan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for ssh-keyscan that prints what the file says."""
    answer = tmp_path / "answer"
    answer.write_text(SCAN)
    script = tmp_path / "ssh-keyscan"
    script.write_text(f'#!/bin/sh\ncat "{answer}"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(host_key_pin, "PAUSE", 0.01)
    return answer


def pin(tmp_path: Path, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    args = {
        "host": "10.0.0.1",
        "fingerprints": [line("a")],
        "path": str(tmp_path / "known_hosts"),
        "timeout": 0,
        **changes,
    }
    return run_module(host_key_pin.main, args, check_mode)


def test_writes_once_and_privately(tmp_path: Path, keyscan: Path) -> None:
    first, second = pin(tmp_path), pin(tmp_path)
    assert (first["changed"], second["changed"]) == (True, False)
    path = tmp_path / "known_hosts"
    assert path.read_text() == f"10.0.0.1 ssh-a {BLOBS['a']}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_check_mode_writes_nothing(tmp_path: Path, keyscan: Path) -> None:
    assert pin(tmp_path, check_mode=True)["changed"]
    assert not (tmp_path / "known_hosts").exists()


@pytest.mark.parametrize(
    ("changes", "answer", "message"),
    [
        ({}, "", "did not answer within 0 s"),
        ({"fingerprints": [line("c")]}, SCAN, "Somebody else"),
        ({"fingerprints": []}, SCAN, "first boot"),
        ({"path": "/proc/nothing/known_hosts"}, SCAN, "cannot be written"),
    ],
)
def test_failures_write_nothing(
    tmp_path: Path, keyscan: Path, changes: dict[str, Any], answer: str, message: str
) -> None:
    keyscan.write_text(answer)
    result = pin(tmp_path, **changes)
    assert result["failed"] and message in result["msg"]
    assert not (tmp_path / "known_hosts").exists()
