#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_sonic_info
short_description: Tracks that have no Sonic analysis, by name
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Counts the tracks of music libraries that are analysed and that are left, and names those that are left.
  - A track is analysed when it carries Plex's marker and its vector is in the blobs database. Both are needed, since only
    the pair is worth anything.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.info_module
options:
  databases:
    description:
      - Folder of the database pair.
    type: path
    required: true
  sections:
    description:
      - Ids of the music libraries.
    type: list
    elements: int
    required: true
  limit:
    description:
      - How many tracks to name; the count does not depend on it.
    type: int
    default: 200
  names_file:
    description:
      - Also write all tracks that are left to this file, one JSON object in a line. Not in check mode.
    type: path
"""

EXAMPLES = r"""
- name: What is left to analyse
  cloudburst.plex.plex_sonic_info:
    databases: /srv/cloudburst/plex/Library/Application Support/Plex Media Server/Plug-in Support/Databases
    sections: [5, 6]
  register: sonic
"""

RETURN = r"""
total:
  description: Live tracks of the libraries.
  returned: success
  type: int
  sample: 456534
done:
  description: Tracks with marker and vector.
  returned: success
  type: int
  sample: 81035
left:
  description: Tracks without one of them.
  returned: success
  type: int
  sample: 375499
sections:
  description: The same per library.
  returned: success
  type: dict
  sample: {"5": {"total": 456534, "done": 81035, "left": 375499}}
left_digest:
  description: SHA-256 over the ids of all tracks that are left, whatever O(limit) says.
  returned: success
  type: str
  sample: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
tracks:
  description: The first O(limit) tracks that are left.
  returned: success
  type: list
  elements: dict
  sample:
    - {"id": 4711, "artist": "Miles Davis", "album": "Kind of Blue", "title": "So What", "file": "/media/plex/Music/Miles Davis/So What.flac"}
"""

import hashlib
import json
import os
import sqlite3
import typing as t
from contextlib import closing

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_counters import (
    BLOBS_DB,
    LIBRARY_DB,
    SONIC_MARKER,
    TRACK,
    read_only_uri,
)

HAS_VECTOR = (
    "EXISTS (SELECT 1 FROM pair.blobs b WHERE b.linked_type = 'metadata_item'"
    " AND b.linked_id = m.id AND b.blob_type = 7)"
)
DONE = f"(coalesce({SONIC_MARKER}, 0) AND {HAS_VECTOR})"
# The blobs database has tables of the same names: without "main." they would answer
# with nothing, where the library's are missing.
FROM_TRACKS = (
    f" FROM main.metadata_items m WHERE m.metadata_type = {TRACK}"
    " AND m.deleted_at IS NULL AND m.library_section_id IN ({ids})"
)
NAMES = (
    "SELECT m.id, coalesce(nullif(m.original_title, ''), artist.title), album.title,"
    " m.title, (SELECT p.file FROM main.media_items i JOIN main.media_parts p"
    " ON p.media_item_id = i.id WHERE i.metadata_item_id = m.id LIMIT 1)"
    " FROM main.metadata_items m"
    " LEFT JOIN main.metadata_items album ON album.id = m.parent_id"
    " LEFT JOIN main.metadata_items artist ON artist.id = album.parent_id"
    f" WHERE m.metadata_type = {TRACK} AND m.deleted_at IS NULL"
    f" AND m.library_section_id IN ({{ids}}) AND NOT {DONE}"
    ' ORDER BY 2, 3, m."index", m.id LIMIT ?'
)


def sonic_state(
    databases: str,
    sections: t.Sequence[int],
    limit: int,
    names_file: str | None = None,
) -> dict[str, t.Any]:
    """Counts and names from the pair, read-only beside a running server."""
    library = os.path.join(databases, LIBRARY_DB)
    ids = ", ".join(str(int(x)) for x in sections) or "NULL"
    counts = {int(x): {"total": 0, "done": 0, "left": 0} for x in sections}
    with closing(sqlite3.connect(read_only_uri(library), uri=True, timeout=30)) as link:
        blobs = read_only_uri(os.path.join(databases, BLOBS_DB))
        link.execute("ATTACH DATABASE ? AS pair", (blobs,))
        query = f"SELECT m.library_section_id, count(*), sum({DONE}) {FROM_TRACKS.format(ids=ids)}"
        for number, total, done in link.execute(f"{query} GROUP BY 1"):
            row = {"total": total, "done": done or 0, "left": total - (done or 0)}
            counts[number] = row
        # All of them are walked, only the first are kept: there may be a million.
        named = link.execute(NAMES.format(ids=ids), (-1,))
        tracks, digest = _walk_left(named, limit, names_file)
    sums = {k: sum(x[k] for x in counts.values()) for k in ("total", "done", "left")}
    return {
        **sums,
        "sections": {str(k): v for k, v in counts.items()},
        "left_digest": digest,
        "tracks": tracks,
    }


def _walk_left(
    rows: t.Iterable[t.Sequence[t.Any]], limit: int, names_file: str | None
) -> tuple[list[dict[str, t.Any]], str]:
    """The first tracks, and a digest of all ids; all tracks go into the file."""
    keys = ("id", "artist", "album", "title", "file")
    first: list[dict[str, t.Any]] = []
    ids = []
    with open(names_file or os.devnull, "w", encoding="utf-8") as target:
        for row in rows:
            track = dict(zip(keys, (row[0], *(x or "" for x in row[1:]))))
            ids.append(int(row[0]))
            if len(first) < limit:
                first.append(track)
            target.write(json.dumps(track, ensure_ascii=False) + "\n")
    text = ",".join(str(x) for x in sorted(ids))
    return first, hashlib.sha256(text.encode()).hexdigest()


def main() -> None:
    """Wire arguments, query and result."""
    module = AnsibleModule(
        argument_spec={
            "databases": {"type": "path", "required": True},
            "sections": {"type": "list", "elements": "int", "required": True},
            "limit": {"type": "int", "default": 200},
            "names_file": {"type": "path"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        names_file = None if module.check_mode else params["names_file"]
        state = sonic_state(
            params["databases"], params["sections"], params["limit"], names_file
        )
    except OSError as exc:
        module.fail_json(msg=f"Cannot write {params['names_file']}: {exc}")
    except sqlite3.Error as exc:
        module.fail_json(
            msg=f"Cannot count the Sonic analysis in {params['databases']}: {exc}."
            " Nothing is known about it until this is cured (file rights, damaged file, disk)"
        )
    else:
        module.exit_json(changed=False, **state)


if __name__ == "__main__":
    main()
