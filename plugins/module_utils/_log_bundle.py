# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Logs of a burst in one archive, without secrets (L67, L69)."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
import time
import typing as t

HIDDEN = b"<hidden>"
SHORTEST_SECRET = 6

# What looks like a secret is hidden also when nobody knows its value: Plex's
# log holds request lines, rclone's may hold headers, cloud-init echoes files.
PATTERNS: tuple[re.Pattern[bytes], ...] = (
    re.compile(rb"(?i)(x-plex-token\s*[=:]\s*[\"']?)[A-Za-z0-9_-]{8,}"),
    re.compile(rb"(?i)(plexonlinetoken=[\"'])[^\"']+"),
    re.compile(rb"(?i)(authentication-token>)[^<]+"),
    re.compile(rb"()claim-[A-Za-z0-9_-]{8,}"),
    re.compile(rb"(?i)(secret_access_key\s*[=:]\s*[\"']?)[^\s\"']+"),
    re.compile(rb"(?i)(access_key_id\s*[=:]\s*[\"']?)[^\s\"']+"),
    re.compile(rb"(?i)(x-auth-token\s*[=:]\s*[\"']?)[^\s\"']+"),
    re.compile(rb"(?i)(authorization:\s*)[^\r\n]+"),
    re.compile(rb"(?i)(\bpass(?:word)?2?\s*=\s*)[^\s\"']+"),
)


def scrub(data: bytes, secrets: t.Iterable[str]) -> bytes:
    """The same text without what is, or looks like, a secret."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            data = data.replace(secret.encode(), HIDDEN)
    for pattern in PATTERNS:
        data = pattern.sub(lambda found: found.group(1) + HIDDEN, data)
    return data


class LogBundle:
    """Collects files, folders and the output of commands."""

    def __init__(self, secrets: t.Iterable[str], largest: int) -> None:
        self.secrets = [x for x in secrets if x]
        self.largest = largest
        self.members: list[str] = []
        self.missing: list[str] = []

    def write(self, target: str, sources: t.Sequence[dict[str, t.Any]]) -> None:
        """Make the archive beside its place, then put it there."""
        partial = f"{target}.partial"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with (
            os.fdopen(descriptor, "wb") as raw,
            tarfile.open(fileobj=raw, mode="w:gz") as archive,
        ):
            for source in sources:
                self._source(archive, source)
        os.replace(partial, target)

    def _source(self, archive: tarfile.TarFile, source: dict[str, t.Any]) -> None:
        name = source["name"]
        if source.get("command"):
            self._add(archive, name, self._output(source["command"]))
            return
        path = source["path"]
        if os.path.isdir(path):
            for folder, _folders, files in sorted(os.walk(path)):
                for file in sorted(files):
                    full = os.path.join(folder, file)
                    self._file(archive, f"{name}/{os.path.relpath(full, path)}", full)
        else:
            self._file(archive, name, path)

    def _file(self, archive: tarfile.TarFile, name: str, path: str) -> None:
        try:
            if not os.path.isfile(path):
                raise FileNotFoundError(2, "is not there", path)
            with open(path, "rb") as handle:
                size = os.fstat(handle.fileno()).st_size
                # The end of a log says what went wrong.
                handle.seek(max(0, size - self.largest))
                data = handle.read()
        except OSError as exc:
            self.missing.append(f"{path}: {exc.strerror}")
            return
        self._add(archive, name, data)

    def _output(self, command: t.Sequence[str]) -> bytes:
        try:
            # An edge runs without a module too, so there is no run_command.
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=60,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as exc:
            self.missing.append(f"{' '.join(command)}: {exc}")
            return str(exc).encode()
        if done.returncode:
            self.missing.append(f"{' '.join(command)}: exit {done.returncode}")
        return done.stdout[-self.largest :]

    def _add(self, archive: tarfile.TarFile, name: str, data: bytes) -> None:
        clean = scrub(data, self.secrets)
        entry = tarfile.TarInfo(name)
        entry.size = len(clean)
        entry.mtime = int(time.time())
        entry.mode = 0o600
        archive.addfile(entry, io.BytesIO(clean))
        self.members.append(name)
