# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's own resources: identity, account, settings, activities, Butler (§3.2)."""

from __future__ import annotations

import platform
import socket
from typing import Any

from aiohttp import WSMsgType, web

from .butler import Started
from .logs import LOG
from .plextv import PlexTvError
from .render import container
from .web import bad_request, done, flag, not_found, reply, server

ROOT_DIRECTORIES = [
    "actions",
    "activities",
    "butler",
    "channels",
    "clients",
    "devices",
    "diagnostics",
    "hubs",
    "library",
    "livetv",
    "media",
    "metadata",
    "neighborhood",
    "playQueues",
    "player",
    "playlists",
    "resources",
    "search",
    "server",
    "servers",
    "statistics",
    "system",
    "transcode",
    "updater",
    "user",
]


async def identity(request: web.Request) -> web.Response:
    prefs = server(request).core.prefs
    tree = {
        "size": 0,
        "apiVersion": "1.2.0",
        "claimed": bool(prefs.token),
        "machineIdentifier": prefs.machine_identifier,
        "version": server(request).core.tuning.version,
    }
    return reply(request, tree)


async def root(request: web.Request) -> web.Response:
    """``GET /``: capabilities, and whether the owner has Plex Pass."""
    own = server(request)
    prefs = own.core.prefs
    claimed = bool(prefs.token)
    tree = container(
        "Directory",
        [{"count": 1, "key": name, "title": name} for name in ROOT_DIRECTORIES],
        allowCameraUpload=True,
        allowMediaDeletion=bool(prefs.value("allowMediaDeletion")),
        allowSharing=True,
        allowSync=prefs.plex_pass,
        apiVersion="1.2.0",
        backgroundProcessing=True,
        certificate=False,
        companionProxy=True,
        friendlyName=str(prefs.value("FriendlyName")) or socket.gethostname(),
        livetv=7,
        machineIdentifier=prefs.machine_identifier,
        musicAnalysis=2 if prefs.plex_pass else None,
        myPlex=True,
        myPlexMappingState="mapped" if claimed else "unknown",
        myPlexSigninState="ok" if claimed else "none",
        myPlexSubscription=prefs.plex_pass,
        myPlexUsername=prefs.file.values.get("PlexOnlineUsername"),
        platform="Linux",
        platformVersion=platform.release(),
        readOnlyLibraries=False,
        transcoderActiveVideoSessions=0,
        updatedAt=int(own.started),
        version=own.core.tuning.version,
        voiceSearch=True,
    )
    return reply(request, tree)


# --- account -----------------------------------------------------------------------


async def account(request: web.Request) -> web.Response:
    own = server(request)
    prefs = own.core.prefs
    active = prefs.plex_pass
    tree = {
        "username": prefs.file.values.get("PlexOnlineUsername", ""),
        "mappingState": "mapped" if prefs.token else "unknown",
        "signInState": "ok" if prefs.token else "none",
        "subscriptionActive": active,
        "subscriptionState": "Active" if active else "Unknown",
        "subscriptionFeatures": ",".join(own.ownership.features) if active else "",
    }
    return reply(request, tree, name="MyPlex")


async def claim(request: web.Request) -> web.Response:
    token = request.query.get("token", "")
    if not token:
        return bad_request()
    try:
        await server(request).ownership.claim(token)
    except PlexTvError as error:
        LOG.error("MyPlex: claim failed: %s", error)
        return bad_request("the claim token was not accepted by plex.tv")
    return await account(request)


async def unclaim(request: web.Request) -> web.Response:
    await server(request).ownership.unclaim()
    return done()


# --- settings ----------------------------------------------------------------------


async def preferences(request: web.Request) -> web.Response:
    return reply(request, container("Setting", server(request).core.prefs.trees()))


async def set_preferences(request: web.Request) -> web.Response:
    """Unknown names are answered 200 and ignored, as measured (§3.3)."""
    values = {k: v for k, v in request.query.items() if not k.startswith("X-Plex-")}
    try:
        ignored = server(request).core.prefs.update(values)
    except ValueError as error:
        LOG.error("Preferences: %s", error)
        return bad_request()
    if ignored:
        LOG.debug("Preferences: ignoring %s", ", ".join(ignored))
    return done()


async def one_preference(request: web.Request) -> web.Response:
    prefs = server(request).core.prefs
    setting = prefs.find(request.query.get("id", ""))
    if setting is None:
        return not_found()
    tree = setting.tree(prefs.value(setting.name))
    return reply(request, container("Setting", [tree]))


# --- activities and the Butler -----------------------------------------------------


async def activities(request: web.Request) -> web.Response:
    running = server(request).core.activities.all()
    return reply(request, container("Activity", [a.tree() for a in running]))


async def cancel_activity(request: web.Request) -> web.Response:
    activity = server(request).core.activities.find(request.match_info["uuid"])
    if activity is None:
        return not_found()
    if not activity.cancellable or activity.cancel is None:
        return bad_request()
    activity.cancel()
    return done()


async def butler(request: web.Request) -> web.Response:
    tree = {"ButlerTask": server(request).butler.trees()}
    return reply(request, tree, name="ButlerTasks")


async def butler_start_all(request: web.Request) -> web.Response:
    server(request).butler.start_all()
    return done()


async def butler_stop_all(request: web.Request) -> web.Response:
    server(request).butler.stop_all()
    return done()


async def butler_start(request: web.Request) -> web.Response:
    started = server(request).butler.start(request.match_info["task"])
    return not_found() if started is Started.UNKNOWN else done(started.value)


async def butler_stop(request: web.Request) -> web.Response:
    stopped = server(request).butler.stop(request.match_info["task"])
    return done() if stopped else not_found()


def _housekeeping(task: str) -> Any:
    async def handler(request: web.Request) -> web.Response:
        own = server(request)
        own.butler.start(task)
        activity = own.core.activities.all()[0].uuid
        return done(X_Plex_Activity=activity) if flag(request, "async") else done()

    return handler


# --- sessions, notifications -------------------------------------------------------


async def no_sessions(request: web.Request) -> web.Response:
    return reply(request, container("Metadata", []))


async def history(request: web.Request) -> web.Response:
    rows = await server(request).core.database.query(
        "SELECT id, account_id, guid, title, viewed_at FROM metadata_item_views"
        " ORDER BY viewed_at DESC"
    )
    items = [
        {
            "historyKey": f"/status/sessions/history/{row['id']}",
            "accountID": row["account_id"],
            "title": row["title"],
            "viewedAt": row["viewed_at"],
            "type": "movie",
        }
        for row in rows
    ]
    return reply(request, container("Metadata", items))


async def accounts(request: web.Request) -> web.Response:
    rows = await server(request).core.database.query("SELECT * FROM accounts")
    items = [
        {"id": row["id"], "key": f"/accounts/{row['id']}", "name": row["name"]}
        for row in rows
    ]
    return reply(request, container("Account", items))


async def notifications(request: web.Request) -> web.WebSocketResponse:
    socket_ = web.WebSocketResponse(heartbeat=20)
    await socket_.prepare(request)
    own = server(request)
    with own.core.notifications.listen() as queue:
        forward = own.core.background(_forward(queue, socket_))
        async for message in socket_:
            if message.type in (WSMsgType.CLOSE, WSMsgType.ERROR):
                break
        forward.cancel()
    return socket_


async def _forward(queue: Any, socket_: web.WebSocketResponse) -> None:
    while True:
        await socket_.send_json(await queue.get())


def routes() -> list[web.RouteDef]:
    watch = [
        web.get(f"/:/{name}/notifications", notifications)
        for name in ("websockets", "websocket")
    ]
    return [
        web.get("/identity", identity),
        web.get("/", root),
        web.get("/myplex/account", account),
        web.delete("/myplex/account", unclaim),
        web.post("/myplex/claim", claim),
        web.get("/:/prefs", preferences),
        web.put("/:/prefs", set_preferences),
        web.get("/:/prefs/get", one_preference),
        web.get("/activities", activities),
        web.delete("/activities/{uuid}", cancel_activity),
        web.get("/butler", butler),
        web.post("/butler", butler_start_all),
        web.delete("/butler", butler_stop_all),
        web.post("/butler/{task}", butler_start),
        web.delete("/butler/{task}", butler_stop),
        web.put("/library/optimize", _housekeeping("OptimizeDatabase")),
        web.put("/library/clean/bundles", _housekeeping("CleanOldBundles")),
        web.delete("/library/caches", _housekeeping("CleanOldCacheFiles")),
        web.get("/status/sessions", no_sessions),
        web.get("/status/sessions/background", no_sessions),
        web.get("/status/sessions/history/all", history),
        web.get("/accounts", accounts),
        *watch,
    ]
