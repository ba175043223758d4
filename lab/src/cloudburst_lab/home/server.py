# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The home server as a component of the lab."""

from __future__ import annotations

import shutil
from pathlib import Path

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import inspect, remove_container
from cloudburst_lab.engine import Engine
from cloudburst_lab.home.archive import pack
from cloudburst_lab.home.household import live_in
from cloudburst_lab.home.plex import (
    DATABASES,
    SUPPORT,
    Plex,
    copy_tree,
    own,
    scan_library,
)
from cloudburst_lab.images import image_recipe, tree_hash
from cloudburst_lab.media import MediaLibrary
from cloudburst_lab.plex_image import PlexImage
from cloudburst_lab.plex_schema import Pair
from cloudburst_lab.processes import http_status


class HomeServer:
    """A running Plex with a lived-in library, and the archive of its pair."""

    name = "home"

    def __init__(self, config: LabConfig) -> None:
        self.config = config
        # named after the network: a second lab on this machine has its own home
        self.container = f"{config.network}-home"
        self.media = MediaLibrary(config)
        self.image = PlexImage(config)
        self.plex = Plex(config, self.container)

    @property
    def key(self) -> str:
        """Hash of everything that the library is made from."""
        facts = [self.media.key, self.config.credentials.home_machine_identifier]
        facts.append(image_recipe(self.config.plex_image) or "")
        return tree_hash([Path(__file__).parent], *facts)

    @property
    def cache(self) -> Path:
        """The server's folder and archive as they were made."""
        return self.config.cache_dir / f"home-{self.key}"

    @property
    def folder(self) -> Path:
        """The running server's ``/config``."""
        return self.config.home_dir / "config"

    @property
    def databases(self) -> Path:
        """Where the running server's pair is."""
        return self.folder / DATABASES

    @property
    def _seed(self) -> Path:
        return self.config.home_dir / "key"

    def up(self) -> None:
        """Make the library unless the cache has it; start the server unless it runs."""
        self.make()
        if not self._seeded():
            self.reset()
        elif not self._answers():
            self._start()

    def make(self) -> Path:
        """Scan, live in and pack, once, into the cache; return the folder."""
        if self.cache.exists():
            return self.cache
        for stale in self.config.cache_dir.glob("home-*"):
            shutil.rmtree(stale)
        draft = self.config.cache_dir / ".home.draft"
        shutil.rmtree(draft, ignore_errors=True)
        folder = draft / "config"
        scan_library(self.config, self.media.seen, folder)
        databases = folder / DATABASES
        with Pair.of(databases).filler() as filler:
            live_in(filler, folder / SUPPORT / "Metadata", self._poster())
        self.image.finish(databases)
        own(folder)
        pack(self.config, databases, draft / self.config.archive.name)
        draft.rename(self.cache)
        return self.cache

    def _poster(self) -> bytes:
        """A real picture, as somebody would upload one: the first of home's photos."""
        name = next(p for p, a in self.media.plan.seen.items() if a.kind == "photo")
        return (self.media.seen / name).read_bytes()

    def reset(self) -> None:
        """Bring library and archive back to what they were when made, and restart."""
        remove_container(self.container)
        copy_tree(self.make() / "config", self.folder)
        for suffix in ("", ".sha256"):
            name = self.config.archive.name + suffix
            shutil.copyfile(self.cache / name, self.config.archive.with_name(name))
        self._start()
        self._seed.write_text(self.key, encoding="utf-8")

    def down(self) -> None:
        """Remove server, library and archive; the cache stays."""
        if Engine.answers():  # else it does not run, and the next "down" removes it
            remove_container(self.container)
        shutil.rmtree(self.config.home_dir, ignore_errors=True)

    def status(self) -> dict[str, object]:
        answers = self._answers()
        return {
            "running": answers,
            "healthy": answers and self._seeded() and self.config.archive.exists(),
            "url": f"http://{self.config.home_address}:32400",
        }

    def _start(self) -> None:
        self.plex.start(self.folder, self.media.bucket, self.config.home_address)

    def _seeded(self) -> bool:
        return (
            self._seed.exists() and self._seed.read_text(encoding="utf-8") == self.key
        )

    def _answers(self) -> bool:
        if inspect("container", self.container) is None:
            return False
        return http_status(f"http://{self.config.home_address}:32400/identity") == 200
