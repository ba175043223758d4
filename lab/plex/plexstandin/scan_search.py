# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for files at a scan: which directories are listed, and what is in them.

A known directory whose mtime is the one seen before is not searched, so on an object store
(where mtimes are constant) what appears inside it is only found by ``path=`` or ``force=1``.
"""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field

from cloudburst_lab.plex_schema import Section

from . import naming, store
from .activities import Activity
from .batches import chunks
from .database import Database
from .logs import LOG
from .pool import ReadError, ScannerPool
from .store import KIND_NAMES

STAT_CHUNK = 200


@dataclass
class Found:
    """What was found below one location."""

    id: int
    root: str
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)  # of searched directories
    gone: list[str] = field(default_factory=list)  # directories
    failed: set[str] = field(default_factory=set)  # directories not wholly read

    def join(self, relative: str) -> str:
        return posixpath.join(self.root, relative) if relative else self.root


def under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


class Search:
    """Looks for files below the locations of a section."""

    def __init__(self, database: Database, pool: ScannerPool, section: Section) -> None:
        self._db = database
        self._pool = pool
        self._section = section
        self._kind = KIND_NAMES[section.type]

    async def changed(self, location: Found, activity: Activity) -> None:
        """List the root and the known directories whose mtime moved."""
        known = await self._db.write(
            lambda fill: store.known_directories(fill, self._section.id)
        )
        paths = [path for path in known if path]
        times: dict[str, int | None] = {"": None}
        for chunk in chunks(paths, STAT_CHUNK):
            full = [location.join(path) for path in chunk]
            seen = await self._pool.call("times", full)
            times.update(zip(chunk, seen, strict=True))
        for path, mtime in times.items():
            if path and mtime is None:
                location.gone.append(path)
            elif not path or mtime != known[path]:
                await self._walk(location, path, activity, known=set(known))
                if mtime is not None:
                    location.times[path] = mtime
        if len(self._section.locations) > 1:
            location.gone.clear()  # it may be another location's directory

    async def everything(self, location: Found, start: str, activity: Activity) -> None:
        """List everything below ``start``, whatever is known."""
        relative = posixpath.relpath(start, location.root)
        relative = "" if relative == "." else relative
        (mtime,) = await self._pool.call("times", [start])
        if mtime is not None:
            location.times[relative] = mtime
        await self._walk(location, relative, activity)
        known = await self._db.write(
            lambda fill: store.known_directories(fill, self._section.id)
        )
        if len(self._section.locations) == 1:
            below = [p for p in known if p and under(p, relative or p)]
            location.gone += [p for p in below if p not in location.times]

    async def _walk(
        self,
        location: Found,
        relative: str,
        activity: Activity,
        known: Iterable[str] = (),
    ) -> None:
        """List a directory and those below it, but for the ones in ``known``."""
        activity.subtitle = posixpath.basename(relative)
        try:
            entries = await self._pool.call("list", location.join(relative))
        except ReadError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                LOG.warning("Scanner: cannot list %s", error)
                location.failed.add(relative)
            return
        for name, is_dir, size, mtime in entries:
            path = posixpath.join(relative, name)
            if not is_dir:
                if naming.wanted(self._kind, path):
                    location.files[path] = (size, mtime)
            elif path not in known and not name.startswith("."):
                location.times[path] = mtime
                await self._walk(location, path, activity, known)
