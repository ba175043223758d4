# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docker says, and what it means when docker says nothing."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils import _container
from ansible_collections.cloudburst.plex.plugins.module_utils._container import (
    ContainerUnknown,
    DockerCli,
    cgroup_oom_kills,
    parse_size,
    parse_stats,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("775.1MiB", 812751257),
        ("8GiB", 8589934592),
        ("20kB", 20000),
        ("0B", 0),
        ("--", None),
        ("", None),
    ],
)
def test_sizes(text: str, expected: int | None) -> None:
    assert parse_size(text) == expected


def test_stats_of_four_cores() -> None:
    found = parse_stats({"CPUPerc": "407.11%", "MemUsage": "1GiB / 8GiB"})
    assert found == (407.11, 2**30, 8 * 2**30)
    assert parse_stats({}) == (None, None, None)


def test_zeros_all_over_are_unknown() -> None:
    """What docker shows where it cannot read the control groups."""
    assert parse_stats({"CPUPerc": "0.00%", "MemUsage": "0B / 0B"}) == (None,) * 3


def test_load_by_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_container, "PROCESS_SECONDS", 0.3)
    state = {"Running": True, "Status": "running"}
    cli = docker(tmp_path, [{"State": state}], {"MemUsage": "0B / 0B"})
    with subprocess.Popen(["sh", "-c", "while :; do :; done"]) as busy:
        (tmp_path / "top").write_text(f"PID\n{busy.pid}\n999999999\n")
        found = cli.state("x")
        busy.kill()
    assert found.cpu_percent is not None
    assert found.cpu_percent > 10
    assert found.memory_limit_bytes is None


def test_no_process_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_container, "PROCESS_SECONDS", 0.0)
    cli = docker(tmp_path, [{"State": {"Running": True}}], {})
    (tmp_path / "top").write_text("PID\n")
    assert cli.state("x").cpu_percent is None


def docker(
    tmp_path: Path, inspect: object, stats: object = None, code: int = 0
) -> DockerCli:
    """A stand-in for the docker command that answers with recorded shapes."""
    (tmp_path / "inspect").write_text(json.dumps(inspect))
    (tmp_path / "stats").write_text(json.dumps(stats))
    command = tmp_path / "docker"
    command.write_text(
        f"#!/bin/sh\ncat {tmp_path}/$1\necho 'No such container' >&2\nexit {code}\n"
    )
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return DockerCli(str(command), timeout=5)


def test_running(tmp_path: Path) -> None:
    state = {"Running": True, "Status": "running", "OOMKilled": False, "Pid": 0}
    cli = docker(
        tmp_path,
        [{"State": state, "RestartCount": 1}],
        {"CPUPerc": "12.50%", "MemUsage": "10MiB / 20MiB"},
    )
    found = cli.state("cloudburst-plex")
    assert (found.running, found.restarts, found.cpu_percent) == (True, 1, 12.5)
    assert found.exit_code is None


def test_killed_for_memory(tmp_path: Path) -> None:
    state = {"Running": False, "Status": "exited", "OOMKilled": True, "ExitCode": 137}
    found = docker(tmp_path, [{"State": state}]).state("x")
    assert (found.running, found.oom_killed, found.exit_code) == (False, True, 137)
    assert found.cpu_percent is None


def test_unknown_container_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContainerUnknown, match="No such container"):
        docker(tmp_path, [], code=1).state("x")


def test_no_docker_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContainerUnknown, match="not installed"):
        DockerCli(str(tmp_path / "nothing")).state("x")


@pytest.mark.parametrize("pid", [None, 0, 999999999])
def test_no_cgroup_is_no_kill(pid: int | None) -> None:
    assert cgroup_oom_kills(pid) == 0
