# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults inside a server: they hit what they are meant for and nothing else."""

from __future__ import annotations

import os
import signal
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import docker, labels, remove_container
from cloudburst_lab.errors import CommandError, LabError
from cloudburst_lab.instance_faults import (
    KINDS,
    InstanceFaults,
    Process,
    descendants,
    process_list,
)
from cloudburst_lab.processes import run, wait_until
from cloudburst_lab.scaleway.compute import COMPONENT

pytestmark = pytest.mark.lab

#: A mount's rclone, another rclone that must be left alone, and a Plex.
STAGE = r"""
cp "$(readlink -f /usr/bin/python3)" /tmp/rclone
echo 'import time; time.sleep(600)' > /tmp/mount
cp /tmp/mount /tmp/rc
printf '#!/usr/bin/python3\nimport time; time.sleep(600)\n' > '/tmp/Plex Media Server'
chmod 755 '/tmp/Plex Media Server'
cd /tmp
for what in './rclone mount' './rclone rc' "'./Plex Media Server'"; do
  eval "setsid $what </dev/null >/dev/null 2>&1 &"
done
"""


@pytest.fixture(scope="module")
def config(lab_cloud: LabConfig) -> LabConfig:
    """Labels of its own, so that the lab's Scaleway takes nothing here for a server."""
    return lab_cloud.with_(label="cloudburst.test")


@pytest.fixture(scope="module")
def server(config: LabConfig) -> Iterator[InstanceFaults]:
    name = f"faults-{uuid.uuid4().hex[:8]}"
    docker(
        *("run", "-d", "--name", name, "--hostname", name, "--network", "none"),
        *("--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined"),
        *("--security-opt", "seccomp=unconfined", "--tmpfs", "/run"),
        *labels(config, COMPONENT),
        *(config.base_image, "sleep", "900"),
    )
    try:
        yield InstanceFaults(config, name)
    finally:
        remove_container(name)


@pytest.fixture
def staged(server: InstanceFaults) -> Iterator[InstanceFaults]:
    server.sh(STAGE)
    wait_until(
        lambda: bool(server.rclone() and server.plex()), timeout=10, what="the stage"
    )
    yield server
    for process in inside(server):
        if process.argv[:2] != ("sleep", "900"):
            os.kill(process.pid, signal.SIGKILL)


def inside(server: InstanceFaults) -> list[Process]:
    return list(descendants(process_list(), server.init))


def state(pid: int) -> str:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return text.rpartition(")")[2].split()[0]


def test_only_descendants_of_the_init_belong_to_a_server() -> None:
    tree = {pid: Process(pid, parent, ("x",)) for pid, parent in _FAMILY.items()}
    assert sorted(p.pid for p in descendants(tree, 10)) == [11, 12]


_FAMILY = {1: 0, 10: 1, 11: 10, 12: 11, 20: 1, 21: 20}


def test_a_server_is_found_by_its_name_and_an_unknown_one_is_refused(
    config: LabConfig, server: InstanceFaults
) -> None:
    assert InstanceFaults(config).container == server.container
    with pytest.raises(LabError, match="nobody"):
        InstanceFaults(config, "nobody")


def test_rclone_is_frozen_thawed_and_killed_and_no_other_rclone(
    staged: InstanceFaults,
) -> None:
    (pid,) = staged.rclone()
    staged.strike("freeze-rclone")
    wait_until(lambda: state(pid) == "T", timeout=5, what="the standstill")
    staged.strike("clear")
    wait_until(lambda: state(pid) != "T", timeout=5, what="its going on")
    staged.strike("kill-rclone")
    wait_until(lambda: not staged.rclone(), timeout=5, what="the end of rclone")
    assert any(process.argv == ("./rclone", "rc") for process in inside(staged))
    with pytest.raises(LabError, match="no rclone"):
        staged.strike("freeze-rclone")


def test_plex_crashes(staged: InstanceFaults) -> None:
    staged.strike("crash-plex")
    wait_until(lambda: not staged.plex(), timeout=5, what="the end of Plex")


def test_the_disk_is_full_to_the_last_byte_and_free_again(
    server: InstanceFaults,
) -> None:
    with pytest.raises(LabError, match="no limit"):
        server.strike("fill-disk")
    server.strike("limit-disk", megabytes=64)
    server.sh("head -c 3000000 /dev/zero > /srv/cloudburst/kept")
    server.strike("fill-disk")
    with pytest.raises(CommandError, match="No space left"):
        server.sh("head -c 100000 /dev/zero > /var/cache/cloudburst/more")
    with pytest.raises(LabError, match="in use"):
        server.strike("limit-disk", megabytes=64)
    server.strike("clear")
    server.sh("head -c 3000000 /dev/zero > /var/log/cloudburst/more")
    assert (server.root / "srv/cloudburst/kept").stat().st_size == 3_000_000


def test_every_kind_is_on_the_command_line_and_an_unknown_one_is_refused(
    server: InstanceFaults,
) -> None:
    shown = run(
        [str(Path(sys.executable).with_name("lab")), "faults", "instance", "--help"]
    ).stdout.replace("\n", " ")
    assert all(kind in "".join(shown.split("│")) for kind in KINDS)
    with pytest.raises(LabError, match="known: kill-rclone"):
        server.strike("flood")
