# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands before the API: authentication and the faults that can hit any request.

A plain ASGI layer outside of the web framework, because the fault "lost response" must do the
work and then cut the connection without one byte of an answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudburst_lab.scaleway.cloud import Cloud
from cloudburst_lab.scaleway.errors import (
    ApiError,
    denied_authentication,
    permissions_denied,
    too_many_requests,
)
from cloudburst_lab.scaleway.faults import Fault

LOG = logging.getLogger("cloudburst_lab.scaleway")
#: readable without a key, as on the real API
PUBLIC = re.compile(
    r"^/(marketplace/|product-catalog/|instance/v1/zones/[^/]+/products/)"
)
ADMIN = "/lab/"


async def answer(send: Send, error: ApiError) -> None:
    """Send an error reply."""
    body = b"" if error.body is None else json.dumps(error.body).encode()
    headers = {
        "Content-Type": error.content_type,
        "Content-Length": str(len(body)),
        **error.headers,
    }
    raw = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def cut(send: Send) -> None:
    """Drop the connection of a request: ``send`` is a method of uvicorn's request cycle."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("lost_response needs uvicorn as the server")
    transport.abort()
    await asyncio.sleep(0.01)  # lets uvicorn notice before the application ends


async def swallow(message: Message) -> None:
    """Stand in for ``send`` when nobody is to hear the answer."""


class Gate:
    """Faults and authentication around the application."""

    def __init__(self, app: ASGIApp, cloud: Cloud) -> None:
        self.app, self.cloud = app, cloud

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(ADMIN):
            await self.app(scope, receive, send)
            return
        LOG.info("%s %s", scope["method"], path)
        try:
            self.authenticate(scope)
            await self.meet_faults(scope["method"], path)
        except ApiError as error:
            await answer(send, error)
            return
        if self.take("lost_response", scope["method"], path):
            await self.app(scope, receive, swallow)
            await cut(send)
            return
        await self.app(scope, receive, send)

    def authenticate(self, scope: Scope) -> None:
        token = dict(scope["headers"]).get(b"x-auth-token", b"").decode("latin-1")
        if PUBLIC.match(scope["path"]) and not token:
            return
        if not token:
            raise denied_authentication("invalid_argument")
        if not self.cloud.token_valid(token):
            raise denied_authentication("not_found")

    def take(self, kind: str, method: str, path: str) -> bool:
        return self.fault(kind, method, path) is not None

    def fault(self, kind: str, method: str, path: str) -> Fault | None:
        found = re.search(r"/zones/([^/]+)", path)
        zone = found.group(1) if found else ""
        now = self.cloud.now()
        return self.cloud.faults.take(kind, now, method=method, path=path, zone=zone)

    async def meet_faults(self, method: str, path: str) -> None:
        slow = self.fault("slow", method, path)
        if slow is not None:
            await asyncio.sleep(slow.delay)
        if self.take("rate_limited", method, path):
            raise too_many_requests()
        broken = self.fault("server_error", method, path)
        if broken is not None:
            raise ApiError(broken.status or 502, None, content_type="text/html")
        if method == "DELETE":
            refused = self.fault("delete_refused", method, path)
            if refused is not None:
                error = permissions_denied(path.split("/")[-2], "delete")
                raise ApiError(refused.status or 403, error.body)
