# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""What the guard asks of its host: systemd's watchdog, and the mount's repair."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import typing as t


class Notify:
    """systemd's watchdog (an edge of one socket)."""

    def __init__(self, address: str | None) -> None:
        self.address = address

    def __call__(self, text: str) -> None:
        if not self.address:
            return
        name = self.address
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.sendto(
                text.encode(), "\0" + name[1:] if name.startswith("@") else name
            )


class Repair:
    """The command that mounts again, followed without waiting for it."""

    def __init__(self, command: t.Sequence[str], clock: t.Callable[[], float]) -> None:
        self.command = list(command)
        self.clock = clock
        self._running: subprocess.Popen[bytes] | None = None
        self._began = 0.0

    def start(self) -> str:
        """Begin; the reason when that is not possible."""
        self._began = self.clock()
        try:
            # The guard runs without a module, so there is no run_command.
            self._running = subprocess.Popen(  # pylint: disable=ansible-bad-function
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as exc:
            return str(exc)
        return ""

    @property
    def idle(self) -> bool:
        """True while nothing is being repaired."""
        return self._running is None

    def ended(self, most: float) -> int | None:
        """Its exit code, -1 when it took too long, None while it runs."""
        if self._running is None:
            return -1
        code = self._running.poll()
        if code is None and self.clock() - self._began < most:
            return None
        if code is None:
            self._running.kill()
            code = -1
        self._running = None
        return code
