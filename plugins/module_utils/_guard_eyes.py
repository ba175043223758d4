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
from dataclasses import dataclass, field

from ansible_collections.cloudburst.plex.plugins.module_utils._fence import Container
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_sight import (
    Kind,
    Table,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import (
    MountEntry,
    Probe,
    mount_at,
    parse_mountinfo,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_probe import (
    Report,
    read_block,
    some_file,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_rc import RcSocket

SIZE = 65536
# From the store itself: every byte of it is paid for, and a few prove as much.
STORE_SIZE = 4096
# Probes of media stay in its beginning: their blocks fill the disk cache once.
SPAN = 16 << 20
MOST_FILES = 12
# One read in so many looks for another file, until there are enough.
SEARCH_ONE_IN = 4


@dataclass(frozen=True)
class Target:
    """The file of one round."""

    path: str
    canary: str | None = None
    size: int = 0


@dataclass
class Targets:
    """The canary, or files of the media where the bucket takes no canary."""

    canary: Target | None
    media: dict[str, Target] = field(default_factory=dict)

    def choose(self, rng: random.Random) -> Target | None:
        """The file to read; None looks for one."""
        if self.canary:
            return self.canary
        search = len(self.media) < MOST_FILES and not rng.randrange(SEARCH_ONE_IN)
        return None if search or not self.media else rng.choice([*self.media.values()])

    def learn(self, path: str, size: int) -> None:
        """A file that a search found."""
        if len(self.media) < MOST_FILES:
            self.media.setdefault(path, Target(path, None, size))

    def drop(self, path: str) -> None:
        """A file that is no more; the bucket's owner may delete what he likes."""
        self.media.pop(path, None)
        if self.canary and self.canary.path == path:
            self.canary = None


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
        self, kind: Kind, place: Place, target: Target | None, limit: float
    ) -> t.Callable[[], Report]:
        """What the child of one kind does."""
        if kind == "statvfs":
            return lambda: {"blocks": os.statvfs(place.root).f_blocks}
        if kind == "store":
            return lambda: self._ask_store(target, limit)
        return lambda: self._read(place, target)

    def _read(self, place: Place, target: Target | None) -> Report:
        if target is None:
            path = some_file(place.root, self.rng)
            report = read_block(path, SIZE, self.rng, None, SPAN)
            return {**report, "found": os.path.relpath(path, place.root)}
        path = os.path.join(place.root, target.path)
        return read_block(path, SIZE, self.rng, target.canary, SPAN)

    def _ask_store(self, target: Target | None, limit: float) -> Report:
        """``operations/stat`` and bytes side by side; one that fails is enough."""
        rc = RcSocket(self.rc_socket, limit)
        name = target.path if target else ""
        answers: list[Probe] = []

        def get() -> None:
            if target is not None:
                room = max(0, min(target.size or SPAN, SPAN) - STORE_SIZE)
                offset = self.rng.randint(0, room)
                wanted = (self.remote, name, offset, STORE_SIZE, target.canary)
                answers.append(rc.fetch(*wanted))

        beside = threading.Thread(target=get)
        beside.start()
        answers.append(rc.reachable(self.remote, name))
        beside.join()
        return store_report(answers)


def store_report(answers: t.Sequence[Probe]) -> Report:
    """The worst of the answers as a report."""
    failed = [probe for probe in answers if probe.outcome != "ok"]
    if not failed:
        return {"slowest": max(probe.ms for probe in answers)}
    # An object that is not there is no trouble of the store, anything else is.
    worst = next((p for p in failed if p.errno != errno.ENOENT), failed[0])
    return {"errno": worst.errno, "error": worst.detail or worst.outcome, "file": ""}
