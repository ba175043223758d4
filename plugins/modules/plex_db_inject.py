#!/usr/bin/python

# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_db_inject
short_description: Put a pair of databases under a Plex server
version_added: 0.1.0
description:
  - Places a checked pair of databases into the server's folder, by rename. C(-wal), C(-shm) and C(-journal) files beside no database are removed.
  - Raises the sequence of every AUTOINCREMENT table in both databases, so that rows made by this server never collide with rows
    that home makes in the meantime.
  - Keeps the injected pair as the I(base), from which the result of the burst is computed, and records it in C(base.json).
    A repeat with the same O(burst_id) and sources changes nothing, whatever Plex has done to the databases since.
  - A pair that is in the folder already is moved aside with its C(-wal), not overwritten. Plex must not be running on it.
author:
  - cloudburst.plex contributors (@cloudburst)
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.changes
options:
  source_library:
    description:
      - Path of the library database to inject. It stays as it is.
    type: path
    required: true
  source_blobs:
    description:
      - Path of the blobs database to inject. It stays as it is.
    type: path
    required: true
  databases:
    description:
      - The server's folder C(Plug-in Support/Databases), made if missing.
    type: path
    required: true
  base_dir:
    description:
      - Folder of the base pair and C(base.json), made if missing.
    type: path
    required: true
  burst_id:
    description:
      - Identifier of the burst.
    type: str
    required: true
  sequence_offset:
    description:
      - How far above the highest id of home new ids begin.
    type: int
    default: 1000000
  mappings:
    description:
      - The path mappings that the sources have been through, as for M(cloudburst.plex.plex_db_remap). They are only recorded with the base.
    type: list
    elements: dict
    default: []
  uid:
    description:
      - Owner of the placed files.
    type: int
    default: 1000
  gid:
    description:
      - Group of the placed files.
    type: int
    default: 1000
"""

EXAMPLES = r"""
- name: Inject home's databases
  cloudburst.plex.plex_db_inject:
    source_library: /srv/cloudburst/incoming/pair/databases/com.plexapp.plugins.library.db
    source_blobs: /srv/cloudburst/incoming/pair/databases/com.plexapp.plugins.library.blobs.db
    databases: /srv/cloudburst/plex/Library/Application Support/Plex Media Server/Plug-in Support/Databases
    base_dir: /srv/cloudburst/base
    burst_id: plex-20261121T041500
"""

RETURN = r"""
base:
  description: The content of C(base.json). Empty in check mode when there is something to do.
  type: dict
  returned: success
  contains:
    burst_id:
      description: The burst that the pair was injected for.
      type: str
    source:
      description: Path, size, time and sha256 of both sources.
      type: dict
    base:
      description: Path, size and sha256 of both base files, and C(library_sha256) and C(blobs_sha256).
      type: dict
    mappings:
      description: The path mappings that the pair has been through.
      type: list
      elements: dict
    sequences:
      description: The raised sequences of both databases, by table.
      type: dict
    schema_head:
      description: The newest schema migration.
      type: str
    page_size:
      description: Page size of the library database in bytes.
      type: int
    created:
      description: When it was injected, in seconds since the epoch.
      type: int
removed:
  description: Files of databases that were gone, which were removed.
  type: list
  elements: str
  returned: success
set_aside:
  description: Folder that a pair that was there before has been moved to; empty when there was none.
  type: str
  returned: success
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_inject import (
    Injection,
    InjectResult,
    inject,
    inspect,
)

SPEC: dict[str, Any] = {
    "source_library": {"type": "path", "required": True},
    "source_blobs": {"type": "path", "required": True},
    "databases": {"type": "path", "required": True},
    "base_dir": {"type": "path", "required": True},
    "burst_id": {"type": "str", "required": True},
    "sequence_offset": {"type": "int", "default": 1000000},
    "uid": {"type": "int", "default": 1000},
    "gid": {"type": "int", "default": 1000},
    "mappings": {"type": "list", "elements": "dict", "default": []},
}


def returned(job: Injection, result: InjectResult) -> dict[str, Any]:
    after = f"{job.burst_id} in {job.databases}\n"
    return {
        "changed": result.changed,
        "base": result.base,
        "removed": list(result.removed),
        "set_aside": result.set_aside,
        "diff": {"before": "" if result.changed else after, "after": after},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if module.params["sequence_offset"] < 1:
        module.fail_json(msg="sequence_offset must be at least 1")
    job = Injection(**{name: module.params[name] for name in SPEC})
    try:
        result = inspect(job) if module.check_mode else inject(job, int(time.time()))
    except DbError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"the pair could not be put in place: {error}")
    module.exit_json(**returned(job, result))


if __name__ == "__main__":
    main()
