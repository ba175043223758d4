# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plex.tv as an ASGI application. Handles of the lab's own are under ``/lab/``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from cloudburst_lab.config import LabConfig, write_private
from cloudburst_lab.plextv import render
from cloudburst_lab.plextv.state import AccountState, ClaimRefused, Device

XML = "application/xml; charset=utf-8"
UNAUTHORIZED = 1001


class Store:
    """The account on disk (mode 0600), so that a restarted plex.tv goes on."""

    def __init__(self, path: Path, fresh: Callable[[], AccountState]) -> None:
        self.path, self.fresh = path, fresh
        self.account = self._load()

    def _load(self) -> AccountState:
        if not self.path.exists():
            return self.fresh()
        return AccountState.from_json(json.loads(self.path.read_text(encoding="utf-8")))

    def save(self) -> None:
        write_private(self.path, json.dumps(self.account.to_json()))

    def reset(self) -> None:
        self.account = self.fresh()
        self.save()


def fresh_account(config: LabConfig) -> AccountState:
    """The account before any burst: one server in its list, the one at home."""
    keys = config.credentials
    account = AccountState(
        config.username, keys.plex_account_token, keys.plex_account_uuid
    )
    now = int(time.time())
    account.devices.append(
        Device(
            id=account.next_id,
            client_identifier=keys.home_machine_identifier,
            token=keys.home_token,
            name="home",
            version=config.plex_version,
            created_at=now,
            last_seen_at=now,
        )
    )
    account.next_id += 1
    return account


def make_app(store: Store, clock: Callable[[], float] = time.time) -> FastAPI:
    """Return plex.tv over a store."""
    app = FastAPI(title="lab plex.tv", openapi_url=None)
    _add_account_routes(app, store)
    _add_claim_routes(app, store, clock)
    _add_lab_routes(app, store)
    return app


def _token(request: Request) -> str:
    query: str = request.query_params.get("X-Plex-Token", "")
    return request.headers.get("x-plex-token", "") or query


def _wants_json(request: Request) -> bool:
    return "json" in request.headers.get("accept", "")


def _unauthorized(request: Request) -> Response:
    text = "User could not be authenticated"
    if _wants_json(request):
        error = {"code": UNAUTHORIZED, "message": text, "status": 401}
        return JSONResponse({"errors": [error]}, 401)
    return Response(render.refused_xml(UNAUTHORIZED, text), 401, media_type=XML)


def _add_account_routes(app: FastAPI, store: Store) -> None:
    def answer(
        request: Request, as_json: Callable[[], str], as_xml: Callable[[], str]
    ) -> Response:
        if not store.account.knows(_token(request)):
            return _unauthorized(request)
        if _wants_json(request):
            return Response(as_json(), media_type="application/json")
        return Response(as_xml(), media_type=XML)

    @app.get("/api/v2/user")
    async def user(request: Request) -> Response:
        account, token = store.account, _token(request)
        return answer(
            request,
            lambda: render.account_json(account, token),
            lambda: render.account_xml(account, token),
        )

    @app.get("/api/v2/resources")
    async def resources(request: Request) -> Response:
        account = store.account
        return answer(
            request,
            lambda: render.resources_json(account),
            lambda: render.resources_xml(account),
        )

    @app.get("/devices.xml")
    async def devices(request: Request) -> Response:
        if not store.account.knows(_token(request)):
            return _unauthorized(request)
        return Response(render.devices_xml(store.account), media_type=XML)

    @app.delete("/devices/{device_id}.xml")
    async def remove(request: Request, device_id: int) -> Response:
        if not store.account.knows(_token(request)):
            return _unauthorized(request)
        if not store.account.remove(device_id):
            return Response(
                render.refused_xml(404, "Device not found"), 404, media_type=XML
            )
        store.save()
        return Response(status_code=204)

    @app.delete("/api/v2/users/signout")
    async def sign_out(request: Request) -> Response:
        if not store.account.sign_out(_token(request)):
            return _unauthorized(request)
        store.save()
        return Response(status_code=204)


def _add_claim_routes(app: FastAPI, store: Store, clock: Callable[[], float]) -> None:
    @app.get("/api/claim/token.json")
    async def claim_token(request: Request) -> Response:
        if _token(request) != store.account.token:
            return _unauthorized(request)
        claim = store.account.new_claim(clock())
        store.save()
        return JSONResponse({"token": claim})

    @app.post("/api/claim/exchange")
    async def exchange(request: Request) -> Response:
        claim = request.query_params.get("token", "")
        try:
            device = store.account.exchange(claim, request.headers, clock())
        except ClaimRefused as refused:
            return Response(render.refused_xml(1086, str(refused)), 400, media_type=XML)
        store.save()
        return Response(
            render.exchanged_xml(store.account, device), 201, media_type=XML
        )


def _add_lab_routes(app: FastAPI, store: Store) -> None:
    @app.get("/lab/health")
    async def health() -> Response:
        return JSONResponse({"ok": True, "devices": len(store.account.devices)})

    @app.get("/lab/issued")
    async def issued() -> Response:
        """Every secret that plex.tv handed out, for tests that look for them in logs."""
        return JSONResponse(store.account.issued)

    @app.put("/lab/settings")
    async def settings(request: Request) -> Response:
        """Set ``plex_pass`` (bool) and ``claim_seconds`` (number)."""
        wanted: dict[str, Any] = await request.json()
        unknown = set(wanted) - {"plex_pass", "claim_seconds"}
        if unknown:
            return JSONResponse({"error": f"unknown settings: {sorted(unknown)}"}, 400)
        for name, value in wanted.items():
            setattr(store.account, name, value)
        store.save()
        return JSONResponse(wanted)

    @app.post("/lab/reset")
    async def reset() -> Response:
        store.reset()
        return JSONResponse({"ok": True})
