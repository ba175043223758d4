# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the Plex stand-in's fidelity tests: image, media, plex.tv, containers."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
import uvicorn

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import docker
from cloudburst_lab.plex_image import PlexImage
from cloudburst_lab.processes import run, tcp_open, wait_until

sys.path.insert(0, str(Path(__file__).parent))

from plexlab import (
    Plex,
    PlexTv,
    Start,
    make_media,
)  # noqa: E402 - lies beside this file

FAST = {
    "night": False,
    "maintenance": 0.2,
    "startup": 0.2,
    "context_delay": 0.3,
    "token_delay": 0.3,
    "pass_delay": 0.3,
    "metadata_item": 0.02,
    "sonic_item": 0.02,
}


@pytest.fixture(scope="session")
def config() -> LabConfig:
    return LabConfig.load()


@pytest.fixture(scope="session")
def image(config: LabConfig) -> PlexImage:
    """The stand-in, built when it changed. Needs the engine (``lab up``)."""
    if run(["docker", "info"], check=False).returncode:
        pytest.fail("no Docker engine answers: run `make lab-up`")
    built = PlexImage(config)
    built.build()
    return built


@pytest.fixture(scope="session")
def bridge(image: PlexImage) -> str:
    """The host's address on Docker's default bridge."""
    found = json.loads(docker("network", "inspect", "bridge"))
    return str(ip_network(found[0]["IPAM"]["Config"][0]["Subnet"])[1])


def free_port(address: str) -> int:
    """A port that nobody has: another worker runs the same tests beside this one."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def plextv(
    bridge: str, config: LabConfig, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlexTv]:
    """The lab's plex.tv where containers of the default bridge reach it."""
    folder = tmp_path_factory.mktemp("plextv")
    port = free_port(bridge)
    account = PlexTv(f"http://{bridge}:{port}", config, folder)
    server = uvicorn.Server(
        uvicorn.Config(
            account.app,
            bridge,
            port,
            log_level="error",
            lifespan="off",
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: tcp_open(bridge, port), timeout=10, what="plex.tv")
    yield account
    server.should_exit = True
    thread.join(5)


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small real media of every kind; tests copy it and never write to it."""
    folder = tmp_path_factory.mktemp("media")
    folder.chmod(0o755)  # read by uid 1000
    make_media(folder)
    return folder


@pytest.fixture(scope="module")
def start(
    image: PlexImage, plextv: PlexTv, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Start]:
    """Starts containers of the stand-in; all are removed at the end of the module."""
    running: list[Plex] = []

    def begin(
        media: Path | None = None,
        *,
        config: Path | None = None,
        ready: bool = True,
        tuning: dict[str, object] | None = None,
        environment: dict[str, str] | None = None,
    ) -> Plex:
        plex = Plex.start(
            image.reference(image.config.plex_version),
            config or tmp_path_factory.mktemp("config"),
            media,
            {**FAST, "plex_tv_url": plextv.url, **(tuning or {})},
            environment or {},
        )
        running.append(plex)
        if ready:
            plex.wait_ready()
        return plex

    yield begin
    for plex in running:
        plex.remove()
