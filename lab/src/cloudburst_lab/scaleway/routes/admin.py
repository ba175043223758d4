# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own handles under /lab/: health, faults, bill, reset, state. No token needed."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from cloudburst_lab.scaleway import billing
from cloudburst_lab.scaleway.errors import invalid_arguments
from cloudburst_lab.scaleway.faults import KINDS, Fault
from cloudburst_lab.scaleway.routes.common import Body, TheCloud

router = APIRouter(prefix="/lab")
TEXT_FIELDS = ("zone", "type", "method", "path", "at")


@router.get("/health")
async def health(cloud: TheCloud) -> Response:
    running = sum(server.state == "running" for server in cloud.world.servers.values())
    return JSONResponse(
        {"ok": True, "servers": len(cloud.world.servers), "running": running}
    )


@router.get("/state")
async def state(cloud: TheCloud) -> Response:
    """Everything that exists, for an independent count of what a burst left behind."""
    world = cloud.world.to_json()
    for name in ("api_keys", "meters"):
        world.pop(name)
    for server in world["servers"].values():
        server["user_data"] = sorted(server["user_data"])
    return JSONResponse(world)


@router.get("/bill")
async def get_bill(request: Request, cloud: TheCloud) -> Response:
    tag = request.query_params.get("tag", "")
    lines = billing.bill(cloud.world, cloud.now(), cloud.bill_factor, tag)
    shown = [
        {
            **dataclasses.asdict(line.meter),
            "hours": round(line.hours, 4),
            "billed_hours": round(line.billed_hours, 4),
            "euros": round(line.euros, 6),
        }
        for line in lines
    ]
    total = round(sum(line.euros for line in lines), 6)
    return JSONResponse(
        {"factor": cloud.bill_factor, "lines": shown, "total_euros": total}
    )


def make_fault(body: dict[str, Any], now: float) -> Fault:
    """Build a fault from a request; unknown names are refused."""
    known = {"kind", "status", "delay", "count", "seconds", *TEXT_FIELDS}
    if set(body) - known:
        raise invalid_arguments(
            ", ".join(set(body) - known), "unknown", f"known: {sorted(known)}"
        )
    if body.get("kind") not in KINDS:
        raise invalid_arguments("kind", "constraint", f"must be one of {sorted(KINDS)}")
    seconds, count = body.get("seconds"), body.get("count")
    fault = Fault(
        id=uuid.uuid4().hex[:8],
        kind=str(body["kind"]),
        status=int(body.get("status") or 0),
        delay=float(body.get("delay") or 1.0),
        count=None if count is None else int(count),
        expires=None if seconds is None else now + float(seconds),
    )
    texts: dict[str, Any] = {
        name: str(body[name]) for name in TEXT_FIELDS if body.get(name)
    }
    return dataclasses.replace(fault, **texts)


@router.get("/faults")
async def list_faults(cloud: TheCloud) -> Response:
    now = cloud.now()
    shown = [
        {**dataclasses.asdict(fault), "alive": fault.alive(now)}
        for fault in cloud.faults.faults.values()
    ]
    return JSONResponse({"faults": shown, "kinds": KINDS})


@router.post("/faults")
async def set_fault(cloud: TheCloud, body: Body) -> Response:
    fault = make_fault(body, cloud.now())
    cloud.faults.add(fault)
    return JSONResponse(dataclasses.asdict(fault), 201)


@router.delete("/faults")
async def clear_faults(cloud: TheCloud) -> Response:
    return JSONResponse({"removed": cloud.faults.clear()})


@router.delete("/faults/{fault_id}")
async def clear_fault(cloud: TheCloud, fault_id: str) -> Response:
    return JSONResponse({"removed": cloud.faults.clear(fault_id)})


@router.post("/reset")
async def reset(cloud: TheCloud) -> Response:
    await cloud.reset()
    return JSONResponse({"ok": True})
