# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own door, on another port and on loopback only: speed and faults."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from .server import Server


class Admin:
    """``GET|PUT /tuning``, ``GET|PUT /faults``, ``GET /state``, ``POST /hang|/crash``."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def state(self, request: web.Request) -> web.Response:
        core = self._server.core
        return web.json_response(
            {
                "stage": self._server.stage.name.lower(),
                "plex_pass": core.prefs.plex_pass,
                "butler": self._server.butler.running,
                "activities": [a.type for a in core.activities.all()],
                "scans": self._server.library.waiting,
                "items": core.items.waiting,
                "busy": core.pool.busy,
            }
        )

    async def tuning(self, request: web.Request) -> web.Response:
        if request.method == "PUT":
            try:
                self._server.core.retune(await request.json())
            except (ValueError, TypeError) as error:
                raise web.HTTPBadRequest(text=str(error)) from error
        return web.json_response(asdict(self._server.core.tuning))

    async def faults(self, request: web.Request) -> web.Response:
        if request.method == "PUT":
            try:
                self._server.faults.put(await request.json())
            except ValueError as error:
                raise web.HTTPBadRequest(text=str(error)) from error
        return web.json_response(self._server.faults.all())

    async def hang(self, request: web.Request) -> web.Response:
        self._server.hang(float(request.query["seconds"]))
        return web.json_response({})

    async def crash(self, request: web.Request) -> web.Response:
        self._server.faults.put({"crash": "now"})
        self._server.faults.crash_point("now")
        return web.json_response({})


def application(server: Server) -> web.Application:
    door = Admin(server)
    app = web.Application()
    app.add_routes(
        [
            web.get("/state", door.state),
            web.get("/tuning", door.tuning),
            web.put("/tuning", door.tuning),
            web.get("/faults", door.faults),
            web.put("/faults", door.faults),
            web.post("/hang", door.hang),
            web.post("/crash", door.crash),
        ]
    )
    return app
