#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_progress
short_description: One sample of what a Plex server has done and is doing
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Counts, in the database pair and read-only, the items of the given libraries by type, what is marked as deleted, analysed, without
    thumbnail, and Sonic-analysed; asks the server for its activities and Docker for the container's load.
  - The costly counters (C(sonic_done), C(thumbs_missing) and C(refreshed) of RV(sample)) need a pass over all items. They are counted
    again when that takes no more than five percent of the time since the last pass; in between C(sonic_done) follows the new
    vectors. Hand the last sample back in as O(previous).
  - A database that cannot be read fails the task with the reason. It is never counted as zero.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.plex_api
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  databases:
    description:
      - Folder of the database pair.
    type: path
    required: true
  sections:
    description:
      - Ids of the libraries to count. All when empty.
    type: list
    elements: int
    default: []
  container:
    description:
      - Name of the container that Plex runs in; its load is left out when this is not set.
    type: str
  api:
    description:
      - Whether to ask the server for its activities. Without it, C(busy) and C(settled) are null.
    type: bool
    default: true
  previous:
    description:
      - The sample before this one.
    type: dict
    default: {}
  state_file:
    description:
      - File on the target that keeps the last sample from call to call. It is read when O(previous) is empty, and replaced in one step.
        Needed with C(until), which gives every attempt the same arguments. Remove it where a new phase begins.
    type: path
  guard_journal:
    description:
      - Journal of the guard that stops Plex while its media mount is bad, see M(cloudburst.plex.guard_info). A stopped Plex answers nobody, so
        it is not asked, and the time in which it was stopped does not count as standing still. Not looked at when it is not set.
    type: path
  guard_status:
    description:
      - The guard's status of the moment.
    type: path
    default: /run/cloudburst/guard.json
  looks:
    description:
      - How many looks to take within this call, each with the one before it as previous. The last one is returned.
    type: int
    default: 1
  pause:
    description:
      - Seconds between two looks.
    type: float
    default: 2.0
  since:
    description:
      - Count items whose metadata was refreshed at or after this time (seconds since 1970) as C(refreshed).
    type: int
  cpu_idle:
    description:
      - Percent of one CPU core that the container may use and still count as quiet. Not looked at when it is not set.
    type: float
  full:
    description:
      - Whether to count the costly counters. V(auto) as described above.
    type: str
    choices: [auto, always, never]
    default: auto
seealso:
  - module: cloudburst.plex.plex_task
"""

EXAMPLES = r"""
- name: Wait until the library has settled
  cloudburst.plex.plex_progress:
    databases: "{{ plex_databases }}"
    sections: [1]
    container: cloudburst-plex
    token: "{{ plex_token }}"
    state_file: /srv/cloudburst/logs/progress.json
  register: progress
  until: progress.sample.settled or progress.sample.still_seconds > 900
  retries: 240
  delay: 30
"""

RETURN = r"""
sample:
  description:
    - The sample. C(sections) maps the library's id (as text) to its counters; C(analysed) are live items without media that waits for
      analysis; C(sonic_done) are tracks that carry Plex's marker and C(sonic_vectors) those with a vector.
    - C(busy) tells that Plex works on something (its permanent idle Butler row does not count), C(moved) what changed since O(previous),
      C(quiet_streak) how many looks in a row found nothing going on and nothing moved, C(settled) that there were two,
      C(still_seconds) how long no counter has moved, C(baseline) what the first sample counted, C(fenced_seconds) how long Plex was stopped
      by the guard since then, C(guard) what the guard says now.
    - C(cpu_percent) is of one CPU core, so that four busy cores give 400, between the last two looks, or over a second at the first one;
      C(memory_limit_bytes) is null without a limit of the container's own.
  returned: success
  type: dict
  sample:
    time: 1763690000.0
    busy: true
    settled: false
    quiet_streak: 0
    still_since: 1763690000.0
    still_seconds: 0.0
    fenced_seconds: 0.0
    guard: {"state": "watching", "fenced": false, "message": "65536 bytes in 14 ms"}
    cpu_percent: 187.5
    butler: {"running": []}
    moved: {"1": {"leaves": 12}}
    full_at: 1763690000.0
    full_seconds: 0.4
    last_blob_id: 81035
    activities:
      - type: library.update.section
        kind: scan
        title: Scanning Movies
        subtitle: Films d'auteur
        progress: 40
        section: 1
        uuid: 0d3e4a52-6a5e-4f0a-9a9c-54d5c1f6a001
    container: {"running": true, "status": "running", "oom_killed": false, "restarts": 0, "cpu_percent": 187.5, "memory_bytes": 812646400,
      "memory_limit_bytes": 8589934592, "exit_code": null}
    sections:
      "1":
        id: 1
        name: Movies
        type: movie
        leaves: {"movie": 224, "episode": 0, "track": 0, "photo": 0}
        live: 224
        deleted: 0
        media: 230
        analysed: 212
        thumbs_missing: 3
        refreshed: 0
        sonic_total: 0
        sonic_done: 0
        sonic_vectors: 0
        scanned_at: 1763680000
        refreshing: true
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._container import (
    ContainerUnknown,
    DockerCli,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    GuardFiles,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_counters import (
    CountersUnreadable,
    PlexCounters,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_module import (
    plex_api,
    plex_argument_spec,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexError,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._progress import (
    SampleFile,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._sampler import Sampler


def main() -> None:
    """Wire arguments, sampler and result."""
    module = AnsibleModule(
        argument_spec=plex_argument_spec(
            databases={"type": "path", "required": True},
            sections={"type": "list", "elements": "int", "default": []},
            container={"type": "str"},
            api={"type": "bool", "default": True},
            previous={"type": "dict", "default": {}},
            state_file={"type": "path"},
            guard_journal={"type": "path"},
            guard_status={"type": "path", "default": "/run/cloudburst/guard.json"},
            looks={"type": "int", "default": 1},
            pause={"type": "float", "default": 2.0},
            since={"type": "int"},
            cpu_idle={"type": "float"},
            full={
                "type": "str",
                "choices": ["auto", "always", "never"],
                "default": "auto",
            },
        ),
        supports_check_mode=True,
    )
    params = dict(module.params)
    api = plex_api(module) if params["api"] else None
    guard = None
    if params["guard_journal"]:
        guard = GuardFiles(params["guard_journal"], params["guard_status"])
    counters = PlexCounters(params["databases"])
    sampler = Sampler(counters, api, DockerCli(), guard=guard)
    memory = SampleFile(params["state_file"])
    try:
        params["previous"] = params["previous"] or memory.load()
        sample = sampler.looks(params)
        if not module.check_mode:
            memory.save(sample)
    except (PlexError, CountersUnreadable, ContainerUnknown, OSError) as exc:
        module.fail_json(msg=str(exc), error_kind=type(exc).__name__)
    else:
        module.exit_json(changed=False, sample=sample)


if __name__ == "__main__":
    main()
