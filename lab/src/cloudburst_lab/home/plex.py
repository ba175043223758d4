# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Home's library is made by a real scan of what home saw, once, into the cache."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from cloudburst_lab.config import SECTIONS, LabConfig
from cloudburst_lab.docker_cli import docker, inspect, labels, remove_container
from cloudburst_lab.errors import LabError
from cloudburst_lab.processes import wait_until

SUPPORT = "Library/Application Support/Plex Media Server"
DATABASES = f"{SUPPORT}/Plug-in Support/Databases"
PLEX_UID = 1000
#: Agent and scanner of each section type (plex-facts §3.3).
AGENTS = {
    "movie": ("tv.plex.agents.movie", "Plex Movie"),
    "show": ("tv.plex.agents.series", "Plex TV Series"),
    "artist": ("tv.plex.agents.music", "Plex Music"),
    "photo": ("com.plexapp.agents.none", "Plex Photo Scanner"),
}
#: Videos of the family are matched by no agent.
UNMATCHED = {"Home Videos": ("com.plexapp.agents.none", "Plex Video Files")}
#: What home's owner has switched off: the library stays as it was snapshotted.
QUIET = {
    "autoEmptyTrash": "0",
    "ScheduledLibraryUpdatesEnabled": "0",
    "ButlerTaskRefreshLibraries": "0",
}
SCAN_SECONDS = 300.0


def write_preferences(config: LabConfig, folder: Path) -> None:
    """Give a server home's identity: claimed by the lab's account, unlike any worker."""
    keys = config.credentials
    values = {
        "MachineIdentifier": keys.home_machine_identifier[:36],
        "ProcessedMachineIdentifier": keys.home_machine_identifier,
        "PlexOnlineToken": keys.home_token,
        "PlexOnlineUsername": config.username,
        "FriendlyName": "home",
        "AcceptedEULA": "1",
        **QUIET,
    }
    place = folder / SUPPORT / "Preferences.xml"
    place.parent.mkdir(parents=True, exist_ok=True)
    words = " ".join(f"{name}={quoteattr(value)}" for name, value in values.items())
    place.write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<Preferences {words}/>\n'
    )
    place.chmod(0o600)


def own(folder: Path) -> None:
    """Give the tree to Plex's user: the image skips that when Preferences.xml is right (§4)."""
    for parent, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            os.chown(
                os.path.join(parent, name), PLEX_UID, PLEX_UID, follow_symlinks=False
            )


@dataclass(frozen=True)
class Plex:
    """A container of the stand-in on the lab's network, spoken to by HTTP."""

    config: LabConfig
    name: str

    def start(self, folder: Path, media: Path, address: str = "") -> None:
        """Run the server on ``folder`` with ``media`` at the media root, and wait for it."""
        config = self.config
        remove_container(self.name)
        docker(
            *("run", "-d", "--name", self.name, "--network", config.network),
            *(("--ip", address) if address else ()),
            *labels(config, "home"),
            *("-e", f"PLEX_UID={PLEX_UID}", "-e", f"PLEX_GID={PLEX_UID}"),
            *("-v", f"{folder}:/config", "-v", f"{media}:{config.media_root}:ro"),
            config.plex_image,
        )
        wait_until(self.ready, timeout=60, what=f"Plex in {self.name}")

    def stop(self) -> None:
        """Stop cleanly, so that no -wal is left behind (plex-facts §1.1)."""
        docker("stop", "-t", "60", self.name, timeout=90)

    @property
    def address(self) -> str:
        found = inspect("container", self.name) or {}
        networks = found.get("NetworkSettings", {}).get("Networks", {})
        return str(networks.get(self.config.network, {}).get("IPAddress", ""))

    def ready(self) -> bool:
        """Past both start-up gates: it answers about its libraries."""
        if not self.address:
            return False
        try:
            self.call("GET", "/library/sections")
        except (OSError, LabError):
            return False
        return True

    def call(self, method: str, path: str, **query: str) -> Any:
        """Call the API as the owner; return the MediaContainer, None for an empty answer."""
        url = f"http://{self.address}:32400{path}"
        if query:
            url += "?" + urllib.parse.urlencode(query)
        headers = {
            "X-Plex-Token": self.config.credentials.plex_account_token,
            "Accept": "application/json",
        }
        request = urllib.request.Request(url, method=method, headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as reply:
                body = reply.read()
        except urllib.error.HTTPError as error:
            raise LabError(f"Plex answered {error.code} to {method} {path}") from error
        return json.loads(body).get("MediaContainer") if body.strip() else None

    def busy(self) -> bool:
        """Anything but the permanent idle row of the Butler goes on (plex-facts §3.2)."""
        rows = self.call("GET", "/activities").get("Activity", [])
        return any(row["type"] != "butler" for row in rows)


def scan_library(config: LabConfig, media: Path, folder: Path) -> None:
    """Make the eight libraries by a real scan of ``media`` into ``folder``."""
    write_preferences(config, folder)
    own(folder)
    plex = Plex(config, f"{config.network}-home-scan")
    with _removed(plex):
        plex.start(folder, media)
        for name, kind in SECTIONS:
            _create(plex, name, kind)
        _settle(plex)
        plex.stop()


@contextlib.contextmanager
def _removed(plex: Plex) -> Iterator[None]:
    try:
        yield
    finally:
        remove_container(plex.name)


def _create(plex: Plex, name: str, kind: str) -> None:
    agent, scanner = UNMATCHED.get(name, AGENTS[kind])
    query = {
        "name": name,
        "type": kind,
        "agent": agent,
        "scanner": scanner,
        "language": "xn" if agent.endswith(".none") else "en-US",
        "location": f"{plex.config.media_root}/{name}",
    }

    def made() -> bool:
        try:
            plex.call("POST", "/library/sections", **query)
        except LabError as error:
            if "400" in str(error):  # the second start-up gate (plex-facts §3.1)
                return False
            raise
        return True

    wait_until(made, timeout=60, what=f"library {name}", interval=0.5)


def _settle(plex: Plex) -> None:
    """Wait until nothing went on in several looks: ``refreshing`` alone ends too early."""
    quiet = 0

    def settled() -> bool:
        nonlocal quiet
        quiet = 0 if plex.busy() else quiet + 1
        return quiet >= 4

    time.sleep(2)  # an activity shows its section only after about a second
    wait_until(settled, timeout=SCAN_SECONDS, what="home's first scan", interval=0.5)


def copy_tree(source: Path, target: Path) -> None:
    """Copy a server's folder with owners and modes."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
    own(target)
