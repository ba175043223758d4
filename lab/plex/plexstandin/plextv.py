# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's side of plex.tv: claim exchange, account, sign-out (§4)."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession, ClientTimeout

TIMEOUT = ClientTimeout(total=15)
CACHE_SECONDS = 300.0


class PlexTvError(Exception):
    """plex.tv did not do what was asked."""


@dataclass(frozen=True)
class Account:
    """What plex.tv says about the owner of a token."""

    username: str
    email: str
    plex_pass: bool
    features: tuple[str, ...]


def client_headers(client_identifier: str, version: str) -> dict[str, str]:
    """The headers of the image's own claim exchange; they register the server."""
    return {
        "X-Plex-Client-Identifier": client_identifier,
        "X-Plex-Product": "Plex Media Server",
        "X-Plex-Version": version,
        "X-Plex-Provides": "server",
        "X-Plex-Platform": "Linux",
        "X-Plex-Platform-Version": "1.0",
        "X-Plex-Device-Name": "PlexMediaServer",
        "X-Plex-Device": "Linux",
    }


def exchanged_token(text: str) -> str:
    """The server token in the answer of ``/api/claim/exchange``; '' when there is none."""
    found = re.search(r"<authentication-token>([^<]+)</authentication-token>", text)
    return found[1] if found else ""


class PlexTv:
    """plex.tv as one server sees it."""

    def __init__(self, url: str, client_identifier: str, version: str) -> None:
        self.url = url.rstrip("/")
        self.headers = client_headers(client_identifier, version)
        self._accounts: dict[str, tuple[float, Account | None]] = {}

    async def exchange(self, claim: str) -> str:
        """The server token for a claim token; PlexTvError when it is not accepted."""
        url = f"{self.url}/api/claim/exchange"
        status, text = await self._call("POST", url, params={"token": claim})
        token = exchanged_token(text)
        if status >= 400 or not token:
            raise PlexTvError(f"claim exchange answered {status}")
        return token

    async def account(self, token: str) -> Account | None:
        """Whose token it is (None: nobody's), remembered for some minutes."""
        known = self._accounts.get(token)
        if known and time.monotonic() - known[0] < CACHE_SECONDS:
            return known[1]
        account = await self._account(token)
        self._accounts[token] = (time.monotonic(), account)
        return account

    def forget(self) -> None:
        self._accounts.clear()

    async def _account(self, token: str) -> Account | None:
        headers = {"X-Plex-Token": token, "Accept": "application/json"}
        async with ClientSession(timeout=TIMEOUT) as session:
            try:
                async with session.get(
                    f"{self.url}/api/v2/user", headers={**self.headers, **headers}
                ) as reply:
                    if reply.status in (401, 403, 422):
                        return None
                    if reply.status != 200:
                        raise PlexTvError(f"/api/v2/user answered {reply.status}")
                    body = await reply.json(content_type=None)
            except (ClientError, TimeoutError, ValueError) as error:
                raise PlexTvError(f"/api/v2/user: {error}") from error
        subscription = body.get("subscription") or {}
        return Account(
            username=str(body.get("username", "")),
            email=str(body.get("email", "")),
            plex_pass=bool(subscription.get("active")),
            features=tuple(subscription.get("features") or ()),
        )

    async def sign_out(self, token: str) -> None:
        """Give the server token back, as the removal of a claim does."""
        url = f"{self.url}/api/v2/users/signout"
        await self._call("DELETE", url, headers={"X-Plex-Token": token})

    async def _call(
        self,
        method: str,
        url: str,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str]:
        async with ClientSession(timeout=TIMEOUT) as session:
            try:
                async with session.request(
                    method,
                    url,
                    params=params,
                    headers={**self.headers, **(headers or {})},
                ) as reply:
                    return reply.status, await reply.text()
            except (ClientError, TimeoutError) as error:
                raise PlexTvError(f"{url}: {type(error).__name__}") from error
