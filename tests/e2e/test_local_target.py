# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``target=local``: the same roles on "this machine", without a cloud instance.

"This machine" is a container with systemd and its own Docker engine, so that the run's
mount, unit and container are real and leave nothing on the machine that tests.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import REPO, Lab
from tests.e2e.pairs import unpack

NAME = "cloudburst-lab-workstation"
PACKAGES = "docker.io fuse3 zstd python3-requests openssh-client"


def _docker(
    *arguments: str, check: bool = True, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments], check=check, capture_output=True, text=True, env=env
    )


def _inside(
    command: str, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    # By name only: values on a command line are for everybody to read.
    names = [word for name in environment for word in ("-e", name)]
    return _docker(
        *("exec", "-w", str(REPO), *names, NAME, "sh", "-c", command),
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture
def workstation(lab: Lab) -> Iterator[dict[str, str]]:
    """Boot a machine that has what the README asks of a local target."""
    config = lab.config
    shared = {str(REPO), str(config.state_dir), sys.prefix}
    if sys.base_prefix != "/usr":  # Debian's own Python is in the image as well
        shared.add(sys.base_prefix)
    mounts = [
        word for place in sorted(shared) for word in ("-v", f"{place}:{place}:ro")
    ]
    # Where Docker pulls from is the owner's business on a machine of their own.
    mirror = {"registry-mirrors": [config.registry_url]}
    _docker("rm", "-f", "-v", NAME, check=False)
    _docker(
        *("run", "-d", "--name", NAME, "--network", config.network),
        *("--label", f"{config.label}={config.lab_id}"),
        *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--device", "/dev/fuse"),
        *(
            "--security-opt",
            "apparmor=unconfined",
            "--security-opt",
            "seccomp=unconfined",
        ),
        *("-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "-v", "/var/lib/docker"),
        *("--tmpfs", "/run", "--tmpfs", "/run/lock", *mounts),
        *(config.base_image, "/lib/systemd/systemd"),
    )
    try:
        time.sleep(3)  # systemd needs a moment before it takes jobs
        ready = _inside(
            "mount --make-rshared / && mkdir -p /etc/docker"
            f" && echo '{json.dumps(mirror)}' > /etc/docker/daemon.json"
            " && apt-get update -q && DEBIAN_FRONTEND=noninteractive"
            f" apt-get install -y -q --no-install-recommends {PACKAGES}"
            " && systemctl is-active docker",
            {"http_proxy": config.apt_proxy_url},
        )
        assert ready.returncode == 0, ready.stdout + ready.stderr
        yield {
            **lab.environment,
            "PATH": f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/bin",
        }
    finally:
        _docker("rm", "-f", "-v", NAME, check=False)


def test_local_target_runs_the_same_roles(
    lab: Lab, workstation: dict[str, str], tmp_path: Path
) -> None:
    words = [
        "ansible-playbook",
        "delta_sync.yml",
        "-e",
        "target=local",
        "-e",
        "burst_name=e2e-local",
    ]
    words += ["-e", "sections=Classical,Photos", "-e", "output_dir=/root/results"]
    done = _inside(shlex.join(words), workstation)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert lab.created_so_far("e2e-local")["billed"] == 0
    listing = _inside(
        "find /root/results -name '*.tar.zst' ! -name '*logs*'", {}
    ).stdout
    (archive,) = listing.split()
    _docker("cp", f"{NAME}:{archive}", str(tmp_path / "result.tar.zst"))
    pair = unpack(tmp_path / "result.tar.zst", tmp_path / "result")
    assert set(pair.vectors()) & set(pair.tracks(section="Classical"))
    left = _inside("systemctl is-active cloudburst-media.service", {}).stdout.strip()
    assert left != "active", "the mount outlived the run"
