# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own door, on another port and on loopback only: speed and faults."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from .server import Server


def application(server: Server) -> web.Application:
    """``GET|PUT /tuning``, ``GET|PUT /faults``, ``GET /state``, ``POST /hang``."""

    async def state(request: web.Request) -> web.Response:
        core = server.core
        return web.json_response(
            {
                "stage": server.stage.name.lower(),
                "plex_pass": core.prefs.plex_pass,
                "butler": server.butler.running,
                "activities": [a.type for a in core.activities.all()],
                "busy": core.pool.busy,
            }
        )

    async def tuning(request: web.Request) -> web.Response:
        if request.method == "PUT":
            try:
                server.core.retune(await request.json())
            except (ValueError, TypeError) as error:
                raise web.HTTPBadRequest(text=str(error)) from error
        return web.json_response(asdict(server.core.tuning))

    async def faults(request: web.Request) -> web.Response:
        if request.method == "PUT":
            try:
                server.faults.put(await request.json())
            except ValueError as error:
                raise web.HTTPBadRequest(text=str(error)) from error
        return web.json_response(server.faults.all())

    async def hang(request: web.Request) -> web.Response:
        server.hang(float(request.query["seconds"]))
        return web.json_response({})

    async def crash(request: web.Request) -> web.Response:
        server.faults.put({"crash": "now"})
        server.faults.crash_point("now")
        return web.json_response({})

    app = web.Application()
    app.add_routes(
        [
            web.get("/state", state),
            web.get("/tuning", tuning),
            web.put("/tuning", tuning),
            web.get("/faults", faults),
            web.put("/faults", faults),
            web.post("/hang", hang),
            web.post("/crash", crash),
        ]
    )
    return app
