# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small edges around the guard's loop: children, targets, answers, systemd, the repair."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._guard_children import (
    Children,
    Done,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_eyes import (
    store_report,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_host import (
    Notify,
    Repair,
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
    content,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import Probe
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_rc import RcSocket
from ansible_collections.cloudburst.plex.plugins.plugin_utils._profiles import (
    monitoring,
)
from tests.support.guard_bench import SIZE, Store, StoreHandler


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


def test_a_blind_spot_lasts_a_minute_at_most() -> None:
    cloud = monitoring("cloud", False, {}, {})["mount"]["guard"]
    assert DEEP_ONE_IN * cloud["byte_interval"] <= 60
    assert cloud["prove_looks"] >= DEEP_ONE_IN_FENCED, "no fence ends without one"


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
