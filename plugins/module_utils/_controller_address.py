# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: from which address the controller reaches the instance.

The API does not tell how it sees the caller, and a firewall that is open to everybody
is never chosen silently. So: what the user said; else, for an instance on a private
network, the local address of the route to it; else this machine's own public address,
or what an address service answers.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from ansible_collections.cloudburst.plex.plugins.module_utils._http import (
    HttpClient,
    HttpUnreachable,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import (
    PlanError,
    is_public,
    network,
)

TIMEOUT = 10.0


def route_source(destination: str) -> str:
    """The local address of the route to a destination; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((destination, 9))
        return str(probe.getsockname()[0])


def resolve(url: str) -> str:
    """The IPv4 address of a URL's host."""
    host = urlsplit(url).hostname or ""
    return str(
        socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]
    )


def ask(url: str) -> str:
    """What an address service says: one address as plain text."""
    client = HttpClient(url, {"User-Agent": "cloudburst.plex"}, TIMEOUT, use_proxy=True)
    return client.request("GET", url).text[:200].strip()


class Viewpoint:
    """Finds the networks from which SSH is let in."""

    def __init__(
        self,
        explicit: Sequence[str],
        address_url: str,
        *,
        route: Callable[[str], str] = route_source,
        inquire: Callable[[str], str] = ask,
    ) -> None:
        self._explicit = [network(item) for item in explicit]
        self._address_url = address_url
        self._route = route
        self._inquire = inquire
        self._answer = ""

    @property
    def is_explicit(self) -> bool:
        return bool(self._explicit)

    def ranges(self, destination: str) -> list[str]:
        """Networks for a destination: the API before there is an instance, then it."""
        if self._explicit:
            return self._explicit
        try:
            source = self._route(destination)
        except OSError as exc:
            raise PlanError(
                f"there is no route to {destination} ({exc}); set allowed_ssh_cidr"
                " (provision_controller_cidr) to the network that SSH comes from"
            ) from exc
        if not is_public(destination) or is_public(source):
            return [network(source)]
        return [network(self._asked())]

    def _asked(self) -> str:
        if self._answer:
            return self._answer
        try:
            answer = self._inquire(self._address_url)
            network(answer)
        except (HttpUnreachable, OSError, ValueError, PlanError) as exc:
            raise PlanError(
                "this machine is behind an address translation and its public address"
                f" cannot be learned from {self._address_url or 'any service'} ({exc});"
                " set allowed_ssh_cidr (provision_controller_cidr) to the network that SSH"
                " comes from, for example 203.0.113.7/32"
            ) from exc
        self._answer = answer
        return answer
