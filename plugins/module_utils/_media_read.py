# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Read the beginning of many files of a mount, bounded in parallel and in time.

A read from a mount whose store is frozen sleeps in the kernel and cannot be
killed (``scaleway-rclone §B2``). So one child does all the reading and says so
line by line; when it falls silent it is left behind, and the parent reports.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

CHUNK = 1 << 20
WALK_STEPS = 64


@dataclass(frozen=True)
class ReadOrder:
    """What to read, and as whom."""

    size: int
    parallel: int
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True)
class Summary:
    """What came of it."""

    asked: int
    read: int
    bytes: int
    seconds: float
    latencies_ms: tuple[float, ...]
    failed: tuple[dict[str, str], ...]
    silent: bool

    def as_dict(self) -> dict[str, t.Any]:
        """JSON-ready, with the latency as figures of merit."""
        rate = self.bytes / self.seconds / 1e6 if self.seconds > 0 else 0.0
        return {
            "asked": self.asked,
            "read": self.read,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "mb_per_second": round(rate, 1),
            "latency_ms": latency_figures(self.latencies_ms),
            "failed": list(self.failed),
            "silent": self.silent,
        }


def latency_figures(values: t.Sequence[float]) -> dict[str, float | None]:
    """Median, 95th percentile and worst; null when nothing was read."""
    ordered = sorted(values)

    def at(share: float) -> float | None:
        if not ordered:
            return None
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return {"median": at(0.5), "p95": at(0.95), "max": at(1.0)}


def summarise(
    events: t.Iterable[dict[str, t.Any]], seconds: float, silent: bool
) -> Summary:
    """Put the child's lines together."""
    asked, total = 0, 0
    latencies, failed, started = [], [], {}
    for event in events:
        name = event["file"]
        if event["kind"] == "start":
            asked += 1
            started[name] = True
        elif event["kind"] == "read":
            started.pop(name, None)
            total += event["bytes"]
            latencies.append(event["ms"])
        else:
            started.pop(name, None)
            failed.append({"file": name, "reason": event["reason"]})
    failed += [{"file": x, "reason": "no answer in time"} for x in started]
    return Summary(
        asked, len(latencies), total, seconds, tuple(latencies), tuple(failed), silent
    )


def read_head(path: str, size: int) -> dict[str, t.Any]:
    """The first bytes of one file: how many came, and when the first did."""
    began = time.monotonic()
    try:
        with open(path, "rb", buffering=0) as handle:
            first = handle.read(min(size, CHUNK))
            latency = (time.monotonic() - began) * 1000
            got = len(first)
            while got < size:
                block = handle.read(min(CHUNK, size - got))
                if not block:
                    break
                got += len(block)
    except OSError as exc:
        return {"kind": "failed", "file": path, "reason": exc.strerror or str(exc)}
    if not got:
        return {"kind": "failed", "file": path, "reason": "is empty"}
    return {"kind": "read", "file": path, "bytes": got, "ms": latency}


def pick_files(directory: str, count: int, chooser: random.Random) -> list[str]:
    """Files found by random descents; fewer than ``count`` on a small tree."""
    found: dict[str, None] = {}
    for _attempt in range(count * 4):
        path = _descend(directory, chooser)
        if path:
            found[path] = None
        if len(found) >= count:
            break
    return list(found)


def _descend(directory: str, chooser: random.Random) -> str | None:
    place = directory
    for _step in range(WALK_STEPS):
        with os.scandir(place) as entries:
            rows = [x for x in entries if not x.name.startswith(".")]
        files = [x.path for x in rows if x.is_file() and x.stat().st_size]
        folders = [x.path for x in rows if x.is_dir()]
        if files and (not folders or chooser.random() < 0.5):
            return chooser.choice(files)
        if not folders:
            return None
        place = chooser.choice(folders)
    return None


class HeadReader:
    """One child that reads; the parent listens and gives up on silence."""

    def __init__(
        self,
        order: ReadOrder,
        patience: float,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self.order = order
        self.patience = patience
        self.clock = clock

    def run(self, names: t.Callable[[], t.Iterable[str]]) -> Summary:
        """Read all that ``names`` gives; it is called in the child."""
        reader, writer = os.pipe()
        began = self.clock()
        child = os.fork()
        if not child:
            os.close(reader)
            self._child(writer, names)
        os.close(writer)
        events, silent = self._listen(reader)
        os.close(reader)
        self._end(child, silent)
        return summarise(events, self.clock() - began, silent)

    def _listen(self, reader: int) -> tuple[list[dict[str, t.Any]], bool]:
        rest = b""
        events: list[dict[str, t.Any]] = []
        while True:
            ready, _w, _x = select.select([reader], [], [], self.patience)
            if not ready:
                return events, True
            block = os.read(reader, 1 << 16)
            if not block:
                return events, False
            *lines, rest = (rest + block).split(b"\n")
            events += [json.loads(line) for line in lines]

    def _end(self, child: int, silent: bool) -> None:
        if silent:
            # It may sleep in the kernel; waiting for it would hang as well.
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, os.WNOHANG)
        else:
            os.waitpid(child, 0)

    def _child(self, writer: int, names: t.Callable[[], t.Iterable[str]]) -> t.NoReturn:
        code = 1
        try:
            os.setsid()
            _leave_streams()
            _become(self.order.uid, self.order.gid)
            self._read_all(writer, names)
            code = 0
        except Exception as exc:
            _say(writer, {"kind": "failed", "file": "", "reason": str(exc)})
        finally:
            os._exit(code)

    def _read_all(self, writer: int, names: t.Callable[[], t.Iterable[str]]) -> None:
        def one(path: str) -> None:
            _say(writer, {"kind": "start", "file": path})
            _say(writer, read_head(path, self.order.size))

        with ThreadPoolExecutor(max_workers=self.order.parallel) as pool:
            for _done in pool.map(one, names()):
                pass


def _say(writer: int, event: dict[str, t.Any]) -> None:
    # One write per line; lines beyond PIPE_BUF could mix, names are cut for that.
    event["file"] = event["file"][-2000:]
    os.write(writer, json.dumps(event).encode() + b"\n")


def _leave_streams() -> None:
    # A child that hangs must not keep the SSH connection open.
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)


def _become(uid: int | None, gid: int | None) -> None:
    if gid is not None:
        os.setgroups([])
        os.setgid(gid)
    if uid is not None:
        os.setuid(uid)
