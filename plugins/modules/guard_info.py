#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: guard_info
short_description: What the guard of the media mount says
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Reads the status and the journal of the guard that stops Plex when the media mount goes bad.
  - Any phase may ask for the fences since a moment of its own, with O(since).
  - Only reads. A guard whose status is old, or whose process is gone, is V(dead), never healthy. When the guard dies while Plex is
    fenced, Plex stays fenced.
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  journal:
    description:
      - The guard's journal.
    type: path
    default: /srv/cloudburst/guard.jsonl
  status:
    description:
      - The guard's status of the moment.
    type: path
    default: /run/cloudburst/guard.json
  since:
    description:
      - Moment, in seconds of the burst host's clock, from which on RV(fenced_seconds_since) and RV(overlapping) count.
    type: float
    default: 0.0
"""

EXAMPLES = r"""
- name: Remember when the scan begins
  cloudburst.plex.guard_info:
  register: before

- name: See whether Plex was fenced meanwhile
  cloudburst.plex.guard_info:
    since: "{{ before.time }}"
  register: guard
  until: not guard.fenced
  retries: 60
  delay: 5
"""

RETURN = r"""
state:
  description:
    - V(watching) Plex runs and the mount delivers; V(fencing) the mount is bad and some process of Plex still runs, the guard goes on stopping
      them; V(fenced) Plex is stopped until bytes come; V(stopped) the guard was asked to end; V(dead) it ended without a word; V(absent)
      none has run here.
  returned: always
  type: str
  sample: watching
fenced:
  description: Whether Plex is stopped. It stays so when the guard dies. Not yet while the state is V(fencing).
  returned: always
  type: bool
  sample: false
verdict:
  description: What the guard thinks of the mount, see M(cloudburst.plex.mount_health).
  returned: always
  type: str
  sample: healthy
message:
  description: The reason in words.
  returned: always
  type: str
  sample: 65536 bytes in 14 ms
proof_age:
  description: Seconds since a guard that watches has last read right bytes from where Plex reads; null without a proof, or without such a guard.
  returned: always
  type: float
  sample: 1.4
fences:
  description: All times that Plex was fenced, from the last proof of the mount before it on; the end is null while it lasts.
  returned: always
  type: list
  elements: dict
  sample:
    - begin: 1763690000.5
      end: 1763690009.1
      verdict: stale
      message: "statvfs: the mount's process is gone (Transport endpoint is not connected)"
overlapping:
  description: Those of RV(fences) that did not end before O(since).
  returned: always
  type: list
  elements: dict
  sample: []
fenced_seconds_since:
  description: Seconds that Plex was fenced since O(since).
  returned: always
  type: float
  sample: 8.6
time:
  description: The burst host's clock, for the next O(since).
  returned: always
  type: float
  sample: 1763690100.25
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._guard_journal import (
    GuardFiles,
    fenced_seconds,
    overlapping,
)


def look(params: t.Mapping[str, t.Any], now: float) -> dict[str, t.Any]:
    """The module's result."""
    report, held = GuardFiles(params["journal"], params["status"]).look(now)
    since = params["since"]
    return {
        "changed": False,
        "state": report.state,
        "fenced": report.fenced,
        "verdict": report.verdict,
        "message": report.message,
        "proof_age": report.good_until and max(0.0, now - report.good_until),
        "fences": [fence.as_dict() for fence in held],
        "overlapping": [fence.as_dict() for fence in overlapping(held, since)],
        "fenced_seconds_since": fenced_seconds(held, since, now),
        "time": now,
    }


def main() -> None:
    """Wire arguments, look and result."""
    module = AnsibleModule(
        argument_spec={
            "journal": {"type": "path", "default": "/srv/cloudburst/guard.jsonl"},
            "status": {"type": "path", "default": "/run/cloudburst/guard.json"},
            "since": {"type": "float", "default": 0.0},
        },
        supports_check_mode=True,
    )
    try:
        result = look(module.params, time.time())
    except OSError as exc:
        # A journal that cannot be read is no empty journal.
        module.fail_json(msg=f"The guard's journal cannot be read: {exc}")
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
