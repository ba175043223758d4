#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: burst_journal
short_description: Record in the burst's journal what is done
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Appends a record to the journal on the burst host, so that a run that starts again, even from another controller, knows what is done.
  - One JSON object a line, forced to disk. A record that repeats the last one of its phase and key is not written again.
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  path:
    description:
      - The journal.
    type: path
    default: /srv/cloudburst/journal.jsonl
  state:
    description:
      - V(present) has the record in the journal.
    type: str
    choices: [present]
    default: present
  phase:
    description:
      - Phase of the burst, such as V(scan).
    type: str
    required: true
  key:
    description:
      - What within the phase, such as a library's id.
    type: str
    default: all
  status:
    description:
      - What became of it.
    type: str
    choices: [started, done, failed, skipped]
    default: done
  data:
    description:
      - Anything worth keeping with it. No secrets.
    type: dict
    default: {}
seealso:
  - module: cloudburst.plex.burst_journal_info
"""

EXAMPLES = r"""
- name: The films are scanned
  cloudburst.plex.burst_journal:
    phase: scan
    key: "1"
    data:
      added: 12
"""

RETURN = r"""
record:
  description: The record as it stands in the journal.
  returned: success
  type: dict
  sample: {"time": 1763690000.123, "phase": "scan", "key": "1", "status": "done", "data": {"added": 12}}
torn:
  description: Lines of the journal that are no records, with their numbers.
  returned: success
  type: list
  elements: str
  sample: []
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._journal import (
    STATUSES,
    Journal,
    JournalUnreadable,
    same,
)


def record_once(
    journal: Journal, wanted: dict[str, t.Any], check_mode: bool
) -> dict[str, t.Any]:
    """Append unless the journal says so already."""
    view = journal.read()
    last = view.last().get((wanted["phase"], wanted["key"]))
    changed = not same(last, wanted)
    record = last if last and not changed else wanted
    if changed and not check_mode:
        record = journal.append(wanted)
    return {"changed": changed, "record": record, "torn": list(view.torn)}


def main() -> None:
    """Wire arguments, journal and result."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/srv/cloudburst/journal.jsonl"},
            "state": {"type": "str", "choices": ["present"], "default": "present"},
            "phase": {"type": "str", "required": True},
            "key": {"type": "str", "default": "all", "no_log": False},
            "status": {"type": "str", "choices": list(STATUSES), "default": "done"},
            "data": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    wanted = {k: module.params[k] for k in ("phase", "key", "status", "data")}
    try:
        result = record_once(Journal(module.params["path"]), wanted, module.check_mode)
    except JournalUnreadable as exc:
        module.fail_json(msg=str(exc))
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
