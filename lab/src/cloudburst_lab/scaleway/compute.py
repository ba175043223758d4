# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers as containers that boot a whole Debian (lab-feasibility).

All methods block (seconds); the cloud calls them in threads. They are idempotent: called again
after a crash of the API they complete what was begun.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import Protocol

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import (
    docker,
    inspect,
    labelled,
    labels,
    remove_container,
)
from cloudburst_lab.engine import find_command
from cloudburst_lab.errors import CommandError, LabError
from cloudburst_lab.processes import run
from cloudburst_lab.scaleway import firewall
from cloudburst_lab.scaleway.model import SecurityGroup, Server
from cloudburst_lab.scaleway.seed import seed_tar

COMPONENT = "server"
METADATA_ADDRESS = "169.254.42.42"
STOP_SECONDS = 20
#: exit code of systemd as pid 1 after `poweroff` in the guest (SIGINT from the kernel; measured).
#: A `reboot` in the guest ends with 129 (SIGHUP), a killed machine with 137.
EXIT_HALT = 130


@dataclass(frozen=True)
class Observed:
    """What a server's container is right now; ``pid`` 0 when it does not run."""

    pid: int
    exit_code: int


class Compute(Protocol):
    """What the cloud asks of the machines."""

    def start(
        self, server: Server, address: str | None, group: SecurityGroup
    ) -> int: ...
    def stop(self, server: Server) -> None: ...
    def reboot(
        self, server: Server, address: str | None, group: SecurityGroup
    ) -> int: ...
    def destroy(self, server_id: str) -> None: ...
    def filter(self, server: Server, group: SecurityGroup) -> None: ...
    def observe(self) -> dict[str, Observed]: ...
    def known(self) -> list[str]: ...


class NoCompute:
    """Machines that need only time: servers answer the API and boot nothing."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def start(self, server: Server, address: str | None, group: SecurityGroup) -> int:
        time.sleep(self.seconds)
        return 0

    def stop(self, server: Server) -> None:
        time.sleep(self.seconds)

    def reboot(self, server: Server, address: str | None, group: SecurityGroup) -> int:
        time.sleep(self.seconds)
        return 0

    def destroy(self, server_id: str) -> None:
        time.sleep(self.seconds)

    def filter(self, server: Server, group: SecurityGroup) -> None:
        """Nothing to filter."""

    def observe(self) -> dict[str, Observed]:
        return {}

    def known(self) -> list[str]:
        return []


def container_name(server_id: str) -> str:
    return f"cblab-server-{server_id}"


def server_id_of(name: str) -> str:
    return name.removeprefix("cblab-server-")


class ContainerCompute:
    """Machines as privileged-enough containers on the lab's network."""

    def __init__(self, config: LabConfig) -> None:
        self.config = config

    # --- life ----------------------------------------------------------------------------
    def start(self, server: Server, address: str | None, group: SecurityGroup) -> int:
        """Boot a server and return the pid of its init; makes the machine on first boot."""
        name = container_name(server.id)
        found = inspect("container", name)
        if found is None:
            self._create(server, address)
        else:
            self._readdress(name, address)
        docker("start", name)
        return self._plumb(server, group)

    def _create(self, server: Server, address: str | None) -> None:
        name, config = container_name(server.id), self.config
        network = ["--network", config.network, "--ip", address] if address else []
        docker("volume", "create", *labels(config, COMPONENT), name)
        docker(
            *("create", "--name", name, "--hostname", server.name[:63]),
            *(network or ["--network", "none"]),
            *(
                "--cap-add",
                "ALL",
                "--cap-drop",
                "SYS_RESOURCE",
                "--device",
                "/dev/fuse",
            ),
            *(
                "--security-opt",
                "apparmor=unconfined",
                "--security-opt",
                "seccomp=unconfined",
            ),
            *(
                "-v",
                "/sys/fs/cgroup:/sys/fs/cgroup:rw",
                "-v",
                f"{name}:/var/lib/docker",
            ),
            *("--tmpfs", "/run", "--tmpfs", "/run/lock", "-e", "container=docker"),
            *labels(config, COMPONENT),
            *(config.server_image, "/lib/systemd/systemd"),
        )
        # bytes, not text: user data may hold anything
        done = subprocess.run(
            ["docker", "cp", "-", f"{name}:/"],
            input=seed_tar(server),
            capture_output=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            raise CommandError(
                ["docker", "cp"], done.returncode, done.stderr.decode(errors="replace")
            )

    def _readdress(self, name: str, address: str | None) -> None:
        """Give a stopped machine the address of this boot: dynamic ones change."""
        network = self.config.network
        found = inspect("container", name) or {}
        current = found["NetworkSettings"]["Networks"].get(network)
        wanted = (current or {}).get("IPAMConfig") or {}
        if current is not None and wanted.get("IPv4Address") == address:
            return
        if current is not None:
            docker("network", "disconnect", "-f", network, name)
        if address:
            docker("network", "connect", "--ip", address, network, name)

    def stop(self, server: Server) -> None:
        """Shut a machine down; its disk stays."""
        if inspect("container", container_name(server.id)) is not None:
            docker("stop", "-t", str(STOP_SECONDS), container_name(server.id))

    def reboot(self, server: Server, address: str | None, group: SecurityGroup) -> int:
        self.stop(server)
        return self.start(server, address, group)

    def destroy(self, server_id: str) -> None:
        """Remove a machine with its disk."""
        name = container_name(server_id)
        remove_container(name)
        run(["docker", "volume", "rm", "-f", name], timeout=60)

    # --- inside the network namespace -----------------------------------------------------
    def _plumb(self, server: Server, group: SecurityGroup) -> int:
        """Filter first, then the metadata address, in the namespace of the booting machine."""
        pid = self._pid(server.id)
        self._filter(pid, group)
        shown = self._inside(pid, "ip", "-4", "addr", "show", "dev", "lo")
        if METADATA_ADDRESS not in shown:
            self._inside(
                pid, "ip", "addr", "add", f"{METADATA_ADDRESS}/32", "dev", "lo"
            )
        return pid

    def _pid(self, server_id: str) -> int:
        found = inspect("container", container_name(server_id))
        pid = int(found["State"]["Pid"]) if found else 0
        if not pid:
            raise LabError(f"server {server_id} has no running container")
        return pid

    @staticmethod
    def _inside(pid: int, command: str, *args: str, stdin: str | None = None) -> str:
        path = find_command(command) or command
        return run(
            ["nsenter", "-t", str(pid), "-n", path, *args], timeout=30, stdin=stdin
        ).stdout

    def _filter(self, pid: int, group: SecurityGroup) -> None:
        text = firewall.restore_text(group)
        self._inside(pid, "iptables-restore", "-w", "--noflush", stdin=text)
        rules = self._inside(pid, "iptables", "-w", "-t", "mangle", "-S")
        for chain, *rest in firewall.jumps():
            if f"-A {chain} {' '.join(rest)}" not in rules:
                self._inside(pid, "iptables", "-w", "-t", "mangle", "-I", chain, *rest)

    def filter(self, server: Server, group: SecurityGroup) -> None:
        """Enforce a changed security group on a running machine."""
        self._filter(self._pid(server.id), group)

    # --- observation ----------------------------------------------------------------------
    def observe(self) -> dict[str, Observed]:
        """Return what runs, by server id."""
        names = labelled(self.config, "container", COMPONENT)
        if not names:
            return {}
        template = "{{.Name}} {{.State.Pid}} {{.State.ExitCode}}"
        # One vanishing between list and inspect makes docker exit 1 with the rest printed.
        done = run(
            ["docker", "inspect", "-f", template, *names], timeout=30, check=False
        )
        seen = {}
        for line in done.stdout.splitlines():
            name, pid, code = line.split()
            seen[server_id_of(name.lstrip("/"))] = Observed(int(pid), int(code))
        return seen

    def known(self) -> list[str]:
        """Return the ids of all servers that left a container or a volume."""
        names = labelled(self.config, "container", COMPONENT)
        volumes = labelled(self.config, "volume", COMPONENT)
        return sorted({server_id_of(name) for name in [*names, *volumes]})
