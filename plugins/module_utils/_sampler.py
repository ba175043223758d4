# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Samples of what a Plex server has done: database, server and Docker in one look."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.cloudburst.plex.plugins.module_utils._container import (
    DockerCli,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    GuardFiles,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_activity import (
    activities_of,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_api import PlexApi
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_counters import (
    CountersUnreadable,
    PlexCounters,
    SectionRow,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexError,
    PlexNotFound,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._progress import (
    GuardView,
    Sample,
    SampleFile,
    assemble,
    fenced_sample,
    full_pass_due,
    section_sample,
)


class Sampler:
    """Takes one sample from the database, the server and Docker."""

    def __init__(
        self,
        counters: PlexCounters,
        api: PlexApi | None,
        docker: DockerCli,
        clock: t.Callable[[], float] = time.time,
        guard: GuardFiles | None = None,
    ) -> None:
        self.guard = guard
        self.counters = counters
        self.api = api
        self.docker = docker
        self.clock = clock

    def looks(
        self, params: dict[str, t.Any], sleep: t.Callable[[float], None] = time.sleep
    ) -> Sample:
        """As many samples as asked for, each knowing the one before."""
        sample = self.sample(params)
        for _look in range(1, params["looks"]):
            sleep(params["pause"])
            sample = self.sample({**params, "previous": sample})
        return sample

    def sample(self, params: t.Mapping[str, t.Any]) -> Sample:
        """One sample."""
        previous = params["previous"]
        now = self.clock()
        guard = self._guard(now)
        if guard.fenced and self.api is not None and previous.get("baseline"):
            # A stopped Plex answers nobody.
            return fenced_sample(now, previous, guard)
        rows = self._chosen(params["sections"])
        activities, refreshing = self._doing([row.id for row in rows])
        container = params["container"]
        state = self.docker.state(container) if container else None
        sections, marks = self._counted(rows, refreshing, params, now)
        sample = assemble(
            now,
            sections,
            activities,
            refreshing,
            state,
            previous,
            params["cpu_idle"],
            guard,
        )
        if self.api is None:
            sample.update(busy=None, settled=None, quiet_streak=0)
        return {**sample, **marks}

    def _guard(self, now: float) -> GuardView:
        if self.guard is None:
            return GuardView()
        report, held = self.guard.look(now)
        stopped = report.fenced or report.state == "fencing"
        return GuardView(report.state, stopped, report.message, tuple(held))

    def _chosen(self, wanted: t.Sequence[int]) -> list[SectionRow]:
        rows = {row.id: row for row in self.counters.sections()}
        missing = [number for number in wanted if number not in rows]
        if missing:
            known = ", ".join(f"{row.id} {row.name}" for row in rows.values())
            raise PlexNotFound(f"No library has the id {missing[0]} (known: {known})")
        return [rows[number] for number in wanted] if wanted else list(rows.values())

    def _doing(self, ids: t.Collection[int]) -> tuple[list[t.Any], set[int]]:
        if self.api is None:
            return [], set()
        found = self.api.sections()
        refreshing = {x.id for x in found if x.refreshing and x.id in ids}
        return activities_of(self.api.activities()), refreshing

    def _counted(
        self,
        rows: t.Sequence[SectionRow],
        refreshing: t.Collection[int],
        params: t.Mapping[str, t.Any],
        now: float,
    ) -> tuple[dict[int, dict[str, t.Any]], dict[str, t.Any]]:
        previous = params["previous"]
        before = previous.get("sections") or {}
        ids = [row.id for row in rows]
        wanted = params["full"]
        due = full_pass_due(previous, now) or any(str(x) not in before for x in ids)
        full = None
        if wanted == "always" or (wanted == "auto" and due):
            full = self.counters.full(ids, params["since"])
        # A full pass also recounts the vectors, so that deletions show.
        last = 0 if full or not before else int(previous.get("last_blob_id") or 0)
        vectors = self.counters.vectors(ids, last)
        quick = self.counters.quick(ids)
        sections = {}
        for row in rows:
            old = before.get(str(row.id)) or {}
            kept = int(old.get("sonic_vectors", 0)) if last else 0
            count = kept + vectors.by_section.get(row.id, 0)
            sections[row.id] = section_sample(
                row, quick, full, count, old, row.id in refreshing
            )
        marks = {
            "last_blob_id": vectors.last_id,
            "full_at": now if full else previous.get("full_at"),
            "full_seconds": full.seconds if full else previous.get("full_seconds"),
        }
        return sections, marks


#: option ``count`` of the modules that start work (doc fragment plex_count)
COUNT_SPEC: dict[str, t.Any] = {
    "type": "dict",
    "options": {
        "databases": {"type": "path", "required": True},
        "sections": {"type": "list", "elements": "int", "default": []},
        "state_file": {"type": "path"},
    },
}


def counted_first(
    api: PlexApi,
    count: t.Mapping[str, t.Any] | None,
    check_mode: bool,
    start: t.Callable[[], dict[str, t.Any]],
) -> dict[str, t.Any]:
    """What ``start`` returns, with the ``sample`` that was taken before it."""
    if not count:
        return start()
    sampler = Sampler(PlexCounters(count["databases"]), api, DockerCli())
    # No previous one: an earlier phase is forgotten.
    params: dict[str, t.Any] = {"previous": {}, "full": "auto", "since": None}
    load = {"container": None, "cpu_idle": None}
    try:
        sample = sampler.sample({**params, **load, "sections": count["sections"]})
        if not check_mode:
            SampleFile(count["state_file"]).save(sample)
    except (CountersUnreadable, OSError) as exc:
        raise PlexError(f"Nothing was started: {exc}") from exc
    return {**start(), "sample": sample}
