# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against what the real API answered (scaleway-rclone A7).

A recording answers by method and path, in its order; the last answer to a GET stays. What a
recording does not hold is answered as the real API does: an object that was removed is a 404
in the recorded words, a listing is empty. Anything else the client asks for is a failure.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from scaleway import Client

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_client import (
    Cloud,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_door import (
    Report,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import (
    RootVolume,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_remove import (
    Removal,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    GB,
    Server,
)
from tests.support.fake_cloud import Clock

from .replay import UUID, Exchange, load

ZONE = "fr-par-1"
LISTING = re.compile(r"/(servers|volumes|ips|snapshots|security_groups)$")
NOT_FOUND = {"type": "not_found", "message": "resource is not found", "resource": "x"}


def plain(path: str) -> str:
    """Paths of both block APIs, v1 and the older v1alpha1, are the same to us."""
    return path.replace("/block/v1alpha1/", "/block/v1/")


@dataclass
class Recorded:
    """A recording as a server."""

    exchanges: list[Exchange]
    asked: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    sent: dict[str, Any] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    positions: dict[str, int] = field(default_factory=dict)

    def answer(
        self, method: str, target: str, body: bytes
    ) -> tuple[int, str, dict[str, str]]:
        path = plain(urlsplit(target).path)
        key = f"{method} {path}"
        self.asked.append(key)
        self.sent[key] = body
        if method == "GET" and path.rsplit("/", 1)[-1] in self.gone:
            return 404, json.dumps(NOT_FOUND), {}
        found = self._next(key, method, target)
        self._remember(method, path, body)
        if found is not None:
            return found.status, found.reply, found.headers
        if method == "GET" and LISTING.search(path):
            return 200, json.dumps({LISTING.search(path)[1]: []}), {"x-total-count": "0"}  # type: ignore[index]
        if method == "DELETE":
            return 204, "", {}
        self.unknown.append(key)
        return 404, json.dumps(NOT_FOUND), {}

    def _next(self, key: str, method: str, target: str) -> Exchange | None:
        page = re.search(r"[?&]page=(\d+)", target)
        fitting = [
            e
            for e in self.exchanges
            if f"{e.method} {plain(urlsplit(e.target).path)}" == key
            and (not page or "page=" not in e.target or f"page={page[1]}" in e.target)
        ]
        if not fitting:
            return None
        number = self.positions.get(f"{key} {page}", 0)
        self.positions[f"{key} {page}"] = number + 1
        return fitting[min(number, len(fitting) - 1)]

    def _remember(self, method: str, path: str, body: bytes) -> None:
        """After the end of a server, and of a volume, the real API says 404."""
        if method == "DELETE" and UUID.search(path):
            self.gone.add(path.rsplit("/", 1)[-1])
        if path.endswith("/action") and b"terminate" in body:
            self.gone.add(path.split("/")[-2])


@contextmanager
def replaying(recorded: Recorded) -> Iterator[Cloud]:
    """A client whose API is a recording."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, text, headers = recorded.answer(self.command, self.path, body)
            self.send_response(status)
            for name in ("x-total-count", "content-type"):
                if name in headers:
                    self.send_header(name, headers[name])
            if "content-type" not in headers and text:
                self.send_header("content-type", "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def log_message(self, *arguments: Any) -> None:
            """Stay quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    client = Client(
        access_key="SCW" + "A" * 17,
        secret_key="11111111-2222-3333-4444-555555555555",
        api_url=f"http://127.0.0.1:{http.server_address[1]}",
        default_project_id="11111111-2222-3333-4444-555555555555",
    )
    try:
        yield Cloud(client)
    finally:
        http.shutdown()
        http.server_close()


def recording(folder: Path, name: str) -> Recorded:
    return Recorded(load(folder / "scaleway" / f"test-{name}.yaml"))


def created(recorded: Recorded) -> SimpleNamespace:
    """What the recorded client asked for and got when it created the server."""
    make = next(
        e
        for e in recorded.exchanges
        if e.method == "POST" and e.target.endswith("/servers")
    )
    return SimpleNamespace(asked=json.loads(make.body or "{}"), got=make.data["server"])


def go_through(cloud: Cloud, recorded: Recorded) -> tuple[Removal, list[Any]]:
    """Create as the recording did, start if it did, and take everything away."""
    first = created(recorded)
    server = cloud.create_server(
        zone=ZONE,
        server_type="DEV1-S",
        name="x",
        image=first.got["image"]["id"],
        root=RootVolume("l_ssd", 20 * GB),
        tags=["managed-by=cloudburst.plex", "burst=plex"],
        group_id="",
    )
    assert server.id == first.got["id"] and server.state == "stopped"
    clock = Clock()
    report = Report()
    removal = Removal(cloud, "plex", [ZONE], report, clock.pace(), timeout=60)
    if any(b'"poweron"' in (e.body or "").encode() for e in recorded.exchanges):
        cloud.power_on(server)
        while server.state != "running":
            server = running(cloud, server)
    removal.remove_server(server)
    return removal, removal.run()


def running(cloud: Cloud, server: Server) -> Server:
    found = cloud.server(ZONE, server.id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "name",
    [
        "server-terminate-without-block",
        "server-terminate-with-ip",
        "server-terminate-without-ip",
        "server-delete-only-local-volumes",
        "create-server-simple-default",
        "create-server-volumes-valid-single-local-volume",
        "create-server-ips-run-with-dynamic-ip",
        "server-action-manual-poweron",
        "server-delete-with-sbs-volumes",
    ],
)
def test_the_server_and_its_own_volumes_go_and_nothing_is_refused(
    fixtures_folder: Path, name: str
) -> None:
    recorded = recording(fixtures_folder, name)
    with replaying(recorded) as cloud:
        _removal, left = go_through(cloud, recorded)
    assert left == [] and recorded.unknown == []
    root = created(recorded).got["volumes"]["0"]
    kind = "block" if root["volume_type"] == "sbs_volume" else "instance"
    survives = f"DELETE /{kind}/v1/zones/{ZONE}/volumes/{root['id']}"
    server = f"servers/{created(recorded).got['id']}"
    terminated = any(
        a.endswith(f"{server}/action") and b"terminate" in recorded.sent[a]
        for a in recorded.asked
    )
    # A local root goes with a terminate; it survives a delete, as block storage survives both.
    if kind == "block" or not terminated:
        assert survives in recorded.asked
    foreign = [
        v["id"]
        for slot, v in created(recorded).got["volumes"].items()
        if slot != "0" and v["volume_type"] == "sbs_volume"
    ]
    assert not [
        a
        for a in recorded.asked
        if a.startswith("DELETE") and any(f in a for f in foreign)
    ]


def test_types_prices_and_stock_over_all_pages(fixtures_folder: Path) -> None:
    recorded = recording(fixtures_folder, "server-type-list-on-fr-par1")
    with replaying(recorded) as cloud:
        offers = cloud.offers(ZONE)
    assert len(offers) > 100 and recorded.unknown == []
    assert (
        offers["GP1-S"].hourly_price == 0.19074
        and offers["GP1-S"].local_max == 300 * GB
    )
    assert offers["PRO2-S"].local_max == 0
    assert {offer.availability for offer in offers.values()} >= {"available"}
    assert "unknown" not in {
        o.availability for o in offers.values() if not o.end_of_service
    }


@pytest.mark.parametrize(
    ("name", "local", "expected"),
    [
        ("create-server-simple-default", False, "6d3c053e-c728-4294-b23a-560b62a4d592"),
        (
            "server-delete-only-local-volumes",
            True,
            "ec31d73d-ca36-4536-adf4-0feb76d30379",
        ),
    ],
)
def test_images_by_type_and_architecture(
    fixtures_folder: Path, name: str, local: bool, expected: str
) -> None:
    with replaying(recording(fixtures_folder, name)) as cloud:
        assert cloud.image("ubuntu_jammy", ZONE, "DEV1-S", local) == expected


def test_user_data_that_is_not_there_has_an_empty_404(fixtures_folder: Path) -> None:
    recorded = recording(fixtures_folder, "user-data-get-get-an-nonexistent-key")
    with replaying(recorded) as cloud:
        server = running(
            cloud, Server(created(recorded).got["id"], "", ZONE, "", "", None)
        )
        assert cloud.user_data(server, "happy") is None


def test_user_data_as_text(fixtures_folder: Path) -> None:
    recorded = recording(fixtures_folder, "user-data-list-simple")
    with replaying(recorded) as cloud:
        server = running(
            cloud, Server(created(recorded).got["id"], "", ZONE, "", "", None)
        )
        assert cloud.user_data(server, "bar") == "foo"
        cloud.set_user_data(server, "foo", "é")
    key = f"PATCH /instance/v1/zones/{ZONE}/servers/{server.id}/user_data/foo"
    assert recorded.sent[key] == "é".encode()


def test_scaleways_own_rules_are_not_ours(fixtures_folder: Path) -> None:
    recorded = recording(fixtures_folder, "security-group-get-get")
    with replaying(recorded) as cloud:
        group = cloud.create_group(ZONE, "x", ["managed-by=cloudburst.plex"])
        assert cloud.rules(ZONE, group.id) == []
