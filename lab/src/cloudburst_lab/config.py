# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every address, path, name, version and credential of the lab, in one frozen value.

``LabConfig.load()`` is the only way that the components get at them. Credentials are random
per lab and live in ``<state dir>/credentials.json`` (mode 0600), so that a lab keeps its keys
over ``lab down`` and ``lab up`` while two labs never share one.

Environment: ``CLOUDBURST_LAB_DIR`` (state dir, default ``<checkout>/.lab``),
``CLOUDBURST_LAB_NET`` (first three bytes of the lab's network, default ``172.30.77``; another
value makes a second lab beside the first), ``CLOUDBURST_LAB_BILL_FACTOR`` (simulated seconds
per real second, default 60), ``CLOUDBURST_LAB_BOOT`` (``false``: servers answer the API but
boot nothing).
"""

from __future__ import annotations

import json
import os
import secrets
import string
import uuid
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

REPO_ROOT = Path(__file__).resolve().parents[3]

#: Names of the eight sections of the reference library, with their Plex type.
SECTIONS: tuple[tuple[str, str], ...] = (
    ("Movies", "movie"),
    ("Films d'auteur", "movie"),
    ("TV Shows", "show"),
    ("Anime", "show"),
    ("Music", "artist"),
    ("Classical", "artist"),
    ("Photos", "photo"),
    ("Home Videos", "movie"),
)


DEFAULT_NET = "172.30.77"


def _alphabet(length: int, letters: str) -> str:
    return "".join(secrets.choice(letters) for _ in range(length))


@dataclass(frozen=True)
class Credentials:
    """Secrets of one lab. Formats are those that the real clients check."""

    scw_access_key: str  # SCW[A-Z0-9]{17} (scaleway-rclone A5)
    scw_secret_key: str  # UUID
    scw_organization_id: str
    scw_project_id: str
    s3_access_key: str
    s3_secret_key: str
    plex_account_token: str  # 20 characters, as plex.tv gives them
    plex_account_uuid: str  # 16 hex digits
    home_machine_identifier: str  # 40 hex digits
    home_token: str  # the home server's own PlexOnlineToken

    @classmethod
    def generate(cls) -> Credentials:
        """Return fresh random credentials."""
        upper = string.ascii_uppercase + string.digits
        mixed = string.ascii_letters + string.digits
        return cls(
            scw_access_key="SCW" + _alphabet(17, upper),
            scw_secret_key=str(uuid.uuid4()),
            scw_organization_id=str(uuid.uuid4()),
            scw_project_id=str(uuid.uuid4()),
            s3_access_key="LAB" + _alphabet(17, upper),
            s3_secret_key=_alphabet(40, mixed),
            plex_account_token=_alphabet(20, mixed),
            plex_account_uuid=secrets.token_hex(8),
            home_machine_identifier=secrets.token_hex(20),
            home_token=_alphabet(20, mixed),
        )

    @classmethod
    def load_or_create(cls, path: Path) -> Credentials:
        """Read the credentials of this lab; make them when there are none yet."""
        if path.exists():
            stored = json.loads(path.read_text(encoding="utf-8"))
            if set(stored) == {field.name for field in fields(cls)}:
                return cls(**stored)
        fresh = cls.generate()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, json.dumps(asdict(fresh), indent=2))
        return fresh


def write_private(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` with mode 0600 and no moment at which others can read it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    draft.replace(path)


def network_names(net: str) -> dict[str, Any]:
    """Return what depends on the network; images too: addresses are built into them."""
    if net == DEFAULT_NET:
        return {}
    number = net.rpartition(".")[2]
    return {
        "network": f"cloudburst-lab-{number}",
        "bridge": f"cblab{number}",
        "subnet": f"{net}.0/24",
        "dynamic_range": f"{net}.128/25",
        "gateway": f"{net}.1",
        "home_address": f"{net}.20",
        "base_image": f"cloudburst-lab/base:bookworm-{number}",
        "server_image": f"cloudburst-lab/server:bookworm-{number}",
        "plex_local_repository": f"cloudburst-lab/plex-{number}",
    }


@dataclass(frozen=True)
class LabConfig:
    """The lab as values; derived names and paths are properties."""

    state_dir: Path
    credentials: Credentials
    repo_root: Path = REPO_ROOT

    # network: the host side of the bridge is where every lab service listens
    network: str = "cloudburst-lab"
    bridge: str = "cblab0"
    subnet: str = "172.30.77.0/24"
    #: docker gives addresses to servers from here; .1-.31 stay free for fixed ones
    dynamic_range: str = "172.30.77.128/25"
    gateway: str = "172.30.77.1"
    scaleway_port: int = 8480
    plextv_port: int = 8481
    s3_port: int = 8482
    registry_port: int = 5000
    apt_port: int = 3142
    #: fixed address of the home container
    home_address: str = "172.30.77.20"

    # versions and names
    suite: str = "bookworm"
    plex_version: str = "1.42.2.10156-f737b826c"
    base_image: str = "cloudburst-lab/base:bookworm"
    server_image: str = "cloudburst-lab/server:bookworm"
    plex_repository: str = "plexinc/pms-docker"
    #: its name in this machine's engine, which labs side by side share
    plex_local_repository: str = "plexinc/pms-docker"
    label: str = "cloudburst.lab"
    bucket: str = "media"
    remote: str = "labs3"
    media_root: str = "/media/plex"
    zone: str = "fr-par-1"
    region: str = "fr-par"
    username: str = "lab-owner"

    # behaviour
    boot_servers: bool = True
    #: simulated seconds per real second on the bill (a run of minutes costs as one of hours)
    bill_factor: float = 60.0

    @classmethod
    def load(cls, state_dir: Path | None = None) -> LabConfig:
        """Return the configuration of the lab in ``state_dir`` (or the environment's)."""
        default = os.environ.get("CLOUDBURST_LAB_DIR") or str(REPO_ROOT / ".lab")
        place = (state_dir or Path(default)).resolve()
        place.mkdir(parents=True, exist_ok=True)
        return cls(
            state_dir=place,
            credentials=Credentials.load_or_create(place / "credentials.json"),
            **network_names(os.environ.get("CLOUDBURST_LAB_NET") or DEFAULT_NET),
            boot_servers=os.environ.get("CLOUDBURST_LAB_BOOT", "true") != "false",
            bill_factor=float(os.environ.get("CLOUDBURST_LAB_BILL_FACTOR", "60")),
        )

    def with_(self, **changes: object) -> LabConfig:
        """Return a copy with some values changed (tests use their own ports)."""
        return replace(self, **changes)  # type: ignore[arg-type]

    # --- addresses -----------------------------------------------------------------------
    @property
    def scaleway_url(self) -> str:
        return f"http://{self.gateway}:{self.scaleway_port}"

    @property
    def plextv_url(self) -> str:
        return f"http://{self.gateway}:{self.plextv_port}"

    @property
    def s3_url(self) -> str:
        return f"http://{self.gateway}:{self.s3_port}"

    @property
    def registry(self) -> str:
        """``host:port`` of the registry, as it stands before an image name."""
        return f"{self.gateway}:{self.registry_port}"

    @property
    def registry_url(self) -> str:
        return f"http://{self.registry}"

    @property
    def apt_proxy_url(self) -> str:
        return f"http://{self.gateway}:{self.apt_port}"

    @property
    def plex_image(self) -> str:
        """The image in this machine's engine; the registry has it as ``plex_repository``."""
        return f"{self.plex_local_repository}:{self.plex_version}"

    @property
    def bucket_path(self) -> str:
        """The bucket as the user variable ``bucket`` names it."""
        return f"{self.remote}:{self.bucket}"

    # --- places --------------------------------------------------------------------------
    @property
    def cache_dir(self) -> Path:
        """What is dear to make (rootfs, media, registry, apt); survives ``lab down``."""
        return self.state_dir / "cache"

    @property
    def s3_root(self) -> Path:
        return self.state_dir / "s3root"

    @property
    def home_dir(self) -> Path:
        return self.state_dir / "home"

    @property
    def log_dir(self) -> Path:
        return self.state_dir / "log"

    @property
    def run_dir(self) -> Path:
        return self.state_dir / "run"

    @property
    def env_file(self) -> Path:
        return self.state_dir / "lab.env"

    @property
    def rclone_config(self) -> Path:
        return self.state_dir / "rclone.conf"

    @property
    def archive(self) -> Path:
        """The archive that home made: input of ``delta_sync.yml``."""
        return self.home_dir / "home.tar.zst"

    @property
    def images_dir(self) -> Path:
        """Build contexts and boot files of the lab's images."""
        return self.repo_root / "lab" / "images"

    @cached_property
    def lab_id(self) -> str:
        """Short name of this lab: labels its containers and volumes."""
        return uuid.uuid5(uuid.NAMESPACE_URL, str(self.state_dir)).hex[:8]

    def make_dirs(self) -> None:
        """Create the folders that every component may count on."""
        for place in (self.state_dir, self.cache_dir, self.log_dir, self.run_dir):
            place.mkdir(parents=True, exist_ok=True)
