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

from ansible_collections.cloudburst.plex.plugins.module_utils._container import (
    Cgroup,
    ContainerUnknown,
    CpuReading,
    DockerCli,
)


def group(tmp_path: Path, **files: str) -> Cgroup:
    """The control group of process 7, as the kernel shows it."""
    folder = tmp_path / "cgroup/system.slice/docker-1.scope"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/cgroup").write_text("0::/system.slice/docker-1.scope\n")
    return Cgroup(7, str(tmp_path / "proc"), str(tmp_path / "cgroup"))


def test_what_the_kernel_counts(tmp_path: Path) -> None:
    found = group(
        tmp_path,
        cpu_stat="usage_usec 2500000\nuser_usec 1\n",
        memory_current="3000\n",
        memory_stat="anon 10\ninactive_file 1000\n",
        memory_max="9000\n",
        memory_events="low 0\noom_kill 2\n",
    )
    assert found.cpu_seconds() == 2.5
    assert (found.memory_bytes(), found.memory_limit_bytes()) == (2000, 9000)
    assert found.oom_kills() == 2


def test_no_limit_is_none(tmp_path: Path) -> None:
    assert group(tmp_path, memory_max="max\n").memory_limit_bytes() is None


@pytest.mark.parametrize("pid", [None, 0, 999999999])
def test_no_group_is_unknown(pid: int | None) -> None:
    found = Cgroup(pid)
    assert found.cpu_seconds() is None
    assert (found.memory_bytes(), found.memory_limit_bytes()) == (None, None)
    assert found.oom_kills() == 0


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"": 10.0}, {"": 14.07}, 407.0),
        ({"1": 3.0, "2": 5.0}, {"1": 3.5, "2": 5.0}, 50.0),
        # one came, one went
        ({"1": 3.0, "2": 500.0}, {"1": 3.0, "3": 0.25}, 25.0),
        ({}, {"1": 1.0}, None),
        ({"1": 1.0}, {}, None),
    ],
)
def test_cpu_of_one_core(
    before: dict[str, float], now: dict[str, float], expected: float | None
) -> None:
    assert CpuReading(8.0, now).percent_since(CpuReading(7.0, before)) == expected


def test_no_time_passed_is_unknown() -> None:
    reading = CpuReading(7.0, {"": 1.0})
    assert reading.percent_since(reading) is None


def test_the_second_look_waits_for_nothing(tmp_path: Path) -> None:
    """It is measured since the first."""
    slept: list[float] = []
    cli = docker(tmp_path, [{"State": {"Running": True}}])
    cli.sleep = slept.append
    with subprocess.Popen(["sh", "-c", "while :; do :; done"]) as busy:
        (tmp_path / "top").write_text(f"PID\n{busy.pid}\n999999999\n")
        cli.state("x")
        before = cli.clock()
        while cli.clock() - before < 0.3:
            pass
        found = cli.state("x")
        busy.kill()
    assert len(slept) == 1
    assert found.cpu_percent is not None
    assert found.cpu_percent > 10


def test_no_process_is_unknown(tmp_path: Path) -> None:
    cli = docker(tmp_path, [{"State": {"Running": True}}])
    cli.sleep = lambda _seconds: None
    (tmp_path / "top").write_text("PID\n")
    assert cli.state("x").cpu_percent is None


def docker(tmp_path: Path, inspect: object, code: int = 0) -> DockerCli:
    """A stand-in for the docker command that answers with recorded shapes."""
    (tmp_path / "inspect").write_text(json.dumps(inspect))
    command = tmp_path / "docker"
    command.write_text(
        f"#!/bin/sh\ncat {tmp_path}/$1\necho 'No such container' >&2\nexit {code}\n"
    )
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return DockerCli(str(command), timeout=5)


def test_running(tmp_path: Path) -> None:
    state = {"Running": True, "Status": "running", "OOMKilled": False, "Pid": 0}
    cli = docker(tmp_path, [{"State": state, "RestartCount": 1}])
    cli.sleep = lambda _seconds: None
    (tmp_path / "top").write_text("PID\n")
    found = cli.state("cloudburst-plex")
    assert (found.running, found.restarts) == (True, 1)
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
