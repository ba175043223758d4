# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API of one's own: same code as the lab's, its own port, servers that boot nothing."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from scaleway import Client

from cloudburst_lab.scaleway.app import make_asgi
from cloudburst_lab.scaleway.cloud import Cloud
from cloudburst_lab.scaleway.compute import NoCompute
from cloudburst_lab.scaleway.network import AddressPool
from cloudburst_lab.scaleway.servers import Timing

ZONE = "fr-par-1"
FAST = Timing(server=0.05, volume=0.1)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class Api:
    """A running API with clients: raw HTTP (``http``) and the SDK (``sdk``)."""

    cloud: Cloud
    url: str
    http: httpx.Client
    sdk: Client
    zone: str = ZONE

    def path(self, tail: str, zone: str = ZONE) -> str:
        return f"/instance/v1/zones/{zone}/{tail}"

    def image(
        self, kind: str = "instance_local", label: str = "debian_bookworm"
    ) -> str:
        """Return the id of an x86_64 image."""
        reply = self.http.get(
            "/marketplace/v2/local-images",
            params={"image_label": label, "zone": self.zone, "type": kind},
        )
        images = [i for i in reply.json()["local_images"] if i["arch"] == "x86_64"]
        return str(images[0]["id"])

    def create(self, **changes: Any) -> dict[str, Any]:
        """Create a stopped DEV1-S with a local root volume, unless told otherwise."""
        body = {"commercial_type": "DEV1-S", "name": "srv", **changes}
        body.setdefault("image", self.image())
        reply = self.http.post(self.path("servers"), json=body)
        assert reply.status_code == 201, reply.text
        server: dict[str, Any] = reply.json()["server"]
        return server

    def server(self, server_id: str) -> dict[str, Any]:
        reply = self.http.get(self.path(f"servers/{server_id}"))
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()["server"]
        return found

    def act(self, server_id: str, action: str) -> httpx.Response:
        return self.http.post(
            self.path(f"servers/{server_id}/action"), json={"action": action}
        )

    def wait(self, ready: Callable[[], Any], what: str, seconds: float = 10.0) -> Any:
        """Wait until ``ready()`` is true and return it."""
        deadline = time.monotonic() + seconds
        while not (result := ready()):
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
            time.sleep(0.01)
        return result

    def running(self, **changes: Any) -> dict[str, Any]:
        """Create a server and wait until it runs."""
        server = self.create(**changes)
        assert self.act(server["id"], "poweron").status_code == 202
        self.wait(lambda: self.server(server["id"])["state"] == "running", "running")
        return self.server(server["id"])

    def gone(self, server_id: str) -> None:
        """Wait until a server answers 404."""
        path = self.path(f"servers/{server_id}")
        self.wait(lambda: self.http.get(path).status_code == 404, "404")

    def fault(self, kind: str, **options: Any) -> str:
        reply = self.http.post("/lab/faults", json={"kind": kind, **options})
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])


def make_cloud(**changes: Any) -> Cloud:
    settings: dict[str, Any] = {
        "pool": AddressPool("172.30.99.32", "172.30.99.127"),
        "project": str(uuid.uuid4()),
        "organization": str(uuid.uuid4()),
        "secret_key": str(uuid.uuid4()),
        "timing": FAST,
        "bill_factor": 3600.0,
        **changes,
    }
    return Cloud(NoCompute(settings["timing"].server), **settings)


def serve(cloud: Cloud) -> Iterator[Api]:
    """Serve a cloud on a free port of this machine until the generator is closed."""
    port = free_port()
    web = uvicorn.Server(
        uvicorn.Config(
            make_asgi(cloud),
            host="127.0.0.1",
            port=port,
            log_level="warning",
            proxy_headers=False,
            http="h11",
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=web.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not web.started:
        assert time.monotonic() < deadline, "the API does not start"
        time.sleep(0.01)
    url = f"http://127.0.0.1:{port}"
    headers = {"X-Auth-Token": cloud.secret_key}
    sdk = Client(
        access_key="SCW" + "A" * 17,
        secret_key=cloud.secret_key,
        api_url=url,
        default_organization_id=cloud.organization,
        default_project_id=cloud.project,
        default_region="fr-par",
        default_zone=ZONE,
    )
    with httpx.Client(
        base_url=url, headers=headers, trust_env=False, timeout=20
    ) as http:
        yield Api(cloud, url, http, sdk)
    web.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def api() -> Iterator[Api]:
    """An empty cloud."""
    yield from serve(make_cloud())


@pytest.fixture(scope="module")
def shared_api() -> Iterator[Api]:
    """A cloud shared by the tests of one module that do not disturb each other."""
    yield from serve(make_cloud())
