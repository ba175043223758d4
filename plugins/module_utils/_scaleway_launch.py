# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: bring the instance of a burst into being, or find it again.

The order is create, user data, power on, with the tags in the create call. A step whose
answer was lost is looked up, not repeated, so nothing is made twice or left half made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_boot import (
    POLL,
    Boot,
    NoCapacity,
    Pace,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_client import (
    Cloud,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_door import (
    Door,
    Report,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    CloudError,
    DeadlineExceeded,
    LostReply,
    OutOfStock,
    QuotaExceeded,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import (
    SBS,
    Candidate,
    Decision,
    PlanError,
    candidates,
    decide,
    launch_tags,
    make_burst_id,
    nothing_to_be_had,
    refusal,
    root_volume,
    with_deadline,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    Offer,
    Server,
    burst_tags,
    is_ours,
    public_tags,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_zones import (
    across,
)

#: seconds in which a server may still appear whose creation was not answered
APPEARS_WITHIN = 10.0
CREATE_ATTEMPTS = 3


@dataclass(frozen=True)
class Wanted:
    """What the user asked for."""

    burst: str
    zones: tuple[str, ...]
    types: tuple[str, ...]
    offers: tuple[dict[str, Any], ...]
    image_label: str
    volume_gb: int
    public_key: str
    lifetime_hours: float
    user_data: dict[str, str] = field(default_factory=dict)
    extra_tags: tuple[str, ...] = ()
    #: where an instance to adopt is looked for, beside ``zones``
    search_zones: tuple[str, ...] = ()


class Launch:
    """One convergence to *present*."""

    def __init__(
        self,
        cloud: Cloud,
        wanted: Wanted,
        door: Door,
        report: Report,
        pace: Pace,
        *,
        remove: Callable[[Server], None],
        check_mode: bool = False,
    ) -> None:
        self._cloud = cloud
        self._wanted = wanted
        self._door = door
        self._report = report
        self._pace = pace
        self._remove = remove
        self._check_mode = check_mode
        self._boot = Boot(cloud, report, pace)
        self._offers: dict[str, dict[str, Offer]] = {}

    def run(self) -> Server | None:
        """The running server; None only in check mode, when one would be created."""
        decision = self._prepared(
            decide(self._wanted.burst, self.find(), self._boot.has_booted)
        )
        if self._check_mode:
            return self._predict(decision)
        server = self._go_on(decision) if decision.server else None
        server = server or self._create_somewhere()
        self._tag_volumes(server)
        self._door.open(server.zone, server)
        return server

    def attach(self) -> Server | None:
        """The instance if it runs, reachable from here; nothing is created or started."""
        running = [server for server in self.find() if server.state == "running"]
        server = decide(self._wanted.burst, running, self._boot.has_booted).server
        if server is None:
            return None
        if not self._check_mode:
            self._door.open(server.zone, server)
        elif self._door.differs(server.zone, server):
            self._report.changed = True
        return server

    def find(self) -> list[Server]:
        """Every server with the burst's tags, wherever an earlier run has put it."""
        tags = burst_tags(self._wanted.burst)
        zones = list(dict.fromkeys(self._wanted.zones + self._wanted.search_zones))
        return across(zones, lambda zone: self._cloud.servers(zone, tags))

    def hourly_price(self, server: Server) -> float | None:
        """Price of a server's type per hour; None when the API does not name it."""
        offer = self._offer(Candidate(server.type, server.zone))
        return offer.hourly_price if offer else None

    def host_keys(self, server: Server) -> list[str]:
        return self._boot.host_keys(server)

    # --- what exists already -----------------------------------------------------------
    def _prepared(self, decision: Decision) -> Decision:
        """Remove what is in the way; what stays is adopted, completed or created."""
        for extra in decision.duplicates:
            self._drop(extra, "it was made by a request whose answer was lost")
        server = decision.server
        if server is None:
            return decision
        if decision.action == "wait_gone":
            self._drop(server, "it is being removed already")
            return Decision("create")
        allowed = {candidate.type for candidate in self._candidates()}
        if decision.action == "complete" and server.type not in allowed:
            self._drop(server, f"it never started, and {server.type} is not asked for")
            return Decision("create")
        return decision

    def _go_on(self, decision: Decision) -> Server | None:
        """The running server; None when a half-made one found no room."""
        server = decision.server
        if server is None:
            return None
        if server.state == "locked":
            raise CloudError(
                f"server {server.id} in {server.zone} is locked by Scaleway: open a"
                " support ticket, or use another burst_name"
            )
        self._renew_deadline(server)
        if decision.action == "complete":
            self._report.did(f"completing {server.id}, created and never started")
            self._door.open(server.zone, server)
            return self._started(server)
        if server.state in ("stopped", "stopped_in_place"):
            self._report.did(f"starting {server.id} again, it was {server.state}")
            return self._boot.power_on(server)
        self._report.say(f"adopting {server.type} {server.id} in {server.zone}")
        return self._boot.wait_running(server)

    def _renew_deadline(self, server: Server) -> None:
        """A server past its deadline that is wanted again gets a new one."""
        if server.expires_at > self._pace.clock():
            return
        self._report.did(f"{server.id} was past its deadline and gets a new one")
        self._cloud.set_tags(server, with_deadline(server.tags, self._deadline()))

    def _drop(self, server: Server, why: str) -> None:
        self._report.did(f"removing {server.type} {server.id}, {server.zone}: {why}")
        if not self._check_mode:
            self._remove(server)

    # --- creation ----------------------------------------------------------------------
    def _candidates(self) -> list[Candidate]:
        wanted = self._wanted
        return candidates(wanted.types, wanted.zones, wanted.offers)

    def _offer(self, candidate: Candidate) -> Offer | None:
        if candidate.zone not in self._offers:
            self._offers[candidate.zone] = self._cloud.offers(candidate.zone)
        return self._offers[candidate.zone].get(candidate.type)

    def _create_somewhere(self) -> Server:
        for candidate in self._candidates():
            offer = self._offer(candidate)
            reason = refusal(offer, candidate)
            server = None
            if offer is not None and not reason:
                server, reason = self._try(offer)
            if server is not None:
                return server
            self._refuse(candidate, reason)
        self._door.remove_unused(sorted({c.zone for c in self._candidates()}))
        raise PlanError(nothing_to_be_had(self._report.refused))

    def _try(self, offer: Offer) -> tuple[Server | None, str]:
        """A running server, or the reason why this offer gave none."""
        try:
            created = self._create(offer)
        except (OutOfStock, QuotaExceeded) as exc:
            return None, exc.reason
        started = self._started(created)
        return started, "" if started else "no capacity when it was started"

    def _started(self, server: Server) -> Server | None:
        try:
            return self._boot.first_time(server, self._wanted.user_data)
        except NoCapacity as exc:
            self._drop(server, f"it could not be started ({exc})")
            return None

    def _refuse(self, candidate: Candidate, reason: str) -> None:
        self._report.say(f"{candidate.type} in {candidate.zone}: {reason}")
        self._report.refused.append(
            {"type": candidate.type, "zone": candidate.zone, "reason": reason}
        )

    def _create(self, offer: Offer) -> Server:
        wanted = self._wanted
        root = root_volume(offer, wanted.volume_gb)
        burst_id = make_burst_id(wanted.burst, self._pace.clock())
        request: dict[str, Any] = {
            "zone": offer.zone,
            "server_type": offer.type,
            "name": f"cloudburst-{wanted.burst}",
            "image": self._image(offer),
            "root": root,
            "tags": launch_tags(
                wanted.burst,
                burst_id,
                self._deadline(),
                wanted.public_key,
                wanted.extra_tags,
            ),
            "group_id": self._door.open(offer.zone).id,
        }
        server = self._create_once(request, offer.zone, burst_id)
        self._report.did(
            f"created {offer.type} {server.id} in {offer.zone}, {offer.hourly_price:.4f}"
            f" EUR/h, root {root.kind} of {wanted.volume_gb} GB"
        )
        self._tag_volumes(server)
        return server

    def _image(self, offer: Offer) -> str:
        root = root_volume(offer, self._wanted.volume_gb)
        return self._cloud.image(
            self._wanted.image_label, offer.zone, offer.type, local=root.kind != SBS
        )

    def _create_once(self, request: dict[str, Any], zone: str, burst_id: str) -> Server:
        """Exactly one server, whatever becomes of the answers (L61)."""
        for attempt in range(CREATE_ATTEMPTS):
            try:
                server = self._cloud.create_server(**request)
            except (LostReply, DeadlineExceeded) as exc:
                found = self._appeared(zone, burst_id)
                self._report.say(f"the answer to the creation was lost: {exc}")
                if not found:
                    continue
                server = found[0]
            if attempt:
                self._drop_late_ones(server, burst_id)
            return server
        raise CloudError(
            f"no answer to {CREATE_ATTEMPTS} creations in {zone}, and no server with the"
            f" tag burst-id={burst_id} appeared; run again, a late one is adopted"
        )

    def _appeared(self, zone: str, burst_id: str) -> list[Server]:
        """Servers that an unanswered request made, by their tags."""
        tags = [*burst_tags(self._wanted.burst), f"burst-id={burst_id}"]
        end = self._pace.clock() + APPEARS_WITHIN
        while True:
            found = self._cloud.servers(zone, tags)
            if found or self._pace.clock() >= end:
                return found
            self._pace.sleep(POLL)

    def _drop_late_ones(self, kept: Server, burst_id: str) -> None:
        tags = [*burst_tags(self._wanted.burst), f"burst-id={burst_id}"]
        for server in self._cloud.servers(kept.zone, tags):
            if server.id != kept.id:
                self._drop(server, "a lost request had made it as well")

    def _tag_volumes(self, server: Server) -> None:
        """Block storage outlives its server, so it needs the tags itself (A2)."""
        for ref in server.volumes:
            if ref.kind != SBS or ref.slot != "0":
                continue
            volume = self._cloud.block_volume(server.zone, ref.id)
            if volume is None or is_ours(volume.tags, self._wanted.burst):
                continue
            tags = [*volume.tags, *public_tags(server.tags)]
            self._cloud.tag_block_volume(server.zone, ref.id, tags)
            self._report.did(f"tagged the block volume {ref.id}")

    # --- check mode --------------------------------------------------------------------
    def _predict(self, decision: Decision) -> Server | None:
        server = decision.server
        if server is not None:
            if server.state != "running" or self._door.differs(server.zone, server):
                self._report.changed = True
            return server
        self._report.changed = True
        for candidate in self._candidates():
            offer = self._offer(candidate)
            reason = refusal(offer, candidate)
            if offer is not None and not reason:
                # What creation would stumble over is found out for free.
                self._image(offer)
                self._door.ranges_before()
                self._report.say(f"would create {candidate.type} in {candidate.zone}")
                return None
            self._refuse(candidate, reason)
        raise PlanError(nothing_to_be_had(self._report.refused))

    def _deadline(self) -> int:
        return int(self._pace.clock() + self._wanted.lifetime_hours * 3600)
