# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Scaleway API as a component of the lab."""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import Any

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import docker, labelled, remove_container
from cloudburst_lab.engine import Engine
from cloudburst_lab.images import tree_hash
from cloudburst_lab.processes import HostProcess, http_status
from cloudburst_lab.scaleway.compute import COMPONENT


class ScalewayService:
    """The API process and, through it, the servers."""

    name = "scaleway"

    def __init__(self, config: LabConfig) -> None:
        self.config = config

    @property
    def process(self) -> HostProcess:
        config = self.config
        source = config.repo_root / "lab" / "src" / "cloudburst_lab" / "scaleway"
        return HostProcess(
            config,
            "scaleway",
            (sys.executable, "-m", "cloudburst_lab.scaleway"),
            ready=lambda: http_status(f"{config.scaleway_url}/lab/health") == 200,
            env={
                "CLOUDBURST_LAB_DIR": str(config.state_dir),
                "CLOUDBURST_LAB_BOOT": "true" if config.boot_servers else "false",
                "CLOUDBURST_LAB_BILL_FACTOR": str(config.bill_factor),
                "PYTHONPATH": str(config.repo_root / "lab" / "src"),
            },
            version=tree_hash([source]),
        )

    def up(self) -> None:
        """Start the API unless it runs; servers of an earlier run go on."""
        self.process.ensure()

    def down(self) -> None:
        """Stop the API, then remove every server it left: state, containers, volumes."""
        self.process.stop()
        if Engine.answers():  # else none of them runs, and the next "down" removes them
            self._remove_servers()
        (self.config.state_dir / "scaleway.json").unlink(missing_ok=True)

    def _remove_servers(self) -> None:
        for name in labelled(self.config, "container", COMPONENT):
            remove_container(name)
        for name in labelled(self.config, "volume", COMPONENT):
            docker("volume", "rm", "-f", name)

    def status(self) -> dict[str, object]:
        return self.process.status()

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Call the admin side (``/lab/…``) and return its JSON."""
        request = urllib.request.Request(
            f"{self.config.scaleway_url}/lab/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=120) as reply:
            answer: dict[str, Any] = json.loads(reply.read())
            return answer

    def reset(self) -> None:
        """Empty the cloud."""
        self.call("POST", "reset")
