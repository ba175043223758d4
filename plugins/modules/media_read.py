#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: media_read
short_description: Read the first bytes of media files
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Reads the beginning of files on a media mount, several at a time. It serves to fill rclone's cache before an analysis (the first parallel
    reads of cold files failed with ENOENT in the field), to prove that Plex's user reads bytes, and to measure latency and throughput.
  - Takes random files of O(directory), or the files of one library of Plex's database.
  - A file that cannot be read is a result (RV(failed)), not a failure. Reads that hang are left behind, and named.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.info_module
options:
  directory:
    description:
      - Folder to take random files from. Hidden ones are left out.
    type: path
  count:
    description:
      - How many files to take from O(directory).
    type: int
    default: 4
  databases:
    description:
      - Folder of Plex's database pair, to read the files of one library.
    type: path
  section:
    description:
      - Id of the library.
    type: int
  root_map:
    description:
      - Path prefixes as the database has them, and where they are on this machine.
    type: dict
    default: {}
  pending:
    description:
      - Only files whose item still waits for an analysis, a thumbnail or Sonic analysis.
    type: bool
    default: false
  limit:
    description:
      - At most this many files of the library, all when 0.
    type: int
    default: 0
  size:
    description:
      - Bytes to read of each file.
    type: int
    default: 65536
  parallel:
    description:
      - How many files are read at a time.
    type: int
    default: 8
  timeout:
    description:
      - Seconds without a sign of life after which the rest is given up.
    type: float
    default: 60.0
  uid:
    description:
      - User to read as.
    type: int
  gid:
    description:
      - Group to read as.
    type: int
"""

EXAMPLES = r"""
- name: Plex's user reads the media
  cloudburst.plex.media_read:
    directory: /srv/cloudburst/tree/plex
    uid: 1000
    gid: 1000
  register: proof
  failed_when: not proof.read

- name: Warm the cache for the films that wait for analysis
  cloudburst.plex.media_read:
    databases: /srv/cloudburst/plex/Library/Application Support/Plex Media Server/Plug-in Support/Databases
    section: 1
    pending: true
    root_map:
      /media/plex: /srv/cloudburst/tree/plex
"""

RETURN = r"""
asked:
  description: Files that were asked for.
  returned: success
  type: int
  sample: 224
read:
  description: Files whose first bytes came.
  returned: success
  type: int
  sample: 222
bytes:
  description: Bytes that came.
  returned: success
  type: int
  sample: 14548992
seconds:
  description: Time for all of it.
  returned: success
  type: float
  sample: 3.1
mb_per_second:
  description: Million bytes per second.
  returned: success
  type: float
  sample: 4.7
latency_ms:
  description: Milliseconds until the first block of a file came; null when none did.
  returned: success
  type: dict
  sample: {"median": 41.0, "p95": 180.2, "max": 322.5}
failed:
  description: Files that could not be read, with the reason.
  returned: success
  type: list
  elements: dict
  sample:
    - {"file": "/srv/cloudburst/tree/plex/Movies/Gone (1999)/Gone.mkv", "reason": "No such file or directory"}
silent:
  description: Whether the rest was given up because nothing moved for O(timeout).
  returned: success
  type: bool
  sample: false
"""

import random
import sqlite3
import typing as t
from contextlib import closing

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._media_read import (
    HeadReader,
    ReadOrder,
    pick_files,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_counters import (
    LIBRARY_DB,
    SONIC_MARKER,
    TRACK,
    read_only_uri,
)

FILES = (
    "SELECT p.file FROM media_parts p"
    " JOIN media_items i ON i.id = p.media_item_id"
    " JOIN metadata_items m ON m.id = i.metadata_item_id"
    " WHERE m.library_section_id = ? AND p.deleted_at IS NULL"
    " AND i.deleted_at IS NULL AND m.deleted_at IS NULL AND coalesce(p.file, '') <> ''"
)
PENDING = (
    # A track shows its album's picture and never has one of its own.
    f" AND (i.media_analysis_version = 0 OR CASE m.metadata_type WHEN {TRACK}"
    f" THEN NOT coalesce({SONIC_MARKER}, 0)"
    " ELSE coalesce(m.user_thumb_url, '') = '' END)"
)


def on_host(path: str, root_map: t.Mapping[str, str]) -> str:
    """The path on this machine; longest prefix first, whole components only."""
    for prefix in sorted(root_map, key=len, reverse=True):
        if path == prefix or path.startswith(prefix.rstrip("/") + "/"):
            return root_map[prefix].rstrip("/") + path[len(prefix.rstrip("/")) :]
    return path


def library_files(params: t.Mapping[str, t.Any]) -> list[str]:
    """Files of the library as this machine sees them."""
    library = f"{params['databases']}/{LIBRARY_DB}"
    query = FILES + (PENDING if params["pending"] else "") + " ORDER BY p.file"
    if params["limit"]:
        query += f" LIMIT {int(params['limit'])}"
    with closing(sqlite3.connect(read_only_uri(library), uri=True, timeout=30)) as link:
        rows = link.execute(query, (params["section"],)).fetchall()
    return [on_host(row[0], params["root_map"]) for row in rows]


def chosen(params: t.Mapping[str, t.Any]) -> t.Callable[[], t.Iterable[str]]:
    """What to read; a folder is listed in the child, since a listing may hang."""
    if params["directory"]:
        folder, count = params["directory"], params["count"]
        return lambda: pick_files(folder, count, random.Random())
    files = library_files(params)
    return lambda: files


def main() -> None:
    """Wire arguments, reader and result."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path"},
            "count": {"type": "int", "default": 4},
            "databases": {"type": "path"},
            "section": {"type": "int"},
            "root_map": {"type": "dict", "default": {}},
            "pending": {"type": "bool", "default": False},
            "limit": {"type": "int", "default": 0},
            "size": {"type": "int", "default": 65536},
            "parallel": {"type": "int", "default": 8},
            "timeout": {"type": "float", "default": 60.0},
            "uid": {"type": "int"},
            "gid": {"type": "int"},
        },
        mutually_exclusive=[("directory", "databases")],
        required_one_of=[("directory", "databases")],
        required_by={"databases": ["section"]},
        supports_check_mode=True,
    )
    params = module.params
    order = ReadOrder(params["size"], params["parallel"], params["uid"], params["gid"])
    try:
        names = chosen(params)
        summary = HeadReader(order, params["timeout"]).run(names)
    except (OSError, sqlite3.Error) as exc:
        where = params["directory"] or params["databases"]
        module.fail_json(msg=f"Cannot find out which files to read in {where}: {exc}")
    else:
        module.exit_json(changed=False, **summary.as_dict())


if __name__ == "__main__":
    main()
