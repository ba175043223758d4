# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions on servers and their ends (A1, A2).

An action has two halves: ``begin`` is what the request does, ``finish`` what is true when the
machine has followed. Between them the server is in a transient state.
"""

from __future__ import annotations

from cloudburst_lab.scaleway import billing, network, storage
from cloudburst_lab.scaleway.errors import (
    ApiError,
    invalid_arguments,
    invalid_request,
    transient_state,
)
from cloudburst_lab.scaleway.model import LOCAL_KINDS, Server, World
from cloudburst_lab.scaleway.servers import Timing, forget, refuse_protected

STANDBY = "stopped in place"
RUNNING_ACTIONS = ("poweroff", "terminate", "reboot", "stop_in_place", "backup")
#: state -> actions; recorded, but for standby, of which only poweron is known for certain
ALLOWED: dict[str, tuple[str, ...]] = {
    "stopped": ("poweron", "backup"),
    STANDBY: ("poweron", "backup"),
    "starting": ("stop_in_place", "backup"),
    "running": RUNNING_ACTIONS,
    "stopping": ("stop_in_place", "backup"),
}
#: action -> (state, detail) while it is under way
TRANSIENT: dict[str, tuple[str, str]] = {
    "poweron": ("starting", "allocating node"),
    "poweroff": ("stopping", "stopping"),
    "stop_in_place": ("stopping", "stopping"),
    "terminate": ("stopping", "terminating"),
    "reboot": ("running", "rebooting"),
}


def allowed_actions(server: Server) -> list[str]:
    if server.action == "terminate" or server.busy_until is not None:
        return []
    return list(ALLOWED[server.state])


def begin(world: World, server: Server, action: str, now: float) -> None:
    """Accept an action, or refuse it with the reason."""
    if action not in {*TRANSIENT, "backup"}:
        raise invalid_arguments("action", "unknown", f"unknown action {action}")
    if action not in allowed_actions(server):
        raise _refusal(server, action)
    if action == "backup":
        raise invalid_request("the lab has no backup action: take snapshots")
    if action == "terminate":
        refuse_protected(server)
        for volume in world.volumes_of(server.id):
            if volume.kind in LOCAL_KINDS:
                volume.state = "deleting"
    if action == "poweron":
        billing.open_server(world, server, now)
        server.failure = ""
    server.action = action
    server.state, server.state_detail = TRANSIENT[action]
    server.modified = now


def _refusal(server: Server, action: str) -> ApiError:
    if server.state in ("starting", "stopping") or server.busy_until is not None:
        return transient_state("instance_server", server.id, server.state)
    needed = "stopped" if action == "poweron" else "running"
    return invalid_request(f"server should be {needed}")


def allocate_dynamic_ip(
    world: World, server: Server, pool: network.AddressPool, now: float
) -> None:
    """Give a server that wants a dynamic address one, unless it has any (A2)."""
    if server.dynamic_ip_required and not world.ips_of(server.id):
        ip = network.create_ip(
            world, now, pool, zone=server.zone, project=server.project, dynamic=True
        )
        ip.server_id = server.id


def finish(world: World, server: Server, now: float, timing: Timing) -> None:
    """Complete the action that is under way."""
    action, server.action, server.modified = server.action, "", now
    if action in ("poweron", "reboot"):
        server.state, server.state_detail = "running", "booting kernel"
    elif action == "stop_in_place":
        server.state, server.state_detail = STANDBY, ""
    elif action == "poweroff":
        server.state, server.state_detail = "stopped", ""
        billing.close(world, server.id, now)
        for ip in world.ips_of(server.id):
            if ip.dynamic:
                del world.ips[ip.id]
    elif action == "terminate":
        for volume in world.volumes_of(server.id):
            if volume.kind in LOCAL_KINDS:
                storage.remove_volume(world, volume.id, now)
            else:
                storage.detach(volume, now, timing.volume)
        forget(world, server, now)


def fail(world: World, server: Server, reason: str, now: float) -> None:
    """A server that could not start is stopped again and no longer billed."""
    server.action, server.failure, server.modified = "", reason, now
    server.state, server.state_detail = "stopped", reason[:200]
    billing.close(world, server.id, now)


def halted(server: Server, now: float) -> None:
    """The guest switched itself off: standby, still billed (A3)."""
    server.state, server.state_detail, server.modified = STANDBY, "", now
