# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: what can go wrong with the Scaleway API, as types.

The API tells the reason in ``type``, not in the status code, and two of its refusals
have no body at all (scaleway-rclone A6).
"""

from __future__ import annotations

import json
from typing import Any


class CloudError(Exception):
    """Base of everything that this collection says about the cloud.

    ``result`` is what a module returns beside the message.
    """

    def __init__(self, message: str, **result: Any) -> None:
        super().__init__(message)
        self.result = result


class CredentialsMissing(CloudError):
    """No usable key; the text says where one is looked for."""


class DeadlineExceeded(CloudError):
    """Something did not happen in time."""


class LostReply(CloudError):
    """A request that changes something was sent and its outcome is not known."""


class ApiError(CloudError):
    """The API answered and refused."""

    #: whether the same request may succeed a little later
    transient = False

    def __init__(self, status: int, request: str, reason: str) -> None:
        super().__init__(f"Scaleway refused {request}: {reason} (HTTP {status})")
        self.status = status
        self.request = request
        self.reason = reason


class NotFound(ApiError):
    """The thing does not exist, or no longer."""


class AccessDenied(ApiError):
    """The key is wrong or may not do this."""


class OutOfStock(ApiError):
    """No machine of this type is left in this zone."""


class QuotaExceeded(ApiError):
    """The account may not have more of this."""


class Throttled(ApiError):
    """Refused before anything was done, by the gateway or by a state that passes."""

    transient = True


class ServerFault(ApiError):
    """The API failed; whether it had done the work is not known."""

    transient = True


class Rejected(ApiError):
    """Any other refusal: the request itself is at fault."""


def parse_body(text: str) -> dict[str, Any]:
    """The JSON object in an error's body; empty when there is none (429, user data)."""
    try:
        data = json.loads(text) if text else {}
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def describe(body: dict[str, Any], text: str) -> str:
    """The reason that a refusal gives, in one line."""
    parts = [str(body.get("message") or body.get("reason") or "").strip()]
    for key in ("resource", "resource_id", "current_state", "method"):
        if body.get(key):
            parts.append(f"{key} {body[key]}")
    for detail in body.get("details") or []:
        if isinstance(detail, dict):
            parts.append(" ".join(str(value) for value in detail.values() if value))
    line = "; ".join(part for part in parts if part)
    return line or " ".join(text.split())[:200] or "no reason given"


def api_error(status: int, text: str, request: str) -> ApiError:
    """The typed error for an answer of 400 or more."""
    body = parse_body(text)
    kind = str(body.get("type", ""))
    reason = describe(body, text)
    return _error_class(status, kind, reason.lower())(status, request, reason)


def _error_class(status: int, kind: str, reason: str) -> type[ApiError]:
    # The codes of out_of_stock and of quotas were never seen recorded, so the type
    # and the text decide before the status does (A6).
    if kind == "out_of_stock" or "out of stock" in reason:
        return OutOfStock
    if kind == "quotas_exceeded" or "quota" in reason:
        return QuotaExceeded
    if status == 429 or kind == "transient_state":
        return Throttled
    if status >= 500:
        return ServerFault
    if status == 404:
        return NotFound
    if status in (401, 403):
        return AccessDenied
    return Rejected
