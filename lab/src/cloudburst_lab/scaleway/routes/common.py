# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every route needs: the cloud, the zone, bodies, pages, filters."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.responses import JSONResponse, Response

from cloudburst_lab.scaleway.cloud import Cloud
from cloudburst_lab.scaleway.errors import ApiError, invalid_arguments
from cloudburst_lab.scaleway.model import ZONES

PER_PAGE = 50
MAX_PER_PAGE = 100
T = TypeVar("T")


def get_cloud(request: Request) -> Cloud:
    cloud: Cloud = request.app.state.cloud
    cloud.settle()
    return cloud


def get_zone(zone: str) -> str:
    if zone not in ZONES:
        raise ApiError(
            404, {"type": "unknown_resource", "message": f"unknown zone {zone}"}
        )
    return zone


TheCloud = Annotated[Cloud, Depends(get_cloud)]
Zone = Annotated[str, Depends(get_zone)]


async def get_body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request."""
    text = await request.body()
    try:
        body = json.loads(text or b"{}")
    except ValueError as error:
        raise invalid_arguments("body", "format", "not JSON") from error
    if not isinstance(body, dict):
        raise invalid_arguments("body", "format", "not an object")
    return body


Body = Annotated[dict[str, Any], Depends(get_body)]


def created(request: Request, key: str, view: dict[str, Any]) -> JSONResponse:
    """201 with the object and where it is."""
    place = f"{request.url}/{view['id']}"
    return JSONResponse({key: view}, 201, {"Location": place})


def no_content(media_type: str = "application/json") -> Response:
    return Response(status_code=204, headers={"Content-Type": media_type})


def number(
    request: Request, name: str, default: int, highest: int | None = None
) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isdigit() or int(text) < 1:
        raise invalid_arguments(name, "constraint", "must be a positive number")
    return min(int(text), highest or int(text))


def page_of(request: Request, items: Sequence[T]) -> tuple[list[T], dict[str, str]]:
    """Return one page of the instance API and its headers; past the end it is EMPTY (A5)."""
    page = number(request, "page", 1)
    per_page = number(request, "per_page", PER_PAGE, MAX_PER_PAGE)
    headers = {"X-Total-Count": str(len(items))}
    last = max(1, math.ceil(len(items) / per_page))
    if last > 1:
        path = request.url.path.partition("/zones/")[2].partition("/")[2]
        headers["Link"] = _links(path, page, per_page, last)
    start = (page - 1) * per_page
    return list(items[start : start + per_page]), headers


def _links(path: str, page: int, per_page: int, last: int) -> str:
    wanted = {"last": last}
    if page > 1:
        wanted = {"first": 1, "previous": page - 1, **wanted}
    if page < last:
        wanted["next"] = page + 1
    order = [name for name in ("first", "previous", "next", "last") if name in wanted]
    return ",".join(
        f'</{path}?page={wanted[name]}&per_page={per_page}&>; rel="{name}"'
        for name in order
    )


def listing(
    request: Request, key: str, items: Sequence[dict[str, Any]]
) -> JSONResponse:
    """Answer a list of the instance API."""
    page, headers = page_of(request, items)
    return JSONResponse({key: page}, headers=headers)


def listing_with_total(
    request: Request, key: str, items: Sequence[dict[str, Any]]
) -> JSONResponse:
    """Answer a list of the newer APIs: ``total_count`` in the body, page and page_size."""
    page = number(request, "page", 1)
    size = number(request, "page_size", PER_PAGE, MAX_PER_PAGE)
    chosen = list(items[(page - 1) * size : page * size])
    return JSONResponse({key: chosen, "total_count": len(items)})


def wanted_tags(request: Request) -> set[str]:
    """Return the tags filter: comma-joined or repeated, exact, all of them must be there."""
    values = request.query_params.getlist("tags")
    return {tag for value in values for tag in value.split(",") if tag}


def keep(request: Request, items: Iterable[T], zone: str) -> list[T]:
    """Filter by zone, name (substring), tags and project, as every list does."""
    query = request.query_params
    name = query.get("name", "")
    project = query.get("project") or query.get("project_id") or ""
    tags = wanted_tags(request)
    return [
        item
        for item in items
        if getattr(item, "zone", zone) == zone
        and name in getattr(item, "name", "")
        and tags <= set(getattr(item, "tags", []))
        and project in ("", getattr(item, "project", project))
    ]
