# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""The guard as a service: ``python3 -m …_guard_service CONFIG [release]``.

Standard library only; it runs on the burst host without Ansible. When it is
asked to end it leaves Plex as it is: a fence outlives the guard, and only
proven bytes, or ``release`` by name, lift it.
"""

from __future__ import annotations

import json
import signal
import sys
import typing as t

from ansible_collections.cloudburst.plex.plugins.module_utils._fence import (
    Container,
    Fence,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard import Guard
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_eyes import Eyes
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_loop import (
    Config,
    Service,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_targets import (
    Target,
    Targets,
)


def build(config: Config) -> Service:
    """The service of a configuration."""
    docker = str(config.get("docker") or "docker")
    container = Container(str(config["container"]), docker=docker)
    canary = None
    if config.get("canary"):
        path = str(config["canary"])
        size = int(config["canary_size"])
        canary = Target(path, path.rpartition("/")[2], size)
    eyes = Eyes(
        str(config["mount_point"]),
        str(config["container_path"]),
        str(config["remote"]),
        str(config["rc_socket"]),
        container,
        Targets(canary),
    )
    return Service(config, eyes, Fence(container.pids))


def release(service: Service) -> int:
    """Let Plex go on because somebody says so; recorded as that."""
    left = service.deeds.fence.release(10.0)
    service.deeds.journal.write(
        "released", message="by hand, without a proof", stopped=list(left)
    )
    service.guard = Guard()
    service.deeds.say(service.guard, {}, stopped=True)
    return 1 if left else 0


def main(arguments: t.Sequence[str]) -> int:
    """Run, or release."""
    with open(arguments[0], encoding="utf-8") as handle:
        service = build(json.load(handle))
    if list(arguments[1:]) == ["release"]:
        return release(service)

    def stop(_number: int, _frame: t.Any) -> None:
        service.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    service.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
