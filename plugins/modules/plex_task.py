#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_task
short_description: Start or stop work in a Plex server
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Starts or stops a scan, a media analysis, a Butler task, or empties the trash. Plex queues the work and answers at once; watch it with
    M(cloudburst.plex.plex_progress).
  - Sonic analysis is the Butler task C(MusicAnalysis). C(analyze) does not start it.
  - Starting a Butler task that already runs changes nothing (RV(status=already_running)), which makes starting it again a way to see
    whether it still runs.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.plex_api
  - cloudburst.plex.plex_count
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  kind:
    description:
      - The kind of work. V(refresh) scans a library for files, V(analyze) analyses its media, V(butler) is a maintenance task, V(empty_trash)
        deletes for good what a scan marked as deleted.
    type: str
    required: true
    choices: [refresh, analyze, butler, empty_trash]
  section:
    description:
      - Id of the library. Needed by all kinds but V(butler).
    type: int
  path:
    description:
      - With O(kind=refresh), scan only this folder, as the server sees it.
    type: str
  force:
    description:
      - With O(kind=refresh), also download all metadata again. Slow, and never part of an analysis.
    type: bool
    default: false
  task:
    description:
      - Name of the Butler task. With O(state=cancelled), no name means all of them.
    type: str
  keep_trash:
    description:
      - With O(kind=refresh), have the server keep its trash first (C(autoEmptyTrash) off), and read that back. Without it nothing is
        started, for what a server empties by itself is gone for good.
    type: bool
    default: false
  state:
    description:
      - V(started) or V(cancelled). V(analyze) and V(empty_trash) can only be started.
    type: str
    choices: [started, cancelled]
    default: started
"""

EXAMPLES = r"""
- name: Scan the films
  cloudburst.plex.plex_task:
    kind: refresh
    section: 1
    keep_trash: true
    count:
      databases: "{{ plex_databases }}"
      sections: [1]
      state_file: /srv/cloudburst/progress-scan.json

- name: Start Sonic analysis
  cloudburst.plex.plex_task:
    kind: butler
    task: MusicAnalysis

- name: Stop all background work
  cloudburst.plex.plex_task:
    kind: butler
    state: cancelled
"""

RETURN = r"""
status:
  description: V(started), V(already_running), V(cancelled) or V(not_running).
  returned: success
  type: str
  sample: started
activity:
  description: Id of the activity, when Plex gave one; else empty.
  returned: success
  type: str
  sample: ""
sample:
  description: What O(count) counted before the start, as of M(cloudburst.plex.plex_progress).
  returned: with O(count)
  type: dict
  sample: {"time": 1763690000.0, "sections": {"1": {"name": "Movies", "live": 224, "deleted": 0}}}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._http import HttpReply
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_api import PlexApi
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_module import (
    plex_api,
    plex_argument_spec,
    run_module,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_preferences import (
    apply_preferences,
    close_names,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexNotFound,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._sampler import (
    COUNT_SPEC,
    counted_first,
)

KEEPS_TRASH = {"autoEmptyTrash": False}


class TaskRunner:
    """One start or stop."""

    def __init__(self, api: PlexApi, check_mode: bool) -> None:
        self.api = api
        self.check_mode = check_mode

    def run(self, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The module's result."""
        if params["keep_trash"]:
            apply_preferences(self.api, KEEPS_TRASH, check_mode=self.check_mode)
        count = params["count"]
        return counted_first(
            self.api, count, self.check_mode, lambda: self._act(params)
        )

    def _act(self, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        if params["kind"] == "butler":
            return self._butler(params["task"], params["state"])
        if params["kind"] == "refresh":
            return self._refresh(params)
        if self.check_mode:
            return _result("started")
        act = self.api.analyze
        if params["kind"] == "empty_trash":
            act = self.api.empty_trash
        return _result("started", act(params["section"]))

    def _refresh(self, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        number = params["section"]
        refreshing = self._section_refreshes(number)
        if params["state"] == "cancelled":
            if not refreshing:
                return _result("not_running")
            if self.check_mode:
                return _result("cancelled")
            return _result("cancelled", self.api.cancel_refresh(number))
        # A scan of another folder, or a forced one, is new work all the same.
        if refreshing and not params["path"] and not params["force"]:
            return _result("already_running")
        if self.check_mode:
            return _result("started")
        reply = self.api.refresh(number, params["force"], params["path"])
        return _result("started", reply)

    def _section_refreshes(self, number: int) -> bool:
        for section in self.api.sections():
            if section.id == number:
                return section.refreshing
        raise PlexNotFound(f"Plex has no library with id {number}")

    def _butler(self, task: str | None, state: str) -> dict[str, t.Any]:
        if self.check_mode:
            self._known_task(task)
            return _result(state)
        if state == "cancelled":
            reply = self.api.stop_butler(task)
            return _result("not_running" if reply.status == 404 else "cancelled", reply)
        reply = self.api.start_butler(str(task))
        if reply.status == 404:
            self._known_task(task)
            raise PlexNotFound(f"Plex lists the Butler task {task} but answered 404")
        return _result("already_running" if reply.status == 202 else "started", reply)

    def _known_task(self, task: str | None) -> None:
        names = [str(row.get("name")) for row in self.api.butler_tasks()]
        if task is not None and task not in names:
            raise PlexNotFound(
                f"{task}: this server has no such Butler task{close_names(task, names)}"
            )


def _result(status: str, reply: HttpReply | None = None) -> dict[str, t.Any]:
    activity = reply.headers.get("x-plex-activity", "") if reply else ""
    changed = status in ("started", "cancelled")
    return {"changed": changed, "status": status, "activity": activity}


def main() -> None:
    """Wire arguments, task and result."""
    module = AnsibleModule(
        argument_spec=plex_argument_spec(
            kind={
                "type": "str",
                "required": True,
                "choices": ["refresh", "analyze", "butler", "empty_trash"],
            },
            section={"type": "int"},
            path={"type": "str"},
            force={"type": "bool", "default": False},
            task={"type": "str"},
            keep_trash={"type": "bool", "default": False},
            count=COUNT_SPEC,
            state={
                "type": "str",
                "choices": ["started", "cancelled"],
                "default": "started",
            },
        ),
        required_if=[
            ("kind", "refresh", ["section"]),
            ("kind", "analyze", ["section"]),
            ("kind", "empty_trash", ["section"]),
        ],
        supports_check_mode=True,
    )
    params = module.params
    started = params["state"] == "started"
    if params["kind"] == "butler" and started and not params["task"]:
        module.fail_json(msg="task is needed to start a Butler task")
    if params["kind"] in ("analyze", "empty_trash") and not started:
        module.fail_json(msg=f"kind={params['kind']} can only be started")
    runner = TaskRunner(plex_api(module), module.check_mode)
    run_module(module, lambda: runner.run(params))


if __name__ == "__main__":
    main()
