# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe on real folders and pipes: children under deadlines, never hanging."""

from __future__ import annotations

import errno
import http.server
import json
import os
import random
import signal
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._mount_canary import (
    canary_path,
    content,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import (
    judge,
    required,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_probe import (
    MountProber,
    OutstandingChild,
    process_start,
    run_in_child,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_rc import RcSocket
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_read import (
    read_block,
    some_file,
)

RNG = random.Random(7)


def prober(path: Path, state: Path, rc: RcSocket | None = None) -> MountProber:
    outstanding = OutstandingChild(str(state / "run" / "probe.pid"))
    return MountProber(str(path), 0.3, outstanding, rc, RNG)


def test_child_reports() -> None:
    report, elapsed, _pid = run_in_child(lambda: {"a": 1}, 5)
    assert report == {"a": 1}
    assert elapsed < 5000


def test_child_that_hangs_is_left_at_the_deadline() -> None:
    started = time.monotonic()
    report, _elapsed, pid = run_in_child(lambda: time.sleep(60) or {}, 0.2)
    assert report is None
    assert time.monotonic() - started < 2
    assert process_start(pid) is None


def test_child_that_dies_gives_no_report() -> None:
    report, _elapsed, _pid = run_in_child(lambda: os._exit(3), 5)
    assert report is None


@pytest.mark.parametrize("size", [1, 100, 65536, 200_000])
def test_read_block_stays_inside_the_file(tmp_path: Path, size: int) -> None:
    file = tmp_path / "f"
    file.write_bytes(os.urandom(size))
    for _attempt in range(20):
        report = read_block(str(file), 65536, RNG)
        assert report["bytes"] == min(65536, size - report["offset"])
        assert report["length"] == size


def test_random_block_moves(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(bytes(1_000_000))
    offsets = {read_block(str(file), 4096, RNG)["offset"] for _ in range(20)}
    assert len(offsets) > 5


def test_search_goes_past_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "zero").touch()
    (tmp_path / "a" / "b" / "film.mkv").write_bytes(b"x")
    assert some_file(str(tmp_path), RNG).endswith("film.mkv")


def test_search_goes_past_files_that_lie_above_folders(tmp_path: Path) -> None:
    """A tree with a file in its root has more than that file."""
    (tmp_path / "readme.txt").write_bytes(b"x")
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "film.mkv").write_bytes(b"x")
    found = {os.path.basename(some_file(str(tmp_path), RNG)) for _ in range(60)}
    assert found == {"readme.txt", "film.mkv"}


def test_no_bytes_are_no_right_bytes(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"")
    report = read_block(str(tmp_path / "c"), 65536, RNG, "c")
    assert (report["bytes"], report["length"]) == (0, 0)
    assert "matches" not in report


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    file = tmp_path / canary_path("c")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"".join(content("c", 200_000)))
    (tmp_path / "film.mkv").write_bytes(os.urandom(100_000))
    return file


def test_media_are_read_besides_the_canary(tmp_path: Path, canary: Path) -> None:
    """The canary's bytes come from the disk cache; those of media may not come."""
    watch = prober(tmp_path, tmp_path)
    found = watch.look(None, 65536, False, canary_path("c"))
    assert (found.file, found.matches) == (str(tmp_path / "film.mkv"), True)
    assert judge(found, 65536, 3000).verdict == "healthy"
    (tmp_path / "film.mkv").unlink()
    found = watch.look(None, 65536, False, canary_path("c"))
    assert judge(found, 65536, 3000).verdict == "absent"


@pytest.mark.parametrize(
    ("data", "verdict"),
    [(b"", "backend_down"), (bytes(200_000), "wedged"), (None, "absent")],
)
def test_a_canary_that_is_not_right(
    tmp_path: Path, canary: Path, data: bytes | None, verdict: str
) -> None:
    canary.unlink()
    if data is not None:
        canary.write_bytes(data)
    found = prober(tmp_path, tmp_path).look(None, 65536, False, canary_path("c"))
    assert found.file == str(canary)
    enough = required(65536, found.length, found.offset)
    assert judge(found, enough, 3000).verdict == verdict


def test_a_canary_that_its_owner_removed_is_no_fault(
    rc: RcServer, tmp_path: Path, canary: Path
) -> None:
    canary.unlink()
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"30 27 0:79 / {tmp_path} ro - fuse.rclone s3:media ro\n")
    outstanding = OutstandingChild(str(tmp_path / "probe.pid"))
    store = RcSocket(str(tmp_path / "rc.sock"), 2)
    watch = MountProber(str(tmp_path), 2, outstanding, store, RNG, str(mounts))
    rc.body = {"item": {"Size": 200_000}}
    found = watch.look("film.mkv", 65536, True, canary_path("c"))
    assert found.read.errno == errno.ENOENT, "the store has it"
    rc.body = {"item": None}
    found = watch.look("film.mkv", 65536, True, canary_path("c"))
    assert found.file == str(tmp_path / "film.mkv")


def test_a_folder_of_nothing_is_absent(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    found = prober(tmp_path / "media", tmp_path).look(None, 4096, False)
    assert found.read.errno == errno.ENOENT
    assert judge(found, 1, 3000).verdict == "absent"


def test_a_plain_folder_delivers(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(os.urandom(100_000))
    found = prober(tmp_path, tmp_path).look("f", 65536, False)
    assert (found.read.outcome, found.bytes_read) == ("ok", 65536)
    assert judge(found, 65536, 3000).verdict == "healthy"


def test_a_folder_that_should_be_a_mount(tmp_path: Path) -> None:
    found = prober(tmp_path, tmp_path).look(None, 4096, True)
    assert not found.mounted
    assert found.statvfs.outcome == "skipped"


def test_a_read_that_hangs_and_the_one_child_rule(tmp_path: Path) -> None:
    """A pipe without a writer blocks open() like a frozen store blocks read()."""
    os.mkfifo(tmp_path / "hangs")
    watch = prober(tmp_path, tmp_path)
    found = watch.look("hangs", 4096, False)
    assert found.read.outcome == "timeout"
    assert judge(found, 1, 3000).verdict == "backend_down"
    # This child could be killed, so nothing is left; a D-state one would stay.
    assert watch.outstanding.pid() is None
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    try:
        watch.outstanding.remember(child)
        blocked = watch.look("hangs", 4096, False)
        assert blocked.outstanding_pid == child
        assert blocked.read.outcome == "skipped"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert watch.outstanding.pid() is None


def test_a_recycled_pid_is_nobody(tmp_path: Path) -> None:
    state = OutstandingChild(str(tmp_path / "p"))
    (tmp_path / "p").write_text(f"{os.getpid()} 1")
    assert state.pid() is None
    (tmp_path / "p").write_text("garbage")
    assert state.pid() is None


class RcServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    status = 200
    body: dict[str, Any] = {}
    delay = 0.0
    asleep = False
    calls: list[tuple[str, dict[str, Any]]] = []


class RcHandler(http.server.BaseHTTPRequestHandler):
    server: RcServer

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.calls.append((self.path, json.loads(self.rfile.read(length))))
        if self.path != "/rc/noop" or self.server.asleep:
            time.sleep(self.server.delay)
        data = json.dumps(self.server.body).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *arguments: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def rc(tmp_path: Path) -> Iterator[RcServer]:
    server = RcServer(str(tmp_path / "rc.sock"), RcHandler)
    server.calls = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {"item": {"Path": "f"}}, "ok"),
        (200, {"item": None}, "error"),
        (500, {"error": "403 Forbidden"}, "error"),
    ],
)
def test_rc_asks_the_store(
    rc: RcServer, tmp_path: Path, status: int, body: dict[str, Any], outcome: str
) -> None:
    rc.status, rc.body = status, body
    probe = RcSocket(str(tmp_path / "rc.sock"), 2).reachable("s3:media", "f")
    assert probe.outcome == outcome
    assert rc.calls[0][0] == "/operations/stat"
    assert rc.calls[0][1]["fs"] == "s3:media"


def test_rc_lists_without_a_file(rc: RcServer, tmp_path: Path) -> None:
    rc.body = {"list": []}
    assert RcSocket(str(tmp_path / "rc.sock"), 2).reachable("s3:m", "").outcome == "ok"
    assert rc.calls[0][0] == "/operations/list"


def test_rc_that_hangs(rc: RcServer, tmp_path: Path) -> None:
    rc.delay = 1.0
    probe = RcSocket(str(tmp_path / "rc.sock"), 0.1).reachable("s3:m", "f")
    assert probe.outcome == "timeout"


@pytest.mark.parametrize(
    ("asleep", "verdict"), [(False, "backend_down"), (True, "wedged")]
)
def test_an_rclone_that_froze_during_the_look_is_told_from_its_store(
    rc: RcServer, tmp_path: Path, asleep: bool, verdict: str
) -> None:
    os.mkfifo(tmp_path / "hangs")
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"30 27 0:79 / {tmp_path} ro - fuse.rclone s3:media ro\n")
    outstanding = OutstandingChild(str(tmp_path / "probe.pid"))
    socket_ = RcSocket(str(tmp_path / "rc.sock"), 0.2)
    watch = MountProber(str(tmp_path), 0.2, outstanding, socket_, RNG, str(mounts))
    rc.delay, rc.asleep = 1.0, asleep
    found = watch.look("hangs", 4096, True)
    assert (found.statvfs.outcome, found.read.outcome) == ("ok", "timeout")
    assert judge(found, 1, 3000).verdict == verdict


def test_rc_that_is_gone(tmp_path: Path) -> None:
    probe = RcSocket(str(tmp_path / "none.sock"), 0.1).reachable("s3:m", "f")
    assert (probe.outcome, probe.errno) == ("error", errno.ENOTCONN)
    assert probe.dead
