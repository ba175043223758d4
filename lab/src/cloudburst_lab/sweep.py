# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leftovers of a killed run: processes, containers, volumes and mounts that nobody owns.

A process is a leftover when it carries the mark of this lab and its session is not one that a
pidfile knows; a container or volume when its lab's folder is gone; a mount below the lab's
folder when its server is dead.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import docker, labelled, remove_container
from cloudburst_lab.processes import marked_processes, run, start_time, stop_pids


def owned_sessions(config: LabConfig) -> set[int]:
    """Return the session ids (= pids) of the processes that pidfiles know and that live."""
    owned = set()
    for pidfile in config.run_dir.glob("*.pid"):
        try:
            record = json.loads(pidfile.read_text(encoding="utf-8"))
            pid, started = int(record["pid"]), record["started"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if start_time(pid) == started:
            owned.add(pid)
    return owned


def stray_processes(config: LabConfig) -> list[int]:
    """Return the pids of marked processes that no pidfile owns."""
    owned = owned_sessions(config)
    stray = []
    for pid, _name in marked_processes(config.state_dir):
        try:
            session = os.getsid(pid)
        except ProcessLookupError:
            continue
        if session not in owned and pid != os.getpid():
            stray.append(pid)
    return stray


def dead_labs(config: LabConfig, kind: str) -> Iterator[str]:
    """Yield containers or volumes of labs whose state folder no longer exists."""
    name = "{{.Name}}" if kind == "volume" else "{{.Names}}"
    template = name + '\t{{.Label "' + config.label + '.dir"}}'
    every = ["-a"] if kind == "container" else []
    wanted = ["--filter", f"label={config.label}.dir"]
    for line in docker(kind, "ls", *every, *wanted, "--format", template).splitlines():
        name, _, folder = line.partition("\t")
        if folder and not Path(folder).is_dir():
            yield name


def dead_mounts(config: LabConfig) -> list[str]:
    """Return FUSE mount points below the state folder whose server is gone (ENOTCONN)."""
    dead = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields, _, tail = line.partition(" - ")
        place = fields.split()[4].encode().decode("unicode_escape")
        if not tail.startswith("fuse") or not Path(place).is_relative_to(
            config.state_dir
        ):
            continue
        try:
            os.statvfs(place)
        except OSError as error:
            if error.errno == errno.ENOTCONN:
                dead.append(place)
    return dead


def sweep(config: LabConfig, *, docker_too: bool) -> list[str]:
    """Remove every leftover; return what was found, in words."""
    found = []
    strays = stray_processes(config)
    if strays:
        stop_pids(strays, timeout=5)
        found += [f"process {pid}" for pid in strays]
    for place in dead_mounts(config):
        run(["fusermount3", "-uz", place], timeout=15)
        found.append(f"mount {place}")
    if docker_too:
        for name in dead_labs(config, "container"):
            remove_container(name)
            found.append(f"container {name}")
        for name in dead_labs(config, "volume"):
            docker("volume", "rm", "-f", name)
            found.append(f"volume {name}")
    return found


def remove_all(config: LabConfig) -> list[str]:
    """Remove every container and volume of this lab, whatever state it is in."""
    containers = labelled(config, "container")
    for name in containers:
        remove_container(name)
    volumes = labelled(config, "volume")
    for name in volumes:
        docker("volume", "rm", "-f", name)
    return [*containers, *volumes]
