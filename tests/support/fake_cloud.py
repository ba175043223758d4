# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud in memory with the methods of ``Cloud``: states move when the clock does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_boot import (
    Pace,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    LostReply,
    NotFound,
    OutOfStock,
    Rejected,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import (
    SBS,
    RootVolume,
    Rule,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    FINGERPRINTS_KEY,
    GB,
    Address,
    Offer,
    Part,
    Server,
    VolumeRef,
)

START = 1_763_690_000.0
ACTIONS = {"stopped": ("poweron",), "running": ("poweroff", "terminate")}
ACTIONS["stopped_in_place"] = ("poweron",)


def offer(kind: str, zone: str = "fr-par-1", **changes: Any) -> Offer:
    """A type with plenty of local storage that is in stock."""
    usual = Offer(kind, zone, 0.2, "available", 8, 32.0, "x86_64", 300 * GB)
    return replace(usual, **changes)


@dataclass
class Clock:
    """Time that only passes in sleep."""

    now: float = START

    def pace(self, **changes: Any) -> Pace:
        return Pace(clock=lambda: self.now, sleep=self.sleep, **changes)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class FakeCloud:
    """See the module; ``lose`` names methods whose answer is lost after the work."""

    clock: Clock
    market: list[Offer] = field(default_factory=list)
    world: dict[str, Server] = field(default_factory=dict)
    others: dict[str, Part] = field(default_factory=dict)
    data: dict[str, dict[str, str]] = field(default_factory=dict)
    firewall: dict[str, list[Rule]] = field(default_factory=dict)
    lose: list[str] = field(default_factory=list)
    swallow: list[str] = field(default_factory=list)
    no_room: set[str] = field(default_factory=set)
    falls_back: set[str] = field(default_factory=set)
    publishes: bool = True
    calls: list[str] = field(default_factory=list)
    api_url: str = "http://127.0.0.1:1"
    _number: int = 0

    def _call(self, name: str, work: Callable[[], Any] | None = None) -> Any:
        """Log, do the work unless it is swallowed, and lose the answer if asked to."""
        self.calls.append(name)
        if name in self.swallow:
            self.swallow.remove(name)
            raise LostReply(f"{name}: nothing came back")
        result = work() if work else None
        if name in self.lose:
            self.lose.remove(name)
            raise LostReply(f"{name}: nothing came back")
        return result

    def _id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number}"

    # --- what can be had ---------------------------------------------------------------
    def offers(self, zone: str, types: Sequence[str] = ()) -> dict[str, Offer]:
        return {
            o.type: o
            for o in self.market
            if o.zone == zone and (not types or o.type in types)
        }

    def image(self, label: str, zone: str, server_type: str, local: bool) -> str:
        return f"image-{'local' if local else 'sbs'}"

    # --- servers -----------------------------------------------------------------------
    def servers(self, zone: str, tags: Sequence[str]) -> list[Server]:
        return [
            self._settled(s)
            for s in list(self.world.values())
            if s.zone == zone and set(s.tags) >= set(tags)
        ]

    def server(self, zone: str, server_id: str) -> Server | None:
        found = self.world.get(server_id)
        if found is not None and found.state == "stopping":
            self._forget(found)
            return None
        return self._settled(found) if found else None

    def _settled(self, server: Server) -> Server:
        """One look later: starting has become running, or stopped again."""
        if server.state == "starting":
            back = server.type in self.falls_back
            state = "stopped" if back else "running"
            address = () if back else (Address(f"ip-{server.id}", "10.0.0.9", True),)
            self._put(replace(server, state=state, addresses=address))
            if self.publishes and not back:
                line = "256 SHA256:" + "A" * 43 + " root@host (ED25519)"
                self.data.setdefault(server.id, {})[FINGERPRINTS_KEY] = line
        return server

    def _put(self, server: Server) -> Server:
        server = replace(server, actions=ACTIONS.get(server.state, ()))
        self.world[server.id] = server
        return server

    def make(self, **changes: Any) -> Server:
        """A server that is there already."""
        root = VolumeRef(self._id("vol"), "l_ssd", "0", 20 * GB)
        usual = Server(
            id=self._id("srv"),
            name="cloudburst-plex",
            zone="fr-par-1",
            type="GP1-S",
            state="stopped",
            created=datetime.fromtimestamp(self.clock.now, tz=timezone.utc),
            volumes=(root,),
        )
        server = self._put(replace(usual, **changes))
        for ref in server.volumes:
            kind = "block_volume" if ref.kind == SBS else "volume"
            part = Part(kind, ref.id, server.zone, size=ref.size, owner=server.id)
            self.others.setdefault(ref.id, part)
        return server

    def create_server(
        self, *, server_type: str, root: RootVolume, **request: Any
    ) -> Server:
        if server_type in self.no_room:
            self.calls.append("create_server")
            raise OutOfStock(412, "POST /servers", "out of stock")
        volume = VolumeRef(self._id("vol"), root.kind, "0", root.size)
        return self._call(
            "create_server",
            lambda: self.make(
                type=server_type,
                zone=request["zone"],
                name=request["name"],
                tags=tuple(request["tags"]),
                group_id=request["group_id"],
                volumes=(volume,),
            ),
        )

    def set_tags(self, server: Server, tags: Sequence[str]) -> None:
        self._put(replace(self.world[server.id], tags=tuple(tags)))

    def set_group(self, server: Server, group: Part) -> None:
        self._put(replace(self.world[server.id], group_id=group.id))

    def power_on(self, server: Server) -> None:
        def work() -> None:
            self._put(replace(self.world[server.id], state="starting"))

        self._call("power_on", work)

    def terminate(self, server: Server) -> None:
        def work() -> None:
            self._put(replace(self.world[server.id], state="stopping"))

        self._call("terminate", work)

    def _forget(self, server: Server) -> None:
        """The end of a terminate: local volumes go along, block storage stays (A2)."""
        del self.world[server.id]
        for ref in server.volumes:
            if ref.kind == SBS:
                self.others[ref.id] = replace(self.others[ref.id], owner="")
            else:
                self.others.pop(ref.id, None)

    def delete_server(self, server: Server) -> None:
        if self.world[server.id].state != "stopped":
            raise Rejected(400, "DELETE /servers", "server should be stopped")

        def work() -> None:
            del self.world[server.id]

        self._call("delete_server", work)

    def set_user_data(self, server: Server, key: str, text: str) -> None:
        self.calls.append(f"user_data {key}")
        self.data.setdefault(server.id, {})[key] = text

    def user_data(self, server: Server, key: str) -> str | None:
        return self.data.get(server.id, {}).get(key)

    # --- parts -------------------------------------------------------------------------
    def parts(self, zone: str) -> list[Part]:
        return [part for part in self.others.values() if part.zone == zone]

    def groups(self, zone: str) -> list[Part]:
        return [part for part in self.parts(zone) if part.kind == "security_group"]

    def part_exists(self, part: Part) -> bool:
        return part.id in self.others

    def block_volume(self, zone: str, volume_id: str) -> Part | None:
        return self.others.get(volume_id)

    def tag_block_volume(self, zone: str, volume_id: str, tags: Sequence[str]) -> None:
        self.others[volume_id] = replace(self.others[volume_id], tags=tuple(tags))

    def delete_part(self, part: Part) -> None:
        if any(ref.id == part.id for s in self.world.values() for ref in s.volumes):
            raise Rejected(412, "DELETE", "resource is still in use")
        if part.id not in self.others:
            raise NotFound(404, "DELETE", "resource is not found")
        self._call(f"delete {part.kind}", lambda: self.others.pop(part.id))

    def create_group(self, zone: str, name: str, tags: Sequence[str]) -> Part:
        def work() -> Part:
            part = Part("security_group", self._id("sg"), zone, name, tuple(tags))
            self.others[part.id] = part
            return part

        return self._call("create_group", work)

    def rules(self, zone: str, group_id: str) -> list[Rule]:
        return list(self.firewall.get(group_id, []))

    def set_rules(self, zone: str, group_id: str, rules: list[Rule]) -> None:
        self.calls.append("set_rules")
        self.firewall[group_id] = list(rules)
