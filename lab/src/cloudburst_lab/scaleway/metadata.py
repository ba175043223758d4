# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metadata service at http://169.254.42.42 as a server sees it.

The listening socket is opened inside the server's network namespace, on the address that
``compute`` put on its ``lo``; the answers come from the API's own state. User data needs a
source port below 1024: only root has one (A5).
"""

from __future__ import annotations

import ctypes
import os
import shlex
import socket
import threading
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse

from cloudburst_lab.errors import LabError
from cloudburst_lab.scaleway.compute import METADATA_ADDRESS
from cloudburst_lab.scaleway.model import Server, SshKey, World

Format = Annotated[str, Query(alias="format")]
CLONE_NEWNET = 0x40000000
PRIVILEGED_PORTS = 1024


def listen_inside(pid: int, port: int = 80) -> socket.socket:
    """Return a listening socket in the network namespace of ``pid``.

    A thread of its own enters the namespace and ends: no other code ever runs there, and the
    socket stays where it was made.
    """
    outcome: list[socket.socket | BaseException] = []

    def open_there() -> None:
        try:
            outcome.append(_open(pid, port))
        except OSError as error:
            outcome.append(error)

    thread = threading.Thread(target=open_there, name=f"netns-{pid}")
    thread.start()
    thread.join()
    result = outcome[0]
    if isinstance(result, BaseException):
        raise LabError(f"metadata service for process {pid}: {result}") from result
    return result


def _open(pid: int, port: int) -> socket.socket:
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        if libc.setns(namespace, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(namespace)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((METADATA_ADDRESS, port))
    sock.listen(64)
    return sock


def conf(world: World, server: Server, keys: list[SshKey]) -> dict[str, Any]:
    """Return what ``/conf?format=json`` tells a server about itself."""
    addresses = [
        {"id": ip.id, "address": ip.address, "dynamic": ip.dynamic, "family": "inet"}
        for ip in world.ips_of(server.id)
    ]
    volumes = {
        key: {"id": world.volumes[vid].id, "volume_type": world.volumes[vid].kind}
        for key, vid in server.volumes.items()
        if vid in world.volumes
    }
    return {
        "id": server.id,
        "name": server.name,
        "hostname": server.name,
        "commercial_type": server.commercial_type,
        "organization": server.project,
        "project": server.project,
        "state_detail": server.state_detail,
        "tags": list(server.tags),
        "ssh_public_keys": [
            {"key": key.public_key, "description": key.name} for key in keys
        ],
        "public_ip": addresses[0] if addresses else None,
        "public_ips_v4": addresses,
        "volumes": volumes,
        "location": {"zone_id": server.zone},
    }


def shell(value: object, prefix: str = "") -> list[str]:
    """Return the shell form of ``/conf``: NAME=value, counted lists, flattened keys."""
    if isinstance(value, dict):
        lines = (
            [f"{prefix}='{' '.join(key.upper() for key in value)}'"] if prefix else []
        )
        for key, item in value.items():
            lines += shell(item, f"{prefix}_{key.upper()}" if prefix else key.upper())
        return lines
    if isinstance(value, list):
        lines = [f"{prefix}={len(value)}"]
        for number, item in enumerate(value):
            lines += shell(item, f"{prefix}_{number}")
        return lines
    return [f"{prefix}={shlex.quote('' if value is None else str(value))}"]


def make_app(
    look_up: Callable[[], tuple[World, Server] | None], saved: Callable[[], None]
) -> FastAPI:
    """Return the service for one server; ``look_up`` gives None once it is gone."""
    app = FastAPI(openapi_url=None)

    def here() -> tuple[World, Server]:
        found = look_up()
        if found is None:
            raise HTTPException(404)
        return found

    def root_only(request: Request) -> Server:
        if request.client is None or request.client.port >= PRIVILEGED_PORTS:
            raise HTTPException(403, "only a source port below 1024 may use user data")
        return here()[1]

    @app.get("/conf")
    def get_conf(shape: Format = "") -> Response:
        world, server = here()
        keys = [k for k in world.ssh_keys.values() if not k.disabled]
        answer = conf(world, server, keys)
        if shape == "json":
            return JSONResponse(answer)
        return Response("\n".join(shell(answer)) + "\n", media_type="text/plain")

    @app.get("/user_data")
    def list_keys(request: Request, shape: Format = "") -> Response:
        keys = sorted(root_only(request).user_data)
        if shape == "json":
            return JSONResponse({"user_data": keys})
        lines = [f"USER_DATA={len(keys)}"]
        lines += [f"USER_DATA_{number}={key}" for number, key in enumerate(keys)]
        return Response("\n".join(lines) + "\n", media_type="text/plain")

    @app.get("/user_data/{key}")
    def get_key(request: Request, key: str) -> Response:
        value = root_only(request).get_user_data(key)
        if value is None:
            return Response(status_code=404, media_type="text/plain")
        return Response(value, media_type="text/plain")

    @app.patch("/user_data/{key}")
    async def set_key(request: Request, key: str) -> Response:
        # 200: what the Go SDK's metadata client expects; never recorded
        root_only(request).set_user_data(key, await request.body())
        saved()
        return Response(status_code=200)

    @app.delete("/user_data/{key}")
    def delete_key(request: Request, key: str) -> Response:
        root_only(request).user_data.pop(key, None)
        saved()
        return Response(status_code=204)

    return app
