#!/usr/bin/python

# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_db_remap
short_description: Give the files of a Plex library new paths
version_added: 0.1.0
description:
  - Replaces path prefixes in C(section_locations.root_path), C(media_parts.file) and the C(file://) URLs of sidecar subtitles in
    C(media_streams.url), by whole path components, the longest prefix first. The result of one mapping is never the input of another.
  - All mappings are applied, or none. A copy is rewritten and takes the name of the original, which is kept as the backup.
  - Plex must not be running on the database.
author:
  - cloudburst.plex contributors (@cloudburst)
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.changes
options:
  library:
    description:
      - Path of C(com.plexapp.plugins.library.db).
    type: path
    required: true
  mappings:
    description:
      - Old and new absolute prefixes. An empty list changes nothing.
    type: list
    elements: dict
    required: true
    suboptions:
      from:
        description: The prefix as it is in the database.
        type: str
        required: true
      to:
        description: The prefix that it becomes.
        type: str
        required: true
  backup_dir:
    description:
      - Folder for the database as it was. On the same file system it costs no time and no copy.
      - The folder of the database by default.
    type: path
notes:
  - A mapping that would match its own result (V(/a) to V(/a/b), or V(/a) to V(/b) with V(/b) to V(/c)) is noted in
    C(<library>.remapped.json), so that a second run changes nothing. It names rows as they were and as they are, and counts only
    while the library agrees, so a run that was killed at any moment can be repeated.
  - A C(-wal) or C(-journal) that a killed server left beside the database is refused; no check has seen it.
"""

EXAMPLES = r"""
- name: Follow the folders that moved
  cloudburst.plex.plex_db_remap:
    library: /srv/cloudburst/incoming/pair/databases/com.plexapp.plugins.library.db
    mappings:
      - from: /mnt/media/Music
        to: /media/plex/Music
      - from: /mnt/media/Films d'auteur
        to: /media/plex/Films d'auteur
    backup_dir: /srv/cloudburst/incoming/backup
"""

RETURN = r"""
rows:
  description: Changed rows by table, or rows that would change in check mode.
  type: dict
  returned: success
  sample: {section_locations: 2, media_parts: 480000, media_streams: 12}
mappings:
  description: For every mapping, how many files it concerned, with examples. One that concerns none is worth a look.
  type: list
  elements: dict
  returned: success
  sample:
    - {from: /mnt/media/Music, to: /media/plex/Music, files: 456534, examples: [/mnt/media/Music/A/B/01.flac]}
backup:
  description: Path of the database as it was; empty when nothing was changed.
  type: str
  returned: success
locations:
  description: The root paths of all sections, before and after.
  type: dict
  returned: success
  sample: {before: [/mnt/media/Music], after: [/media/plex/Music]}
"""

import os
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    failures_told,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_remap import (
    RemapResult,
    plan_remap,
    remap,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import (
    PathMap,
    PathMappingError,
    path_map_from,
)


def run(params: dict[str, Any], mapping: PathMap, check_mode: bool) -> RemapResult:
    library = params["library"]
    folder = params["backup_dir"] or os.path.dirname(os.path.abspath(library))
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    with failures_told(library):
        if check_mode:
            return plan_remap(library, mapping)
        return remap(library, mapping, folder, stamp)


def returned(result: RemapResult) -> dict[str, Any]:
    return {
        "changed": result.changed,
        "rows": result.rows,
        "mappings": result.per_mapping,
        "backup": result.backup,
        "locations": {"before": result.before, "after": result.after},
        "diff": {
            "before": "".join(f"{path}\n" for path in result.before),
            "after": "".join(f"{path}\n" for path in result.after),
            "before_header": "locations before",
            "after_header": "locations after",
        },
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "library": {"type": "path", "required": True},
            "mappings": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "from": {"type": "str", "required": True},
                    "to": {"type": "str", "required": True},
                },
            },
            "backup_dir": {"type": "path"},
        },
        supports_check_mode=True,
    )
    try:
        mapping = path_map_from(module.params["mappings"])
        result = run(module.params, mapping, module.check_mode)
    except (DbError, PathMappingError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**returned(result))


if __name__ == "__main__":
    main()
