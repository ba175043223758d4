# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker engine and what else the lab needs from the system.

On Debian 12 as root, missing packages are installed with apt; on any other system nothing is
changed and the error says exactly what to install. Without systemd as pid 1 the engine is
started here as a process with a pidfile and a log.
"""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import docker, inspect, labelled, labels
from cloudburst_lab.errors import LabError
from cloudburst_lab.processes import HostProcess, run, wait_until

#: command that the lab calls -> Debian package that brings it
COMMANDS: dict[str, str] = {
    "dockerd": "docker.io",
    "mmdebstrap": "mmdebstrap",
    "docker-registry": "docker-registry",
    "apt-cacher-ng": "apt-cacher-ng",
    "ffmpeg": "ffmpeg",
    "zstd": "zstd",
    "fusermount3": "fuse3",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "ssh-keygen": "openssh-client",
}
#: services that Debian starts at installation and that would sit on the lab's ports
UNWANTED_SERVICES = ("apt-cacher-ng", "docker-registry")
DAEMON_JSON = Path("/etc/docker/daemon.json")
SBIN = ("/usr/sbin", "/sbin")


def find_command(name: str) -> str | None:
    """Return the path of a command; root's folders are searched whatever PATH says."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *SBIN]))


def missing_packages() -> list[str]:
    """Return the Debian packages whose commands are not installed."""
    return sorted({pkg for cmd, pkg in COMMANDS.items() if find_command(cmd) is None})


def os_release(text: str) -> dict[str, str]:
    """Parse ``/etc/os-release``."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key: value.strip('"') for key, value in pairs}


def may_install(release: Mapping[str, str], uid: int) -> bool:
    """Tell whether the lab may install packages: Debian 12 as root, nothing else."""
    return (
        release.get("ID") == "debian" and release.get("VERSION_ID") == "12" and uid == 0
    )


def systemd_runs() -> bool:
    return Path("/run/systemd/system").is_dir()


def daemon_settings(config: LabConfig, current: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``daemon.json`` with the lab's registry as mirror; the rest stays as it was."""
    mirrors = [item for item in current.get("registry-mirrors", []) if item]
    insecure = [item for item in current.get("insecure-registries", []) if item]
    return {
        **current,
        "registry-mirrors": sorted({*mirrors, config.registry_url}),
        "insecure-registries": sorted({*insecure, config.registry}),
    }


def without_lab(config: LabConfig, current: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``daemon.json`` without what ``daemon_settings`` added."""
    left = {**current}
    for key, ours in (
        ("registry-mirrors", config.registry_url),
        ("insecure-registries", config.registry),
    ):
        left[key] = [item for item in current.get(key, []) if item != ours]
        if not left[key]:
            del left[key]
    return left


class Engine:
    """Packages, the Docker daemon and the lab's network."""

    name = "engine"

    def __init__(self, config: LabConfig) -> None:
        self.config = config

    # --- packages ------------------------------------------------------------------------
    def install(self) -> list[str]:
        """Install what is missing; return the packages."""
        missing = missing_packages()
        if not missing:
            return []
        release = os_release(Path("/etc/os-release").read_text(encoding="utf-8"))
        if not may_install(release, os.geteuid()):
            raise LabError(
                f"missing: {', '.join(missing)}",
                "this is not Debian 12 as root, so nothing was changed. Install these "
                f"(Debian names): {' '.join(missing)}; then run `lab up` as root",
            )
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-q"], timeout=300, env=quiet)
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
        run([*command, *missing], timeout=1200, env=quiet)
        if systemd_runs():
            for service in set(UNWANTED_SERVICES) & set(missing):
                run(["systemctl", "disable", "--now", service], timeout=60)
        return missing

    # --- daemon --------------------------------------------------------------------------
    @property
    def process(self) -> HostProcess:
        return HostProcess(
            self.config,
            "dockerd",
            (find_command("dockerd") or "dockerd",),
            ready=self.answers,
            ready_timeout=60,
            stop_timeout=60,
            own_children=False,
        )

    @staticmethod
    def installed() -> bool:
        return find_command("docker") is not None

    @staticmethod
    def answers() -> bool:
        return run(["docker", "info"], timeout=30, check=False).returncode == 0

    def start(self) -> bool:
        """Start the daemon unless one answers; return whether it was started."""
        if self.answers():
            return False
        if systemd_runs():
            run(["systemctl", "start", "docker"], timeout=90)
            wait_until(self.answers, timeout=60, what="the Docker engine")
            return True
        self._clear_stale_pidfiles()
        self.process.start()
        return True

    @staticmethod
    def _clear_stale_pidfiles() -> None:
        # A killed dockerd leaves its pidfile, and refuses to start while that pid number is
        # alive, even when it now belongs to another program.
        for place in (
            Path("/var/run/docker.pid"),
            Path("/run/docker/containerd/containerd.pid"),
        ):
            try:
                pid = int(place.read_text(encoding="utf-8"))
                name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
            except (OSError, ValueError):
                name = ""
            if name not in ("dockerd", "containerd"):
                place.unlink(missing_ok=True)

    def configure(self) -> bool:
        """Let the daemon pull from the lab's registry; return whether that was a change.

        Both settings are live-reloadable (SIGHUP), so running containers stay.
        """
        current = self._settings()
        wanted = daemon_settings(self.config, current)
        running = self.answers()
        if wanted == current and (not running or self._sees_mirror()):
            return False
        self._write_settings(wanted)
        if running:
            wait_until(self._sees_mirror, timeout=10, what="docker's registry mirror")
        return True

    @staticmethod
    def _settings() -> dict[str, Any]:
        text = DAEMON_JSON.read_text(encoding="utf-8") if DAEMON_JSON.exists() else ""
        settings: dict[str, Any] = json.loads(text or "{}")
        return settings

    def _write_settings(self, wanted: Mapping[str, Any]) -> None:
        DAEMON_JSON.parent.mkdir(parents=True, exist_ok=True)
        DAEMON_JSON.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
        if self.answers():
            pid = int(Path("/var/run/docker.pid").read_text(encoding="utf-8"))
            os.kill(pid, signal.SIGHUP)

    def _sees_mirror(self) -> bool:
        done = run(
            ["docker", "info", "--format", "{{json .RegistryConfig}}"],
            timeout=30,
            check=False,
        )
        return self.config.registry_url in done.stdout

    # --- network -------------------------------------------------------------------------
    def network(self) -> bool:
        """Create the lab's network, or replace a broken one; return whether it changed."""
        config = self.config
        found = inspect("network", config.network)
        bridge = Path(f"/sys/class/net/{config.bridge}").exists()
        if found is not None and bridge and self._subnet(found) == config.subnet:
            return False
        if found is not None:
            for container in found.get("Containers", {}):
                docker("network", "disconnect", "-f", config.network, container)
            docker("network", "rm", config.network)
        docker(
            *("network", "create", "--driver", "bridge", "--subnet", config.subnet),
            *("--gateway", config.gateway, "--ip-range", config.dynamic_range),
            *("-o", f"com.docker.network.bridge.name={config.bridge}"),
            *labels(config, "network"),
            config.network,
        )
        return True

    @staticmethod
    def _subnet(found: Mapping[str, Any]) -> str:
        entries = found["IPAM"]["Config"]
        return str(ipaddress.ip_network(entries[0]["Subnet"])) if entries else ""

    # --- component -----------------------------------------------------------------------
    def up(self) -> None:
        """Install, start, configure and connect; does nothing on a healthy system."""
        self.install()
        if not self.answers():
            self.configure()
            self.start()
        self.configure()
        self.network()

    def down(self) -> None:
        """Remove the network and the lab's settings of the daemon.

        The daemon itself is stopped if the lab started it and no container of anybody runs.
        """
        current = self._settings()
        rest = without_lab(self.config, current)
        if rest != current:
            self._write_settings(rest)
        if self.answers():
            for name in labelled(self.config, "network"):
                docker("network", "rm", name)
            if self.process.pid() is None or docker("ps", "-q"):
                return
        self.process.stop()

    def status(self) -> dict[str, object]:
        running = self.answers()
        network = inspect("network", self.config.network) if running else None
        return {
            "healthy": running and network is not None,
            "running": running,
            "network": network is not None,
            "own_daemon": self.process.pid() is not None,
        }
