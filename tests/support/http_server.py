# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small real HTTP server for the edges: scripted answers, recorded requests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Union
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Reply:
    """One scripted answer; ``body`` is sent as JSON unless it is text."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, str]:
        if isinstance(self.body, str):
            kind = "text/xml" if self.body.startswith("<") else "text/html"
            return self.body.encode(), f"{kind};charset=utf-8"
        return json.dumps(self.body).encode(), "application/json"


@dataclass(frozen=True)
class Seen:
    """One request that came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]


Script = Union[Reply, list[Reply], Callable[[Seen], Reply]]


class ScriptedServer:
    """Answers by ``"METHOD /path"``; a list is consumed, its last one stays."""

    def __init__(self, script: Mapping[str, Script]) -> None:
        self.script = dict(script)
        self.seen: list[Seen] = []
        self.url = ""
        self._positions: dict[str, int] = {}

    def answer(self, seen: Seen) -> Reply:
        self.seen.append(seen)
        key = f"{seen.method} {seen.path}"
        found = self.script.get(key, Reply(404, "not found"))
        if callable(found):
            return found(seen)
        if isinstance(found, list):
            position = self._positions.get(key, 0)
            self._positions[key] = position + 1
            return found[min(position, len(found) - 1)]
        return found

    def requests(self, method: str, path: str) -> list[Seen]:
        return [x for x in self.seen if (x.method, x.path) == (method, path)]


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            headers = {k.lower(): v for k, v in self.headers.items()}
            query = parse_qs(parts.query, keep_blank_values=True)
            reply = server.answer(Seen(self.command, parts.path, query, headers))
            body, kind = reply.encoded()
            self.send_response(reply.status)
            for name, value in {"Content-Type": kind, **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve

        def log_message(self, *arguments: Any) -> None:
            """Stay quiet."""

    return Handler


@contextmanager
def serving(script: Mapping[str, Script]) -> Iterator[ScriptedServer]:
    """A running server for the duration of a test."""
    scripted = ScriptedServer(script)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(scripted))
    scripted.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
