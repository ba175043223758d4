# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: stat, list and read on a mount that may hang.

A system call on a dead FUSE mount can wait for ever, uninterruptibly. So a child process
makes the calls, the parent reads its answers under a deadline and lets a hanging child
be: it is killed, never waited for, and holds none of the parent's pipes but its own.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

STAT, LIST, READ = "stat", "list", "read"
TIMEOUT = "timeout"
NOT_ASKED = "not asked"
# What says that a name is not there, rather than that it could not be looked up.
_ABSENT = (errno.ENOENT, errno.ENOTDIR)

CHILD = r"""
import errno, json, os, queue, stat, sys, threading
requests, lock = queue.Queue(), threading.Lock()

def look(op, path):
    if op == "list":
        found = {"dirs": [], "files": []}
        with os.scandir(path) as entries:
            for entry in entries:
                found["dirs" if entry.is_dir() else "files"].append(entry.name)
        return found
    if op == "read":
        with open(path, "rb", buffering=0) as handle:
            if not handle.read(1):
                raise OSError(errno.ENODATA, "not a byte in it")
    seen = os.stat(path)
    return {"dir": stat.S_ISDIR(seen.st_mode), "size": seen.st_size,
            "mtime": int(seen.st_mtime)}

def work():
    while True:
        number, op, path = requests.get()
        try:
            answer = look(op, path)
        except OSError as error:
            answer = {"errno": error.errno, "error": error.strerror or str(error)}
        with lock:
            sys.stdout.write(json.dumps([number, answer]) + "\n")
            sys.stdout.flush()

for _ in range(int(sys.argv[1])):
    threading.Thread(target=work, daemon=True).start()
for line in sys.stdin:
    requests.put(json.loads(line))
os._exit(0)
"""


@dataclass(frozen=True)
class Request:
    """A path to look at: its attributes (stat, read: once it gave a byte), its entries."""

    op: str
    path: str


@dataclass(frozen=True)
class Answer:
    """What came back. ``error`` is empty when the path was seen."""

    request: Request
    error: str = ""
    absent: bool = False
    is_dir: bool = False
    size: int = 0
    mtime: int = 0
    dirs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def seen(self) -> bool:
        return not self.error

    @property
    def unknown(self) -> bool:
        """Neither there nor absent: the mount did not say."""
        return bool(self.error) and not self.absent


def _answer(request: Request, data: dict[str, Any]) -> Answer:
    if "error" in data:
        return Answer(request, data["error"], absent=data["errno"] in _ABSENT)
    return Answer(
        request,
        is_dir=bool(data.get("dir", request.op == LIST)),
        size=int(data.get("size", 0)),
        mtime=int(data.get("mtime", 0)),
        dirs=tuple(data.get("dirs", ())),
        files=tuple(data.get("files", ())),
    )


class Prober:
    """Asks a child process, several questions at a time, each with its own deadline.

    ``deadline`` is in seconds per question. After ``hangs`` questions without an answer
    the mount is given up, and what is left counts as not asked.
    """

    def __init__(self, deadline: float, *, workers: int = 8, hangs: int = 3) -> None:
        self.deadline = deadline
        self.workers = workers
        self.hangs = hangs
        self.given_up = False

    def run(
        self,
        waiting: deque[Request],
        receive: Callable[[Answer], None],
        *,
        until: float | None = None,
    ) -> None:
        """Answer all requests; ``receive`` may add more. ``until``: monotonic end."""
        hung = 0
        while waiting and not self.given_up:
            with _Child(self.workers) as child:
                late = self._serve(child, waiting, receive, until)
            for request in late:
                hung += 1
                receive(Answer(request, TIMEOUT))
            self.given_up = hung >= self.hangs or _is_over(until)
        while waiting:
            receive(Answer(waiting.popleft(), NOT_ASKED))

    def _serve(
        self,
        child: _Child,
        waiting: deque[Request],
        receive: Callable[[Answer], None],
        until: float | None,
    ) -> list[Request]:
        """Go on until all is answered or a question hangs; those that hang."""
        open_since: dict[int, tuple[Request, float]] = {}
        number = 0
        while (waiting or open_since) and not _is_over(until):
            while waiting and len(open_since) < self.workers:
                number += 1
                request = waiting.popleft()
                open_since[number] = (request, time.monotonic())
                child.send(number, request)
            oldest = min(since for _request, since in open_since.values())
            answers = child.receive(oldest + self.deadline - time.monotonic())
            for answered, data in answers:
                request, _since = open_since.pop(answered)
                receive(_answer(request, data))
            if not answers:
                break
        return self._sort_out(open_since, waiting)

    def _sort_out(
        self, open_since: dict[int, tuple[Request, float]], waiting: deque[Request]
    ) -> list[Request]:
        """What hangs is late; what was asked only just before is asked again."""
        late = []
        now = time.monotonic()
        for request, since in open_since.values():
            if now - since >= self.deadline:
                late.append(request)
            else:
                waiting.appendleft(request)
        return late


def _is_over(until: float | None) -> bool:
    return until is not None and time.monotonic() >= until


class _Child:
    """The process that makes the calls."""

    def __init__(self, workers: int) -> None:
        # An edge runs without a module too, so there is no run_command.
        self.process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            [sys.executable, "-I", "-S", "-c", CHILD, str(workers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        self.rest = b""

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        # Not for long: a call that hangs in the kernel outlives the kill.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(0.2)

    def send(self, number: int, request: Request) -> None:
        pipe = self.process.stdin
        if pipe is None:
            raise OSError("the probing process has no input")
        line = json.dumps([number, request.op, request.path]) + "\n"
        pipe.write(line.encode("ascii"))
        pipe.flush()

    def receive(self, seconds: float) -> list[tuple[int, dict[str, Any]]]:
        """All complete answers, at least one, or none when the time is over."""
        end = time.monotonic() + seconds
        output = self.process.stdout
        if output is None:
            raise OSError("the probing process has no output")
        while b"\n" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                return []
            chunk = os.read(output.fileno(), 1 << 16)
            if not chunk:
                raise OSError("the probing process ended unexpectedly")
            self.rest += chunk
        *lines, self.rest = self.rest.split(b"\n")
        return [(item[0], item[1]) for item in map(json.loads, lines)]
