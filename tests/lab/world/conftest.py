# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab of its own for these tests: own state folder, own ports, no docker."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cloudburst_lab.config import LabConfig
from cloudburst_lab.media import MediaLibrary


def free_port() -> int:
    """A port of the loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def made_media() -> Path:
    """The media in the real lab's cache: dear to make, and read only here."""
    return MediaLibrary(LabConfig.load()).make()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> LabConfig:
    """An empty lab on the loopback."""
    loaded = LabConfig.load(tmp_path_factory.mktemp("lab"))
    loaded.make_dirs()
    return loaded.with_(
        gateway="127.0.0.1", s3_port=free_port(), plextv_port=free_port()
    )


@pytest.fixture(scope="module")
def media(config: LabConfig, made_media: Path) -> MediaLibrary:
    """The library of that lab, its bucket filled."""
    library = MediaLibrary(config)
    library.root.symlink_to(made_media)
    library.up()
    return library
