#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: burst_journal_info
short_description: Read the burst's journal
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Reads the journal on the burst host. A journal that is not there yet is empty; one that cannot be read is a failure.
  - A line that was cut, by a power loss say, is reported in RV(torn) and not believed.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.info_module
options:
  path:
    description:
      - The journal.
    type: path
    default: /srv/cloudburst/journal.jsonl
seealso:
  - module: cloudburst.plex.burst_journal
"""

EXAMPLES = r"""
- name: What is done already
  cloudburst.plex.burst_journal_info:
  register: journal

- name: Libraries that still have to be scanned
  ansible.builtin.debug:
    msg: "{{ plan.sections | map(attribute='id') | map('string') | difference(journal.done.scan | default([])) }}"
"""

RETURN = r"""
records:
  description: All records, oldest first.
  returned: success
  type: list
  elements: dict
  sample:
    - {"time": 1763690000.123, "phase": "scan", "key": "1", "status": "done", "data": {}}
done:
  description: Keys, per phase, whose last record is C(done) or C(skipped).
  returned: success
  type: dict
  sample: {"scan": ["1"]}
torn:
  description: Lines that are no records, with their numbers.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._journal import (
    Journal,
    JournalUnreadable,
)


def main() -> None:
    """Wire arguments, journal and result."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/srv/cloudburst/journal.jsonl"},
        },
        supports_check_mode=True,
    )
    try:
        view = Journal(module.params["path"]).read()
    except JournalUnreadable as exc:
        module.fail_json(msg=str(exc))
    else:
        module.exit_json(
            changed=False,
            records=list(view.records),
            done=view.done(),
            torn=list(view.torn),
        )


if __name__ == "__main__":
    main()
