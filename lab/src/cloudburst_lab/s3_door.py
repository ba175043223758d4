# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP proxy before the S3 server: a bad line on demand, changed while connections live.

``python -m cloudburst_lab.s3_door LISTEN TARGET SETTINGS``: addresses as ``host:port``; the
settings file is looked at before every block, so a fault begins and ends at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

SETTINGS = "s3-door.json"
BLOCK = 64 * 1024
TICK = 0.1


@dataclass(frozen=True)
class DoorSettings:
    """How the line behaves; all zero is a good line."""

    latency: float = 0.0  # seconds before each block of a request is passed on
    bytes_per_second: int = 0  # of replies, per connection; 0: as fast as it goes
    hang_after: int = 0  # bytes of replies per connection; 0: never
    hang: bool = False  # nothing passes, nothing is closed
    cut: bool = False  # connections are reset
    read_latency: float = (
        0.0  # seconds before each read of an object, listings are not late
    )
    hang_reads: bool = False  # reads of objects hang, all else is answered (L04)

    @classmethod
    def load(cls, path: Path) -> DoorSettings:
        """Read the settings; without a file the line is good."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return cls()


def reads_object(block: bytes) -> bool:
    """Is this block of a connection the head of a request for an object's bytes?

    A client sends one request after the answer to the one before, and its head is shorter
    than a block: a request begins where a block begins.
    """
    method, _, rest = block.partition(b" ")
    path, _, query = rest.partition(b" ")[0].partition(b"?")
    name = path.strip(b"/").partition(b"/")[2]
    return method == b"GET" and bool(name) and b"list-type" not in query


@dataclass
class Line:
    """One connection: what was asked last, and how much was answered."""

    reading: bool = False
    passed: int = 0


class Door:
    """Passes connections on to the target, as the settings of the moment say."""

    def __init__(self, target: tuple[str, int], settings: Path) -> None:
        self._target = target
        self._path = settings
        self._seen = 0
        self._settings = DoorSettings()

    @property
    def settings(self) -> DoorSettings:
        try:
            stamp = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return DoorSettings()
        if stamp != self._seen:
            self._settings, self._seen = DoorSettings.load(self._path), stamp
        return self._settings

    async def serve(self, host: str, port: int) -> None:
        server = await asyncio.start_server(self._take, host, port, backlog=512)
        async with server:
            await server.serve_forever()

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        async with _closing(writer):
            try:
                there = await asyncio.open_connection(*self._target)
            except OSError:
                writer.transport.abort()  # nobody behind: the client sees a reset
                return
            async with _closing(there[1]):
                await self._pass_on((reader, writer), there)

    async def _pass_on(
        self,
        here: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        there: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Copy both ways until one side ends, or the line is cut."""
        line = Line()
        tasks = [
            asyncio.create_task(self._requests(line, here[0], there[1])),
            asyncio.create_task(self._replies(line, there[0], here[1])),
            asyncio.create_task(self._watch(here[1])),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, writer: asyncio.StreamWriter) -> None:
        while not self.settings.cut:
            await asyncio.sleep(TICK)
        writer.transport.abort()

    async def _requests(
        self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while block := await reader.read(BLOCK):
            line.reading = reads_object(block)
            await asyncio.sleep(self.settings.latency)
            if line.reading:
                await asyncio.sleep(self.settings.read_latency)
            await self._while_hanging(line, request=True)
            writer.write(block)
            await writer.drain()

    async def _replies(
        self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while block := await reader.read(BLOCK):
            await self._while_hanging(line)
            rate = self.settings.bytes_per_second
            writer.write(block)
            await writer.drain()
            line.passed += len(block)
            if rate:
                await asyncio.sleep(len(block) / rate)

    async def _while_hanging(self, line: Line, *, request: bool = False) -> None:
        while self._hangs(line, request):
            await asyncio.sleep(TICK)

    def _hangs(self, line: Line, request: bool) -> bool:
        now = self.settings
        late = now.hang_after and not request and line.passed >= now.hang_after
        return now.hang or bool(late) or (now.hang_reads and line.reading)


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):  # a reset connection is closed as well
            await writer.wait_closed()


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    """Serve until killed."""
    listen, target, settings = sys.argv[1:4]
    asyncio.run(Door(address(target), Path(settings)).serve(*address(listen)))


if __name__ == "__main__":
    main()
