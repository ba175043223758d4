# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""One HTTP request over the standard library, every status returned as data.

Tokens travel in headers only and no error text ever repeats a query string
(the claim token has to be a query parameter, ``plex-facts §3.2``).
"""

from __future__ import annotations

import http.client
import json
import socket
import time
import typing as t
from dataclasses import dataclass
from urllib.error import URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import (
    HTTPErrorProcessor,
    ProxyHandler,
    Request,
    build_opener,
)

Params = t.Union[t.Mapping[str, t.Any], t.Sequence[tuple[str, t.Any]], None]


class HttpUnreachable(Exception):
    """No HTTP answer at all: refused, unresolved, reset or too late."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason


@dataclass(frozen=True)
class HttpReply:
    """Status, lower-cased headers and body of one answer."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes
    elapsed_ms: int = 0

    @property
    def text(self) -> str:
        """The body as text, undecodable bytes replaced."""
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> t.Any:
        """The body as JSON; raises ``ValueError`` when it is none."""
        return json.loads(self.body.decode("utf-8"))

    @property
    def excerpt(self) -> str:
        """The start of the body on one line, for an error message."""
        return " ".join(self.text.split())[:200]


class _KeepEveryStatus(HTTPErrorProcessor):
    """4xx and 5xx are answers here, not exceptions; no redirect is followed."""

    def http_response(self, request: Request, response: t.Any) -> t.Any:
        return response

    https_response = http_response


class HttpClient:
    """Requests below one base URL.

    ``use_proxy`` is off for servers on this machine, where a proxy taken
    from the environment could only be wrong.
    """

    def __init__(
        self,
        base_url: str,
        headers: t.Mapping[str, str] | None = None,
        timeout: float = 10.0,
        use_proxy: bool = False,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.headers = dict(headers or {})
        self.timeout = timeout
        handlers: list[t.Any] = [_KeepEveryStatus()]
        if not use_proxy:
            handlers.append(ProxyHandler({}))
        self._opener = build_opener(*handlers)

    def request(
        self,
        method: str,
        path: str,
        params: Params = None,
        headers: t.Mapping[str, str] | None = None,
    ) -> HttpReply:
        """Send one request; raises :class:`HttpUnreachable` without an answer."""
        url = path if "://" in path else self.base_url + path
        shown = url.split("?", 1)[0]
        try:
            request = Request(
                with_query(url, params),
                headers={**self.headers, **(headers or {})},
                method=method,
            )
            started = time.monotonic()
            with self._opener.open(request, timeout=self.timeout) as answer:
                body = answer.read()
                status = int(answer.status)
                received = {k.lower(): v for k, v in answer.headers.items()}
        except ValueError as exc:
            raise HttpUnreachable(shown, f"not a usable URL ({exc})") from exc
        except (OSError, http.client.HTTPException) as exc:
            raise HttpUnreachable(shown, _why(exc, self.timeout)) from exc
        elapsed = int((time.monotonic() - started) * 1000)
        return HttpReply(status, received, body, elapsed)


def with_query(url: str, params: Params) -> str:
    """``url`` with ``params`` appended; spaces as ``%20``, lists repeated."""
    if not params:
        return url
    pairs = list(params.items()) if isinstance(params, t.Mapping) else list(params)
    query = urlencode(pairs, doseq=True, quote_via=quote)
    return f"{url}{'&' if urlsplit(url).query else '?'}{query}"


def _why(exc: BaseException, timeout: float) -> str:
    """The reason of a failed request in words a user knows."""
    reason = exc.reason if isinstance(exc, URLError) else exc
    if isinstance(reason, (socket.timeout, TimeoutError)):
        return f"no answer within {timeout:g} s"
    if isinstance(reason, ConnectionRefusedError):
        return "connection refused, nothing listens there"
    if isinstance(reason, socket.gaierror):
        return f"the host name cannot be resolved ({reason})"
    return str(reason) or reason.__class__.__name__
