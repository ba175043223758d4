# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Items: ``/library/metadata``, lists of a section, watch states (§3.3)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from cloudburst_lab.plex_schema import Filler, MetadataType, SectionType

from . import trash
from .items import ItemJob
from .render import container
from .store import KIND_NAMES
from .views import ITEMS, internal_tree, item_trees
from .web import bad_request, done, flag, not_found, paged, reply, server, window

LEAVES = "m.metadata_type IN (1, 4, 10, 13)"
DEFAULT_TYPE = {
    "movie": MetadataType.MOVIE,
    "show": MetadataType.SHOW,
    "artist": MetadataType.ARTIST,
    "photo": MetadataType.PHOTOALBUM,
}
# Query names that filter /all, as SQL on one value.
FILTERS = {
    "title": "m.title LIKE '%' || ? || '%'",
    "guid": "m.guid=?",
    "year": "m.year=?",
    "id": "m.id=?",
    "file": "m.id IN (SELECT i.metadata_item_id FROM media_items i JOIN media_parts f"
    " ON f.media_item_id=i.id WHERE f.file=?)",
}
SORTS = {
    "titleSort": "m.title_sort COLLATE icu_root",
    "addedAt": "m.added_at",
    "updatedAt": "m.updated_at",
    "year": "m.year",
    "index": 'm."index"',
}


def _order(sort: str) -> str:
    column, _, direction = sort.partition(":")
    by = SORTS.get(column, SORTS["titleSort"])
    return f"{by} {'DESC' if direction == 'desc' else 'ASC'}, m.id"


def _filters(request: web.Request) -> tuple[str, list[Any]]:
    sql, values = "", []
    for name, condition in FILTERS.items():
        if name in request.query:
            sql += f" AND {condition}"
            values.append(request.query[name])
    return sql, values


async def _page(
    request: web.Request, where: str, values: list[Any], **attributes: Any
) -> web.Response:
    core = server(request).core
    count = await core.database.one(
        f"SELECT count(*) FROM metadata_items m WHERE {where}", *values
    )
    start, size = window(request)
    rows = await core.database.query(
        f"{ITEMS} WHERE {where} ORDER BY {_order(request.query.get('sort', ''))}"
        " LIMIT ? OFFSET ?",
        *(*values, -1 if size is None else size, start),
    )
    trees = await item_trees(core, rows) if rows else []
    total = int(count[0]) if count else 0
    return paged(request, "Metadata", trees, total, **attributes)


def _meta(section_id: int, kind: str) -> dict[str, Any]:
    """What plexapi asks for with includeMeta=1: types, filters, sorts."""
    key = f"/library/sections/{section_id}/all?type={int(DEFAULT_TYPE[kind])}"
    sorts = [
        {
            "key": name,
            "descKey": f"{name}:desc",
            "title": name,
            "defaultDirection": "asc",
        }
        for name in SORTS
    ]
    shown = {"key": key, "type": kind, "title": kind, "active": True, "Sort": sorts}
    return {"Meta": {"Type": [shown]}}


async def section_items(request: web.Request) -> web.Response:
    """``/library/sections/{id}/all``. ``checkFiles`` is ignored here (§2.4)."""
    own = server(request)
    row = await own.library.row(int(request.match_info["section"]))
    if row is None:
        return not_found()
    kind = KIND_NAMES[SectionType(row["section_type"])]
    wanted = int(request.query.get("type", int(DEFAULT_TYPE[kind])))
    more, values = _filters(request)
    where = "m.library_section_id=? AND m.metadata_type=?" + more
    return await _page(
        request,
        where,
        [row["id"], wanted, *values],
        allowSync=False,
        identifier="com.plexapp.plugins.library",
        librarySectionID=row["id"],
        librarySectionTitle=row["name"],
        librarySectionUUID=row["uuid"],
        mediaTagPrefix="/system/bundle/media/flags/",
        mediaTagVersion=1700000000,
        title1=row["name"],
        viewGroup=kind,
        **(_meta(row["id"], kind) if flag(request, "includeMeta") else {}),
    )


async def all_leaves_of_section(request: web.Request) -> web.Response:
    section = int(request.match_info["section"])
    return await _page(request, f"m.library_section_id=? AND {LEAVES}", [section])


def _ids(request: web.Request) -> list[int]:
    return [int(part) for part in request.match_info["ids"].split(",")]


async def _rows(request: web.Request) -> list[Any]:
    ids = _ids(request)
    marks = ", ".join("?" * len(ids))
    return await server(request).core.database.query(
        f"{ITEMS} WHERE m.id IN ({marks})", *ids
    )


async def metadata(request: web.Request) -> web.Response:
    rows = await _rows(request)
    if not rows:
        return not_found()
    core = server(request).core
    check = flag(request, "checkFiles")
    trees = await item_trees(core, rows, detailed=True, check_files=check)
    first = rows[0]
    tree = container(
        "Metadata",
        trees,
        allowSync=False,
        identifier="com.plexapp.plugins.library",
        librarySectionID=first["library_section_id"],
        librarySectionTitle=first["section_name"],
        librarySectionUUID=first["section_uuid"],
    )
    return reply(request, tree)


async def children(request: web.Request) -> web.Response:
    (item,) = _ids(request)
    return await _page(request, "m.parent_id=?", [item], key=str(item))


async def all_leaves(request: web.Request) -> web.Response:
    (item,) = _ids(request)
    where = (
        f"{LEAVES} AND (m.parent_id=? OR m.parent_id IN"
        " (SELECT id FROM metadata_items WHERE parent_id=?))"
    )
    return await _page(request, where, [item, item])


async def tree(request: web.Request) -> web.Response:
    rows = await _rows(request)
    if not rows:
        return not_found()
    found = [await internal_tree(server(request).core, row) for row in rows]
    return reply(request, container("MetadataItem", found))


async def nearest(request: web.Request) -> web.Response:
    """Sonically similar tracks: any analysed ones; only whether there are matters."""
    (item,) = _ids(request)
    where = (
        "m.metadata_type=10 AND m.id != ? AND +m.deleted_at IS NULL"
        " AND instr(m.extra_data, 'ms:musicAnalysisVersion')"
    )
    return await _page(request, where, [item])


def _job(refresh: bool) -> Any:
    async def handler(request: web.Request) -> web.Response:
        own = server(request)
        rows = await _rows(request)
        if not rows:
            return not_found()
        below = await own.core.database.query(
            "WITH RECURSIVE down(id) AS (SELECT id FROM metadata_items WHERE id=?"
            " UNION SELECT m.id FROM metadata_items m JOIN down ON m.parent_id=down.id)"
            " SELECT id FROM down",
            rows[0]["id"],
        )
        for row in below:
            job = ItemJob(
                row["id"], refresh, analyse=not refresh, reanalyse=not refresh
            )
            own.core.items.add(job)
        return done()

    return handler


async def accepted(request: web.Request) -> web.Response:
    """match, unmatch, split and merge change nothing that is looked at here."""
    return done() if await _rows(request) else not_found()


async def delete(request: web.Request) -> web.Response:
    """Remove an item from the library (the media stay: they are mounted read-only)."""
    rows = await _rows(request)
    if not rows:
        return not_found()

    def work(fill: Filler) -> None:
        for row in rows:
            fill.main.execute(
                "UPDATE metadata_items SET deleted_at=? WHERE id=?",
                (fill.now, row["id"]),
            )
            fill.main.execute(
                "UPDATE media_items SET deleted_at=? WHERE metadata_item_id=?",
                (fill.now, row["id"]),
            )
            if row["library_section_id"]:
                trash.empty(fill, row["library_section_id"])

    await server(request).core.database.write(work)
    return done()


# --- watch states (§1.7: keyed by guid and account) --------------------------------


def _state(change: str) -> Any:
    async def handler(request: web.Request) -> web.Response:
        key = request.query.get("key", "")
        if not key.isdigit():
            return bad_request()
        row = await server(request).core.database.one(
            "SELECT guid FROM metadata_items WHERE id=?", int(key)
        )
        if row is None:
            return not_found()
        rating = request.query.get("rating")
        await server(request).core.database.write(
            lambda fill: _set_state(fill, row["guid"], change, rating)
        )
        return done()

    return handler


def _set_state(fill: Filler, guid: str, change: str, rating: str | None) -> None:
    """Sets the state; writes no view history (§3.3)."""
    found = fill.main.execute(
        "SELECT id FROM metadata_item_settings WHERE guid=? AND account_id=1", (guid,)
    ).fetchone()
    settings = found[0] if found else fill.setting(guid, view_count=0)
    updates = {
        "scrobble": ("view_count=view_count+1, view_offset=NULL, last_viewed_at=?"),
        "unscrobble": "view_count=0, view_offset=NULL, last_viewed_at=NULL*?",
        "rate": "last_rated_at=?",
    }
    fill.main.execute(
        f"UPDATE metadata_item_settings SET {updates[change]}, updated_at=?,"
        " changed_at=changed_at+1 WHERE id=?",
        (fill.now, fill.now, settings),
    )
    if change == "rate" and rating is not None:
        fill.main.execute(
            "UPDATE metadata_item_settings SET rating=? WHERE id=?",
            (float(rating), settings),
        )


async def playlists(request: web.Request) -> web.Response:
    return await _page(request, "m.metadata_type=15", [])


def routes() -> list[web.RouteDef]:
    base = r"/library/metadata/{ids:[\d,]+}"
    states = [
        method(f"/:/{change}", _state(change))
        for change in ("scrobble", "unscrobble", "rate")
        for method in (web.get, web.put)
    ]
    return [
        web.get(r"/library/sections/{section:\d+}/all", section_items),
        web.get(r"/library/sections/{section:\d+}/allLeaves", all_leaves_of_section),
        web.get(base, metadata),
        web.delete(base, delete),
        web.get(f"{base}/children", children),
        web.get(f"{base}/allLeaves", all_leaves),
        web.get(f"{base}/tree", tree),
        web.get(f"{base}/nearest", nearest),
        web.put(f"{base}/refresh", _job(refresh=True)),
        web.put(f"{base}/analyze", _job(refresh=False)),
        *(
            web.put(f"{base}/{x}", accepted)
            for x in ("match", "unmatch", "split", "merge")
        ),
        web.get("/playlists", playlists),
        *states,
    ]
