# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard's loop on a folder that a made-up mount table calls a mount."""

from __future__ import annotations

import errno
import http.server
import json
import os
import random
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils import _guard_eyes
from ansible_collections.cloudburst.plex.plugins.module_utils._fence import (
    Container,
    Fence,
    Pressed,
    thread_states,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_children import (
    Children,
    Done,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_eyes import (
    Eyes,
    store_report,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_host import (
    Notify,
    Repair,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    GuardFiles,
    fences,
    read_journal,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_loop import (
    Service,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_service import (
    release,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_targets import (
    CANARY_PAUSE,
    DEEP_ONE_IN,
    DEEP_ONE_IN_FENCED,
    MOST_FILES,
    Choice,
    Target,
    Targets,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_canary import (
    canary_path,
    content,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import Probe
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_rc import RcSocket
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_read import (
    read_block,
)

SIZE = 300_000
QUICK = {
    "tick": 0.02,
    "statvfs_deadline": 1.0,
    "byte_interval": 0.02,
    "byte_deadline": 0.3,
    "wedge_deadline": 0.4,
    "fenced_factor": 1.0,
    "fenced_interval": 0.02,
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
    gone: set[str] = set()


class StoreHandler(http.server.BaseHTTPRequestHandler):
    server: Store

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        none = self.server.missing or body["remote"] in self.server.gone
        self._answer(200, b'{"item": null}' if none else b'{"item": {"Size": 1}}')

    def do_GET(self) -> None:
        name = urllib.parse.unquote(self.path).partition("]/")[2]
        if self.server.missing or name in self.server.gone:
            self._answer(404, b'{"error": "failed to find object: object not found"}')
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
        self.store.gone = set()
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

    def until(self, true: Callable[[], bool], seconds: float = 8.0) -> None:
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


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    made.service.begin()
    yield made
    made.close()


def test_wrong_bytes_fence_and_right_ones_release(bench: Bench) -> None:
    bench.until(bench.watching)
    bench.write(bytes(SIZE))
    bench.until(lambda: bench.service.guard.fenced)
    assert bench.service.guard.verdict == "wedged"
    report, _held = GuardFiles(
        str(bench.folder / "guard.jsonl"), str(bench.folder / "run" / "guard.json")
    ).look(time.time())
    assert (report.state, report.fenced) == ("fenced", True)
    bench.write(bench.data)
    bench.until(bench.watching)
    assert bench.names()[:2] == ["started", "fenced"]
    assert bench.names()[-1] == "released"
    fenced = next(x for x in bench.events() if x["event"] == "fenced")
    assert fenced["good_until"] <= fenced["detected"] <= fenced["time"]
    assert fenced["seconds"] < 1


def test_a_dead_mount_is_repaired_and_proven(bench: Bench) -> None:
    bench.until(bench.watching)
    good = f"31 27 0:80 / {bench.mount} ro - fuse.rclone s3:media ro\n"
    Path(f"{bench.table}.good").write_text(good)
    bench.set_mount("")
    # A repair may begin and end between two looks of this test; its trace stays.
    bench.until(lambda: "repaired" in bench.names())
    bench.until(bench.watching)
    fenced = next(x for x in bench.events() if x["event"] == "fenced")
    assert fenced["verdict"] == "absent"
    expected = ["started", "fenced", "repairing", "mounted", "repaired", "released"]
    assert bench.names() == expected


def test_a_store_that_refuses_fences_though_the_bytes_come(bench: Bench) -> None:
    """The warm cache of B2."""
    bench.until(bench.watching)
    bench.store.down = True
    bench.until(lambda: bench.service.guard.fenced)
    assert bench.service.guard.verdict == "backend_down"
    assert "repairing" not in bench.names()
    bench.store.down = False
    bench.until(bench.watching)


def test_a_mount_made_anew_behind_its_back(bench: Bench) -> None:
    bench.until(bench.watching)
    bench.set_mount("99")
    bench.until(lambda: "fenced" in bench.names())
    bench.until(bench.watching)


def test_a_canary_that_is_deleted_is_no_fence(bench: Bench) -> None:
    """By the bucket's owner: FUSE and the store both say so, and it may come back."""
    bench.until(bench.watching)
    bench.canary.unlink()
    bench.store.gone = {canary_path("c")}
    targets = bench.service.eyes.targets
    bench.until(lambda: targets.media != {})
    proofs = bench.service.guard.proofs
    bench.until(lambda: bench.service.guard.proofs > proofs + 2)
    assert bench.names() == ["started"]
    bench.write(bench.data)
    bench.store.gone = set()
    targets.rounds += CANARY_PAUSE
    assert targets.choose(random.Random(1)).store == targets.canary


def test_a_file_that_only_fuse_does_not_know_is_a_fence(bench: Bench) -> None:
    bench.until(bench.watching)
    bench.canary.unlink()
    bench.until(lambda: bench.service.guard.fenced)
    fenced = next(x for x in bench.events() if x["event"] == "fenced")
    assert fenced["verdict"] == "absent"
    assert "although the store has it" in fenced["message"]


@pytest.mark.parametrize("canary", [True, False])
def test_an_empty_tree_is_a_fence(bench: Bench, canary: bool) -> None:
    """Mounted, nothing is listed, and the store has it all."""
    if not canary:
        bench.service.eyes.targets.canary = None
    bench.until(bench.watching)
    shutil.rmtree(bench.film.parent)
    shutil.rmtree(bench.canary.parent)
    bench.until(lambda: bench.service.guard.fenced)
    fenced = next(x for x in bench.events() if x["event"] == "fenced")
    assert fenced["verdict"] == "absent"
    assert [x for x in bench.events() if "is gone" in x.get("message", "")] == []


def test_a_store_that_knows_nothing_any_more_is_a_fence(bench: Bench) -> None:
    """Emptied, or not the same one: one file may go, and not one after the other."""
    bench.until(bench.watching)
    shutil.rmtree(bench.canary.parent)
    for number in range(9):
        (bench.film.parent / f"{number}").write_bytes(b"x")
        bench.service.eyes.targets.learn(f"Movies/{number}", 1)
    shutil.rmtree(bench.film.parent)
    bench.store.missing = True
    bench.until(lambda: bench.service.guard.fenced)


@pytest.mark.parametrize("hangs", [True, False])
def test_media_that_no_cache_has_are_read_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    """The canary comes from the disk, and what does not hangs, or errs."""
    bench.until(bench.watching)

    def read(path: str, *more: Any) -> dict[str, Any]:
        if path.endswith("film.mkv"):
            time.sleep(60 if hangs else 0)
            raise OSError(errno.EIO, "Input/output error", path)
        return read_block(path, *more)

    monkeypatch.setattr(_guard_eyes, "read_block", read)
    bench.media_next()
    bench.until(lambda: bench.service.guard.fenced)
    fenced = next(x for x in bench.events() if x["event"] == "fenced")
    assert fenced["verdict"] == "wedged"


def test_a_fence_that_media_caused_is_lifted_by_media_only(bench: Bench) -> None:
    bench.until(bench.watching)
    away = bench.folder / "away"
    bench.film.rename(away)
    bench.media_next()
    bench.until(lambda: bench.service.guard.fenced)
    proofs = bench.service.guard.proofs
    bench.until(lambda: bench.service.guard.proofs > proofs + 4)
    assert bench.service.guard.fenced, "the canary alone has lifted it"
    away.rename(bench.film)
    bench.until(bench.watching)


def test_a_read_of_nothing_is_a_fence(bench: Bench) -> None:
    bench.until(bench.watching)
    bench.write(b"")
    bench.until(lambda: bench.service.guard.fenced)
    assert bench.service.guard.verdict == "backend_down"


def test_half_a_canary_is_a_fence(bench: Bench) -> None:
    """All the bytes that it has are right."""
    bench.until(bench.watching)
    bench.write(bench.data[: SIZE // 2])
    bench.until(lambda: bench.service.guard.fenced)


def test_a_container_that_ends_is_no_failure_of_the_mount(tmp_path: Path) -> None:
    """Plex crashes: what was looked at through it is gone, and says nothing."""
    bench = Bench(tmp_path)
    first = subprocess.Popen(["sleep", "60"])
    try:
        proc = tmp_path / "proc" / str(first.pid)
        (proc / "root" / "media").mkdir(parents=True)
        (proc / "root" / "media" / "plex").symlink_to(bench.mount)
        line = "31 27 0:79 / /media/plex ro - fuse.rclone s3:media ro\n"
        (proc / "mountinfo").write_text(line)
        docker = tmp_path / "docker"
        state = json.dumps([{"Id": "0" * 64, "State": {"Pid": first.pid}}])
        docker.write_text(f"#!/bin/sh\necho '{state}'\n")
        docker.chmod(0o755)
        bench.service.eyes.container.docker = str(docker)
        bench.service.eyes.container._asked = float("-inf")
        bench.service.begin()
        bench.until(bench.watching)
        assert bench.service.sight.table.inside
        shutil.rmtree(proc / "root")
        (proc / "mountinfo").write_text("")
        bench.turns(20)
        first.kill()
        first.wait()
        bench.turns(20)
        assert bench.watching()
        assert not bench.service.sight.table.inside
        assert bench.names() == ["started"]
    finally:
        first.kill()
        first.wait()
        bench.close()


def test_it_ends_while_a_probe_hangs(bench: Bench) -> None:
    """L08: back within moments, and Plex stays fenced."""
    bench.until(bench.watching)
    bench.canary.unlink()
    os.mkfifo(bench.canary)
    bench.until(lambda: bench.service.guard.fenced)
    threading.Timer(0.1, lambda: setattr(bench.service, "stopping", True)).start()
    started = time.monotonic()
    bench.service.run()
    assert time.monotonic() - started < 1.5
    last = bench.events()[-1]
    assert (last["event"], last["fenced"]) == ("stopped", True)
    status = bench.service.deeds.status.read()
    assert (status["state"], status["fenced"]) == ("stopped", True)


def test_a_guard_that_died_is_succeeded(bench: Bench) -> None:
    bench.store.down = True
    bench.until(lambda: bench.service.guard.fenced)
    bench.service.children.end()
    pressed = bench.pressed
    bench.service = bench.make()
    bench.service.begin()
    assert bench.service.guard.fenced
    assert bench.pressed > pressed
    assert "died" in bench.names()
    bench.store.down = False
    bench.until(bench.watching)
    assert bench.names()[-1] == "released"


@pytest.mark.parametrize("status", [True, False])
def test_a_fence_that_nobody_wrote_down_is_found(tmp_path: Path, status: bool) -> None:
    """A guard was killed between stopping Plex and its first word about it."""
    bench = Bench(tmp_path)
    plex = subprocess.Popen(["sleep", "60"])
    bench.members = {plex.pid}
    try:
        bench.service.begin()
        bench.until(bench.watching)
        bench.turns(3)
        proven = bench.service.deeds.good_until
        if status:
            bench.service._say()
        else:
            os.unlink(bench.service.deeds.status.path)
        os.kill(plex.pid, signal.SIGSTOP)
        bench.service.children.end()
        last = bench.events()[-1]["time"]
        bench.service = bench.make()
        bench.service.begin()
        assert bench.service.guard.fenced
        (held,) = fences(bench.events())
        assert held.begin == pytest.approx(proven if status else last, abs=0.001)
        bench.until(bench.watching)
        assert thread_states(plex.pid) == {"S"}
        assert bench.names()[-1] == "released"
    finally:
        plex.kill()
        plex.wait()
        bench.close()


def test_fenced_is_said_when_nothing_runs_and_not_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.until(bench.watching)
    fence = bench.service.deeds.fence
    left: list[tuple[int, ...]] = [(7, 8), (7,)]

    def press(_seconds: float = 1.0) -> Pressed:
        return Pressed(2, 1, left.pop(0) if left else ())

    monkeypatch.setattr(fence, "press", press)
    bench.store.down = True
    bench.until(lambda: bench.service.guard.fenced)
    files = GuardFiles(
        str(bench.folder / "guard.jsonl"), str(bench.folder / "run" / "guard.json")
    )
    report, held = files.look(time.time())
    assert (report.state, report.fenced) == ("fencing", False)
    assert len(held) == 1
    assert bench.names() == ["started", "fencing"]
    bench.until(lambda: "fenced" in bench.names())
    assert not left
    bench.service._say()
    report, again = files.look(time.time())
    assert (report.state, report.fenced) == ("fenced", True)
    assert again == held, "one fence, from its beginning"
    fenced = bench.events()[-1]
    assert fenced["seconds"] == pytest.approx(
        fenced["time"] - fenced["detected"], abs=0.05
    )


def test_a_child_on_its_way_is_known_to_the_next_guard(bench: Bench) -> None:
    bench.until(bench.watching)
    bench.canary.unlink()
    os.mkfifo(bench.canary)

    def known() -> bool:
        child = bench.service.children._running.get("read")
        return child is not None and bench.service.outstanding.pid() == child.pid

    bench.until(known)


def test_release_by_hand(bench: Bench) -> None:
    bench.store.down = True
    bench.until(lambda: bench.service.guard.fenced)
    assert release(bench.service) == 0
    last = bench.events()[-1]
    assert (last["event"], last["message"]) == ("released", "by hand, without a proof")
    assert not bench.service.deeds.status.read()["fenced"]


# --- the small edges ------------------------------------------------------------------


def _hang() -> dict[str, Any]:
    time.sleep(60)
    return {}


def test_children_side_by_side() -> None:
    children = Children()
    children.start("read", _hang)
    children.start("store", lambda: {"a": 1})
    children.start("statvfs", lambda: os._exit(3))
    done: list[Done] = []
    deadline = time.monotonic() + 5
    while len(done) < 2 and time.monotonic() < deadline:
        done += children.wait(0.05)
    assert {x.kind: x.report for x in done} == {"store": {"a": 1}, "statvfs": None}
    assert children.give_up("read") is None
    assert children.freed() == []


def _sleeper() -> int:
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    return pid


def test_an_inherited_child_is_freed_when_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    children, pid = Children(), _sleeper()
    with monkeypatch.context() as deaf:
        # As one is that hangs in the kernel.
        deaf.setattr(os, "kill", lambda *_both: None)
        assert children.inherited("read", pid)
    assert children.freed() == []
    os.kill(pid, 9)
    deadline = time.monotonic() + 5
    while not (freed := children.freed()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert freed == ["read"]
    assert not children.inherited("read", pid)


def test_an_inherited_child_that_can_be_killed_hangs_nowhere() -> None:
    children, pid = Children(), _sleeper()
    assert not children.inherited("read", pid)
    assert children.freed() == []
    os.waitpid(pid, 0)


def test_the_worst_answer_counts() -> None:
    ok, missing = Probe("ok", 5), Probe("error", 1, 2, "not there")
    broken, late = Probe("error", 1, None, "403"), Probe("timeout", 9)
    assert store_report("f", ok, ok) == {"slowest": 5}
    for got in (ok, missing):
        assert store_report("f", missing, got) == {"gone": "f"}
    for pair in ((missing, broken), (broken, missing), (broken, ok), (ok, broken)):
        assert store_report("f", *pair)["error"] == "403"
    assert store_report("f", missing, late)["error"] == "timeout"
    # It lists the object, and does not deliver it.
    assert store_report("f", ok, missing)["errno"] == 2


CANARY = Target("c", "c", SIZE)


def test_media_targets_are_learned_and_dropped() -> None:
    targets = Targets(None)
    rng = random.Random(1)
    assert targets.choose(rng) == Choice()
    for number in range(20):
        targets.learn(f"f{number}", 10)
    # The oldest make room: those that are known get other ones.
    assert list(targets.media) == [f"f{n}" for n in range(20 - MOST_FILES, 20)]
    chosen = targets.choose(rng).read
    assert chosen is not None
    assert targets.drop(chosen.path)
    assert not targets.drop(chosen.path)


def test_a_canary_that_was_gone_is_looked_for_again() -> None:
    targets, rng = Targets(CANARY), random.Random(1)
    targets.learn("f", 10)
    assert targets.choose(rng) == Choice(CANARY, CANARY)
    assert targets.drop("c")
    assert not targets.drop("c")
    stores = [targets.choose(rng).store for _ in range(CANARY_PAUSE)]
    assert stores.index(CANARY) == CANARY_PAUSE - 1
    assert {x.path for x in stores if x} == {"f", "c"}


@pytest.mark.parametrize("canary", [CANARY, None])
@pytest.mark.parametrize(
    ("fenced", "one_in"), [(False, DEEP_ONE_IN), (True, DEEP_ONE_IN_FENCED)]
)
def test_every_so_often_any_file_is_read(
    canary: Target | None, fenced: bool, one_in: int
) -> None:
    targets, rng = Targets(canary), random.Random(1)
    for number in range(MOST_FILES):
        targets.learn(f"f{number}", 10)
    chosen = [targets.choose(rng, fenced) for _ in range(one_in * 10)]
    for number, choice in enumerate(chosen, 1):
        assert choice.deep is (number % one_in == 0)
        assert (choice.read is None) is choice.deep
        assert choice.store is not None, "the store is asked for bytes all the same"


def test_systemd_is_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        Notify(str(tmp_path / "notify"))("READY=1")
        assert receiver.recv(100) == b"READY=1"
    Notify(str(tmp_path / "nobody"))("READY=1")
    Notify(None)("READY=1")


def test_a_repair_has_a_deadline(tmp_path: Path) -> None:
    moment = 0.0
    repair = Repair(["sleep", "60"], lambda: moment)
    assert repair.start() == ""
    assert repair.ended(60) is None
    moment = 61.0
    assert repair.ended(60) == -1
    assert repair.idle
    assert "No such file" in Repair([str(tmp_path / "no")], lambda: 0.0).start()


def test_an_rclone_that_serves_no_bytes_proves_by_stat_alone(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "rc.sock"), StoreHandler)
    serve = store.serve_forever
    threading.Thread(target=serve, args=(0.01,), daemon=True).start()
    try:
        rc = RcSocket(str(tmp_path / "rc.sock"), 2)
        store.data = b"".join(content("c", SIZE))
        assert rc.fetch("s3:m", "a b/c", 4096, 65536, "c").outcome == "ok"
        assert rc.fetch("s3:m", "c", 4096, 65536, "d").outcome == "error"
        assert rc.fetch("s3:m", "c", 10**9, 10).outcome == "error"
        store.missing = True
        assert rc.fetch("s3:m", "c", 0, 10).errno == 2
        store.down = True
        assert rc.fetch("s3:m", "c", 0, 10).outcome == "error"
    finally:
        store.shutdown()
        store.server_close()
