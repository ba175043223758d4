# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pool of ``Plex Media Scanner`` processes that touch the media."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

SCANNER = "/usr/lib/plexmediaserver/Plex Media Scanner"
IDLE_SECONDS = 3.0
LINE_LIMIT = 64 * 1024 * 1024


class ReadError(Exception):
    """A file or folder could not be read."""

    def __init__(self, path: str, reason: str, errno: int | None = None) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.errno = errno


class ScannerPool:
    """At most ``size`` processes, started when needed, ended when idle."""

    def __init__(self, size: int, argv: Sequence[str] = (SCANNER, "--worker")) -> None:
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Process] = []
        self._argv = argv
        self._reaper: asyncio.Task[None] | None = None
        self.busy = 0

    async def call(
        self, op: str, *args: Any, seconds: float = 0.0, deadline: float | None = None
    ) -> Any:
        """Let a process do ``op``. ReadError when it fails or is late.

        A process that was killed is replaced and asked again, once (§3.4).
        """
        async with self._slots:
            self.busy += 1
            try:
                for last in (False, True):
                    try:
                        reply = await asyncio.wait_for(
                            self._ask(op, args, seconds), deadline
                        )
                    except (EOFError, BrokenPipeError, ConnectionResetError) as error:
                        if last:
                            raise ReadError(str(args[0]), "scanner died") from error
                        continue
                    except asyncio.TimeoutError as error:
                        raise ReadError(str(args[0]), "timed out") from error
                    break
            finally:
                self.busy -= 1
        if "error" in reply:
            raise ReadError(str(args[0]), reply["error"], reply.get("errno"))
        return reply["result"]

    async def _ask(self, op: str, args: Sequence[Any], seconds: float) -> Any:
        process = self._idle.pop() if self._idle else await self._spawn()
        try:
            assert process.stdin is not None and process.stdout is not None
            request = {"op": op, "args": list(args), "seconds": seconds}
            process.stdin.write(json.dumps(request).encode() + b"\n")
            await process.stdin.drain()
            line = await process.stdout.readline()
            if not line:
                raise EOFError(op)
        except BaseException:  # also cancelled or late: its state is not known
            _kill(process)
            raise
        self._idle.append(process)
        self._plan_reaping()
        return json.loads(line)

    async def _spawn(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *self._argv, stdin=PIPE, stdout=PIPE, limit=LINE_LIMIT
        )

    def _plan_reaping(self) -> None:
        if self._reaper is None or self._reaper.done():
            self._reaper = asyncio.create_task(self._reap())

    async def _reap(self) -> None:
        """End the processes when there has been nothing to do for a while."""
        quiet = 0.0
        while quiet < IDLE_SECONDS:
            await asyncio.sleep(0.5)
            quiet = 0.0 if self.busy else quiet + 0.5
        self.close()

    def close(self) -> None:
        while self._idle:
            _kill(self._idle.pop())


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    # Collected by the loop's child watcher; waiting here could hang on a stuck read.
