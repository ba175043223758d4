#!/usr/bin/python

# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_db_snapshot
short_description: Copy Plex's pair of databases while Plex is running
version_added: 0.1.0
description:
  - Copies both databases as they were at one moment, with SQLite's online backup in one step. A page-wise backup never finishes
    beside a busy server, and a plain copy is torn.
  - One moment means that nothing was committed to either database between the views of the two that are copied. Until that is so they
    are taken anew, for up to 30 seconds.
  - The copies have no C(-wal) beside them and keep page size and journal mode. They replace older ones by rename.
author:
  - cloudburst.plex contributors (@cloudburst)
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - A snapshot is always a new one, there is nothing to compare.
options:
  library:
    description:
      - Path of C(com.plexapp.plugins.library.db).
    type: path
    required: true
  blobs:
    description:
      - Path of C(com.plexapp.plugins.library.blobs.db).
    type: path
    required: true
  dest:
    description:
      - Folder for the copies, made if missing. Three times the size of both, with their C(-wal), must be free there.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Take a snapshot
  cloudburst.plex.plex_db_snapshot:
    library: "{{ databases }}/com.plexapp.plugins.library.db"
    blobs: "{{ databases }}/com.plexapp.plugins.library.blobs.db"
    dest: /srv/cloudburst/export/databases
"""

RETURN = r"""
files:
  description: The copies, library first. Empty in check mode.
  type: list
  elements: dict
  returned: success
  sample:
    - path: /srv/cloudburst/export/databases/com.plexapp.plugins.library.db
      size: 1500000000
      sha256: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
      page_size: 1024
      journal_mode: wal
      seconds: 4.2
"""

import os
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    DbError,
    read_header,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_snapshot import (
    snapshot_pair,
)


def take(params: dict[str, Any], check_mode: bool) -> list[dict[str, Any]]:
    sources = (params["library"], params["blobs"])
    for path in sources:
        read_header(path)
        if os.path.dirname(os.path.realpath(path)) == os.path.realpath(params["dest"]):
            raise DbError(f"dest: {params['dest']} is the folder of {path} itself")
    if check_mode:
        return []
    return [asdict(copy) for copy in snapshot_pair(sources, params["dest"])]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "library": {"type": "path", "required": True},
            "blobs": {"type": "path", "required": True},
            "dest": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        files = take(module.params, module.check_mode)
    except DbError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"the snapshot could not be written: {error}")
    module.exit_json(changed=True, files=files)


if __name__ == "__main__":
    main()
