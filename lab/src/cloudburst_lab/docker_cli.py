# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The docker CLI as a few functions; every object of the lab carries the lab's label."""

from __future__ import annotations

import json
from typing import Any

from cloudburst_lab.config import LabConfig
from cloudburst_lab.errors import CommandError
from cloudburst_lab.processes import run


def docker(*args: str, timeout: float = 120.0, stdin: str | None = None) -> str:
    """Run ``docker ARGS`` and return what it printed; raise ``CommandError`` on failure."""
    return run(["docker", *args], timeout=timeout, stdin=stdin).stdout.strip()


def inspect(kind: str, name: str) -> dict[str, Any] | None:
    """Return ``docker KIND inspect NAME``; None when there is no such object.

    Any other failure (engine gone) raises: unknown is not absent.
    """
    done = run(["docker", kind, "inspect", name], timeout=30, check=False)
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout)[0]
        return found
    text = done.stderr.lower()
    if "no such" in text or "not found" in text:
        return None
    raise CommandError(["docker", kind, "inspect", name], done.returncode, done.stderr)


def remove_container(name: str) -> bool:
    """Remove a container with its anonymous volumes; return whether there was one."""
    done = run(["docker", "rm", "-f", "-v", name], timeout=60, check=False)
    if done.returncode == 0:
        return True
    if "no such container" in done.stderr.lower():
        return False
    raise CommandError(["docker", "rm", "-f", name], done.returncode, done.stderr)


def labels(config: LabConfig, component: str) -> list[str]:
    """Return the arguments that mark an object as belonging to this lab's ``component``."""
    return [
        "--label",
        f"{config.label}={config.lab_id}",
        "--label",
        f"{config.label}.component={component}",
        "--label",
        f"{config.label}.dir={config.state_dir}",
    ]


def labelled(config: LabConfig, kind: str, component: str = "") -> list[str]:
    """Return names of the containers (also stopped), volumes or networks of this lab."""
    every = ["-a"] if kind == "container" else []
    wanted = ["--filter", f"label={config.label}={config.lab_id}"]
    if component:
        wanted += ["--filter", f"label={config.label}.component={component}"]
    names = "{{.Names}}" if kind == "container" else "{{.Name}}"
    return docker(kind, "ls", *every, *wanted, "--format", names).split()
