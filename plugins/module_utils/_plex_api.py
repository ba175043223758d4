# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""The Plex HTTP API as the workflow uses it (``plex-facts §3``): the edge."""

from __future__ import annotations

import base64
import typing as t
from dataclasses import dataclass, field
from urllib.parse import quote

from ansible_collections.cloudburst.plex.plugins.module_utils._http import (
    HttpClient,
    HttpReply,
    HttpUnreachable,
    Params,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexNotFound,
    PlexRefused,
    PlexStarting,
    PlexUnauthorized,
    PlexUnreachable,
    as_bool,
    as_int,
    as_list,
    is_starting,
    parse_container,
    startup_status,
)

CLIENT_IDENTIFIER = "cloudburst.plex"


@dataclass(frozen=True)
class Identity:
    """Who the server is: the one answer that never needs a token."""

    machine_identifier: str
    version: str
    claimed: bool


@dataclass(frozen=True)
class Section:
    """One library as the API shows it."""

    id: int
    name: str
    type: str
    agent: str
    scanner: str
    language: str
    refreshing: bool
    scanned_at: int | None
    locations: tuple[str, ...] = field(default_factory=tuple)

    def as_dict(self) -> dict[str, t.Any]:
        """A JSON-ready copy for a module's result."""
        return {**self.__dict__, "locations": list(self.locations)}


class PlexApi:
    """One Plex Media Server. Every method is one request or one page walk."""

    def __init__(
        self, url: str, token: str | None = None, timeout: float = 30.0
    ) -> None:
        headers = {
            "Accept": "application/json",
            "X-Plex-Client-Identifier": CLIENT_IDENTIFIER,
            "X-Plex-Product": CLIENT_IDENTIFIER,
        }
        if token:
            headers["X-Plex-Token"] = token
        self.http = HttpClient(url, headers, timeout)

    # -- plumbing -------------------------------------------------------

    def raw(self, method: str, path: str, params: Params = None) -> HttpReply:
        """The answer as it is; only "no answer at all" is an error."""
        try:
            return self.http.request(method, path, params)
        except HttpUnreachable as exc:
            raise PlexUnreachable(f"Plex does not answer at {exc}") from exc

    def call(
        self,
        method: str,
        path: str,
        params: Params = None,
        accepted: t.Container[int] = (),
    ) -> HttpReply:
        """The answer of a request that must succeed (2xx or ``accepted``)."""
        reply = self.raw(method, path, params)
        if 200 <= reply.status < 300 or reply.status in accepted:
            return reply
        raise refusal(f"{method} {path}", reply)

    def get(self, path: str, params: Params = None) -> dict[str, t.Any]:
        """The root object of a GET."""
        return parse_container(self.call("GET", path, params).body)

    # -- server ---------------------------------------------------------

    def identity(self) -> Identity:
        """Identity, version and claim state."""
        return identity_of(self.get("/identity"))

    def account(self) -> dict[str, t.Any]:
        """The plex.tv account that the server is signed in to."""
        return self.get("/myplex/account")

    def claim(self, claim_token: str) -> HttpReply:
        """Exchange a claim token (about 4 minutes of life, single use)."""
        return self.raw("POST", "/myplex/claim", {"token": claim_token})

    def unclaim(self) -> None:
        """Sign the server out of its account."""
        self.call("DELETE", "/myplex/account")

    def library_gate(self) -> HttpReply:
        """The answer of a section creation that names nothing.

        Nothing can be created without name, type and location; what matters
        is whether the refusal is the "still starting up" one.
        """
        return self.raw("POST", "/library/sections")

    # -- preferences ----------------------------------------------------

    def settings(self, section: int | None = None) -> list[dict[str, t.Any]]:
        """All preferences of the server, or of one library."""
        return as_list(self.get(_prefs_path(section)).get("Setting"))

    def put_settings(
        self, values: t.Mapping[str, str], section: int | None = None
    ) -> None:
        """Write preferences; 200 proves nothing (``plex-facts §3.2``)."""
        self.call("PUT", _prefs_path(section), dict(values))

    # -- library --------------------------------------------------------

    def sections(self) -> list[Section]:
        """All libraries."""
        rows = as_list(self.get("/library/sections").get("Directory"))
        return [section_of(row) for row in rows]

    def create_section(self, params: t.Sequence[tuple[str, str]]) -> None:
        """Create a library; creation starts a scan by itself."""
        self.call("POST", "/library/sections", params)

    def edit_section(self, section: int, params: t.Sequence[tuple[str, str]]) -> None:
        """Change a library; a list of locations replaces the old one."""
        self.call("PUT", f"/library/sections/{section}", params)

    def refresh(
        self, section: int, force: bool = False, path: str | None = None
    ) -> HttpReply:
        """Queue a scan; ``force`` also downloads all metadata again (L42)."""
        params: list[tuple[str, str]] = []
        if force:
            params.append(("force", "1"))
        if path:
            params.append(("path", path))
        return self.call("GET", f"/library/sections/{section}/refresh", params)

    def cancel_refresh(self, section: int) -> HttpReply:
        """Stop a running scan."""
        return self.call("DELETE", f"/library/sections/{section}/refresh")

    def analyze(self, section: int) -> HttpReply:
        """Queue media analysis (not Sonic) of a library."""
        return self.call("PUT", f"/library/sections/{section}/analyze")

    def empty_trash(self, section: int) -> HttpReply:
        """Delete for good what is marked as deleted."""
        return self.call("PUT", f"/library/sections/{section}/emptyTrash")

    # -- work -----------------------------------------------------------

    def butler_tasks(self) -> list[dict[str, t.Any]]:
        """The maintenance tasks that this server knows."""
        return as_list(self.get("/butler").get("ButlerTask"))

    def start_butler(self, task: str) -> HttpReply:
        """200 started, 202 already running, 404 unknown."""
        return self.call("POST", f"/butler/{quote(task, safe='')}", accepted={404})

    def stop_butler(self, task: str | None = None) -> HttpReply:
        """Stop one task (404: not running) or all of them."""
        path = f"/butler/{quote(task, safe='')}" if task else "/butler"
        return self.call("DELETE", path, accepted={404})

    def activities(self) -> list[dict[str, t.Any]]:
        """What the server says that it is doing right now."""
        return as_list(self.get("/activities").get("Activity"))

    def cancel_activity(self, uuid: str) -> HttpReply:
        """200 cancelled, 400 not cancellable, 404 already gone."""
        path = f"/activities/{quote(uuid, safe='')}"
        return self.call("DELETE", path, accepted={400, 404})

    def is_browsable(self, path: str) -> bool:
        """True when the server can see the folder ``path``."""
        parent = path.rstrip("/").rsplit("/", 1)[0] or "/"
        key = base64.b64encode(parent.encode("utf-8")).decode("ascii")
        try:
            found = self.get(f"/services/browse/{quote(key)}", {"includeFiles": "0"})
        except (PlexNotFound, PlexRefused):
            return False
        rows = as_list(found.get("Path")) + as_list(found.get("Directory"))
        return any(row.get("path") == path.rstrip("/") for row in rows)


def _prefs_path(section: int | None) -> str:
    return "/:/prefs" if section is None else f"/library/sections/{section}/prefs"


def identity_of(root: t.Mapping[str, t.Any]) -> Identity:
    """The identity in a ``/identity`` container."""
    return Identity(
        machine_identifier=str(root.get("machineIdentifier") or ""),
        version=str(root.get("version") or ""),
        claimed=as_bool(root.get("claimed")),
    )


def section_of(row: t.Mapping[str, t.Any]) -> Section:
    """One ``Directory`` row of ``/library/sections``."""
    return Section(
        id=int(row.get("key", 0)),
        name=str(row.get("title", "")),
        type=str(row.get("type", "")),
        agent=str(row.get("agent", "")),
        scanner=str(row.get("scanner", "")),
        language=str(row.get("language", "")),
        refreshing=as_bool(row.get("refreshing")),
        scanned_at=as_int(row.get("scannedAt")),
        locations=tuple(str(x.get("path")) for x in as_list(row.get("Location"))),
    )


def refusal(what: str, reply: HttpReply) -> Exception:
    """The typed error for an answer that is no success."""
    if reply.status == 401:
        return PlexUnauthorized(
            f"{what}: Plex answered 401. The token is missing or no longer valid,"
            " or the request does not count as local"
        )
    if is_starting(reply.status, reply.text):
        sentence = startup_status(reply.text) or "it is still starting"
        return PlexStarting(f"{what}: Plex is not ready yet ({sentence})")
    if reply.status == 404:
        return PlexNotFound(f"{what}: Plex does not know it (404)")
    return PlexRefused(
        f"{what}: Plex answered {reply.status}: {reply.excerpt or 'no text'}",
        reply.status,
    )
