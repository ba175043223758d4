# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server as one thing: its parts, its stages, its start and its end."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from enum import Enum

from .auth import Gatekeeper, local_admin_token
from .butler import Butler
from .core import Core
from .database import DatabaseDamaged
from .faults import Faults, corrupt
from .library import Library
from .logs import LOG
from .ownership import Ownership
from .tuning import Layout, Tuning, config_home

__all__ = ["DatabaseDamaged", "Server", "Stage"]


class Stage(Enum):
    """The two start-up gates, then open (§3.1)."""

    MAINTENANCE = 1
    STARTING = 2
    READY = 3


class Server:
    """A Plex Media Server, as far as the workflow looks."""

    def __init__(self, layout: Layout, tuning: Tuning) -> None:
        self.core = Core.build(layout, tuning)
        self.faults = Faults(config_home() / "faults.json")
        self.core.crash_point = self.faults.crash_point
        self.library = Library(self.core)
        self.butler = Butler(self.core, self.library)
        self.ownership = Ownership(self.core)
        token = local_admin_token(layout.local_admin_token)
        self.gatekeeper = Gatekeeper(self.core.prefs, self.core.plextv, token)
        self.stage = Stage.MAINTENANCE
        self.started = time.time()
        self._hang_until = 0.0

    async def start(self) -> None:
        """Open the databases and pass the gates; DatabaseDamaged ends it all."""
        tuning = self.core.tuning
        LOG.info("Plex Media Server v%s - plexinc/pms-docker", tuning.version)
        self.faults.crash_point("start")
        slow = float(self.faults.take("slow_start") or 0.0)
        kind = self.faults.take("corrupt")
        if kind and self.core.database.pair.library.exists():
            corrupt(self.core.database.pair.library, str(kind))
        await asyncio.get_running_loop().run_in_executor(None, self.core.database.open)
        await asyncio.sleep(max(tuning.maintenance, slow))
        self.core.items.start()
        self.library.start()
        self.core.background(self.ownership.keep())
        if tuning.night:
            self.core.background(self.butler.keep_hours())
        self.stage = Stage.STARTING
        await asyncio.sleep(tuning.startup)
        self.stage = Stage.READY
        LOG.info("Server is ready")

    async def stop(self) -> None:
        """End all work, then close the databases cleanly."""
        LOG.info("Shutting down")
        self.core.closing = True
        self.library.stop()
        self.core.items.stop()
        for task in list(self.core.tasks):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self.core.tasks, return_exceptions=True)
        self.core.pool.close()
        await asyncio.get_running_loop().run_in_executor(None, self.core.database.close)
        LOG.info("Shutdown complete")

    # --- a fault that holds every request ------------------------------------------

    def hang(self, seconds: float) -> None:
        self._hang_until = time.monotonic() + seconds

    async def not_hanging(self) -> None:
        seconds = self.faults.all().get("hang")
        if seconds is not None:
            self.faults.take("hang")
            self.hang(float(seconds))
        while time.monotonic() < self._hang_until:
            await asyncio.sleep(0.1)
