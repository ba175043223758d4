# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of reads that were under way when the store refused connections."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloudburst_lab.media import MediaLibrary
from cloudburst_lab.processes import wait_until
from cloudburst_lab.s3 import S3Service, rclone_binary

FILM = "Movies/1970s/Alien (1979)/Alien (1979).mkv"
OPTIONS = (
    *("--read-only", "--use-server-modtime", "--vfs-refresh", "--disable", "ListR"),
    *("--vfs-cache-mode", "full", "--vfs-read-chunk-size", "4M"),
    *("--timeout", "10s", "--contimeout", "5s", "--low-level-retries", "3"),
)
OUTAGE, PATIENCE = 12.0, 20.0

pytestmark = pytest.mark.slow


@pytest.fixture
def s3(media: MediaLibrary) -> Iterator[S3Service]:
    service = S3Service(media.config)
    service.up()
    yield service
    service.down()


@contextmanager
def mounted(s3: S3Service, place: Path, streams: int) -> Iterator[Path]:
    point = place / "mount"
    point.mkdir()
    command = [rclone_binary(), "mount", s3.config.bucket_path, str(point), *OPTIONS]
    command += ["--cache-dir", str(place / "cache")]
    command += ["--vfs-read-chunk-streams", str(streams)]
    environment = {**os.environ, "RCLONE_CONFIG": str(s3.config.rclone_config)}
    mount = subprocess.Popen(command, env=environment)
    try:
        wait_until(lambda: os.path.ismount(point), timeout=15, what="the mount")
        time.sleep(1)  # the listing, which is then remembered
        yield point
    finally:
        mount.kill()  # frees readers that hang
        mount.wait(timeout=15)
        subprocess.run(["fusermount3", "-uzq", point], check=False, capture_output=True)


def reads(path: Path, seconds: float) -> bool:
    reader = subprocess.Popen(["head", "-c", "1", path], stdout=subprocess.DEVNULL)
    try:
        return reader.wait(timeout=seconds) == 0
    except subprocess.TimeoutExpired:
        reader.kill()  # has no effect while it hangs in the kernel
        return False


@pytest.mark.parametrize(("streams", "recovers"), [(0, True), (4, False)])
def test_B1_a_read_that_met_a_refusing_store_never_ends_with_parallel_streams(
    s3: S3Service, tmp_path: Path, streams: int, recovers: bool
) -> None:
    """Measured with rclone 1.75: the parallel reader waits for a stream that has ended.

    The file cannot be read again as long as the mount lives, while others can: Plex counts it
    as deleted at every scan, and a probe of any other file sees a healthy mount.
    """
    with mounted(s3, tmp_path, streams) as point:
        s3.unreachable()
        assert not reads(point / FILM, OUTAGE)
        s3.clear()
        deadline = time.monotonic() + PATIENCE
        found = False
        while not found and time.monotonic() < deadline:
            found = reads(point / FILM, 5)
        assert found is recovers
        other = next((point / "Photos").rglob("*.jpg"))
        assert reads(other, 5), "another file is read"
