# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replay recorded exchanges (go-vcr YAML) against an API and compare what comes back.

Compared: status code, media type, the presence of paging headers and Location, key sets and
types at every depth, and the values of fields that are words of the protocol (states, types,
actions, messages). Not compared: ids (mapped), addresses, dates, names (scaleway-rclone A7).
Polls are compared by the order of states: repeated ones are left out, and the API gets a
moment to reach the recorded state.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: fields whose value is part of the protocol
WORDS = frozenset(
    [
        "state",
        "state_detail",
        "status",
        "volume_type",
        "arch",
        "zone",
        "family",
        "provisioning_mode",
        "protocol",
        "action",
        "direction",
        "resource",
        "message",
        "commercial_type",
        "boot_type",
        "inbound_default_policy",
        "outbound_default_policy",
        "product_resource_type",
        "allowed_actions",
        "dynamic",
        "netmask",
        "dynamic_ip_required",
        "stateful",
        "editable",
        "position",
        "dest_port_from",
        "ip_range",
        "size",
        "label",
        "currency_code",
        "nanos",
        "units",
        "hourly_price",
        "ncpus",
        "ram",
        "end_of_service",
    ]
)
#: came or went between 2025-08 and 2026-07; the same recording date has them here and not there
DRIFT = frozenset(
    [
        "admin_password_encryption_ssh_key_id",
        "admin_password_encrypted_value",
        "scratch_storage_max_volumes_count",
    ]
)
#: null in old recordings, a number in new ones
DRIFTING_NULL = frozenset(["scratch_storage_max_size"])
#: a detached volume shows one, then the other, before it is available
DETACHING = frozenset(["attached", "detaching"])
#: prices moved between the recordings (A4); only the newest are in the lab's catalogue
PRICES = frozenset(["hourly_price", "monthly_price"])


@dataclass
class Exchange:
    """One recorded request with its reply."""

    method: str
    target: str
    body: str | None
    content_type: str
    status: int
    headers: dict[str, str]
    reply: str

    @property
    def data(self) -> Any:
        return (
            json.loads(self.reply) if self.reply.startswith(("{", "[")) else self.reply
        )

    @property
    def is_poll(self) -> bool:
        return self.method == "GET" and signature(self.data) is not None


def load(path: Path) -> list[Exchange]:
    """Read a recording."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    recorded = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    return [_exchange(item) for item in recorded["interactions"]]


def _exchange(item: dict[str, Any]) -> Exchange:
    request, response = item["request"], item["response"]
    parts = urlsplit(request["url"])
    headers = {
        name.lower(): values[0] for name, values in (response["headers"] or {}).items()
    }
    sent = {
        name.lower(): values[0] for name, values in (request["headers"] or {}).items()
    }
    body = request.get("body") or None
    if request["method"] in ("GET", "DELETE"):
        body = None
    elif body == response.get("body"):
        body = rebuilt_body(parts.path, json.loads(response["body"]))
    return Exchange(
        method=request["method"],
        target=parts.path + (f"?{parts.query}" if parts.query else ""),
        body=body,
        content_type=sent.get("content-type", ""),
        status=int(response["code"]),
        headers=headers,
        reply=response.get("body") or "",
    )


def rebuilt_body(path: str, reply: dict[str, Any]) -> str:
    """Return the request that led to a reply: the recorder of 2025-08 kept the reply twice."""
    server = reply.get("server", {})
    if path.endswith("/attach-volume"):
        return json.dumps({"volume_id": server["volumes"]["1"]["id"]})
    if path.endswith("/servers"):
        wanted = {"image": server["image"]["id"], "name": server["name"]}
        kept = ("commercial_type", "dynamic_ip_required", "boot_type", "project")
        return json.dumps({**wanted, **{key: server[key] for key in kept}})
    return json.dumps({"name": reply["name"], "from_empty": {"size": reply["size"]}})


def aligned(recorded: list[Any], ours: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Pair list entries: by a key where order says nothing and the lab offers fewer."""
    for key in ("arch", "product"):
        if recorded and ours and isinstance(recorded[0], dict) and key in recorded[0]:
            by_key = {item[key]: item for item in ours}
            for item in recorded:
                if item[key] in by_key:
                    yield item, by_key[item[key]]
            return
    yield from zip(recorded, ours, strict=False)


def signature(data: Any) -> tuple[Any, ...] | None:
    """Return the state that a poll looks for, None for a reply without one."""
    if not isinstance(data, dict):
        return None
    if isinstance(data.get("server"), dict) and "state" in data["server"]:
        return ("server", data["server"]["state"], data["server"]["state_detail"])
    if "references" in data and "status" in data:
        return ("volume", data["status"])
    return None


def kinds(value: Any) -> str:
    """Return a JSON type; whole and broken numbers are one."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return {str: "string", list: "array", dict: "object", type(None): "null"}[
        type(value)
    ]


@dataclass
class Replay:
    """Sends exchanges, maps ids, collects differences in words."""

    client: httpx.Client
    compare_prices: bool = False
    ids: dict[str, str] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def run(self, exchanges: list[Exchange]) -> None:
        previous: tuple[str, Any] | None = None
        for number, exchange in enumerate(exchanges):
            seen = (
                (exchange.target, signature(exchange.data))
                if exchange.is_poll
                else None
            )
            if seen is not None and seen == previous:
                continue
            previous = seen
            self._one(f"#{number} {exchange.method} {exchange.target}", exchange)

    def _one(self, where: str, exchange: Exchange) -> None:
        reply = self._send(exchange)
        deadline = time.monotonic() + 5
        while exchange.is_poll and time.monotonic() < deadline:
            if reply.status_code == 200 and signature(reply.json()) == signature(
                exchange.data
            ):
                break
            time.sleep(0.02)
            reply = self._send(exchange)
        if reply.status_code != exchange.status:
            text = f"{where}: status {reply.status_code}, recorded {exchange.status}"
            self.differences.append(f"{text}: {reply.text[:200]}")
            return
        self._headers(where, exchange, reply)
        if isinstance(exchange.data, str):
            if reply.text != exchange.data:
                self.differences.append(f"{where}: body {reply.text!r}")
            return
        self._learn(exchange.data, reply.json())
        self.differences += compare(
            exchange.data, reply.json(), where, ignore_prices=not self.compare_prices
        )

    def _send(self, exchange: Exchange) -> httpx.Response:
        return self.client.request(
            exchange.method,
            self._mapped(exchange.target),
            content=None if exchange.body is None else self._mapped(exchange.body),
            headers=(
                {"Content-Type": exchange.content_type} if exchange.content_type else {}
            ),
        )

    def _mapped(self, text: str) -> str:
        return UUID.sub(lambda found: self.ids.get(found.group(), found.group()), text)

    def _headers(self, where: str, exchange: Exchange, reply: httpx.Response) -> None:
        for name in ("x-total-count", "location"):
            if (name in exchange.headers) != (name in reply.headers):
                self.differences.append(
                    f"{where}: header {name} {reply.headers.get(name)}"
                )
        recorded = exchange.headers.get("content-type", "").partition(";")[0]
        if reply.headers.get("content-type", "").partition(";")[0] != recorded:
            self.differences.append(f"{where}: {reply.headers.get('content-type')}")

    def _learn(self, recorded: Any, ours: Any) -> None:
        """Map the recorded ids to those at the same place in our reply."""
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for key in recorded.keys() & ours.keys():
                self._learn(recorded[key], ours[key])
        elif isinstance(recorded, list) and isinstance(ours, list):
            for left, right in aligned(recorded, ours):
                self._learn(left, right)
        elif (
            isinstance(recorded, str)
            and isinstance(ours, str)
            and UUID.fullmatch(recorded)
        ):
            self.ids.setdefault(recorded, ours)


def compare(recorded: Any, ours: Any, where: str, *, ignore_prices: bool) -> list[str]:
    """Return the differences between two JSON values, in words."""
    return list(_differences(recorded, ours, where, ignore_prices))


def _differences(
    recorded: Any, ours: Any, where: str, no_prices: bool
) -> Iterator[str]:
    if kinds(recorded) != kinds(ours):
        if not (where.rpartition(".")[2] in DRIFTING_NULL and recorded is None):
            yield f"{where}: {kinds(ours)}, recorded {kinds(recorded)}"
    elif isinstance(recorded, dict):
        yield from _objects(recorded, ours, where, no_prices)
    elif isinstance(recorded, list):
        if bool(recorded) != bool(ours):
            yield f"{where}: {len(ours)} entries, recorded {len(recorded)}"
        for number, (left, right) in enumerate(aligned(recorded, ours)):
            yield from _differences(left, right, f"{where}[{number}]", no_prices)


def _objects(
    recorded: dict[str, Any], ours: dict[str, Any], where: str, no_prices: bool
) -> Iterator[str]:
    keyed_by_type = where.endswith(".servers") and "/products/servers" in where
    if keyed_by_type:  # the lab sells fewer types
        common = recorded.keys() & ours.keys()
    else:
        common = recorded.keys() & ours.keys()
        for key in (recorded.keys() ^ ours.keys()) - DRIFT:
            side = "missing" if key in recorded else "not recorded"
            if not (key == "state" and where.endswith((".volumes.0", ".volumes.1"))):
                yield f"{where}.{key}: {side}"
    for key in sorted(common):
        if no_prices and key in PRICES:
            continue
        if (
            key in WORDS
            and key not in ("message",)
            and not isinstance(recorded[key], dict)
        ):
            value, wanted = ours[key], recorded[key]
            if where.endswith(".references[0]") and {value, wanted} <= DETACHING:
                continue
            if value != wanted and not (wanted is None and key in DRIFTING_NULL):
                yield f"{where}.{key}: {value!r}, recorded {wanted!r}"
            continue
        yield from _differences(recorded[key], ours[key], f"{where}.{key}", no_prices)
