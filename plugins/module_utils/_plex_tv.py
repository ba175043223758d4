# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""The account service plex.tv: account, claim token, list of servers.

The same endpoints that python-plexapi's ``MyPlexAccount`` uses.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._http import (
    HttpClient,
    HttpReply,
    HttpUnreachable,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexBadReply,
    as_bool,
    as_list,
    parse_container,
)

DEFAULT_URL = "https://plex.tv"

Spec = dict[str, dict[str, t.Any]]


class PlexTvError(Exception):
    """plex.tv does not answer, or refuses; the text says what to do."""


@dataclass(frozen=True)
class Account:
    """The account and its subscription."""

    username: str
    plex_pass: bool
    subscription: str


@dataclass(frozen=True)
class Device:
    """One entry of the account's devices; its token is never kept."""

    id: str
    name: str
    client_identifier: str
    provides: str
    product: str

    @property
    def is_server(self) -> bool:
        """True for a Plex Media Server."""
        return "server" in self.provides.split(",")

    def as_dict(self) -> dict[str, str]:
        """A JSON-ready copy."""
        return dict(self.__dict__)


def plex_tv_argument_spec(**more: dict[str, t.Any]) -> Spec:
    """The arguments of fragment ``plex_tv``, and ``more``."""
    spec: Spec = {
        "plex_tv_url": {"type": "str", "default": DEFAULT_URL},
        "token": {"type": "str", "required": True, "no_log": True},
        "timeout": {"type": "int", "default": 30},
    }
    spec.update(more)
    return spec


class PlexTv:
    """One account at plex.tv."""

    def __init__(self, url: str, token: str, timeout: float = 30.0) -> None:
        headers = {
            "Accept": "application/json",
            "X-Plex-Token": token,
            "X-Plex-Client-Identifier": "cloudburst.plex",
            "X-Plex-Product": "cloudburst.plex",
        }
        self.http = HttpClient(url, headers, timeout, use_proxy=True)

    def account(self) -> Account:
        """Who the token belongs to, and whether there is a Plex Pass."""
        root = self._container("GET", "/api/v2/user")
        raw = root.get("subscription")
        rows = as_list(raw)
        subscription = rows[0] if rows else {}
        active = as_bool(subscription.get("active"))
        status = subscription.get("status") or ("Active" if active else "Inactive")
        return Account(str(root.get("username") or ""), active, str(status))

    def claim_token(self) -> str:
        """A new claim token: about four minutes of life, one use."""
        token = self._container("GET", "/api/claim/token.json").get("token")
        if not token:
            raise PlexTvError("plex.tv answered without a claim token; try again")
        return str(token)

    def devices(self) -> list[Device]:
        """All devices of the account, servers among them."""
        rows = as_list(self._container("GET", "/devices.xml").get("Device"))
        return [
            Device(
                id=str(row.get("id", "")),
                name=str(row.get("name", "")),
                client_identifier=str(row.get("clientIdentifier", "")),
                provides=str(row.get("provides", "")),
                product=str(row.get("product", "")),
            )
            for row in rows
        ]

    def remove(self, device: Device) -> None:
        """Take a device out of the account; one that is gone is no error."""
        self._request("DELETE", f"/devices/{device.id}.xml", accepted={404})

    def _container(self, method: str, path: str) -> dict[str, t.Any]:
        reply = self._request(method, path)
        try:
            return parse_container(reply.body)
        except PlexBadReply as exc:
            raise PlexTvError(f"{self.http.base_url}{path}: {exc}") from exc

    def _request(
        self, method: str, path: str, accepted: t.Container[int] = ()
    ) -> HttpReply:
        try:
            reply = self.http.request(method, path)
        except HttpUnreachable as exc:
            raise PlexTvError(
                f"plex.tv does not answer ({exc}); check this machine's network"
                " and plex_tv_url"
            ) from exc
        if 200 <= reply.status < 300 or reply.status in accepted:
            return reply
        raise PlexTvError(_refused(method, path, reply.status))


def _refused(method: str, path: str, status: int) -> str:
    what = f"plex.tv answered {status} to {method} {path}"
    if status in (401, 403):
        return (
            f"{what}: it does not accept the account's token. Get a new one (sign in"
            " to Plex Web, open an item's XML, X-Plex-Token in its address) and"
            " give it as plex_account_token_file or PLEX_ACCOUNT_TOKEN"
        )
    if status == 429:
        return f"{what}: too many requests, wait some minutes"
    return f"{what}; try again later"
