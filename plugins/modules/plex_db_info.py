#!/usr/bin/python

# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_db_info
short_description: Tell what a Plex library database holds
version_added: 0.1.0
description:
  - Reads sections, counts of all leaf types, analysis and Sonic progress, schema and file facts of
    Plex's pair of databases, through a read-only connection.
  - Safe while Plex is running. A database that cannot be read is an error, never a count of 0.
author:
  - cloudburst.plex contributors (@cloudburst)
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.info_module
options:
  library:
    description:
      - Path of C(com.plexapp.plugins.library.db).
    type: path
    required: true
  blobs:
    description:
      - Path of C(com.plexapp.plugins.library.blobs.db).
      - Without it, Sonic vectors are not counted and RV(sonic.vectors) is V(null).
    type: path
seealso:
  - module: cloudburst.plex.plex_db_check
"""

EXAMPLES = r"""
- name: Read what the library holds
  cloudburst.plex.plex_db_info:
    library: /srv/cloudburst/incoming/pair/databases/com.plexapp.plugins.library.db
    blobs: /srv/cloudburst/incoming/pair/databases/com.plexapp.plugins.library.blobs.db
  register: library
"""

RETURN = r"""
sections:
  description: The libraries with their locations.
  type: list
  elements: dict
  returned: success
  sample:
    - id: 1
      name: Movies
      type: movie
      uuid: 9a1f7f2e-1b5e-4d0a-8c77-4f6b1c6b0c7e
      agent: tv.plex.agents.movie
      scanner: Plex Movie
      language: en-US
      locations: [{id: 1, path: /media/plex/Movies, available: true}]
counts:
  description:
    - Leaves of every section by type. C(live) and C(deleted) count items, C(thumbs_missing) live items
      without a thumbnail, C(analysed) live items whose media went through media analysis,
      C(sonic_marked) live tracks that are marked as Sonic analysed, C(sonic_vectors) live tracks that
      have their vector in the blobs database.
  type: list
  elements: dict
  returned: success
  sample:
    - {section: 5, type: track, live: 60, deleted: 0, thumbs_missing: 60, analysed: 60, sonic_marked: 20, sonic_vectors: 20}
totals:
  description: Live and deleted items of every leaf type (movie, episode, track, photo) over all sections.
  type: dict
  returned: success
  sample: {movie: {live: 41, deleted: 0}, episode: {live: 9, deleted: 1}, track: {live: 60, deleted: 0}, photo: {live: 8, deleted: 0}}
thumbs:
  description: Live items without a thumbnail, by leaf type.
  type: dict
  returned: success
  sample: {movie: 21, episode: 9, track: 60, photo: 8}
sonic:
  description: Sonic analysis of the music sections, marked in the library and by vectors in the blobs database.
  type: dict
  returned: success
  contains:
    sections:
      description: One entry for every music section with tracks.
      type: list
      elements: dict
    total:
      description: Live tracks.
      type: int
    marked:
      description: Live tracks with the marker, in its JSON or its URL-encoded form.
      type: int
    vectors:
      description: Live tracks with a vector; V(null) when O(blobs) was not given.
      type: int
schema_head:
  description: The newest schema migration.
  type: str
  returned: success
  sample: "202507311200"
page_size:
  description: Page size of the library database in bytes.
  type: int
  returned: success
  sample: 1024
journal_mode:
  description: V(wal), or V(delete) as repair tools leave it.
  type: str
  returned: success
  sample: wal
size:
  description: Sizes of the files in bytes.
  type: dict
  returned: success
  sample: {library: 1500000000, blobs: 74000000}
in_use:
  description: Whether another process has the library database open.
  type: bool
  returned: success
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    failures_told,
    read_only,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_counts import (
    LEAF_TYPES,
    LibraryInfo,
    read_library,
    sonic_summary,
    totals,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    DbError,
    is_in_use,
    read_header,
)


def thumbs_missing(info: LibraryInfo) -> dict[str, int]:
    missing = dict.fromkeys(LEAF_TYPES.values(), 0)
    for item in info.counts:
        missing[item.type] += item.thumbs_missing
    return missing


def describe(library: str, blobs: str | None) -> dict[str, Any]:
    """Everything the module returns."""
    header = read_header(library)
    size = {"library": header.file_size}
    if blobs is not None:
        size["blobs"] = read_header(blobs).file_size
    in_use = is_in_use(library)
    with read_only(library, attach=blobs) as connection:
        info = read_library(connection, with_vectors=blobs is not None)
    return {
        "sections": [section.as_dict() for section in info.sections],
        "counts": [item.as_dict() for item in info.counts],
        "totals": totals(info.counts),
        "thumbs": thumbs_missing(info),
        "sonic": sonic_summary(info.sections, info.counts),
        "schema_head": info.schema_head,
        "page_size": header.page_size,
        "journal_mode": header.mode,
        "size": size,
        "in_use": in_use,
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "library": {"type": "path", "required": True},
            "blobs": {"type": "path"},
        },
        supports_check_mode=True,
    )
    try:
        with failures_told(module.params["library"]):
            result = describe(module.params["library"], module.params["blobs"])
    except DbError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
