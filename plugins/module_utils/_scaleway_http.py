# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: requests to the Scaleway API with deadlines and retries.

The SDK has neither: a stalled answer blocks for ever, and an empty-bodied 429 or a 502
surfaces as a JSON error (scaleway-rclone A5). ``Transport`` takes the place of the
SDK's own sending; everything above it (paths, marshalling) stays the SDK's.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    CloudError,
    DeadlineExceeded,
    LostReply,
    ServerFault,
    api_error,
)

try:
    import requests
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

#: methods whose repetition changes nothing more
REPEATABLE = frozenset({"GET", "PUT", "DELETE", "PATCH"})


@dataclass(frozen=True)
class Patience:
    """How long to insist, in seconds."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 90.0
    first_pause: float = 0.5
    longest_pause: float = 8.0


class Transport:
    """Sends one request until it is answered, refused for good, or out of time."""

    def __init__(
        self,
        api_url: str,
        secret_key: str,
        user_agent: str,
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api_url = api_url
        self._patience = patience or Patience()
        self._clock = clock
        self._sleep = sleep
        self._session = requests.Session()
        self._session.headers.update(
            {
                "accept": "application/json",
                "user-agent": user_agent,
                "x-auth-token": secret_key,
            }
        )

    def send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any,
    ) -> requests.Response:
        """One answer below 400, or a ``CloudError``."""
        method = method.upper()
        name = f"{method} {path}"
        end = self._clock() + self._patience.total
        pause = self._patience.first_pause
        while True:
            try:
                return self._once(method, path, params, headers, body)
            except (ServerFault, LostReply) as exc:
                if method not in REPEATABLE:
                    raise _lost(name, exc) from exc
                failure: CloudError = exc
            except CloudError as exc:
                if not getattr(exc, "transient", False):
                    raise
                failure = exc
            if self._clock() + pause > end:
                raise DeadlineExceeded(
                    f"{name}: no good answer within {self._patience.total:.0f} s;"
                    f" the last one: {failure}"
                ) from failure
            self._sleep(pause)
            pause = min(pause * 2, self._patience.longest_pause)

    def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any,
    ) -> requests.Response:
        name = f"{method} {path}"
        raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        sent = dict(headers)
        if method in ("POST", "PUT", "PATCH"):
            sent.setdefault("Content-Type", "application/json; charset=utf-8")
        try:
            answer = self._session.request(
                method,
                self._api_url + path,
                params=_flat(params),
                headers=sent,
                data=raw,
                timeout=(self._patience.connect, self._patience.read),
            )
        except requests.exceptions.ConnectTimeout as exc:
            # Nothing was sent, so even a POST may be repeated.
            raise _Unreached(f"{name}: no connection to {self._api_url}") from exc
        except requests.exceptions.RequestException as exc:
            raise _network_error(name, self._api_url, exc) from exc
        return _checked(answer, name)


class _Unreached(CloudError):
    """The request never left; it may be sent again."""

    transient = True


def _network_error(name: str, url: str, exc: Exception) -> CloudError:
    text = str(exc)
    if "NewConnectionError" in text or "NameResolutionError" in text:
        return _Unreached(f"{name}: no connection to {url} ({text[:200]})")
    return LostReply(f"{name}: the connection to {url} broke ({text[:200]})")


def _lost(name: str, exc: CloudError) -> LostReply:
    return LostReply(f"{name}: sent, and what came of it is not known ({exc})")


def _flat(params: Mapping[str, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in params.items():
        if isinstance(value, (list, tuple)):
            pairs.extend((key, item) for item in value)
        elif value is not None:
            pairs.append((key, value))
    return pairs


def _checked(answer: requests.Response, name: str) -> requests.Response:
    """The answer with its total count inside, as the SDK's unmarshalling expects it."""
    if answer.status_code >= 400:
        raise api_error(answer.status_code, answer.text, name)
    if "json" not in answer.headers.get("content-type", "") or not answer.content:
        return answer
    try:
        data = answer.json()
    except ValueError as exc:
        raise LostReply(f"{name}: the answer was cut short or is no JSON") from exc
    total = answer.headers.get("x-total-count")
    if total is not None and isinstance(data, dict):
        data["total_count"] = int(total)
        answer._content = json.dumps(data).encode()
    return answer
