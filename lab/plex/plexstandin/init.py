# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/init``: process 1. First run, then the server, started again whenever it ends.

As the real image's supervisor: a stop sends TERM, waits 5 s, then KILL (§4).
"""

from __future__ import annotations

import os
import pwd
import signal
import time
from pathlib import Path

from . import first_run

SERVER = "/usr/lib/plexmediaserver/Plex Media Server"
DOWN = Path("/run/plex.down")  # made and removed by /plex_service.sh
STOP_SECONDS = 5.0
RESTART_SECONDS = 1.0


class Init:
    """Starts, restarts and stops the one service."""

    def __init__(self) -> None:
        self._stopping = False
        self._child = 0

    def run(self) -> int:
        for code in (signal.SIGTERM, signal.SIGINT):
            signal.signal(code, self._stop)
        first_run.run(os.environ)
        while not self._stopping:
            if DOWN.exists():
                time.sleep(0.2)
                continue
            self._child = self._start()
            self._wait()
            if not self._stopping:
                time.sleep(RESTART_SECONDS)
        return 0

    def _start(self) -> int:
        print("Starting Plex Media Server.", flush=True)
        child = os.fork()
        if child:
            return child
        self._become_plex()
        os.execv(SERVER, [SERVER])

    @staticmethod
    def _become_plex() -> None:
        for code in (signal.SIGTERM, signal.SIGINT):
            signal.signal(code, signal.SIG_DFL)
        entry = pwd.getpwnam(first_run.USER)
        os.initgroups(first_run.USER, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.environ.update(HOME=entry.pw_dir, USER=first_run.USER)
        os.environ.pop("PLEX_CLAIM", None)
        os.setsid()

    def _stop(self, signum: int, frame: object) -> None:
        self._stopping = True
        if self._child:
            self._signal(signal.SIGTERM)

    def _signal(self, code: signal.Signals) -> None:
        try:
            os.kill(self._child, code)
        except ProcessLookupError:
            self._child = 0

    def _wait(self) -> None:
        """Reap everything; leave when the server itself has ended."""
        deadline = 0.0
        while self._child:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == self._child:
                code = os.waitstatus_to_exitcode(status)
                print(f"Plex Media Server ended with {code}", flush=True)
                self._child = 0
            elif pid == 0:
                time.sleep(0.1)
            if self._stopping and self._child:
                deadline = deadline or time.monotonic() + STOP_SECONDS
                if time.monotonic() > deadline:
                    self._signal(signal.SIGKILL)


def main() -> None:
    raise SystemExit(Init().run())
