# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections: list, create, change, scan, analyse, settings, browsing (§3.3)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from aiohttp import web

from cloudburst_lab.plex_schema import SectionType
from cloudburst_lab.plex_schema.codes import AGENTS, NO_AGENT_VIDEO
from cloudburst_lab.plex_schema.extra_data import decode

from .library import ScanRequest
from .preferences import section_settings
from .render import container
from .server import Stage
from .store import KIND_NAMES
from .views import browse_key, section_tree
from .web import STARTING, bad_request, done, flag, not_found, page, reply, server

KINDS = {name: kind for kind, name in KIND_NAMES.items()}
EDITABLE = ("name", "agent", "scanner", "language")
_PREF = re.compile(r"^prefs\[(\w+)\]$")


async def library(request: web.Request) -> web.Response:
    keys = (("sections", "Library Sections"), ("recentlyAdded", "Recently Added"))
    tree = container(
        "Directory",
        [{"key": key, "title": title} for key, title in keys],
        allowSync=False,
        content="plugins",
        identifier="com.plexapp.plugins.library",
        mediaTagPrefix="/system/bundle/media/flags/",
        mediaTagVersion=1700000000,
        title1="Plex Library",
    )
    return reply(request, tree)


async def _trees(request: web.Request, rows: list[Any]) -> list[dict[str, Any]]:
    own = server(request)
    return [
        section_tree(own.core, row, await own.library.locations(row["id"]))
        for row in rows
    ]


async def sections(request: web.Request) -> web.Response:
    trees = await _trees(request, await server(request).library.rows())
    return reply(
        request, container("Directory", trees, allowSync=False, title1="Plex Library")
    )


def _id(request: web.Request) -> int:
    return int(request.match_info["section"])


async def section(request: web.Request) -> web.Response:
    row = await server(request).library.row(_id(request))
    if row is None:
        return not_found()
    keys = ("all", "unwatched", "newest", "recentlyAdded", "collection", "folder")
    tree = container(
        "Directory",
        [{"key": key, "title": key} for key in keys],
        allowSync=False,
        content="secondary",
        librarySectionID=row["id"],
        title1=row["name"],
    )
    return reply(request, tree)


def _wanted_type(text: str) -> SectionType | None:
    """``movie``, as everybody sends it, or the number of the specification."""
    if text in KINDS:
        return KINDS[text]
    return SectionType(int(text)) if text.isdigit() and int(text) in AGENTS else None


def _prefs_of(request: web.Request) -> dict[str, str]:
    found = ((_PREF.match(key), value) for key, value in request.query.items())
    return {match[1]: value for match, value in found if match}


def _locations_of(request: web.Request) -> list[str]:
    query = request.query
    return [*query.getall("location", []), *query.getall("locations", [])]


async def create(request: web.Request) -> web.Response:
    """201 and a Location header; 400 with its sentence while starting (§3.1)."""
    own = server(request)
    if own.stage is Stage.STARTING:
        return bad_request(STARTING)
    query = request.query
    kind = _wanted_type(query.get("type", ""))
    locations = _locations_of(request)
    if kind is None or not locations or not query.get("name"):
        return bad_request()
    agent = query.get("agent", AGENTS[kind][0])
    plain = agent.endswith(".none") and kind is SectionType.MOVIE
    default = NO_AGENT_VIDEO if plain else AGENTS[kind]
    section_id = await own.library.create(
        query["name"],
        KIND_NAMES[kind],
        locations,
        agent=agent,
        scanner=query.get("scanner", default[1]),
        language=query.get("language", default[2]),
        prefs=_prefs_of(request),
    )
    row = await own.library.row(section_id)
    trees = await _trees(request, [row])
    headers = {"Location": f"/library/sections/{section_id}"}
    return reply(request, container("Directory", trees), status=201, headers=headers)


async def edit(request: web.Request) -> web.Response:
    """Needs ``agent``; a list of locations replaces what there is."""
    own = server(request)
    if await own.library.row(_id(request)) is None:
        return not_found()
    if "agent" not in request.query:
        return bad_request()
    columns = {k: request.query[k] for k in EDITABLE if k in request.query}
    await own.library.edit(_id(request), columns, _locations_of(request))
    if _prefs_of(request):
        await _set_prefs(request, _prefs_of(request))
    return done()


async def delete(request: web.Request) -> web.Response:
    own = server(request)
    if await own.library.row(_id(request)) is None:
        return not_found()
    await own.library.delete(_id(request))
    return done()


# --- scans -------------------------------------------------------------------------


async def refresh(request: web.Request) -> web.Response:
    own = server(request)
    if await own.library.row(_id(request)) is None:
        return not_found()
    path = request.query.get("path")
    own.library.scan(ScanRequest(_id(request), path, flag(request, "force")))
    return done()


async def cancel(request: web.Request) -> web.Response:
    own = server(request)
    if await own.library.row(_id(request)) is None:
        return not_found()
    own.library.cancel(_id(request))
    return done()


async def refresh_all(request: web.Request) -> web.Response:
    own = server(request)
    rows = await own.library.rows()
    music = any(row["section_type"] == SectionType.ARTIST for row in rows)
    if music and not own.core.prefs.token:
        return page(503, "Server cannot refresh a music library when not signed in")
    for row in reversed(rows):
        own.library.scan(ScanRequest(row["id"], None, flag(request, "force")))
    return done()


async def cancel_all(request: web.Request) -> web.Response:
    server(request).library.cancel()
    return done()


async def analyze(request: web.Request) -> web.Response:
    own = server(request)
    if await own.library.row(_id(request)) is None:
        return not_found()
    await own.library.analyze(_id(request))
    return done()


async def empty_trash(request: web.Request) -> web.Response:
    own = server(request)
    if await own.library.row(_id(request)) is None:
        return not_found()
    await own.library.empty_trash(_id(request))
    return done()


# --- settings of a section ---------------------------------------------------------


async def preferences(request: web.Request) -> web.Response:
    own = server(request)
    row = await own.library.row(_id(request))
    if row is None:
        return not_found()
    kind = KIND_NAMES[SectionType(row["section_type"])]
    stored = decode(row["user_fields"])
    trees = []
    for name, setting in section_settings(kind, own.core.prefs.plex_pass).items():
        text = stored.get(f"pr:{name}")
        trees.append(setting.tree(setting.parse(text) if text else setting.default))
    return reply(request, container("Setting", trees))


async def _set_prefs(request: web.Request, values: dict[str, str]) -> bool:
    """Known names are kept, others ignored; False for an unfit value."""
    own = server(request)
    row = await own.library.row(_id(request))
    assert row is not None
    kind = KIND_NAMES[SectionType(row["section_type"])]
    known = section_settings(kind, own.core.prefs.plex_pass)
    try:
        fit = {
            name: known[name].text(known[name].parse(value))
            for name, value in values.items()
            if name in known
        }
    except ValueError:
        return False
    if fit:
        await own.library.set_prefs(_id(request), fit)
    return True


async def set_preferences(request: web.Request) -> web.Response:
    if await server(request).library.row(_id(request)) is None:
        return not_found()
    plain = {k: v for k, v in request.query.items() if not k.startswith("X-Plex-")}
    values = {**plain, **_prefs_of(request)}
    return done() if await _set_prefs(request, values) else bad_request()


# --- browsing: how clients validate a location -------------------------------------


async def browse(request: web.Request) -> web.Response:
    encoded = request.match_info.get("path", "")
    try:
        path = base64.urlsafe_b64decode(encoded).decode() if encoded else "/"
    except (binascii.Error, UnicodeDecodeError):
        return bad_request()
    entries = await server(request).library.browse(path)
    found: dict[str, list[Any]] = {"Path": [], "File": []}
    for name, is_dir, *_ in entries:
        child = f"{path.rstrip('/')}/{name}"
        shown = {"key": browse_key(child), "path": child, "title": name}
        found["Path" if is_dir else "File"].append(shown)
    files = found["File"] if flag(request, "includeFiles") else []
    size = len(found["Path"]) + len(files)
    return reply(request, {"size": size, "Path": found["Path"], "File": files})


def routes() -> list[web.RouteDef]:
    one = r"/library/sections/{section:\d+}"
    every = "/library/sections/all/refresh"
    return [
        web.get("/library", library),
        web.get("/library/sections", sections),
        web.get("/library/sections/all", sections),
        web.post("/library/sections", create),
        web.get(every, refresh_all),
        web.post("/library/sections/refresh", refresh_all),
        web.delete(every, cancel_all),
        web.get(one, section),
        web.put(one, edit),
        web.delete(one, delete),
        web.get(f"{one}/refresh", refresh),
        web.post(f"{one}/refresh", refresh),
        web.delete(f"{one}/refresh", cancel),
        web.put(f"{one}/analyze", analyze),
        web.put(f"{one}/emptyTrash", empty_trash),
        web.get(f"{one}/prefs", preferences),
        web.put(f"{one}/prefs", set_preferences),
        web.get("/services/browse", browse),
        web.get("/services/browse/{path}", browse),
    ]
