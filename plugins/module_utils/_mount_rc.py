# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""rclone's remote control: the store itself, past FUSE and every cache (an edge)."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import time
import typing as t
from urllib.parse import quote

from ansible_collections.cloudburst.plex.plugins.module_utils._mount_canary import (
    expected,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import Probe

Report = dict[str, t.Any]


class RcSocket:
    """rclone's remote control over its unix socket, under a deadline."""

    def __init__(self, path: str, timeout: float) -> None:
        self.path = path
        self.timeout = timeout

    def awake(self) -> Probe:
        """Ask rclone itself: only one that hangs is late, whatever the store does."""
        started = time.monotonic()
        try:
            self._call("POST", "/rc/noop", "{}")
        except (socket.timeout, TimeoutError):
            text = f"rclone hangs: no answer of its own within {self.timeout:g} s"
            return Probe("error", _ms(started), errno.ETIMEDOUT, text)
        except (OSError, http.client.HTTPException) as exc:
            return self._no_answer("noop", started, exc)
        return Probe("ok", _ms(started))

    def reachable(self, fs: str, remote: str) -> Probe:
        """Ask the store for one object, or for its list without one."""
        call = "operations/stat" if remote else "operations/list"
        body = {"fs": fs, "remote": remote, "opt": {"noModTime": True}}
        started = time.monotonic()
        try:
            status, data = self._call("POST", f"/{call}", json.dumps(body))
            answer = json.loads(data or b"{}")
        except (OSError, http.client.HTTPException, ValueError) as exc:
            return self._no_answer(call, started, exc)
        if status != 200:
            return Probe("error", _ms(started), None, str(answer.get("error", status)))
        if remote and answer.get("item") is None:
            # A missing object is answered with item null, not with an error.
            missing = f"{remote} is not in {fs}"
            return Probe("error", _ms(started), errno.ENOENT, missing)
        return Probe("ok", _ms(started))

    def fetch(
        self, fs: str, remote: str, offset: int, size: int, canary: str | None = None
    ) -> Probe:
        """Get bytes of one object: a store may list and stat, and deliver nothing.

        ``ok`` without proof from an rclone that does not serve (no ``--rc-serve``).
        """
        path = f"/%5B{quote(fs, safe=':')}%5D/{quote(remote)}"
        wanted = {"Range": f"bytes={offset}-{offset + size - 1}"}
        started = time.monotonic()
        try:
            status, data = self._call("GET", path, None, wanted)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            return self._no_answer("get", started, exc)
        if status in (200, 206):
            if canary is not None and data != expected(canary, offset, len(data)):
                wrong = f"{remote} has other bytes in {fs} than were written"
                return Probe("error", _ms(started), None, wrong)
            enough = Probe("ok", _ms(started))
            none = Probe("error", _ms(started), None, f"no byte of {remote} came")
            return enough if data else none
        text = data.decode("utf-8", "replace")
        if status == 404 and "object not found" in text:
            missing = f"{remote} is not in {fs}"
            return Probe("error", _ms(started), errno.ENOENT, missing)
        if status in (404, 405):
            return Probe("ok", _ms(started), None, "rclone serves no bytes")
        return Probe("error", _ms(started), None, f"HTTP {status}: {text[:200]}")

    def _no_answer(self, call: str, started: float, exc: Exception) -> Probe:
        late = isinstance(exc, (socket.timeout, TimeoutError))
        text = f"rc {call}: no answer within {self.timeout:g} s" if late else str(exc)
        # Nobody at the socket is no answer of the store: rclone is gone. Its number is
        # none of ENOENT, which an object has that is not there.
        gone = isinstance(exc, (ConnectionError, FileNotFoundError))
        number = errno.ENOTCONN if gone else None
        return Probe("timeout" if late else "error", _ms(started), number, text)

    def _call(
        self,
        method: str,
        path: str,
        body: str | None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("localhost", timeout=self.timeout)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.sock.settimeout(self.timeout)
            connection.sock.connect(self.path)
            kind = {"Content-Type": "application/json"}
            connection.request(method, path, body, {**kind, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _ms(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
