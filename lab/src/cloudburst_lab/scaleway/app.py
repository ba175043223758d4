# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API as one ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from cloudburst_lab.config import LabConfig
from cloudburst_lab.scaleway.cloud import Cloud
from cloudburst_lab.scaleway.compute import Compute, ContainerCompute, NoCompute
from cloudburst_lab.scaleway.errors import ApiError
from cloudburst_lab.scaleway.gate import Gate
from cloudburst_lab.scaleway.network import AddressPool
from cloudburst_lab.scaleway.routes import ROUTERS
from cloudburst_lab.scaleway.servers import Timing


async def on_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    if error.body is None:
        headers = {**error.headers, "Content-Type": error.content_type}
        return Response(status_code=error.status, headers=headers)
    return JSONResponse(error.body, error.status, error.headers)


async def on_http_error(request: Request, error: Exception) -> Response:
    """A path that the lab does not serve says so instead of looking like a missing object."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = f"the lab does not serve {request.method} {request.url.path}"
    return JSONResponse({"type": "unknown_resource", "message": message}, status)


def make_app(cloud: Cloud) -> FastAPI:
    """Return the API over a cloud; its background work lives as long as the application."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await cloud.resume()
        watcher = asyncio.create_task(cloud.watch())
        yield
        watcher.cancel()
        await cloud.close()

    app = FastAPI(title="lab Scaleway", openapi_url=None, lifespan=lifespan)
    app.state.cloud = cloud
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(ApiError, on_api_error)
    app.add_exception_handler(HTTPException, on_http_error)
    return app


def make_cloud(config: LabConfig, timing: Timing | None = None) -> Cloud:
    """Return the cloud of a lab, with containers as machines unless booting is off."""
    timing = timing or Timing()
    compute: Compute = (
        ContainerCompute(config) if config.boot_servers else NoCompute(timing.server)
    )
    network = config.gateway.rpartition(".")[0]
    return Cloud(
        compute,
        pool=AddressPool(f"{network}.32", f"{network}.127"),
        project=config.credentials.scw_project_id,
        organization=config.credentials.scw_organization_id,
        secret_key=config.credentials.scw_secret_key,
        gateway=config.gateway,
        state_file=config.state_dir / "scaleway.json",
        timing=timing,
        bill_factor=config.bill_factor,
    )


def make_asgi(cloud: Cloud) -> Gate:
    """Return what a web server serves."""
    return Gate(make_app(cloud), cloud)
