# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plex.tv remembers: one account, its claim tokens and its devices.

Pure but for the clock, which is passed in. A claim token lives about four minutes and works
once (plex-facts §4); the exchange gives the server a token of its own and enters it in the
account's list, where every burst would leave a dead server behind (L83).
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

CLAIM_SECONDS = 240.0
_MIXED = string.ascii_letters + string.digits


class ClaimRefused(Exception):
    """The claim token is unknown, used or too old; the text is the reason."""


def new_token(length: int = 20) -> str:
    """Return a token in plex.tv's form."""
    return "".join(secrets.choice(_MIXED) for _ in range(length))


@dataclass
class Device:
    """One entry of the account's list. ``id`` is plex.tv's own number."""

    id: int
    client_identifier: str
    token: str
    name: str = "PlexMediaServer"
    product: str = "Plex Media Server"
    version: str = ""
    platform: str = "Linux"
    provides: str = "server"
    created_at: int = 0
    last_seen_at: int = 0


@dataclass
class Claim:
    """A claim token that was handed out."""

    made_at: float
    used: bool = False


@dataclass
class AccountState:
    """The account of the lab's user, with everything that hangs on it."""

    username: str
    token: str
    uuid: str
    plex_pass: bool = True
    claim_seconds: float = CLAIM_SECONDS
    next_id: int = 1
    claims: dict[str, Claim] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)
    issued: dict[str, str] = field(default_factory=dict)

    @property
    def email(self) -> str:
        return f"{self.username}@lab.invalid"

    def knows(self, token: str) -> bool:
        """Tell whether the token belongs to the account: its own or one of its servers'."""
        return bool(token) and token in {self.token, *(d.token for d in self.devices)}

    def new_claim(self, now: float) -> str:
        """Hand out a claim token."""
        claim = f"claim-{new_token()}"
        self.claims[claim] = Claim(now)
        self.issued[f"claim token {len(self.issued)}"] = claim
        return claim

    def exchange(self, claim: str, headers: Mapping[str, str], now: float) -> Device:
        """Turn a claim token into a server of the account; raise ``ClaimRefused``."""
        known = self.claims.get(claim)
        if known is None:
            raise ClaimRefused("unknown claim token")
        if known.used:
            raise ClaimRefused("claim token was used before")
        if now - known.made_at > self.claim_seconds:
            raise ClaimRefused("claim token has expired")
        known.used = True
        return self.register(headers, now)

    def register(self, headers: Mapping[str, str], now: float) -> Device:
        """Enter a server, or renew the token of one that is in the list."""
        identifier = headers.get("x-plex-client-identifier", "")
        if not identifier:
            raise ClaimRefused("X-Plex-Client-Identifier is missing")
        self.devices = [d for d in self.devices if d.client_identifier != identifier]
        device = Device(
            id=self.next_id,
            client_identifier=identifier,
            token=new_token(),
            name=headers.get("x-plex-device-name", "PlexMediaServer"),
            product=headers.get("x-plex-product", "Plex Media Server"),
            version=headers.get("x-plex-version", ""),
            platform=headers.get("x-plex-platform", "Linux"),
            provides=headers.get("x-plex-provides", "server"),
            created_at=int(now),
            last_seen_at=int(now),
        )
        self.next_id += 1
        self.devices.append(device)
        self.issued[f"token of server {device.id}"] = device.token
        return device

    def remove(self, device_id: int) -> bool:
        """Take a device out of the list; its token is worth nothing afterwards."""
        before = len(self.devices)
        self.devices = [d for d in self.devices if d.id != device_id]
        return len(self.devices) < before

    def sign_out(self, token: str) -> bool:
        """Remove the server that this token belongs to."""
        return any(self.remove(d.id) for d in list(self.devices) if d.token == token)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> AccountState:
        values = dict(stored)
        values["claims"] = {
            name: Claim(**row) for name, row in values["claims"].items()
        }
        values["devices"] = [Device(**row) for row in values["devices"]]
        return cls(**values)
