# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: from a stopped server to a running one with an address."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_client import (
    Cloud,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_door import (
    Report,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    AccessDenied,
    ApiError,
    CloudError,
    DeadlineExceeded,
    LostReply,
    OutOfStock,
    QuotaExceeded,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    FINGERPRINTS_KEY,
    Server,
)

POLL = 1.0


class NoCapacity(CloudError):
    """The hypervisor had no room for a server that could be created."""


@dataclass(frozen=True)
class Pace:
    """Clock, sleep and deadlines in seconds; tests give their own."""

    boot_timeout: float = 300.0
    host_key_timeout: float = 180.0
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


class Boot:
    """Starts servers and waits for them."""

    def __init__(self, cloud: Cloud, report: Report, pace: Pace) -> None:
        self._cloud = cloud
        self._report = report
        self._pace = pace

    def first_time(self, server: Server, user_data: Mapping[str, str]) -> Server:
        """User data before power on: cloud-init reads it at the first boot only (A5)."""
        self._report.changed = True
        for key, text in user_data.items():
            self._cloud.set_user_data(server, key, text)
        return self.power_on(server)

    def power_on(self, server: Server) -> Server:
        """Power on and wait until it runs and has an address."""
        self._report.changed = True
        try:
            self._cloud.power_on(server)
        except (OutOfStock, QuotaExceeded) as exc:
            raise NoCapacity(exc.reason) from exc
        except AccessDenied:
            raise
        except (LostReply, ApiError, DeadlineExceeded) as exc:
            # Whether it starts is seen by looking, not by asking a second time.
            now = self._cloud.server(server.zone, server.id)
            if now is None or now.state not in ("starting", "running"):
                raise CloudError(f"{exc}; run again, the server is adopted") from exc
        return self.wait_running(server)

    def wait_running(self, server: Server) -> Server:
        """Poll the server, never its task (A1). Running is not yet reachable."""
        end = self._pace.clock() + self._pace.boot_timeout
        was_starting = False
        while True:
            now = self._cloud.server(server.zone, server.id)
            if now is None:
                raise CloudError(f"server {server.id} vanished while it was starting")
            if now.state == "running" and now.ip:
                return now
            if was_starting and now.state == "stopped":
                raise NoCapacity(f"{server.type} stopped again while starting")
            was_starting = was_starting or now.state == "starting"
            if self._pace.clock() >= end:
                raise DeadlineExceeded(
                    f"server {server.id} in {server.zone} is {now.state}, address"
                    f" {now.ip or 'none'}, after {self._pace.boot_timeout:.0f} s;"
                    " run again to go on with it, or remove it with teardown.yml"
                )
            self._pace.sleep(POLL)

    def host_keys(self, server: Server) -> list[str]:
        """Fingerprints that the instance publishes about itself, waited for.

        Empty when none came in time: the caller decides, for pinning is its business.
        """
        end = self._pace.clock() + self._pace.host_key_timeout
        while True:
            text = self._cloud.user_data(server, FINGERPRINTS_KEY) or ""
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            if lines or self._pace.clock() >= end:
                return lines
            self._pace.sleep(POLL)

    def has_booted(self, server: Server) -> bool:
        """Whether a server ever came up: only then are there fingerprints."""
        return self._cloud.user_data(server, FINGERPRINTS_KEY) is not None
