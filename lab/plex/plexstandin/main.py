# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``Plex Media Server``: the process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from aiohttp import web

from . import admin, api_items, api_sections, api_server, logs
from .server import DatabaseDamaged, Server
from .tuning import ADMIN_PORT, Layout, config_home, load
from .web import KEY, gates, headers

PORT = 32400


def application(server: Server) -> web.Application:
    app = web.Application(middlewares=[headers, gates])
    app[KEY] = server
    app.on_response_prepare.append(_anonymous)
    for part in (api_server, api_sections, api_items):
        app.add_routes(part.routes())
    return app


async def _anonymous(request: web.Request, response: web.StreamResponse) -> None:
    """Plex does not say what serves it."""
    response.headers.popall("Server", None)


async def _listen(app: web.Application, host: str | None, port: int) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port, shutdown_timeout=1.0).start()
    return runner


async def serve() -> int:
    """Run until SIGTERM; the exit code."""
    layout = Layout.from_environment()
    layout.make()
    logs.start(layout.logs)
    server = Server(layout, load(config_home()))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for code in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(code, stop.set)
    runners = [
        await _listen(application(server), None, PORT),
        await _listen(admin.application(server), "127.0.0.1", ADMIN_PORT),
    ]
    starting = asyncio.create_task(server.start())
    try:
        await asyncio.wait(
            [starting, asyncio.create_task(stop.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        if starting.done():
            starting.result()  # DatabaseDamaged comes out here
        await stop.wait()
    except DatabaseDamaged as error:
        logs.LOG.error("Unable to set up server: %s", error)
        print(f"Unable to set up server: {error}", file=sys.stderr, flush=True)
        return 1
    starting.cancel()
    for runner in runners:
        await runner.cleanup()
    await server.stop()
    return 0


def main() -> None:
    os.umask(0o022)
    sys.exit(asyncio.run(serve()))
