# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bucket through S3: what it holds, what a client may do, how it fails."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cloudburst_lab.errors import CommandError
from cloudburst_lab.media import FOLDER_MTIME, MediaLibrary
from cloudburst_lab.processes import wait_until
from cloudburst_lab.s3 import S3Service, rclone_binary
from cloudburst_lab.s3_door import reads_object


@pytest.fixture(scope="module")
def running(media: MediaLibrary) -> Iterator[S3Service]:
    service = S3Service(media.config)
    service.up()
    yield service
    service.down()
    assert service.status()["running"] is False


@pytest.fixture
def s3(running: S3Service) -> Iterator[S3Service]:
    yield running
    running.clear()


def lookup(s3: S3Service, seconds: float) -> float:
    """Ask for the bucket with a deadline; return how long the answer took."""
    start = time.monotonic()
    limit = f"{seconds}s"
    s3.rclone(
        "lsf", s3.config.bucket_path, "--retries=1", "--low-level-retries=1",
        f"--timeout={limit}", f"--contimeout={limit}",
    )  # fmt: skip
    return time.monotonic() - start


def test_the_bucket_holds_the_current_generation(
    s3: S3Service, media: MediaLibrary
) -> None:
    assert s3.files() == sorted(media.plan.now)


def test_no_key_no_access(s3: S3Service) -> None:
    assert httpx.get(f"{s3.config.s3_url}/media").status_code == 400


def test_the_users_configuration_is_private_and_the_keys_are_in_no_argv(
    s3: S3Service,
) -> None:
    mode = stat.S_IMODE(s3.config.rclone_config.stat().st_mode)
    assert mode == 0o600
    secret = s3.config.credentials.s3_secret_key.encode()
    for process in (s3.server, s3.door):
        assert secret not in Path(f"/proc/{process.pid()}/cmdline").read_bytes()


def test_what_changes_in_the_folder_is_seen_soon(
    s3: S3Service, media: MediaLibrary
) -> None:
    """scaleway-rclone B1: with its default cache the server would not see it for minutes."""
    assert s3.files()
    (media.bucket / "Movies" / "late.mkv").write_bytes(b"late")
    time.sleep(0.2)
    assert "Movies/late.mkv" in s3.files()
    media.reset()
    time.sleep(0.2)
    assert s3.files() == sorted(media.plan.now)


def test_upload_rename_remove(
    s3: S3Service, media: MediaLibrary, tmp_path: Path
) -> None:
    local = tmp_path / "x.mp4"
    local.write_bytes(b"bytes" * 1000)
    s3.upload(local, "Home Videos/2024/L'été à Sète.mp4")
    s3.rename("Home Videos/2024/", "Home Videos/2024 #1/")
    assert "Home Videos/2024 #1/L'été à Sète.mp4" in s3.files()
    s3.remove("Home Videos/2024 #1/")
    assert s3.files() == sorted(media.plan.now)


def test_the_time_of_an_object_is_the_time_of_the_plan(
    s3: S3Service, media: MediaLibrary
) -> None:
    """What a mount with ``--use-server-modtime`` shows (scaleway-rclone B1)."""
    name = "Movies/1970s/Alien (1979)/Alien (1979).mkv"
    listed = s3.rclone(
        "lsf", "--use-server-modtime", "-F", "t", "--time-format", "unix",
        f"{s3.config.bucket_path}/{name}",
    )  # fmt: skip
    assert int(listed) == media.plan.mtime(name, "seen")


@pytest.mark.parametrize(
    ("option", "constant"), [((), False), (("--disable", "ListR"), True)]
)
def test_B1_a_recursive_refresh_moves_folder_times_unless_ListR_is_off(
    s3: S3Service, tmp_path: Path, option: tuple[str, ...], constant: bool
) -> None:
    """Measured with rclone 1.75: folders that come out of a recursive S3 listing get the
    time of that listing. A scanner that trusts folder times then searches everything.
    """
    place = tmp_path / "mount"
    place.mkdir()
    command = [rclone_binary(), "mount", s3.config.bucket_path, str(place)]
    options = ["--read-only", "--use-server-modtime", "--vfs-refresh", *option]
    environment = {**os.environ, "RCLONE_CONFIG": str(s3.config.rclone_config)}
    mount = subprocess.Popen([*command, *options], env=environment)
    try:
        wait_until(lambda: os.path.ismount(place), timeout=15, what="the mount")
        folder = place / "TV Shows" / "Les Revenants (2012)" / "Season 2"
        wait_until(
            lambda: (folder.stat().st_mtime == FOLDER_MTIME) is constant,
            timeout=15,
            what="the refresh at the start",
        )
        time.sleep(0.5)
        assert (folder.stat().st_mtime == FOLDER_MTIME) is constant
    finally:
        mount.terminate()
        mount.wait(timeout=15)
        subprocess.run(["fusermount3", "-uzq", place], check=False, capture_output=True)


def test_a_second_up_starts_nothing(s3: S3Service) -> None:
    before = s3.server.pid(), s3.door.pid()
    s3.up()
    assert (s3.server.pid(), s3.door.pid()) == before


def test_revoked_keys_are_refused_until_the_fault_ends(s3: S3Service) -> None:
    s3.revoke()
    assert s3.status()["healthy"] is False
    with pytest.raises(CommandError, match="SignatureDoesNotMatch|403"):
        lookup(s3, 5)
    s3.clear()
    assert lookup(s3, 5) < 5


@pytest.mark.parametrize("fault", ["freeze", "hang"])
def test_a_hanging_server_takes_connections_and_never_answers(
    s3: S3Service, fault: str
) -> None:
    s3.set_fault(fault)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{s3.config.s3_url}/", timeout=1)
    assert s3.faults()
    s3.clear()
    assert httpx.get(f"{s3.config.s3_url}/", timeout=5).status_code == 400
    assert s3.faults() == {}


def test_an_unreachable_server_refuses_connections(s3: S3Service) -> None:
    s3.set_fault("unreachable")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{s3.config.s3_url}/", timeout=1)


def test_a_slow_line_answers_late_but_right(s3: S3Service) -> None:
    s3.set_fault("slow", {"latency": 0.4})
    assert lookup(s3, 10) >= 0.4


FILM = "Movies/1970s/Alien (1979)/Alien (1979).mkv"


def test_L04_listings_come_while_reads_hang(s3: S3Service) -> None:
    s3.set_fault("hang_reads")
    assert lookup(s3, 5) < 5
    assert s3.rclone("lsf", f"{s3.config.bucket_path}/{FILM}").strip()
    command = [rclone_binary(), "cat", f"{s3.config.bucket_path}/{FILM}"]
    environment = {**os.environ, "RCLONE_CONFIG": str(s3.config.rclone_config)}
    reader = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            reader.wait(timeout=1.5)
        s3.clear()
        assert reader.wait(timeout=10) == 0, "the read goes on where the fault ends"
    finally:
        reader.kill()


def test_slow_reads_are_late_and_listings_are_not(s3: S3Service) -> None:
    s3.set_fault("slow_reads", {"latency": 1.0})
    assert lookup(s3, 10) < 1.0
    start = time.monotonic()
    s3.rclone("cat", f"{s3.config.bucket_path}/{FILM}")
    assert time.monotonic() - start >= 1.0
    assert s3.faults() == {"read_latency": 1.0}


@pytest.mark.parametrize(
    ("head", "read"),
    [
        (b"GET /media/Movies/a%20b.mkv?x-id=GetObject HTTP/1.1\r\n", True),
        (b"GET /media/Movies/a.mkv HTTP/1.1\r\n", True),
        (b"HEAD /media/Movies/a.mkv HTTP/1.1\r\n", False),
        (b"GET /media?list-type=2&prefix=Movies%2F HTTP/1.1\r\n", False),
        (b"GET /media/?list-type=2 HTTP/1.1\r\n", False),
        (b"GET / HTTP/1.1\r\n", False),
        (b"PUT /media/x HTTP/1.1\r\n", False),
        (b"\x00\x01 the body of an upload", False),
    ],
)
def test_only_the_read_of_an_object_counts_as_one(head: bytes, read: bool) -> None:
    assert reads_object(head) is read


def test_a_cut_line_resets(s3: S3Service) -> None:
    s3.set_fault("cut")
    with pytest.raises(
        (httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)
    ):
        httpx.get(f"{s3.config.s3_url}/", timeout=2)


def test_a_killed_server_is_healed_by_up(s3: S3Service) -> None:
    s3.server.stop()
    assert s3.status()["healthy"] is False
    s3.up()
    assert s3.status()["healthy"] is True
