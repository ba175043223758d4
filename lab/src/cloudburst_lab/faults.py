# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the lab from the command line: of the Scaleway API and of the host's processes."""

from __future__ import annotations

import os
import signal
import urllib.error
from typing import Any

from cloudburst_lab.config import LabConfig
from cloudburst_lab.errors import LabError
from cloudburst_lab.processes import marked_processes
from cloudburst_lab.scaleway.service import ScalewayService

SIGNALS = {"freeze": signal.SIGSTOP, "thaw": signal.SIGCONT, "kill": signal.SIGKILL}


class Faults:
    """Set, list and clear faults of the Scaleway API; freeze, thaw and kill services."""

    def __init__(self, config: LabConfig) -> None:
        self.config = config
        self.service = ScalewayService(config)

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            return self.service.call(method, path, body)
        except urllib.error.HTTPError as error:
            raise LabError(f"the lab refused: {error.read().decode()}") from error
        except OSError as error:
            raise LabError(
                f"no Scaleway API at {self.config.scaleway_url}", "run `lab up`"
            ) from error

    def set(self, kind: str, **options: object) -> dict[str, Any]:
        """Set a fault; see ``scaleway/faults.py`` for kinds and options."""
        given = {
            key: value for key, value in options.items() if value not in (None, "")
        }
        return self.call("POST", "faults", {"kind": kind, **given})

    def show(self) -> dict[str, Any]:
        return self.call("GET", "faults")

    def clear(self, fault_id: str = "") -> int:
        answer = self.call("DELETE", f"faults/{fault_id}" if fault_id else "faults")
        return int(answer["removed"])

    def signal(self, what: str, service: str) -> list[int]:
        """Freeze, thaw or kill a host process of the lab by name (s3, plextv, registry, …)."""
        pids = [
            pid
            for pid, name in marked_processes(self.config.state_dir)
            if name == service
        ]
        if not pids:
            names = sorted(
                {name for _, name in marked_processes(self.config.state_dir)}
            )
            raise LabError(
                f"no process {service} runs", f"running: {', '.join(names) or 'none'}"
            )
        for pid in pids:
            os.kill(pid, SIGNALS[what])
        return pids
