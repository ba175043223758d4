#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: burst_logs
short_description: Pack the logs of a burst into one archive, without secrets
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Packs files, folders and the output of commands into one C(.tar.gz) with mode 0600, and hides the given secrets and whatever looks
    like a token, a claim, or a key.
  - A source that is not there is named in RV(missing). After a failed burst some always are, and the rest is wanted all the more.
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  dest:
    description:
      - The archive.
    type: path
    required: true
  sources:
    description:
      - What to pack.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name in the archive.
        type: str
        required: true
      path:
        description:
          - A file or a folder.
        type: path
      command:
        description:
          - A command whose output is packed, as a list.
        type: list
        elements: str
  secrets:
    description:
      - Values that must not leave the machine.
    type: list
    elements: str
    default: []
  max_bytes:
    description:
      - Of a longer file only this many bytes from its end are packed.
    type: int
    default: 67108864
"""

EXAMPLES = r"""
- name: Pack the logs
  cloudburst.plex.burst_logs:
    dest: /srv/cloudburst/logs/logs.tar.gz
    sources:
      - name: rclone.log
        path: /var/log/cloudburst/rclone.log
      - name: container.log
        command: [docker, logs, cloudburst-plex]
    secrets:
      - "{{ plex_token }}"
"""

RETURN = r"""
dest:
  description: The archive.
  returned: success
  type: str
  sample: /srv/cloudburst/logs/logs.tar.gz
members:
  description: What it holds.
  returned: success
  type: list
  elements: str
  sample: [rclone.log, container.log]
missing:
  description: Sources that could not be read, with the reason.
  returned: success
  type: list
  elements: str
  sample: ["/var/log/cloud-init.log: is not there"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._log_bundle import (
    LogBundle,
)


def main() -> None:
    """Wire arguments, bundle and result."""
    module = AnsibleModule(
        argument_spec={
            "dest": {"type": "path", "required": True},
            "sources": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "path": {"type": "path"},
                    "command": {"type": "list", "elements": "str"},
                },
                "mutually_exclusive": [("path", "command")],
                "required_one_of": [("path", "command")],
            },
            "secrets": {
                "type": "list",
                "elements": "str",
                "default": [],
                "no_log": True,
            },
            "max_bytes": {"type": "int", "default": 64 << 20},
        },
        supports_check_mode=True,
    )
    params = module.params
    bundle = LogBundle(params["secrets"], params["max_bytes"])
    try:
        if not module.check_mode:
            bundle.write(params["dest"], params["sources"])
    except OSError as exc:
        module.fail_json(
            msg=f"Cannot write the archive of logs {params['dest']}: {exc.strerror}"
        )
    else:
        module.exit_json(
            changed=True,
            dest=params["dest"],
            members=bundle.members,
            missing=bundle.missing,
        )


if __name__ == "__main__":
    main()
