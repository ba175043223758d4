# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes and snapshots: creation, attachment, what time does to them, deletion.

Local volumes (l_ssd, scratch) end with the server that is terminated; SBS volumes survive
every end of a server and are billed on (A2).
"""

from __future__ import annotations

from collections.abc import Iterable

from cloudburst_lab.scaleway import billing
from cloudburst_lab.scaleway.errors import (
    invalid_arguments,
    invalid_request,
    not_found,
    precondition_failed,
)
from cloudburst_lab.scaleway.model import (
    LOCAL_KINDS,
    SBS,
    Server,
    Snapshot,
    Volume,
    World,
    new_id,
)

MINIMUM_SIZE = 1_000_000_000


def create_volume(
    world: World,
    now: float,
    *,
    zone: str,
    kind: str,
    size: int,
    name: str,
    project: str,
    tags: Iterable[str] = (),
    parent_snapshot: str | None = None,
    perf_iops: int = 5000,
    ready_in: float = 0.0,
) -> Volume:
    """Create a volume; it is "creating" for ``ready_in`` seconds (SBS) or available at once."""
    if size < MINIMUM_SIZE:
        raise invalid_arguments("size", "constraint", "size must be at least 1 GB")
    volume = Volume(
        id=new_id(),
        name=name,
        zone=zone,
        kind=kind,
        size=size,
        project=project,
        created=now,
        modified=now,
        tags=list(tags),
        parent_snapshot=parent_snapshot,
        perf_iops=perf_iops,
    )
    if ready_in > 0:
        volume.state, volume.due = "creating", now + ready_in
    world.volumes[volume.id] = volume
    billing.open_volume(world, volume, now)
    return volume


def attach(volume: Volume, server: Server, now: float) -> None:
    """Attach a volume; an SBS one gets an exclusive reference."""
    if volume.server_id is not None:
        raise invalid_request("volume is already attached to a server")
    volume.server_id = server.id
    volume.modified = now
    if volume.kind == SBS:
        volume.state, volume.due = "in_use", None
        volume.reference_id, volume.reference_created = new_id(), now
        volume.reference_status = "attached"


def detach(volume: Volume, now: float, lag: float) -> None:
    """Detach a volume. An SBS one stays in_use with a "detaching" reference for ``lag`` s."""
    volume.modified = now
    if volume.kind == SBS:
        volume.reference_status, volume.due = "detaching", now + lag
    else:
        volume.server_id = None


def settle(world: World, now: float) -> bool:
    """Let volumes whose time has come become available; return whether any did."""
    changed = False
    for volume in world.volumes.values():
        if volume.due is None or volume.due > now:
            continue
        if volume.state == "in_use":
            volume.server_id, volume.last_detached = None, volume.due
        volume.state, volume.modified, volume.due = "available", volume.due, None
        changed = True
    for server in world.servers.values():
        if server.busy_until is not None and server.busy_until <= now:
            server.busy_until, changed = None, True
    return changed


def find_volume(world: World, zone: str, volume_id: str, *, local: bool) -> Volume:
    """Return a volume of one of the two APIs: each answers 404 for the other's (A2)."""
    volume = world.volumes.get(volume_id)
    resource = "instance_volume" if local else "volume"
    if volume is None or volume.zone != zone or (volume.kind in LOCAL_KINDS) != local:
        raise not_found(resource, volume_id)
    return volume


def delete_volume(world: World, volume: Volume, now: float) -> None:
    """Delete a detached volume; an attached one is refused."""
    if volume.server_id is not None or volume.state == "in_use":
        if volume.kind == SBS:
            raise precondition_failed("resource_not_usable", "volume is in use")
        raise invalid_request("a server is attached to this volume")
    remove_volume(world, volume.id, now)


def remove_volume(world: World, volume_id: str, now: float) -> None:
    """Take a volume out of the world and stop its meter."""
    world.volumes.pop(volume_id, None)
    billing.close(world, volume_id, now)


def create_snapshot(
    world: World, now: float, volume: Volume, name: str, tags: Iterable[str]
) -> Snapshot:
    """Take a snapshot; it is billed until it is deleted."""
    snapshot = Snapshot(
        id=new_id(),
        name=name,
        zone=volume.zone,
        kind=volume.kind,
        size=volume.size,
        project=volume.project,
        created=now,
        modified=now,
        volume_id=volume.id,
        volume_name=volume.name,
        tags=list(tags),
    )
    world.snapshots[snapshot.id] = snapshot
    billing.open_snapshot(world, snapshot, now)
    return snapshot


def find_snapshot(
    world: World, zone: str, snapshot_id: str, *, local: bool
) -> Snapshot:
    snapshot = world.snapshots.get(snapshot_id)
    resource = "instance_snapshot" if local else "snapshot"
    if (
        snapshot is None
        or snapshot.zone != zone
        or (snapshot.kind in LOCAL_KINDS) != local
    ):
        raise not_found(resource, snapshot_id)
    return snapshot


def delete_snapshot(world: World, snapshot: Snapshot, now: float) -> None:
    del world.snapshots[snapshot.id]
    billing.close(world, snapshot.id, now)
