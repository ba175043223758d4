# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: take everything of a burst away, then prove its absence.

Order (A2): the server first, then what survives it (block volumes always, every volume
of a stopped server), addresses, the security group. The proof lists all kinds in all
zones; what an answer claimed counts for nothing (L63).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_boot import (
    POLL,
    Pace,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_client import (
    Cloud,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_door import (
    Report,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    AccessDenied,
    ApiError,
    CloudError,
    DeadlineExceeded,
    LostReply,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import SBS
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    Part,
    Server,
    burst_tags,
    is_ours,
    server_part,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_zones import (
    across,
)

#: before an unanswered or unheeded request to end a server is repeated
ASK_AGAIN_AFTER = 30.0
#: kinds that this module deletes; snapshots are nothing that a burst makes
DELETED = ("block_volume", "volume", "ip", "security_group")


class Removal:
    """One convergence to *absent*."""

    def __init__(
        self,
        cloud: Cloud,
        burst: str,
        zones: Sequence[str],
        report: Report,
        pace: Pace,
        *,
        timeout: float,
    ) -> None:
        self._cloud = cloud
        self._burst = burst
        self._zones = tuple(zones)
        self._report = report
        self._pace = pace
        self._timeout = timeout
        #: ids of everything that belonged to a server that was ours
        self.recorded: set[str] = set()
        self.removed: list[Part] = []

    def run(self) -> list[Part]:
        """What is left after everything was tried; empty is the proof."""
        for server in self.servers():
            self.remove_server(server)
        for part in self.parts():
            self._delete(part)
        return self._proof()

    def servers(self) -> list[Server]:
        tags = burst_tags(self._burst)
        return across(self._zones, lambda zone: self._cloud.servers(zone, tags))

    def parts(self) -> list[Part]:
        """Everything beside servers that is ours by tag or was recorded, deletable first."""
        found = across(self._zones, self._cloud.parts)
        own = [part for part in found if self._is_ours(part)]
        order = {kind: number for number, kind in enumerate(DELETED)}
        return sorted(own, key=lambda part: order.get(part.kind, len(order)))

    def _is_ours(self, part: Part) -> bool:
        if is_ours(part.tags, self._burst) or part.id in self.recorded:
            return True
        # A snapshot of our volume bills on, whoever made it.
        return part.kind.endswith("snapshot") and part.owner in self.recorded

    # --- the server --------------------------------------------------------------------
    def remove_server(self, server: Server) -> None:
        """End one server, with the volumes that are its own, and wait for the 404."""
        self._report.did(f"removing {server.type} {server.id} in {server.zone}")
        volumes = self._own_volumes(server)
        self.recorded.update(part.id for part in volumes)
        self.recorded.update(a.id for a in server.addresses if a.dynamic)
        self._end(server)
        self.removed.append(server_part(server))
        for part in volumes:
            self._delete(part)

    def _own_volumes(self, server: Server) -> list[Part]:
        """Local volumes and the root; a volume that somebody attached stays his."""
        own = []
        for ref in server.volumes:
            kind = "block_volume" if ref.kind == SBS else "volume"
            part = Part(kind, ref.id, server.zone, size=ref.size, owner=server.id)
            if kind == "volume" or ref.slot == "0" or self._tagged(part):
                own.append(part)
            else:
                self._report.say(
                    f"keeping block volume {ref.id}: it is not this burst's"
                )
        return own

    def _tagged(self, part: Part) -> bool:
        found = self._cloud.block_volume(part.zone, part.id)
        return found is not None and is_ours(found.tags, self._burst)

    def _end(self, server: Server) -> None:
        """Ask by the way that the state allows, look, ask again; until it is gone."""
        end = self._pace.clock() + self._timeout
        ask_at = self._pace.clock()
        last, asked_in = "nothing was tried", ""
        while True:
            now = self._cloud.server(server.zone, server.id)
            if now is None:
                return
            if self._pace.clock() >= end:
                raise DeadlineExceeded(
                    f"server {server.id} in {server.zone} is still {now.state} after"
                    f" {self._timeout:.0f} s ({last}); it is billed on. Run"
                    f" teardown.yml again, or: {server_part(now).command}"
                )
            if self._pace.clock() >= ask_at or now.state != asked_in:
                asked, last = self._ask(now)
                asked_in = now.state
                ask_at = self._pace.clock() + (ASK_AGAIN_AFTER if asked else POLL)
            self._pace.sleep(POLL)

    def _ask(self, server: Server) -> tuple[bool, str]:
        """Terminate or delete as allowed; whether it was asked, and what was said."""
        try:
            if "terminate" in server.actions:
                self._cloud.terminate(server)
                return True, "terminate was accepted"
            if server.state == "stopped":
                self._cloud.delete_server(server)
                return True, "delete was accepted"
            if server.state == "stopped_in_place":
                # Standby after a shutdown from inside (L60): only a running server can
                # be terminated.
                self._cloud.power_on(server)
                return True, "it was started in order to be terminated"
        except AccessDenied:
            raise
        except (ApiError, LostReply, DeadlineExceeded) as exc:
            return False, str(exc)
        return False, f"state {server.state} allows {list(server.actions)}"

    # --- the rest ----------------------------------------------------------------------
    def _delete(self, part: Part) -> None:
        """Delete and wait for the absence of one part. What stays is the proof's matter."""
        if part.kind not in DELETED:
            return
        self.recorded.add(part.id)
        end = self._pace.clock() + self._timeout
        while self._exists(part):
            self._report.changed = True
            try:
                self._cloud.delete_part(part)
            except AccessDenied:
                raise
            except CloudError as exc:
                # In use until its server is really gone; tried again until the end.
                last = str(exc)
            else:
                last = "the deletion was accepted"
            if self._pace.clock() >= end:
                self._report.say(f"{part.kind} {part.id} is still there: {last}")
                return
            if self._exists(part):
                self._pace.sleep(POLL)
            else:
                self._report.did(f"deleted {part.kind} {part.id} in {part.zone}")
                self.removed.append(part)

    def _exists(self, part: Part) -> bool:
        if part.kind == "security_group":
            return any(group.id == part.id for group in self._cloud.groups(part.zone))
        return self._cloud.part_exists(part)

    # --- the proof ---------------------------------------------------------------------
    def _proof(self) -> list[Part]:
        """Everything of the burst that fresh listings still show after a grace time."""
        end = self._pace.clock() + self._timeout / 6
        while True:
            left = [server_part(server) for server in self.servers()] + self.parts()
            if not left or self._pace.clock() >= end:
                return left
            self._pace.sleep(POLL)


def absence_message(burst: str, left: Iterable[Part]) -> str:
    """The failure that names each leftover and how to remove it."""
    lines = "\n".join(
        f"  {part.kind.replace('_', ' ')} {part.id} ({part.name or part.state}):"
        f" {part.command}"
        for part in left
    )
    return (
        f"the burst {burst!r} is not gone; these parts are still there and may be"
        f" billed:\n{lines}\nRun teardown.yml again, or run these commands."
    )
