# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Does an image exist in a registry? Registry HTTP API v2, token login included."""

from __future__ import annotations

import base64
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._http import (
    HttpClient,
    HttpReply,
    HttpUnreachable,
)

# Without these a registry converts to an old format, with another digest.
MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")
DIGEST_HEADER = "docker-content-digest"


class RegistryError(Exception):
    """The registry cannot be asked; the text says what to do."""


@dataclass(frozen=True)
class ImageLook:
    """Whether the tag is there, and what it points to."""

    exists: bool
    digest: str
    remaining_pulls: int | None = None


def repository(image: str) -> str:
    """The name that a registry knows: no host, ``library/`` for short names."""
    first, slash, rest = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        name = rest
        official = first in HUB_NAMES
    else:
        name, official = image, True
    return f"library/{name}" if official and "/" not in name else name


def parse_challenge(header: str) -> dict[str, str]:
    """``Bearer realm="…",service="…",scope="…"`` as a dictionary."""
    scheme, _blank, rest = header.partition(" ")
    fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    return {**fields, "scheme": scheme.lower()}


class Registry:
    """One registry, or a mirror of one (plain http works too)."""

    def __init__(
        self,
        url: str,
        timeout: float = 30.0,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self.http = HttpClient(url, {}, timeout, use_proxy=True)
        self.timeout = timeout
        self.basic = None
        if username:
            pair = f"{username}:{password or ''}".encode()
            self.basic = "Basic " + base64.b64encode(pair).decode("ascii")

    def look(self, image: str, tag: str) -> ImageLook:
        """Ask for the manifest by HEAD, which does not count as a pull."""
        name = repository(image)
        path = f"/v2/{name}/manifests/{tag}"
        reply = self._ask("HEAD", path, name)
        if reply.status in (400, 405):
            reply = self._ask("GET", path, name)
        if reply.status == 404:
            return ImageLook(False, "")
        if reply.status == 429:
            raise RegistryError(
                f"{self.http.base_url}: its limit of anonymous requests is used up;"
                " wait, log in, or use registry_mirror"
            )
        if reply.status in (401, 403):
            # Docker Hub answers so for repositories that do not exist.
            raise RegistryError(
                f"{self.http.base_url} does not show {name} ({reply.status}): the image"
                " does not exist, or it needs a login"
            )
        if reply.status != 200:
            raise RegistryError(
                f"{self.http.base_url} answered {reply.status} for {name}:{tag}"
            )
        return ImageLook(
            True, reply.headers.get(DIGEST_HEADER, ""), _remaining(reply.headers)
        )

    def _ask(self, method: str, path: str, name: str) -> HttpReply:
        headers = {"Accept": ", ".join(MANIFEST_TYPES)}
        reply = self._request(method, path, headers)
        if reply.status == 401:
            challenge = parse_challenge(reply.headers.get("www-authenticate", ""))
            login = self._login(challenge, name)
            if login:
                reply = self._request(method, path, {**headers, "Authorization": login})
        return reply

    def _login(self, challenge: t.Mapping[str, str], name: str) -> str | None:
        if challenge["scheme"] == "basic":
            return self.basic
        realm = challenge.get("realm")
        if challenge["scheme"] != "bearer" or not realm:
            return None
        scope = challenge.get("scope") or f"repository:{name}:pull"
        params = {"service": challenge.get("service", ""), "scope": scope}
        headers = {"Authorization": self.basic} if self.basic else {}
        reply = self._request("GET", realm, headers, params)
        if reply.status != 200:
            raise RegistryError(f"{realm} answered {reply.status} to the login")
        try:
            found = reply.json()
        except ValueError as exc:
            raise RegistryError(f"{realm} gave no token") from exc
        token = found.get("token") or found.get("access_token")
        return f"Bearer {token}" if token else None

    def _request(
        self,
        method: str,
        path: str,
        headers: t.Mapping[str, str],
        params: t.Mapping[str, str] | None = None,
    ) -> HttpReply:
        try:
            return self.http.request(method, path, params, headers)
        except HttpUnreachable as exc:
            raise RegistryError(f"The registry does not answer: {exc}") from exc


def _remaining(headers: t.Mapping[str, str]) -> int | None:
    """Docker Hub's ``ratelimit-remaining: 98;w=21600``."""
    found = re.match(r"\d+", headers.get("ratelimit-remaining", ""))
    return int(found.group()) if found else None
