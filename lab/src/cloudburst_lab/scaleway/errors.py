# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error replies of the API, with the bodies of scaleway-rclone A6."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An error reply; ``body`` None is an empty body, as the real 429 and user_data 404 have."""

    def __init__(
        self,
        status: int,
        body: dict[str, Any] | None,
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.content_type = content_type


def not_found(resource: str, resource_id: str) -> ApiError:
    body = {"type": "not_found", "message": "resource is not found"}
    return ApiError(404, {**body, "resource": resource, "resource_id": resource_id})


def invalid_arguments(name: str, reason: str, help_message: str) -> ApiError:
    """``reason`` is one of required, constraint, format, unknown."""
    detail = {"argument_name": name, "reason": reason, "help_message": help_message}
    body = {"type": "invalid_arguments", "message": "invalid argument(s)"}
    return ApiError(400, {**body, "details": [detail]})


def invalid_request(message: str) -> ApiError:
    """The instance API's older form for "not in this state"."""
    return ApiError(400, {"type": "invalid_request_error", "message": message})


def denied_authentication(reason: str) -> ApiError:
    body = {"type": "denied_authentication", "message": "authentication is denied"}
    return ApiError(401, {**body, "method": "api_key", "reason": reason})


def permissions_denied(resource: str, action: str) -> ApiError:
    body = {"type": "permissions_denied", "message": "insufficient permissions"}
    return ApiError(
        403, {**body, "details": [{"resource": resource, "action": action}]}
    )


def transient_state(resource: str, resource_id: str, current: str) -> ApiError:
    body = {"type": "transient_state", "message": "resource is in a transient state"}
    where = {"resource": resource, "resource_id": resource_id}
    return ApiError(409, {**body, **where, "current_state": current})


def precondition_failed(precondition: str, help_message: str) -> ApiError:
    body = {"type": "precondition_failed", "message": "precondition failed"}
    return ApiError(
        412, {**body, "precondition": precondition, "help_message": help_message}
    )


def quotas_exceeded(resource: str, quota: int, current: int) -> ApiError:
    """403: the code that scaleway-cli #530 shows; a live body was never recorded."""
    detail = {"resource": resource, "quota": quota, "current": current}
    body = {"type": "quotas_exceeded", "message": "quota(s) exceeded for this resource"}
    return ApiError(403, {**body, "details": [detail]})


def out_of_stock(resource: str, status: int = 412) -> ApiError:
    """The HTTP code was never recorded; clients must go by ``type``."""
    body = {"type": "out_of_stock", "message": "resource is out of stock"}
    return ApiError(status, {**body, "resource": resource})


def too_many_requests() -> ApiError:
    """Empty body, no Retry-After: 72 recorded times."""
    return ApiError(429, None, {"X-Envoy-Ratelimited": "true"})
