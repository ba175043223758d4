# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard whose mount is a folder that a made-up mount table calls one, and whose store answers."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import random
import re
import socketserver
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._fence import (
    Container,
    Fence,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_eyes import (
    Eyes,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    read_journal,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_loop import (
    Service,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_targets import (
    DEEP_ONE_IN,
    Target,
    Targets,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_canary import (
    canary_path,
    content,
)

SIZE = 300_000
# Looks follow each other quickly; deadlines leave a busy machine time to answer.
QUICK = {
    "tick": 0.04,
    "statvfs_deadline": 3.0,
    "byte_interval": 0.04,
    "byte_deadline": 3.0,
    "wedge_deadline": 3.5,
    "fenced_factor": 1.0,
    "fenced_interval": 0.04,
    "wedge_settle": 0.0,
    "may_remount": True,
    "failures_before_remount": 3,
}


class Store(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """rclone's remote control: stat, and bytes of one object."""

    daemon_threads = True
    data = b""
    down = False
    missing = False
    asleep = False
    gone: set[str] = set()
    refused: set[str] = set()


class StoreHandler(http.server.BaseHTTPRequestHandler):
    server: Store

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        while self.server.asleep:
            time.sleep(0.02)
        if self.path == "/rc/noop":
            self._answer(200, b"{}")
            return
        none = self.server.missing or body["remote"] in self.server.gone
        self._answer(200, b'{"item": null}' if none else b'{"item": {"Size": 1}}')

    def do_GET(self) -> None:
        name = urllib.parse.unquote(self.path).partition("]/")[2]
        if self.server.missing or name in self.server.gone:
            self._answer(404, b'{"error": "failed to find object: object not found"}')
            return
        if name in self.server.refused:
            self._answer(500, b'{"error": "InvalidObjectState: 403"}')
            return
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        assert found
        first, last = int(found.group(1)), int(found.group(2))
        self._answer(206, self.server.data[first : last + 1])

    def _answer(self, status: int, data: bytes) -> None:
        if self.server.down:
            status, data = 500, b'{"error": "403 Forbidden"}'
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *arguments: Any) -> None:
        """Stay quiet."""


class Bench:
    """A service, its mount, its store, and no Plex."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mount = folder / "mnt"
        self.canary = self.mount / canary_path("c")
        self.canary.parent.mkdir(parents=True)
        self.data = b"".join(content("c", SIZE))
        self.write(self.data)
        self.film = self.mount / "Movies" / "film.mkv"
        self.film.parent.mkdir()
        self.film.write_bytes(self.data)
        self.table = folder / "proc" / "self" / "mountinfo"
        self.table.parent.mkdir(parents=True)
        self.set_mount("30")
        self.store = Store(str(folder / "rc.sock"), StoreHandler)
        self.store.data = self.data
        self.store.gone, self.store.refused = set(), set()
        serve = self.store.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()
        self.pressed = 0
        self.members: set[int] = set()
        self.service = self.make()

    def set_mount(self, number: str) -> None:
        line = f"{number} 27 0:79 / {self.mount} ro - fuse.rclone s3:media ro\n"
        self.table.write_text(line if number else "")

    def make(self, **patience: Any) -> Service:
        container = Container("none", str(self.folder / "proc"), "false")
        target = Target(canary_path("c"), "c", SIZE)
        eyes = Eyes(
            str(self.mount),
            "/media/plex",
            "s3:media",
            str(self.folder / "rc.sock"),
            container,
            Targets(target),
            random.Random(1),
        )
        config = {
            "patience": {**QUICK, **patience},
            "journal": str(self.folder / "guard.jsonl"),
            "status": str(self.folder / "run" / "guard.json"),
            "repair": ["sh", "-c", f"cp {self.table}.good {self.table}"],
        }
        return Service(config, eyes, Fence(self._members), notify=lambda _text: None)

    def _members(self) -> set[int]:
        self.pressed += 1
        return self.members

    def hurry(self) -> None:
        """What hangs from now on is given up soon."""
        patience = self.service.patience
        self.service.patience = dataclasses.replace(
            patience, statvfs_deadline=0.5, byte_deadline=1.5, wedge_deadline=1.7
        )

    def until(self, true: Callable[[], bool], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, self.events()
            self.service.turn(0.01)

    def turns(self, number: int) -> None:
        for _turn in range(number):
            self.service.turn(0.01)

    def watching(self) -> bool:
        """Bytes have come, not only no bad look yet."""
        guard = self.service.guard
        seen = self.service.deeds.good_until is not None
        return seen and not guard.fenced and guard.verdict == "healthy"

    def events(self) -> list[dict[str, Any]]:
        return read_journal(str(self.folder / "guard.jsonl"))

    def write(self, data: bytes) -> None:
        """The canary's bytes, all at once: half a file would be a dead store."""
        fresh = self.folder / "canary"
        fresh.write_bytes(data)
        fresh.replace(self.canary)

    def media_next(self) -> None:
        """The round after the next one looks for media."""
        self.service.eyes.targets.rounds = DEEP_ONE_IN - 2

    def close(self) -> None:
        self.service.children.end()
        self.store.shutdown()
        self.store.server_close()

    def names(self) -> list[str]:
        return [x["event"] for x in self.events() if x["event"] != "look"]


@contextlib.contextmanager
def begun(folder: Path) -> Iterator[Bench]:
    """A guard that has begun, and ends with the test."""
    made = Bench(folder)
    made.service.begin()
    try:
        yield made
    finally:
        made.close()
