# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: Scaleway's SDK with its traps taken out (scaleway-rclone A5).

Credentials from the usual places, requests through ``_scaleway_http`` instead of the SDK's
own sending, and paging that ends.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    CredentialsMissing,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_http import (
    Transport,
)

try:
    from scaleway import Client
    from scaleway.block.v1 import BlockV1API
    from scaleway.instance.v1.custom_api import InstanceUtilsV1API
    from scaleway.marketplace.v2 import MarketplaceV2API
except ImportError:
    SDK_IMPORT_ERROR: str | None = traceback.format_exc()
    InstanceUtilsV1API = BlockV1API = MarketplaceV2API = object
else:
    SDK_IMPORT_ERROR = None

#: a listing longer than this is a server that repeats itself
MAX_PAGES = 200


class _Bounded:
    """Replaces the sending of an SDK class by a transport with deadlines."""

    transport: Transport

    def _request(
        self,
        method: str,
        path: str,
        params: Any = None,
        headers: Any = None,
        body: Any = None,
    ) -> Any:
        return self.transport.send(method, path, params or {}, headers or {}, body)

    def _throw_on_error(self, res: Any) -> None:
        """The transport has raised already."""


class InstanceApi(_Bounded, InstanceUtilsV1API):
    """Servers, volumes, addresses, security groups."""


class BlockApi(_Bounded, BlockV1API):
    """SBS volumes and snapshots."""


class MarketplaceApi(_Bounded, MarketplaceV2API):
    """Images."""


def load_client(config_file: str | None = None, profile: str | None = None) -> Any:
    """The SDK's client from the environment and the usual file, checked."""
    # The SDK logs the absence of a file, which is no fault when the environment has all.
    logging.getLogger("scaleway").setLevel(logging.ERROR)
    name = profile or os.environ.get("SCW_PROFILE") or "default"
    path = Client.get_default_config_file_path(config_file)
    if profile or os.environ.get("SCW_PROFILE"):
        _check_profile(config_file, name, path)
    client = Client.from_config_file_and_env(config_file, name)
    client.api_url = (client.api_url or "https://api.scaleway.com").rstrip("/")
    if not client.access_key or not client.secret_key:
        raise CredentialsMissing(
            "no Scaleway credentials: set SCW_ACCESS_KEY, SCW_SECRET_KEY and"
            " SCW_DEFAULT_PROJECT_ID in the environment, or write them to"
            f" {path} with 'scw init' (access_key, secret_key, default_project_id)"
        )
    if not client.default_project_id:
        raise CredentialsMissing(
            "no Scaleway project: set SCW_DEFAULT_PROJECT_ID in the environment, or"
            f" default_project_id in {path}; the burst is created in that project"
        )
    try:
        client.validate()
    except ValueError as exc:
        raise CredentialsMissing(_without_secret(str(exc), client)) from exc
    return client


def _check_profile(config_file: str | None, name: str, path: str) -> None:
    try:
        Client.from_config_file(config_file, name)
    except (OSError, ValueError) as exc:
        raise CredentialsMissing(
            f"the Scaleway profile {name!r} cannot be read from {path}: {exc}"
        ) from exc


def _without_secret(text: str, client: Any) -> str:
    """The SDK quotes a malformed secret in its message (L67)."""
    hidden = text.replace(str(client.secret_key), "********")
    return f"Scaleway credentials are malformed: {hidden}"


def pages(method: Callable[..., Any], **arguments: Any) -> Iterator[Any]:
    """Pages until all that were announced have come, or one that is not full.

    Not the SDK's ``*_all``: they recurse until an empty page, for ever when there is none.
    Some listings announce no total (recorded for firewall rules), and what follows their
    last page is not known.
    """
    full = int(arguments.get("per_page") or arguments.get("page_size") or 0)
    seen = 0
    last: Any = None
    for number in range(1, MAX_PAGES + 1):
        page = method(page=number, **arguments)
        size, total = _page_size(page), int(page.total_count or 0)
        if size == 0 or page == last:
            return
        yield page
        last, seen = page, seen + size
        if seen >= total > 0 or (not total and size < full):
            return


def _page_size(page: Any) -> int:
    """Length of the one collection that a page holds."""
    for value in vars(page).values():
        if isinstance(value, (list, dict)):
            return len(value)
    return 0
