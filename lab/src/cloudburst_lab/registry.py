# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's docker-registry on the lab's address: a pull in the workflow is a real pull."""

from __future__ import annotations

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import docker
from cloudburst_lab.engine import find_command
from cloudburst_lab.processes import HostProcess, http_status

# Debian's own configuration demands htpasswd; this one is for a bridge nobody else is on.
CONFIGURATION = """\
version: 0.1
log:
  level: warn
storage:
  filesystem:
    rootdirectory: {storage}
  delete:
    enabled: true
http:
  addr: {address}:{port}
  secret: lab
"""

#: what docker push stores; without it the registry converts to schema 1 or refuses
MANIFESTS = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """The image registry; its blobs live in the lab's cache folder."""

    name = "registry"

    def __init__(self, config: LabConfig) -> None:
        self.config = config
        self.file = config.run_dir / "registry.yml"
        self.text = CONFIGURATION.format(
            storage=config.cache_dir / "registry",
            address=config.gateway,
            port=config.registry_port,
        )

    @property
    def process(self) -> HostProcess:
        binary = find_command("docker-registry") or "docker-registry"
        return HostProcess(
            self.config,
            "registry",
            (binary, "serve", str(self.file)),
            ready=lambda: http_status(f"{self.config.registry_url}/v2/") == 200,
            version=self.text,
        )

    def up(self) -> None:
        """Start the registry unless it runs."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(self.text, encoding="utf-8")
        self.process.ensure()

    def down(self) -> None:
        self.process.stop()

    def status(self) -> dict[str, object]:
        return self.process.status()

    def has(self, repository: str, tag: str) -> bool:
        """Tell whether the registry serves this tag."""
        return (
            http_status(f"{self.config.registry_url}/v2/{repository}/manifests/{tag}")
            == 200
        )

    def push(self, local: str, repository: str, tag: str) -> None:
        """Push a local image as ``repository:tag``; layers that are there are not sent."""
        target = f"{self.config.registry}/{repository}:{tag}"
        docker("tag", local, target)
        docker("push", "-q", target, timeout=300)
