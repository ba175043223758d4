# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one instance of all runs: made once, put back to the same state before each run.

Files on it are reached through the process list (``/proc/<pid>/root``), so a reset takes two
or three commands and a few copies.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import docker
from cloudburst_lab.instance_faults import DISK, PLEX_ADMIN, InstanceFaults
from cloudburst_lab.media import MediaLibrary
from cloudburst_lab.media.plan import is_media
from cloudburst_lab.processes import run
from cloudburst_lab.s3 import S3Service
from tests.e2e.chaos.judge import Library
from tests.e2e.chaos.reaction import read_journal
from tests.e2e.pairs import BLOBS, LIBRARY

BURST = "srv/cloudburst"
SUPPORT = f"{BURST}/plex/Library/Application Support/Plex Media Server"
DATABASES = f"{SUPPORT}/Plug-in Support/Databases"
PREFERENCES = f"{SUPPORT}/Preferences.xml"
JOURNAL = f"{BURST}/journal.jsonl"
GUARD_JOURNAL = f"{BURST}/guard.jsonl"
#: What the purge guard remembers of the libraries.
DELETIONS = (f"{BURST}/deletions.db", f"{BURST}/deletions")
#: Where probes read known bytes; not a part of the media.
CANARY = ".cloudburst"
TUNING = f"{BURST}/plex/plexstandin.json"
CACHE = "var/cache/cloudburst"
PLEX_UID = 1000
CONTAINER = "cloudburst-plex"
GUARD, MEDIA = "cloudburst-guard", "cloudburst-media"

#: Slow enough that a fault can strike in the middle of a scan, no slower.
SPEED = {
    "night": False,
    "maintenance": 0.2,
    "startup": 0.2,
    "context_delay": 0.3,
    "known_item": 0.1,
    "scan_item": 0.1,
    "metadata_item": 0.02,
}
#: Where a copy of the database is made: never on the disk that is full.
COPY = "run/chaos.db"
BACKUP = """
import os, sqlite3, sys, urllib.parse
live = urllib.parse.quote(sys.argv[1])
if os.path.exists(sys.argv[2]):
    os.unlink(sys.argv[2])
source = sqlite3.connect("file:" + live + "?mode=ro", uri=True, timeout=20)
source.backup(sqlite3.connect(sys.argv[2]))
"""
HALT = f"""
for unit in {GUARD} {MEDIA}; do
  systemctl kill --kill-who=all --signal=SIGKILL $unit 2>/dev/null || true
  systemctl stop $unit 2>/dev/null || true
done
docker kill {CONTAINER} >/dev/null 2>&1 || true
docker wait {CONTAINER} >/dev/null
rm -f /run/cloudburst/guard.json
"""
GO = f"""
systemctl reset-failed 2>/dev/null || true
systemctl start {MEDIA}
docker start {CONTAINER} >/dev/null
for attempt in $(seq 100); do
  curl -fs -m 2 -o /dev/null http://127.0.0.1:32400/identity && exit 0
  sleep 0.2
done
echo "Plex does not answer" >&2
exit 1
"""


@dataclass
class Burst:
    """The instance, its saved state, and the lab around it."""

    config: LabConfig
    server: str
    state: Path  # where the saved state is kept on this machine
    sections: list[str]
    fingerprint: str  # of the inputs, as the journal knows them

    # --- what is there ---------------------------------------------------------------------
    @cached_property
    def faults(self) -> InstanceFaults:
        return InstanceFaults(self.config, self.server)

    @cached_property
    def s3(self) -> S3Service:
        return S3Service(self.config)

    @cached_property
    def media(self) -> MediaLibrary:
        return MediaLibrary(self.config)

    @property
    def root(self) -> Path:
        return self.faults.root

    def bucket(self, sections: list[str]) -> set[str]:
        """Every media file that the bucket should hold, as Plex names it."""
        plan = self.media.plan
        return {
            self.media.in_plex(path)
            for path, asset in plan.now.items()
            if is_media(asset) and path.split("/", 1)[0] in sections
        }

    # --- the saved state -------------------------------------------------------------------
    def usable(self) -> bool:
        """Whether the instance is the one whose state was saved, with its disk and Plex."""
        ask = (
            f"mountpoint -q {DISK} && docker inspect {CONTAINER} >/dev/null && echo yes"
        )
        there = self.faults.sh(f"{ask} || true").endswith("yes")
        return there and (self.state / "saved").exists()

    def save(self) -> None:
        """Keep the state in which a scan begins; Plex is stopped cleanly for it."""
        self.faults.sh(f"docker stop -t 60 {CONTAINER}", timeout=90)
        root = self.root
        shutil.rmtree(self.state, ignore_errors=True)
        self.state.mkdir(parents=True, mode=0o700)
        for name in (LIBRARY, BLOBS):
            if (root / DATABASES / f"{name}-wal").exists():
                raise AssertionError(f"Plex left a write-ahead log of {name} behind")
            shutil.copyfile(root / DATABASES / name, self.state / name)
        shutil.copyfile(root / PREFERENCES, self.state / "Preferences.xml")
        shutil.copyfile(root / JOURNAL, self.state / "journal.jsonl")
        if (self.media.bucket / CANARY).exists():
            shutil.copytree(self.media.bucket / CANARY, self.state / CANARY)
        (self.state / "saved").touch()

    def reset(self, *, guarded: bool) -> None:
        """Every fault ended; database, journal, preferences, bucket and mount as saved."""
        self.heal()
        self.faults.sh(HALT, timeout=120)
        self._put_back(guarded=guarded)
        self._fill_bucket()
        self.faults.sh(GO, timeout=120)
        if guarded:
            self.faults.sh(f"systemctl start {GUARD}")

    def heal(self) -> None:
        """End every fault, of the bucket and of the instance."""
        self.s3.clear()
        self.faults.clear()

    def _put_back(self, *, guarded: bool) -> None:
        root = self.root
        databases = root / DATABASES
        for path in databases.glob("com.plexapp.plugins.library*"):
            path.unlink()
        for name in (LIBRARY, BLOBS):
            self._place(self.state / name, databases / name, 0o644)
        text = (self.state / "Preferences.xml").read_text(encoding="utf-8")
        if not guarded:  # Plex's own default is to empty the trash (plex-facts §2.4)
            text = re.sub(r'\s*autoEmptyTrash="[^"]*"', "", text)
        self._write(root / PREFERENCES, text, 0o600)
        os.chown(root / PREFERENCES, PLEX_UID, PLEX_UID)
        (root / JOURNAL).write_text(self._journal(), encoding="utf-8")
        self._write(root / TUNING, json.dumps(SPEED))
        stale = [root / name for name in DELETIONS]
        for path in (*stale, *(root / BURST).glob("progress-*.json")):
            remove(path)
        (root / GUARD_JOURNAL).unlink(missing_ok=True)
        for path in (root / CACHE).iterdir():  # a warm cache would hide every fault
            remove(path)

    def _journal(self) -> str:
        """As before the scan; the analysis, which deletes nothing, counts as done."""
        text = (self.state / "journal.jsonl").read_text(encoding="utf-8")
        done = {"status": "done", "data": {"fingerprint": self.fingerprint}}
        return text + "".join(
            json.dumps(
                {"time": time.time(), "phase": "analysis", "key": f"analysis:{x}"}
                | done
            )
            + "\n"
            for x in self.sections
        )

    @staticmethod
    def _place(source: Path, target: Path, mode: int) -> None:
        shutil.copyfile(source, target)
        target.chmod(mode)
        os.chown(target, PLEX_UID, PLEX_UID)

    @staticmethod
    def _write(target: Path, text: str, mode: int = 0o644) -> None:
        target.write_text(text, encoding="utf-8")
        target.chmod(mode)

    def _fill_bucket(self) -> None:
        kept = self.state / CANARY
        right = listing(self.media.now) | {
            f"{CANARY}/{name}": seen
            for name, seen in (listing(kept) if kept.exists() else {}).items()
        }
        if listing(self.media.bucket) == right:
            return
        self.media.reset()
        if kept.exists():
            shutil.copytree(kept, self.media.bucket / CANARY)

    # --- what a run left -------------------------------------------------------------------
    def library(self, into: Path, sections: list[str]) -> Library:
        """Read a copy that SQLite's online backup made; Plex may run or stand still.

        Made over there: SQLite follows links, and ``/proc/<pid>/root`` is one.
        """
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        argv = ["python3", "-c", BACKUP, f"/{DATABASES}/{LIBRARY}", f"/{COPY}"]
        docker("exec", self.faults.container, *argv, timeout=60)
        shutil.copyfile(self.root / COPY, into / LIBRARY)
        return Library.read(into / LIBRARY, sections)

    def plex_is_idle(self) -> bool:
        """Whether the stand-in has neither scans nor items to work on."""
        pids = self.faults.plex()
        if not pids:
            return False
        get = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode())"
        enter = ["nsenter", "-t", str(pids[0]), "-n", sys.executable, "-c", get]
        answer = run([*enter, f"{PLEX_ADMIN}/state"], timeout=15, env={"no_proxy": "*"})
        state = json.loads(answer.stdout)
        return state["stage"] == "ready" and not (state["scans"] or state["items"])

    def saved_library(self, into: Path, sections: list[str]) -> Library:
        into.mkdir(parents=True, exist_ok=True)
        copy = shutil.copyfile(self.state / LIBRARY, into / "saved.db")
        return Library.read(copy, sections)

    def guard_journal(self) -> list[dict[str, Any]]:
        path = self.root / GUARD_JOURNAL
        return read_journal(path.read_text(encoding="utf-8")) if path.exists() else []

    def burst_journal(self) -> list[dict[str, Any]]:
        return read_journal((self.root / JOURNAL).read_text(encoding="utf-8"))


def remove(path: Path) -> None:
    """A file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder."""
    found = {}
    for place, _folders, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            seen = path.stat()
            found[str(path.relative_to(folder))] = (seen.st_size, int(seen.st_mtime))
    return found


def command(argv: list[str], environment: Mapping[str, str], log: Path) -> None:
    """Run a preparation to its end, its output in a log; its last lines are the error."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as handle:
        done = subprocess.run(
            argv,
            env={**os.environ, **environment},
            stdout=handle,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        last = log.read_text(encoding="utf-8").splitlines()[-30:]
        raise AssertionError(f"{argv[:2]} failed:\n" + "\n".join(last))
