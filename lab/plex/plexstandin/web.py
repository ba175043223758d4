# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and replies the way Plex does them (§3.1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from .auth import UNAUTHORIZED, Caller
from .logs import LOG
from .plextv import PlexTvError
from .render import container, render
from .server import Server, Stage

KEY = "server"  # aiohttp 3.8 has no AppKey
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MAINTENANCE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Response code="503" title="Maintenance" '
    'status="Plex Media Server is currently running startup maintenance tasks."/>\n'
)
STARTING = "the server is still starting up. Please retry later"
HTML = "text/html"


def server(request: web.Request) -> Server:
    found: Server = request.app[KEY]
    return found


def page(status: int, title: str) -> web.Response:
    """One of the server's tiny HTML pages."""
    text = (
        f"<html><head><title>{title}</title></head>"
        f"<body><h1>{status} {title}</h1></body></html>"
    )
    return web.Response(status=status, text=text, content_type=HTML)


def done(status: int = 200, **headers: str) -> web.Response:
    """The answer of a command: empty, but typed."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(status=status, content_type=HTML, headers=named)


def not_found() -> web.Response:
    return page(404, "Not Found")


def bad_request(reason: str = "") -> web.Response:
    if not reason:
        return page(400, "Bad Request")
    return web.Response(status=400, text=reason, content_type=HTML)


def reply(
    request: web.Request,
    tree: Any,
    *,
    name: str = "MediaContainer",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> web.Response:
    """A tree in the shape that the client accepts."""
    body, content_type = render(name, tree, request.headers.get("Accept", ""))
    response = web.Response(
        status=status, body=body, headers={"Content-Type": content_type}
    )
    response.headers.update(headers or {})
    return response


def is_json(request: web.Request) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def option(request: web.Request, name: str) -> str | None:
    """An X-Plex-… value, from the header or the query."""
    found: str | None = request.headers.get(name) or request.query.get(name)
    return found


def flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "0") in ("1", "true")


def window(request: web.Request) -> tuple[int, int | None]:
    """Start and size of the page that is asked for."""
    size = option(request, "X-Plex-Container-Size")
    start = option(request, "X-Plex-Container-Start") or "0"
    return int(start), int(size) if size is not None else None


def paged(
    request: web.Request, name: str, items: list[Any], total: int, /, **attributes: Any
) -> web.Response:
    """A page of a list. JSON says ``totalSize`` only when there is more (§3.1)."""
    start, _ = window(request)
    whole = start == 0 and len(items) == total
    sizes = {} if whole and is_json(request) else {"totalSize": total, "offset": start}
    headers = {
        "X-Plex-Container-Start": str(start),
        "X-Plex-Container-Total-Size": str(total),
    }
    tree = container(name, items, **sizes, **attributes)
    return reply(request, tree, headers=headers)


def _caller(request: web.Request) -> Caller:
    return Caller(
        source=request.remote or "",
        host=request.headers.get("Host", ""),
        token=option(request, "X-Plex-Token") or "",
    )


@web.middleware
async def headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What every reply carries."""
    response = await handler(request)
    if isinstance(response, web.Response):
        response.headers["X-Plex-Protocol"] = "1.0"
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Connection"] = "Keep-Alive"
        response.headers["Keep-Alive"] = "timeout=20"
        if response.body:
            length = str(len(response.body))
            response.headers["X-Plex-Content-Original-Length"] = length
            response.headers["X-Plex-Content-Compressed-Length"] = length
    return response


@web.middleware
async def gates(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Start-up gates, then who may pass (§3.1)."""
    own = server(request)
    await own.not_hanging()
    if own.stage is Stage.MAINTENANCE:
        return web.Response(
            status=503,
            body=MAINTENANCE.encode(),
            headers={"Content-Type": "text/xml;charset=utf-8"},
        )
    LOG.debug(
        "Request: [%s] %s %s", request.remote, request.method, request.rel_url.path
    )
    if request.path != "/identity":
        try:
            allowed = await own.gatekeeper.allows(_caller(request))
        except PlexTvError as error:
            LOG.warning("Auth: cannot ask plex.tv: %s", error)
            allowed = False
        if not allowed:
            return web.Response(status=401, text=UNAUTHORIZED, content_type=HTML)
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return not_found()
    except web.HTTPMethodNotAllowed:
        return page(405, "Method Not Allowed")
