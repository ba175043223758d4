# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container of the Plex stand-in as tests use it, and what it needs around it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import time
import uuid
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
from plexapi.server import PlexServer

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import docker
from cloudburst_lab.plex_schema import BLOBS, LIBRARY
from cloudburst_lab.plextv.app import Store, fresh_account, make_app
from cloudburst_lab.plextv.state import AccountState, Device
from cloudburst_lab.processes import run, wait_until

SUPPORT = Path("Library/Application Support/Plex Media Server")
DATABASES = SUPPORT / "Plug-in Support" / "Databases"
BUSY = ("library.", "media.generate.", "provider.subscriptions.")


class PlexTv:
    """The lab's plex.tv with an account of its own, in this process."""

    def __init__(self, url: str, config: LabConfig, folder: Path) -> None:
        self.url = url
        self._store = Store(folder / "account.json", lambda: fresh_account(config))
        self.app = make_app(self._store)

    @property
    def account(self) -> AccountState:
        return self._store.account

    @property
    def account_token(self) -> str:
        return self.account.token

    def claim(self) -> str:
        return self.account.new_claim(time.time())

    @property
    def servers(self) -> dict[str, Device]:
        """The account's servers by their token."""
        return {device.token: device for device in self.account.devices}


class Plex:
    """One running container."""

    def __init__(self, name: str, config: Path) -> None:
        self.name = name
        self.config = config
        self.token: str | None = None

    @classmethod
    def start(
        cls,
        image: str,
        config: Path,
        media: Path | None,
        tuning: dict[str, object],
        environment: dict[str, str],
    ) -> Plex:
        name = f"plexstandin-test-{uuid.uuid4().hex[:8]}"
        config.mkdir(parents=True, exist_ok=True)
        variables = {"PLEXSTANDIN": json.dumps(tuning), "TZ": "UTC", **environment}
        flags = [part for k, v in variables.items() for part in ("-e", f"{k}={v}")]
        if media is not None:
            flags += ["-v", f"{media}:/media/plex"]
        docker("run", "-d", "--name", name, "-v", f"{config}:/config", *flags, image)
        return cls(name, config)

    # --- the container ---------------------------------------------------------------
    @property
    def address(self) -> str:
        form = "{{.NetworkSettings.IPAddress}}"
        return docker("inspect", "-f", form, self.name)

    @property
    def url(self) -> str:
        return f"http://{self.address}:32400"

    def exec(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run(["docker", "exec", self.name, *argv], check=check)

    def logs(self) -> str:
        done = run(["docker", "logs", self.name])
        return done.stdout + done.stderr

    def stop(self, signal: str = "TERM") -> None:
        if signal == "KILL":
            docker("kill", self.name)
        else:
            docker("stop", "-t", "30", self.name)

    def restart(self) -> None:
        docker("start", self.name)
        self.wait_ready()

    def remove(self) -> None:
        docker("rm", "-f", "-v", self.name)
        # Files of uid 1000 in a folder of pytest's: root removes both.
        shutil.rmtree(self.config, ignore_errors=True)

    # --- HTTP ------------------------------------------------------------------------
    def http(
        self, method: str, path: str, *, token: str | None = None, **options: Any
    ) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        used = token if token is not None else self.token
        if used:
            headers["X-Plex-Token"] = used
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.request(method, self.url + path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> ElementTree.Element:
        reply = self.http("GET", path, **options)
        assert reply.status_code == 200, (path, reply.status_code, reply.text)
        return ElementTree.fromstring(reply.content)

    def json(self, path: str, **options: Any) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        reply = self.http("GET", path, headers=headers, **options)
        assert reply.status_code == 200, (path, reply.status_code, reply.text)
        found: dict[str, Any] = reply.json()
        return found

    def put(self, path: str, **options: Any) -> httpx.Response:
        reply = self.http("PUT", path, **options)
        assert reply.status_code == 200, (path, reply.status_code, reply.text)
        return reply

    @property
    def api(self) -> PlexServer:
        """plexapi: a client that nobody here wrote."""
        import requests

        session = requests.Session()
        session.trust_env = False
        return PlexServer(self.url, self.token, session=session, timeout=30)

    def admin(self, method: str, path: str, body: object = None) -> Any:
        data = [] if body is None else ["-d", json.dumps(body)]
        url = f"http://127.0.0.1:32499{path}"
        done = self.exec("curl", "-s", "-X", method, *data, url)
        return json.loads(done.stdout)

    # --- waiting ---------------------------------------------------------------------
    def stage(self) -> str:
        done = self.exec("curl", "-s", "http://127.0.0.1:32499/state", check=False)
        return json.loads(done.stdout)["stage"] if done.stdout else ""

    def wait_ready(self, timeout: float = 30) -> None:
        wait_until(
            lambda: self.stage() == "ready", timeout=timeout, what=f"{self.name} ready"
        )

    def activities(self) -> list[str]:
        return [a.get("type", "") for a in self.get("/activities")]

    def settle(self, timeout: float = 60) -> None:
        """Nothing waits or runs, twice in a row (more than a client can see)."""
        quiet, deadline = 0, time.monotonic() + timeout
        while quiet < 2:
            assert time.monotonic() < deadline, self.activities()
            time.sleep(0.1)
            state = self.admin("GET", "/state")
            idle = not any(state[n] for n in ("butler", "scans", "items", "busy"))
            calm = not any(a.startswith(BUSY) for a in state["activities"])
            quiet = quiet + 1 if idle and calm else 0

    def butler(self, task: str) -> None:
        """Run a Butler task to its end."""
        assert self.http("POST", f"/butler/{task}").status_code == 200
        self.settle()

    # --- the databases ---------------------------------------------------------------
    @property
    def databases(self) -> Path:
        return self.config / DATABASES

    def sql(self, query: str, *values: Any, blobs: bool = False) -> list[Any]:
        """Read-only SQL from outside, as monitoring does (§5.1)."""
        path = self.databases / (BLOBS if blobs else LIBRARY)
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()

    def one(self, query: str, *values: Any, blobs: bool = False) -> Any:
        return self.sql(query, *values, blobs=blobs)[0][0]

    @property
    def log(self) -> str:
        path = self.config / SUPPORT / "Logs" / "Plex Media Server.log"
        return path.read_text(encoding="utf-8")

    @property
    def preferences(self) -> dict[str, str]:
        path = self.config / SUPPORT / "Preferences.xml"
        return dict(ElementTree.parse(path).getroot().attrib)

    def plex_sqlite(self, database: str, *statements: str, check: bool = True) -> str:
        path = f"/config/{DATABASES}/{database}"
        binary = "/usr/lib/plexmediaserver/Plex SQLite"
        return self.exec(binary, path, *statements, check=check).stdout.strip()

    # --- libraries -------------------------------------------------------------------
    def create(self, name: str, kind: str, agent: str = "", folder: str = "") -> str:
        """Create a section over HTTP; its key once its first scan has settled."""
        query = {
            "name": name,
            "type": kind,
            "location": f"/media/plex/{folder or name}",
        }
        if agent:
            query["agent"] = agent
        reply = self.http("POST", "/library/sections", params=query)
        assert reply.status_code == 201, reply.text
        self.settle()
        return reply.headers["Location"].rpartition("/")[2]

    def scan(self, section: str, **query: str) -> None:
        reply = self.http("GET", f"/library/sections/{section}/refresh", params=query)
        assert reply.status_code == 200
        self.settle()


Start = Callable[..., Plex]


def ffmpeg(*argv: str) -> None:
    run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *argv])


def make_media(folder: Path) -> None:
    """Two films, a show, music with a broken track, photos, a home video."""
    film = folder / "Movies" / "Alien (1979)" / "Alien (1979).mkv"
    film.parent.mkdir(parents=True)
    chapters = folder / "chapters.txt"
    chapters.write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\n"
        "[CHAPTER]\nTIMEBASE=1/1\nSTART=1\nEND=2\n"
    )
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=d=2:s=64x48:r=5"),
        *("-f", "lavfi", "-i", "sine=d=2", "-i", str(chapters)),
        *("-map_metadata", "2", "-c:v", "libx264", "-preset", "ultrafast"),
        *("-c:a", "aac", str(film)),
    )
    chapters.unlink()
    for path in (
        "Movies/L'Été d'Élodie (2001)/L'Été d'Élodie (2001).mkv",
        "TV Shows/Show One/Season 01/Show One - S01E01 - Pilot.mkv",
        "TV Shows/Show One/Season 01/Show One - S01E02 - Second.mkv",
        "Home Videos/Birthday.mkv",
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(film, folder / path)
    _make_music(folder / "Music")
    picture = folder / "Photos" / "2020 Trip" / "beach.jpg"
    picture.parent.mkdir(parents=True)
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=1", "-frames:v", "1", str(picture)
    )


def _make_music(folder: Path) -> None:
    for artist, album, number, suffix in (
        ("Artist A", "One", 1, "mp3"),
        ("Artist A", "One", 2, "flac"),
        ("Artist B", "Two", 1, "mp3"),
    ):
        path = folder / artist / album / f"{number:02} - Song {number}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        tags = {"artist": artist, "album": album, "track": number, "title": path.stem}
        flags = [part for k, v in tags.items() for part in ("-metadata", f"{k}={v}")]
        tone = f"sine=f={200 * number + len(artist)}:d=1"
        ffmpeg("-f", "lavfi", "-i", tone, *flags, str(path))
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", str(folder.parent / "untagged.mp3"))
    broken = folder / "Artist B" / "Two" / "02 - Broken.mp3"
    broken.write_bytes(bytes(range(256)) * 20)
