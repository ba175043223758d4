# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plex.tv as a component of the lab."""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import Any

from cloudburst_lab.config import LabConfig
from cloudburst_lab.images import tree_hash
from cloudburst_lab.processes import HostProcess, http_status


class PlexTvService:
    """The process that answers as plex.tv."""

    name = "plex.tv"

    def __init__(self, config: LabConfig) -> None:
        self.config = config

    @property
    def process(self) -> HostProcess:
        config = self.config
        source = config.repo_root / "lab" / "src" / "cloudburst_lab" / "plextv"
        return HostProcess(
            config,
            "plextv",
            (sys.executable, "-m", "cloudburst_lab.plextv"),
            ready=lambda: http_status(f"{config.plextv_url}/lab/health") == 200,
            env={
                "CLOUDBURST_LAB_DIR": str(config.state_dir),
                "PYTHONPATH": str(config.repo_root / "lab" / "src"),
            },
            version=tree_hash([source]),
        )

    def up(self) -> None:
        """Start plex.tv unless it runs; the account goes on where it was."""
        self.process.ensure()

    def down(self) -> None:
        """Stop it; the account's list of servers is as good as gone with the lab."""
        self.process.stop()
        (self.config.state_dir / "plextv.json").unlink(missing_ok=True)

    def status(self) -> dict[str, object]:
        return self.process.status()

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Call the admin side (``/lab/…``) and return its JSON."""
        request = urllib.request.Request(
            f"{self.config.plextv_url}/lab/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as reply:
            answer: dict[str, Any] = json.loads(reply.read())
            return answer

    def reset(self) -> None:
        """Forget every server but the one at home; Plex Pass on, claims live four minutes."""
        self.call("POST", "reset")

    def set_plex_pass(self, active: bool) -> None:
        self.call("PUT", "settings", {"plex_pass": active})

    def set_claim_seconds(self, seconds: float) -> None:
        """0 makes every claim token expire at once."""
        self.call("PUT", "settings", {"claim_seconds": seconds})
