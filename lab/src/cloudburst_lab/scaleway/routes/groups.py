# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups and their rules; every change reaches running servers before the answer."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from cloudburst_lab.scaleway import network, views
from cloudburst_lab.scaleway.model import SecurityGroup, new_id
from cloudburst_lab.scaleway.routes.common import (
    Body,
    TheCloud,
    Zone,
    created,
    keep,
    listing,
    no_content,
    number,
)

router = APIRouter(prefix="/instance/v1/zones/{zone}/security_groups")
RULES_PER_PAGE = 50


@router.post("")
async def create_group(
    request: Request, cloud: TheCloud, zone: Zone, body: Body
) -> Response:
    now = cloud.now()
    group = SecurityGroup(
        id=new_id(),
        name=str(body.get("name") or "sg"),
        zone=zone,
        project=str(body.get("project") or cloud.project),
        created=now,
        modified=now,
        description=body.get("description"),
        tags=[str(tag) for tag in body.get("tags") or []],
    )
    network.set_policies(group, body)
    cloud.world.security_groups[group.id] = group
    cloud.save()
    return created(request, "security_group", views.security_group(cloud.world, group))


@router.get("")
async def list_groups(request: Request, cloud: TheCloud, zone: Zone) -> Response:
    network.default_group(cloud.world, cloud.now(), zone, cloud.project)
    found = keep(request, cloud.world.security_groups.values(), zone)
    shown = [views.security_group(cloud.world, group) for group in found]
    return listing(request, "security_groups", shown)


@router.get("/{group_id}")
async def get_group(cloud: TheCloud, zone: Zone, group_id: str) -> Response:
    group = network.find_group(cloud.world, zone, group_id)
    return JSONResponse({"security_group": views.security_group(cloud.world, group)})


@router.patch("/{group_id}")
async def patch_group(
    cloud: TheCloud, zone: Zone, group_id: str, body: Body
) -> Response:
    group = network.find_group(cloud.world, zone, group_id)
    network.set_policies(group, body)
    group.name = str(body.get("name") or group.name)
    if "description" in body:
        group.description = body["description"]
    if body.get("tags") is not None:
        group.tags = [str(tag) for tag in body["tags"]]
    group.modified = cloud.now()
    cloud.save()
    await cloud.refilter(group.id)
    return JSONResponse({"security_group": views.security_group(cloud.world, group)})


@router.delete("/{group_id}")
async def delete_group(cloud: TheCloud, zone: Zone, group_id: str) -> Response:
    network.delete_group(cloud.world, network.find_group(cloud.world, zone, group_id))
    cloud.save()
    return no_content()


# --- rules --------------------------------------------------------------------------------
@router.get("/{group_id}/rules")
async def list_rules(
    request: Request, cloud: TheCloud, zone: Zone, group_id: str
) -> Response:
    shown = views.rules(network.find_group(cloud.world, zone, group_id))
    start = (number(request, "page", 1) - 1) * RULES_PER_PAGE
    # recorded: no X-Total-Count here
    return JSONResponse({"rules": shown[start : start + RULES_PER_PAGE]})


@router.post("/{group_id}/rules")
async def create_rule(
    request: Request, cloud: TheCloud, zone: Zone, group_id: str, body: Body
) -> Response:
    group = network.find_group(cloud.world, zone, group_id)
    rule = network.add_rule(group, body, cloud.now())
    cloud.save()
    await cloud.refilter(group.id)
    return created(request, "rule", views.rule(rule, zone))


@router.put("/{group_id}/rules")
async def set_rules(cloud: TheCloud, zone: Zone, group_id: str, body: Body) -> Response:
    group = network.find_group(cloud.world, zone, group_id)
    entries = [
        item for item in body.get("rules") or [] if item.get("editable") is not False
    ]
    rules = [
        network.make_rule(item, place) for place, item in enumerate(entries, start=1)
    ]
    network.renumber(group, rules, cloud.now())
    cloud.save()
    await cloud.refilter(group.id)
    return JSONResponse({"rules": views.rules(group)})


@router.get("/{group_id}/rules/{rule_id}")
async def get_rule(
    cloud: TheCloud, zone: Zone, group_id: str, rule_id: str
) -> Response:
    group = network.find_group(cloud.world, zone, group_id)
    return JSONResponse({"rule": views.rule(network.find_rule(group, rule_id), zone)})


@router.patch("/{group_id}/rules/{rule_id}")
async def patch_rule(
    cloud: TheCloud, zone: Zone, group_id: str, rule_id: str, body: Body
) -> Response:
    group = network.find_group(cloud.world, zone, group_id)
    old = network.find_rule(group, rule_id)
    merged = {
        **vars(old),
        **{key: value for key, value in body.items() if value is not None},
    }
    new = network.make_rule(merged, old.position)
    rules = [new if rule.id == rule_id else rule for rule in group.rules]
    network.renumber(group, rules, cloud.now())
    cloud.save()
    await cloud.refilter(group.id)
    return JSONResponse({"rule": views.rule(new, zone)})


@router.delete("/{group_id}/rules/{rule_id}")
async def delete_rule(
    cloud: TheCloud, zone: Zone, group_id: str, rule_id: str
) -> Response:
    group = network.find_group(cloud.world, zone, group_id)
    network.find_rule(group, rule_id)
    rest = [rule for rule in group.rules if rule.id != rule_id]
    network.renumber(group, rest, cloud.now())
    cloud.save()
    await cloud.refilter(group.id)
    return no_content()
