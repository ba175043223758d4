# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may talk to the server (§3.1).

Unclaimed: local requests are the administrator without a token, where "local" needs a
private source address *and* an address (not a name) in the Host header. Claimed: a token.
"""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from pathlib import Path

from .plextv import PlexTv
from .preferences import Preferences

UNAUTHORIZED = (
    "<html><head><title>Unauthorized</title></head>"
    "<body><h1>401 Unauthorized</h1></body></html>"
)


@dataclass(frozen=True)
class Caller:
    """The parts of a request that decide."""

    source: str
    host: str
    token: str


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _host(header: str) -> str:
    return header.rpartition(":")[0] if header.count(":") == 1 else header


def is_local(caller: Caller) -> bool:
    """A private source, and a Host header that is an address or ``localhost``."""
    source = _address(caller.source)
    if source is None or not (source.is_private or source.is_loopback):
        return False
    host = _host(caller.host)
    return host in ("", "localhost") or _address(host) is not None


def in_networks(source: str, networks: str) -> bool:
    """Is the source in ``allowedNetworks``? ``0.0.0.0/0.0.0.0`` does not count (§3.1)."""
    address = _address(source)
    for text in filter(None, (part.strip() for part in networks.split(","))):
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            continue  # the real server skips what it cannot read
        if network.prefixlen and address in network:
            return True
    return False


def local_admin_token(path: Path) -> str:
    """The token for programs on the same machine, made at the first start."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


class Gatekeeper:
    """Decides for each request whether it may pass."""

    def __init__(self, prefs: Preferences, plextv: PlexTv, local_token: str) -> None:
        self._prefs = prefs
        self._plextv = plextv
        self._local_token = local_token

    async def allows(self, caller: Caller) -> bool:
        networks = str(self._prefs.value("allowedNetworks"))
        if networks and in_networks(caller.source, networks):
            return True
        if not self._prefs.token:
            loopback = _address(caller.source)
            if networks:  # signed out: only this machine and the list
                return loopback is not None and loopback.is_loopback
            return is_local(caller)
        return await self._known(caller.token)

    async def _known(self, token: str) -> bool:
        if not token:
            return False
        own = (self._prefs.token, self._local_token)
        if any(secrets.compare_digest(token.encode(), t.encode()) for t in own):
            return True
        account = await self._plextv.account(token)
        owner = self._prefs.file.values.get("PlexOnlineUsername")
        return account is not None and bool(owner) and account.username == owner
