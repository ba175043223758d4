# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""What the guard's probes do: mount tables, reads where Plex reads, the store."""

from __future__ import annotations

import errno
import os
import random
import threading
import typing as t
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._fence import Container
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_sight import (
    Kind,
    Table,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_targets import (
    Choice,
    Targets,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import (
    FULL_READ,
    MountEntry,
    Probe,
    mount_at,
    parse_mountinfo,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_rc import RcSocket
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_read import (
    Report,
    read_block,
    some_file,
)

# From the store itself: every byte of it is paid for, and a few prove as much.
STORE_SIZE = 4096
# Probes of media stay in its beginning: their blocks fill the disk cache once.
SPAN = 16 << 20


@dataclass(frozen=True)
class Place:
    """Where a read goes: through Plex's container, or on the host."""

    root: str
    pid: int | None

    @property
    def inside(self) -> bool:
        """True when it goes through the container."""
        return self.pid is not None


class Eyes:
    """Makes the work of each kind of probe."""

    def __init__(
        self,
        mount_point: str,
        container_path: str,
        remote: str,
        rc_socket: str,
        container: Container,
        targets: Targets,
        rng: random.Random | None = None,
    ) -> None:
        self.mount_point = mount_point.rstrip("/")
        self.container_path = container_path.rstrip("/")
        self.remote = remote
        self.rc_socket = rc_socket
        self.container = container
        self.targets = targets
        self.rng = rng or random.Random()

    def place(self) -> Place:
        """Where Plex reads; the host while its container does not run."""
        pid = self.container.first() if self.container_path else None
        if pid is None:
            return Place(self.mount_point, None)
        return Place(f"{self.container.proc}/{pid}/root{self.container_path}", pid)

    def table(self) -> Table:
        """The mount tables of the host and of Plex's container."""
        entry = mount_at(self._mounts("self"), self.mount_point)
        place = self.place()
        hidden = False
        if entry is not None and place.pid is not None:
            # A container that is about to end has no mounts at all.
            there = self._mounts(str(place.pid))
            hidden = bool(there) and mount_at(there, self.container_path) is None
        if entry is None:
            return Table(inside=place.inside)
        return Table(
            True, entry.source, entry.fstype, entry.number, hidden, place.inside
        )

    def _mounts(self, pid: str) -> list[MountEntry]:
        try:
            name = f"{self.container.proc}/{pid}/mountinfo"
            with open(name, encoding="utf-8", errors="replace") as handle:
                return parse_mountinfo(handle.read())
        except OSError:
            return []

    def gone(self, place: Place) -> bool:
        """Whether a read failed because its container ended, and says nothing."""
        if place.pid is None:
            return False
        # The container's own root: no mount of the media is touched.
        root = f"{self.container.proc}/{place.pid}/root/"
        return self.place() != place or not os.path.exists(root)

    def work(
        self, kind: Kind, place: Place, choice: Choice, limit: float, own: float
    ) -> t.Callable[[], Report]:
        """What the child of one kind does; rclone has ``own`` seconds to say that it lives."""
        if kind == "statvfs":
            return lambda: {"blocks": os.statvfs(place.root).f_blocks}
        if kind == "store":
            return lambda: self._ask_store(choice, limit, own)
        return lambda: self._read(place, choice, limit)

    def _read(self, place: Place, choice: Choice, limit: float) -> Report:
        try:
            return self._bytes(place, choice)
        except FileNotFoundError as exc:
            return self._missing(exc, place, limit)
        except OSError as exc:
            if exc.errno != errno.EIO or (choice.read and choice.read.canary):
                raise
            return self._unreadable(exc, place, limit)

    def _bytes(self, place: Place, choice: Choice) -> Report:
        target, span = choice.read, None if choice.deep else SPAN
        if target is None:
            path = some_file(place.root, self.rng)
            report = read_block(path, FULL_READ, self.rng, None, span)
            return {**report, "found": os.path.relpath(path, place.root)}
        path = os.path.join(place.root, target.path)
        report = read_block(path, FULL_READ, self.rng, target.canary, span)
        if target.canary and report["length"] not in (0, target.size):
            # Half a canary has the right bytes, as far as it goes.
            report["matches"] = False
        return report

    def _missing(self, exc: FileNotFoundError, place: Place, limit: float) -> Report:
        """A file that FUSE does not know is no more only if the store says so too."""
        name = os.path.relpath(str(exc.filename), place.root)
        if name.split(os.sep)[0] in (os.curdir, os.pardir):
            raise exc
        probe = RcSocket(self.rc_socket, limit).reachable(self.remote, name)
        if probe.errno == errno.ENOENT:
            return {"gone": name}
        if probe.outcome != "ok":
            raise exc
        known = f"{name} is not there, although the store has it"
        raise FileNotFoundError(errno.ENOENT, known, exc.filename)

    def _unreadable(self, exc: OSError, place: Place, limit: float) -> Report:
        """One file that the store refuses, an archived one perhaps, is no bad mount.

        A store that refuses them all is found by what it is asked for itself.
        """
        name = os.path.relpath(str(exc.filename), place.root)
        rc = RcSocket(self.rc_socket, limit)
        probe = rc.fetch(self.remote, name, 0, STORE_SIZE)
        if probe.outcome != "error" or probe.dead:
            raise exc
        return {"gone": name, "why": f"is not given by the store ({probe.detail})"}

    def _ask_store(self, choice: Choice, limit: float, own: float) -> Report:
        """``operations/stat`` and bytes side by side; one that fails is enough."""
        awake = RcSocket(self.rc_socket, own).awake()
        if awake.outcome != "ok":
            return {"errno": awake.errno, "error": awake.detail, "file": ""}
        rc = RcSocket(self.rc_socket, limit)
        target = choice.store
        name = target.path if target else ""
        got = [Probe("ok")]

        def get() -> None:
            if target is not None:
                room = max(0, min(target.size or SPAN, SPAN) - STORE_SIZE)
                offset = self.rng.randint(0, room)
                wanted = (self.remote, name, offset, STORE_SIZE, target.canary)
                got[0] = rc.fetch(*wanted)

        beside = threading.Thread(target=get)
        beside.start()
        stat = rc.reachable(self.remote, name)
        beside.join()
        return store_report(name, stat, got[0])


def store_report(name: str, stat: Probe, got: Probe) -> Report:
    """The worst of the two answers as a report."""
    failed = [probe for probe in (stat, got) if probe.outcome != "ok"]
    if not failed:
        return {"slowest": max(stat.ms, got.ms)}
    # An object that is not there is no trouble of the store, anything else is: one
    # that it knows and does not deliver, for example.
    if stat.errno == errno.ENOENT and (got.outcome == "ok" or got.errno == stat.errno):
        return {"gone": name}
    worst = failed[-1] if stat.errno == errno.ENOENT else failed[0]
    return {"errno": worst.errno, "error": worst.detail or worst.outcome, "file": ""}
