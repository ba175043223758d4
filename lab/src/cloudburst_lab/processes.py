# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and long-running host processes.

The machine may have no systemd, so the lab keeps its own services: each has a pidfile that
holds the pid *and* the kernel's start time (a recycled pid is never killed), runs in its own
session, and carries ``CLOUDBURST_LAB_PROCESS=<state dir>:<name>`` in its environment, by which
a process is found again when its pidfile is lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cloudburst_lab.config import LabConfig
from cloudburst_lab.errors import CommandError, LabError

MARK = "CLOUDBURST_LAB_PROCESS"


def run(
    argv: Sequence[str],
    *,
    timeout: float = 300.0,
    check: bool = True,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; raise ``CommandError`` with its output when it fails.

    ``timeout`` is in seconds. stderr is joined to the error's text, not to ``stdout``.
    """
    command = [str(part) for part in argv]
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            env=None if env is None else {**os.environ, **env},
            cwd=cwd,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(command, None, str(error)) from error
    except FileNotFoundError as error:
        raise LabError(f"{command[0]} is not installed", "run `lab up`") from error
    if check and done.returncode != 0:
        raise CommandError(command, done.returncode, done.stdout + done.stderr)
    return done


def wait_until(
    ready: Callable[[], bool], *, timeout: float, what: str, interval: float = 0.1
) -> None:
    """Wait for ``ready()``; raise ``LabError`` after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not ready():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not ready after {timeout:.0f} s")
        time.sleep(interval)


def tcp_open(host: str, port: int, timeout: float = 1.0) -> bool:
    """Tell whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True
    except OSError:
        return False


def http_status(url: str, timeout: float = 2.0, accept: str = "*/*") -> int | None:
    """Return the status code that ``url`` answers, None when nothing answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(url, headers={"Accept": accept})
        with opener.open(request, timeout=timeout) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError):
        return None


def start_time(pid: int) -> str | None:
    """Return the kernel's start time of a live process; None for a dead one or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    after_name = text.rpartition(")")[2].split()
    return None if after_name[0] == "Z" else after_name[19]


def is_stopped(pid: int) -> bool:
    """Whether a process stands still because of a signal."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()[0] in "Tt"


def marked_processes(state_dir: Path) -> Iterator[tuple[int, str]]:
    """Yield ``(pid, name)`` of every live process that a lab in ``state_dir`` started."""
    wanted = f"{MARK}={state_dir}:".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # processes end while we look
            for item in (entry / "environ").read_bytes().split(b"\0"):
                if item.startswith(wanted) and start_time(int(entry.name)):
                    yield int(entry.name), item[len(wanted) :].decode()


@dataclass(frozen=True)
class HostProcess:
    """One long-running process of the lab on the host, kept by pidfile.

    ``ready`` is asked until it is true (at most ``ready_timeout`` seconds) after a start, and
    by ``healthy()``. A change of ``argv``, ``env`` or ``version`` makes ``ensure()`` restart it.
    Secrets belong into ``env`` or into files, never into ``argv``.
    """

    config: LabConfig
    name: str
    argv: tuple[str, ...]
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    version: str = ""
    ready_timeout: float = 30.0
    stop_timeout: float = 10.0
    #: False for a process whose children must outlive its mark (containers of dockerd)
    own_children: bool = True

    @property
    def pidfile(self) -> Path:
        return self.config.run_dir / f"{self.name}.pid"

    @property
    def log(self) -> Path:
        return self.config.log_dir / f"{self.name}.log"

    @property
    def fingerprint(self) -> str:
        what = [list(self.argv), sorted(self.env.items()), self.version]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]

    def _record(self) -> dict[str, str]:
        try:
            record = json.loads(self.pidfile.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def pid(self) -> int | None:
        """Return the pid of the process if it is alive and really ours."""
        record = self._record()
        if record and start_time(int(record["pid"])) == record["started"]:
            return int(record["pid"])
        return None

    def healthy(self) -> bool:
        """Alive, started the way we would start it now, and answering."""
        same = self._record().get("fingerprint") == self.fingerprint
        return self.pid() is not None and same and self.ready()

    def ensure(self) -> bool:
        """Start the process unless it is healthy; return whether anything was done."""
        if self.healthy():
            return False
        self.stop()
        self.start()
        return True

    def start(self) -> None:
        """Start the process in a session of its own and wait until it is ready."""
        self.config.make_dirs()
        if self.ready():
            raise LabError(
                f"{self.name}: something else answers in its place",
                "another lab or service uses its address: stop that, or set CLOUDBURST_LAB_NET",
            )
        mark = (
            {MARK: f"{self.config.state_dir}:{self.name}"} if self.own_children else {}
        )
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.env, **mark},
                cwd=self.cwd or self.config.state_dir,
                start_new_session=True,
            )
        record = {
            "pid": str(child.pid),
            "started": start_time(child.pid) or "",
            "fingerprint": self.fingerprint,
        }
        self.pidfile.write_text(json.dumps(record), encoding="utf-8")
        self._await_ready(child)

    def _await_ready(self, child: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.ready_timeout
        while not self.ready():
            code = child.poll()
            if code is not None or time.monotonic() > deadline:
                ended = "is not ready" if code is None else f"ended with {code}"
                self.stop()
                raise LabError(
                    f"{self.name} {ended}: {self._log_tail()}", f"see {self.log}"
                )
            time.sleep(0.1)

    def _log_tail(self) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-8:])

    def stop(self) -> bool:
        """Stop the process and its lost twins (by mark); return whether there was any."""
        twins = [
            pid
            for pid, name in marked_processes(self.config.state_dir)
            if name == self.name
        ]
        own = self.pid()
        pids = sorted({*twins, *([own] if own else [])})
        stop_pids(pids, self.stop_timeout)
        self.pidfile.unlink(missing_ok=True)
        return bool(pids)

    def status(self) -> dict[str, object]:
        """Return pid and health, for ``lab status``."""
        pid = self.pid()
        return {"running": pid is not None, "pid": pid, "healthy": self.healthy()}


def stop_pids(pids: Sequence[int], timeout: float) -> None:
    """TERM, wait at most ``timeout`` seconds, then KILL what is left of exactly these pids."""
    born = {pid: start_time(pid) for pid in pids}
    alive = [pid for pid in pids if born[pid]]
    for code in (signal.SIGTERM, signal.SIGKILL):
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, code)
                os.kill(
                    pid, signal.SIGCONT
                )  # a frozen process hears nothing but SIGKILL
        deadline = time.monotonic() + timeout
        while alive and time.monotonic() < deadline:
            alive = [pid for pid in alive if start_time(pid) == born[pid]]
            time.sleep(0.02 if alive else 0)
        if not alive:
            return
    raise LabError(f"processes {alive} do not end", "look at them with ps")
