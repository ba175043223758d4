#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rclone_remote_info
short_description: Look into a bucket through rclone
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Lists the folders of a remote path with the rclone command, from this machine, to see that remote, credentials and bucket are right before anything is
    paid.
  - What fails is told apart, a remote that is not configured, credentials that are refused, a bucket that does not exist, a store that does not
    answer.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.info_module
options:
  remote:
    description:
      - The remote path, C(remote:bucket) or C(remote:bucket/prefix).
    type: str
    required: true
  config:
    description:
      - rclone's configuration file.
    type: path
    default: ~/.config/rclone/rclone.conf
  depth:
    description:
      - How many levels of folders to list.
    type: int
    default: 1
  count:
    description:
      - Whether to count all files by extension. Lists the whole bucket, about a second per thousand files.
    type: bool
    default: false
  binary:
    description:
      - The rclone command. Looked for on PATH and beside the Python interpreter when this is not set.
    type: path
  fail:
    description:
      - Whether a remote that cannot be listed fails the task. Otherwise RV(reachable) is false and RV(message) has the reason.
    type: bool
    default: true
  timeout:
    description:
      - Seconds that one rclone command may take.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Is the bucket there?
  cloudburst.plex.rclone_remote_info:
    remote: "{{ burst.bucket }}"
    config: "{{ burst.rclone_config }}"
    depth: 2
  delegate_to: localhost
  register: bucket
"""

RETURN = r"""
reachable:
  description: Whether the path could be listed.
  returned: always
  type: bool
  sample: true
message:
  description: Why it could not, empty when it could.
  returned: always
  type: str
  sample: ""
error_kind:
  description: V(no_rclone), V(no_config), V(credentials), V(bucket), V(unreachable), V(other), or empty.
  returned: always
  type: str
  sample: ""
version:
  description: Version of rclone.
  returned: success
  type: str
  sample: v1.75.2
directories:
  description: Folders, relative to O(remote).
  returned: success
  type: list
  elements: str
  sample: [Movies, Music]
counts:
  description: Files by extension, when O(count=true).
  returned: success
  type: dict
  sample: {"mkv": 224, "mp3": 12031}
latency_ms:
  description: Milliseconds that the first listing took.
  returned: success
  type: int
  sample: 310
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._rclone_remote import (
    RcloneError,
    RcloneRemote,
)


def main() -> None:
    """Wire arguments, listing and result."""
    module = AnsibleModule(
        argument_spec={
            "remote": {"type": "str", "required": True},
            "config": {"type": "path", "default": "~/.config/rclone/rclone.conf"},
            "depth": {"type": "int", "default": 1},
            "count": {"type": "bool", "default": False},
            "binary": {"type": "path"},
            "fail": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    params = module.params
    remote = RcloneRemote(
        params["remote"], params["config"], params["timeout"], params["binary"]
    )
    result = {"changed": False, "reachable": True, "message": "", "error_kind": ""}
    try:
        result.update(remote.look(params["depth"], params["count"]).__dict__)
    except RcloneError as exc:
        result.update(reachable=False, message=str(exc), error_kind=exc.kind)
        if params["fail"]:
            module.fail_json(msg=str(exc), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
