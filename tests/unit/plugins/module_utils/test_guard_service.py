# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard's loop: verdicts, deeds, and what a guard leaves to the next one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._fence import (
    Pressed,
    thread_states,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    GuardFiles,
    fences,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_service import (
    release,
)
from tests.support.guard_bench import SIZE, Bench, begun


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with begun(tmp_path) as made:
        yield made


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


def test_an_rclone_that_hangs_is_mended_whatever_fuse_still_gives(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.service.begin()
    try:
        bench.until(bench.watching)
        # rclone is asked for itself long before the store would be called dead.
        bench.service.patience = replace(bench.service.patience, statvfs_deadline=0.3)
        bench.store.asleep = True
        bench.until(lambda: bench.service.guard.fenced)
        # A question that was under way may have been one for the store.
        bench.until(lambda: bench.service.guard.verdict == "wedged")
        bench.until(lambda: "repairing" in bench.names())
        bench.store.asleep = False
        bench.until(bench.watching)
        assert bench.names()[-1] == "released"
    finally:
        bench.store.asleep = False
        bench.close()


def test_it_ends_while_a_probe_hangs(bench: Bench) -> None:
    """L08: back within moments, and Plex stays fenced."""
    bench.until(bench.watching)
    bench.hurry()
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
        os.waitid(os.P_PID, plex.pid, os.WSTOPPED | os.WNOWAIT)
        bench.service.children.end()
        last = bench.events()[-1]["time"]
        bench.service = bench.make()
        bench.service.begin()
        assert bench.service.guard.fenced
        (held,) = fences(bench.events())
        assert held.begin == pytest.approx(proven if status else last, abs=0.001)
        bench.until(bench.watching)
        assert thread_states(plex.pid) <= {"R", "S"}  # it goes on
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


def test_a_child_that_outlived_its_guard_keeps_the_next_one_from_fuse(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = subprocess.Popen(["sleep", "60"])
    try:
        bench.service.outstanding.remember(hanging.pid)
        bench.service.children.end()
        bench.service = bench.make()
        with monkeypatch.context() as deaf:
            # As one is that hangs in the kernel.
            deaf.setattr(os, "kill", lambda *_both: None)
            bench.service.begin()
        assert bench.service.sight.hung == hanging.pid
        bench.until(lambda: bench.service.guard.fenced)
        assert not {"read", "statvfs"} & set(bench.service.children._running)
    finally:
        hanging.kill()
        hanging.wait()
    bench.until(bench.watching)
    assert bench.names()[-1] == "released"


def test_release_by_hand(bench: Bench) -> None:
    bench.store.down = True
    bench.until(lambda: bench.service.guard.fenced)
    assert release(bench.service) == 0
    last = bench.events()[-1]
    assert (last["event"], last["message"]) == ("released", "by hand, without a proof")
    assert not bench.service.deeds.status.read()["fenced"]
