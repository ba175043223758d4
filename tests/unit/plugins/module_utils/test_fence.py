# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fence on a real tree of processes that forks while it is stopped (L87)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils import _fence
from ansible_collections.cloudburst.plex.plugins.module_utils._fence import (
    HELD,
    Container,
    Fence,
    process_ids,
    thread_states,
)

# Forks without end; each child lives for a moment.
FORKS = "while :; do sleep 0.02 & wait $!; done"


class Tree:
    """A session of processes, as a container would be one."""

    def __init__(self) -> None:
        self.extra: list[subprocess.Popen[bytes]] = []
        self.shells = [self._start() for _ in range(3)]

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sh", "-c", FORKS], start_new_session=True)

    def newcomer(self) -> int:
        self.shells.append(self._start())
        return self.shells[-1].pid

    def members(self) -> set[int]:
        sessions = {shell.pid for shell in self.shells}
        return {pid for pid in process_ids() if self._session(pid) in sessions}

    def _session(self, pid: int) -> int:
        try:
            return os.getsid(pid)
        except ProcessLookupError:
            return 0

    def close(self) -> None:
        for shell in self.shells:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()


@pytest.fixture
def tree() -> Iterator[Tree]:
    processes = Tree()
    yield processes
    processes.close()


def states(tree: Tree) -> set[str]:
    return {state for pid in tree.members() for state in thread_states(pid)}


def test_everything_stops_and_stays_stopped(tree: Tree) -> None:
    fence = Fence(tree.members)
    pressed = fence.press()
    assert pressed.held
    assert pressed.members >= 3
    before = tree.members()
    time.sleep(0.1)
    assert tree.members() == before, "something went on forking"
    assert states(tree) <= HELD
    assert fence.stands()


def test_a_newcomer_is_stopped_by_the_next_press(tree: Tree) -> None:
    fence = Fence(tree.members)
    fence.press()
    newcomer = tree.newcomer()
    assert fence.press().held
    assert thread_states(newcomer) <= HELD


def test_what_somebody_continues_is_stopped_again(tree: Tree) -> None:
    fence = Fence(tree.members)
    fence.press()
    os.kill(tree.shells[0].pid, signal.SIGCONT)
    assert fence.press().held
    assert thread_states(tree.shells[0].pid) <= HELD


def test_release_lets_everything_go_on(tree: Tree) -> None:
    fence = Fence(tree.members)
    fence.press()
    assert fence.release() == ()
    assert "T" not in states(tree)
    assert not fence.stands()


def test_a_process_in_the_kernel_is_continued_before_it_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its SIGSTOP waits: without SIGCONT it would stop once it comes back, for ever."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(_fence, "thread_states", lambda _pid: {"D"})
    monkeypatch.setattr(_fence.os, "kill", lambda *both: sent.append(both))
    assert Fence(lambda: {7}).press().held
    assert Fence(lambda: {7}).release() == ()
    assert sent[-1] == (7, signal.SIGCONT)
    assert (7, signal.SIGSTOP) in sent


def test_nothing_to_stop_is_held() -> None:
    pressed = Fence(set).press()
    assert (pressed.held, pressed.members) == (True, 0)


def test_a_process_that_does_not_stop_is_named() -> None:
    """Like one of another user: the signal goes nowhere."""

    class Deaf(Fence):
        def _stop(self, pid: int) -> bool:
            return True

    pressed = Deaf(lambda: {os.getpid()}).press(0.05)
    assert pressed.running == (os.getpid(),)


def test_all_threads_count() -> None:
    code = "import threading,time;threading.Thread(target=time.sleep,args=(9,)).start();time.sleep(9)"
    child = subprocess.Popen([sys.executable, "-c", code])
    try:
        pressed = Fence(lambda: {child.pid}).press()
        assert pressed.held
        assert thread_states(child.pid) == {"T"}
    finally:
        child.kill()
        child.wait()
    assert thread_states(child.pid) == set()


# --- which processes are a container's ------------------------------------------------


def proc_folder(root: Path, groups: dict[int, str], spaces: dict[int, str]) -> str:
    for pid, group in groups.items():
        folder = root / str(pid)
        (folder / "ns").mkdir(parents=True)
        (folder / "cgroup").write_text(group)
        (folder / "ns" / "pid").symlink_to(spaces.get(pid, "pid:[1]"))
    (root / "self" / "ns").mkdir(parents=True)
    (root / "self" / "ns" / "pid").symlink_to("pid:[1]")
    return str(root)


def docker_that_says(path: Path, answer: str, code: int = 0) -> str:
    path.write_text(f"#!/bin/sh\ncat <<'EOF'\n{answer}\nEOF\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


ID = "ab" * 32
V1 = f"12:pids:/docker/{ID}\n1:name=systemd:/docker/{ID}\n"
V2 = f"0::/system.slice/docker-{ID}.scope/init\n"
OTHER = "0::/system.slice/ssh.service\n"


@pytest.mark.parametrize("group", [V1, V2])
def test_members_by_control_group(tmp_path: Path, group: str) -> None:
    own = os.getppid()
    groups = {own: group, 900001: group, 900002: OTHER}
    proc = proc_folder(tmp_path / "proc", groups, {})
    inspected = json.dumps([{"Id": ID, "State": {"Pid": own}}])
    docker = docker_that_says(tmp_path / "docker", inspected)
    assert Container("plex", proc, docker).pids() == {own, 900001}


def test_members_by_process_namespace(tmp_path: Path) -> None:
    """Where the control groups do not show the container's id."""
    first = os.getppid()
    groups = {first: "0::/\n", 900001: "0::/\n", 900002: "0::/\n"}
    proc = proc_folder(tmp_path / "proc", groups, {first: "pid:[7]", 900001: "pid:[7]"})
    inspected = json.dumps([{"Id": ID, "State": {"Pid": first}}])
    docker = docker_that_says(tmp_path / "docker", inspected)
    assert Container("plex", proc, docker).pids() == {first, 900001}


def test_what_the_engine_has_not_finished_is_left_to_it(tmp_path: Path) -> None:
    """A ``docker exec`` that is stopped in its making locks the container."""
    first = os.getppid()
    groups = {pid: f"0::/docker/{ID}\n" for pid in (first, 900001, 900002, 900003)}
    spaces = {first: "pid:[7]", 900002: "pid:[7]", 900003: "pid:[7]"}
    proc = proc_folder(tmp_path / "proc", groups, spaces)
    names = {900001: "runc:[1:CHILD]", 900002: "runc:[2:INIT]", 900003: "runc"}
    for pid, name in names.items():
        (tmp_path / "proc" / str(pid) / "comm").write_text(f"{name}\n")
    inspected = json.dumps([{"Id": ID, "State": {"Pid": first}}])
    docker = docker_that_says(tmp_path / "docker", inspected)
    assert Container("plex", proc, docker).pids() == {first, 900003}


@pytest.mark.parametrize(
    ("answer", "says"), [("[]", "no container plex"), ("oh no", "docker inspect")]
)
def test_no_container(tmp_path: Path, answer: str, says: str) -> None:
    docker = docker_that_says(tmp_path / "docker", answer, 1)
    container = Container("plex", docker=docker)
    assert container.first() is None
    assert container.pids() == set()
    assert says in container.problem


def test_docker_is_asked_again_only_after_a_pause(tmp_path: Path) -> None:
    moment = 0.0
    clock: Callable[[], float] = lambda: moment  # noqa: E731
    docker = docker_that_says(tmp_path / "docker", "[]")
    container = Container("plex", docker=docker, clock=clock)
    container.first()
    inspected = json.dumps([{"Id": ID, "State": {"Pid": os.getppid()}}])
    docker_that_says(tmp_path / "docker", inspected)
    assert container.first() is None
    moment = 3.0
    assert container.first() == os.getppid()
