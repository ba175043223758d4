# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose server it is: claim, Plex Pass, sign-out (§3.2, §4)."""

from __future__ import annotations

import asyncio

from .core import Core
from .logs import LOG
from .plextv import PlexTvError

RETRY = 10.0
RENEW = 3600.0


class Ownership:
    """Keeps the server's idea of its owner in step with plex.tv."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._claiming: asyncio.Task[None] | None = None
        self.features: tuple[str, ...] = ()

    async def claim(self, claim_token: str) -> None:
        """POST /myplex/claim: exchanged at once, in the preferences seconds later."""
        token = await self._core.plextv.exchange(claim_token)
        self._claiming = self._core.background(self._take(token))

    async def _take(self, token: str) -> None:
        await asyncio.sleep(self._core.tuning.token_delay)
        self._core.prefs.file.set(PlexOnlineToken=token)
        LOG.info("MyPlex: server is claimed")
        self._core.plextv.forget()
        await self.learn()

    async def learn(self) -> None:
        """Ask plex.tv who owns the token; Plex Pass is known a little later."""
        prefs = self._core.prefs
        while prefs.token:
            try:
                account = await self._core.plextv.account(prefs.token)
                break
            except PlexTvError as error:
                LOG.warning("MyPlex: %s", error)
                await asyncio.sleep(RETRY)
        else:
            return
        if account is None:
            LOG.error("MyPlex: the server's token is not valid any more")
            prefs.plex_pass = False
            return
        prefs.file.set(
            PlexOnlineUsername=account.username, PlexOnlineMail=account.email
        )
        await self._own_name(account.username)
        if account.plex_pass and not prefs.plex_pass:
            await asyncio.sleep(self._core.tuning.pass_delay)
        prefs.plex_pass, self.features = account.plex_pass, account.features
        LOG.info("MyPlex: signed in, subscription %s", account.plex_pass)

    async def _own_name(self, username: str) -> None:
        await self._core.database.write(
            lambda fill: fill.main.execute(
                "UPDATE accounts SET name=? WHERE id=1 AND name=''", (username,)
            )
        )

    async def keep(self) -> None:
        """At the start, and then from time to time."""
        while True:
            await self.learn()
            await asyncio.sleep(RENEW)
            self._core.plextv.forget()

    async def unclaim(self) -> None:
        """DELETE /myplex/account: the token is given back and forgotten."""
        prefs = self._core.prefs
        if prefs.token:
            try:
                await self._core.plextv.sign_out(prefs.token)
            except PlexTvError as error:
                LOG.warning("MyPlex: %s", error)
        prefs.file.set(
            PlexOnlineToken=None, PlexOnlineUsername=None, PlexOnlineMail=None
        )
        prefs.plex_pass = False
        self._core.plextv.forget()
        LOG.info("MyPlex: server is not claimed any more")
