# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One scan of one section: look, compare, add, mark, empty the trash (§2.4, §3.3)."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from cloudburst_lab.plex_schema import Section

from . import naming, store, trash
from .activities import Activities, Activity
from .batches import chunks, gather
from .database import Database
from .logs import LOG
from .naming import Named
from .pool import ReadError, ScannerPool
from .scan_known import KnownFiles
from .scan_search import Found, Search, under
from .store import KIND_NAMES, KnownPart, NewFile
from .tuning import Tuning

CHECK_CHUNK = 20
WRITE_CHUNK = 200


@dataclass
class Outcome:
    """What a scan did; the items in ``changed`` still need metadata and analysis."""

    changed: list[int] = field(default_factory=list)
    added: int = 0
    deleted: int = 0
    emptied: int = 0
    offline: list[str] = field(default_factory=list)


class SectionScan:
    """A scan of a section, of one ``path`` in it, or of everything (``force``)."""

    def __init__(
        self,
        database: Database,
        pool: ScannerPool,
        activities: Activities,
        tuning: Tuning,
        section: Section,
        *,
        path: str | None = None,
        force: bool = False,
        empty_trash: bool = True,
    ) -> None:
        self._db = database
        self._pool = pool
        self._activities = activities
        self._tuning = tuning
        self._section = section
        self._kind = KIND_NAMES[section.type]
        self._path = path.rstrip("/") if path else None
        self._force = force
        self._empty_trash = empty_trash
        self._known = KnownFiles(pool, tuning)
        self._search = Search(database, pool, section)

    async def run(self, activity: Activity) -> Outcome:
        outcome = Outcome()
        parts = await self._db.write(
            lambda fill: store.known_parts(fill, self._section.id)
        )
        for location_id, root in self._section.locations:
            if self._path is None or under(self._path, root):
                await self._location(Found(location_id, root), parts, outcome, activity)
        await self._finish(outcome)
        return outcome

    async def _location(
        self,
        location: Found,
        parts: list[KnownPart],
        outcome: Outcome,
        activity: Activity,
    ) -> None:
        start = self._path or location.root
        if not await self._online(location):
            outcome.offline.append(location.root)
            return
        known = [part for part in parts if under(part.file, start)]
        await self._compare(known, outcome)
        if self._force or self._path:
            await self._search.everything(location, start, activity)
        else:
            await self._search.changed(location, activity)
        await self._add_new(location, known, outcome, activity)
        await self._db.write(lambda fill: self._remember(fill, location))

    async def _online(self, location: Found) -> bool:
        """A root that cannot be listed is offline and loses nothing (§2.5)."""
        try:
            await self._pool.call(
                "list", location.root, deadline=self._tuning.read_deadline
            )
        except ReadError as error:
            LOG.warning("Scanner: location %s is unavailable: %s", location.root, error)
            await self._db.write(lambda fill: store.set_unavailable(fill, location.id))
            return False
        return True

    # --- what is known -------------------------------------------------------------

    async def _compare(self, known: list[KnownPart], outcome: Outcome) -> None:
        """Check every known file: gone, back or changed."""
        tasks = [self._known.check(chunk) for chunk in chunks(known, CHECK_CHUNK)]
        gone: list[int] = []
        back: list[int] = []
        changed: list[tuple[KnownPart, int, int]] = []
        for part, seen in [pair for done in await gather(tasks) for pair in done]:
            if seen is None:
                if not part.deleted:
                    gone.append(part.id)
                    LOG.debug('Scanner: file is gone: "%s"', part.file)
                continue
            if part.deleted:
                back.append(part.id)
            if (part.size, part.mtime) != seen:
                changed.append((part, *seen))
        outcome.changed += [part.metadata_id for part, _, _ in changed]
        if gone or back or changed:
            outcome.deleted += await self._db.write(
                lambda fill: self._write_compared(fill, gone, back, changed)
            )

    def _write_compared(
        self,
        fill: store.Filler,
        gone: list[int],
        back: list[int],
        changed: list[tuple[KnownPart, int, int]],
    ) -> int:
        trash.restore(fill, back)
        for part, size, mtime in changed:
            store.refile(fill, part, size, mtime)
        return trash.soft_delete(fill, self._section.id, gone) if gone else 0

    # --- what is new ---------------------------------------------------------------

    async def _add_new(
        self,
        location: Found,
        known: list[KnownPart],
        outcome: Outcome,
        activity: Activity,
    ) -> None:
        have = {part.file for part in known}
        new = [path for path in location.files if location.join(path) not in have]
        done = 0
        for chunk in chunks(new, WRITE_CHUNK if len(new) > WRITE_CHUNK else 10):
            named = await gather([self._name(location, path) for path in chunk])
            files = [file for file in named if file is not None]
            await self._write_new(files, outcome)
            done += len(chunk)
            self._activities.update(activity, done, len(new), activity.subtitle)

    async def _write_new(self, files: list[NewFile], outcome: Outcome) -> None:
        section = self._section

        def work(fill: store.Filler) -> None:
            adder = store.Adder(fill, section)
            for file in files:
                added = adder.add(file)
                trash.revive(fill, added.leaf_id)
                outcome.changed += dict.fromkeys((*added.created, added.leaf_id))
            if files:
                store.touch(fill, section.id)

        await self._db.write(work)
        outcome.added += len(files)

    async def _name(self, location: Found, relative: str) -> NewFile | None:
        """Name one new file, reading it where its section's scanner does."""
        path = location.join(relative)
        size, mtime = location.files[relative]
        try:
            facts = await self._pool.call(
                "probe",
                path,
                self._kind,
                self._tuning.probe if self._kind == "artist" else "head",
                seconds=self._tuning.scan_item,
                deadline=max(self._tuning.read_deadline, 60.0),
            )
        except ReadError as error:
            LOG.warning("Scanner: cannot read new file %s", error)
            location.failed.add(posixpath.dirname(relative))
            return None
        named = self._named(relative, facts)
        if named is None:
            LOG.debug('Scanner: "%s" names no episode', path)
            return None
        LOG.debug('Scanner: new file "%s"', path)
        return NewFile(path, named, size, mtime)

    def _named(self, relative: str, facts: dict[str, object]) -> Named | None:
        if self._kind == "artist":
            return naming.track(relative, facts)
        if self._kind == "show":
            return naming.episode(relative)
        if self._kind == "photo":
            return naming.photo(relative)
        plain = self._section.agent.endswith(".none")
        return naming.video_file(relative) if plain else naming.movie(relative)

    # --- the end -------------------------------------------------------------------

    def _remember(self, fill: store.Filler, location: Found) -> None:
        times = {p: t for p, t in location.times.items() if p not in location.failed}
        store.remember_directories(fill, self._section.id, times)
        store.forget_directories(fill, self._section.id, location.gone)

    async def _finish(self, outcome: Outcome) -> None:
        section_id = self._section.id
        online = [
            i for i, root in self._section.locations if root not in outcome.offline
        ]
        if self._empty_trash and not outcome.offline:
            outcome.emptied = await self._db.write(
                lambda fill: trash.empty(fill, section_id)
            )

        def work(fill: store.Filler) -> None:
            if outcome.deleted or outcome.emptied:
                store.touch(fill, section_id)
            store.finish_scan(fill, section_id, online)

        await self._db.write(work)
