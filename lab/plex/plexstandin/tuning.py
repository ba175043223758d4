# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the stand-in is and where it looks: the file ``/etc/plexstandin.json``.

Overlaid by ``plexstandin.json`` in the config volume, then by the variable
``PLEXSTANDIN`` (a JSON object), so that one image serves quick and slow runs.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, fields, replace
from pathlib import Path

BAKED = Path("/etc/plexstandin.json")
ADMIN_PORT = 32499


@dataclass(frozen=True)
class Tuning:
    """Times are in seconds. 0 per item means as fast as the machine can."""

    version: str = "1.42.2.10156-f737b826c"
    plex_tv_url: str = "http://172.30.77.1:8481"
    workers: int = 2
    maintenance: float = 1.0  # 503 on everything
    startup: float = 1.0  # then 400 on the creation of sections
    context_delay: float = 1.0  # a scan's Context appears that late (§3.2)
    token_delay: float = 2.0  # PlexOnlineToken after POST /myplex/claim (§4)
    pass_delay: float = 2.0  # until Plex Pass is known after a claim (§3.2)
    scan_item: float = 0.0  # per new file
    known_item: float = 0.0  # per known file that a scan looks after
    metadata_item: float = 0.05  # per item, agent and thumbnails
    analysis_item: float = 0.0  # per item of a Butler task
    sonic_item: float = 0.05  # per track, on top of reading its bytes
    verify: str = "read"  # known files are "read" (first byte) or only "stat"ed
    read_deadline: float = 5.0  # a read that does not come makes a file missing
    night: bool = True  # the Butler's window opens by itself
    probe: str = "full"  # "full" parses files; "head" only reads head and tail

    def overlaid(self, values: dict[str, object]) -> Tuning:
        """A copy with the known names of ``values`` set, converted to their types."""
        known = {field.name: field for field in fields(self)}
        unknown = set(values) - set(known)
        if unknown:
            raise ValueError(f"unknown stand-in settings: {', '.join(sorted(unknown))}")
        typed = {name: type(getattr(self, name))(v) for name, v in values.items()}
        return replace(self, **typed)


def load(config_dir: Path) -> Tuning:
    """The tuning of this container."""
    tuning = Tuning()
    for path in (BAKED, config_dir / "plexstandin.json"):
        if path.exists():
            tuning = tuning.overlaid(json.loads(path.read_text(encoding="utf-8")))
    extra = os.environ.get("PLEXSTANDIN")
    return tuning.overlaid(json.loads(extra)) if extra else tuning


@dataclass(frozen=True)
class Layout:
    """Paths below the application support folder (§4)."""

    support: Path  # …/Plex Media Server

    @classmethod
    def from_environment(cls) -> Layout:
        home = os.environ.get("PLEX_MEDIA_SERVER_APPLICATION_SUPPORT_DIR")
        base = Path(home) if home else config_home() / "Library" / "Application Support"
        return cls(base / "Plex Media Server")

    @property
    def preferences(self) -> Path:
        return self.support / "Preferences.xml"

    @property
    def databases(self) -> Path:
        return self.support / "Plug-in Support" / "Databases"

    @property
    def metadata(self) -> Path:
        return self.support / "Metadata"

    @property
    def media(self) -> Path:
        return self.support / "Media" / "localhost"

    @property
    def logs(self) -> Path:
        return self.support / "Logs"

    @property
    def local_admin_token(self) -> Path:
        return self.support / ".LocalAdminToken"

    def make(self) -> None:
        """Create the folders that a started server has."""
        plugins = self.support / "Plug-in Support"
        for folder in (
            self.databases,
            plugins / "Preferences",
            plugins / "Data",
            plugins / "Caches",
            self.metadata,
            self.media,
            self.support / "Cache",
            self.support / "Codecs",
            self.support / "Crash Reports",
            self.logs / "PMS Plugin Logs",
        ):
            folder.mkdir(parents=True, exist_ok=True)


def config_home() -> Path:
    """The config volume: home of the user ``plex``."""
    return Path(os.environ.get("PLEXSTANDIN_HOME", "/config"))
