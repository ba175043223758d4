#!/usr/bin/python

# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_archive
short_description: Pack and unpack the archive of a Plex library
version_added: 0.1.0
description:
  - Packs Plex's pair of databases, and its C(Metadata) and C(Media) folders if wanted, into one archive that begins with a
    C(manifest.json) and has a C(<archive>.sha256) beside it in the format of C(sha256sum).
  - Unpacks such an archive, or a plain tar that holds the pair at any depth, after comparing every digest. Only the pair and those
    two folders are unpacked, and nothing outside of O(dest).
  - What is written appears under its name only when it is whole. Everything is streamed, there are no temporary copies.
  - Room is asked for before anything is written. To unpack, three times the databases and twice the folders, for what is done with them
    next; to pack, half of the databases (all of them for C(.tar)) and the folders.
author:
  - cloudburst.plex contributors (@cloudburst)
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.changes
requirements:
  - the C(zstd) command for C(.tar.zst)
options:
  state:
    description:
      - V(packed) makes the archive, V(extracted) unpacks it.
    type: str
    choices: [packed, extracted]
    required: true
  archive:
    description:
      - Path of the archive. To pack, its ending chooses C(.tar.zst), C(.tar.gz) or C(.tar); to unpack, its content tells.
    type: path
    required: true
  databases:
    description:
      - Folder that holds the pair, for O(state=packed). No server may have it open.
    type: path
  metadata:
    description:
      - Folders called C(Metadata) or C(Media) to pack, for O(state=packed).
    type: list
    elements: path
    default: []
  manifest:
    description:
      - Fields of the manifest, such as C(pms_version), C(machine_identifier) and C(burst_id), for O(state=packed).
        C(files) and C(trees) are filled in.
    type: dict
    default: {}
  level:
    description:
      - Level of zstd, for O(state=packed).
    type: int
    default: 3
  dest:
    description:
      - Folder for the content, for O(state=extracted). It is replaced as a whole. The pair comes to C(databases) below it.
    type: path
  with_metadata:
    description:
      - Unpack C(Metadata) and C(Media), too, for O(state=extracted).
    type: bool
    default: false
  with_backups:
    description:
      - Unpack the dated copies that Plex made of the pair, too, if the archive has any, for O(state=extracted). They are what
        M(cloudburst.plex.plex_db_repair) takes instead of a damaged pair.
    type: bool
    default: false
  sha256:
    description:
      - What the archive must have, for O(state=extracted). What C(<archive>.sha256) says by default.
    type: str
    default: ""
notes:
  - An archive whose sidecar is there and whose manifest says the same is left alone, C(created) aside.
"""

EXAMPLES = r"""
- name: Pack the result
  cloudburst.plex.plex_archive:
    state: packed
    archive: /srv/cloudburst/export/plex-20261121T041500.tar.zst
    databases: /srv/cloudburst/export/databases
    metadata:
      - /srv/cloudburst/plex/Library/Application Support/Plex Media Server/Metadata
      - /srv/cloudburst/plex/Library/Application Support/Plex Media Server/Media
    manifest:
      burst_id: plex-20261121T041500
      pms_version: 1.42.2.10156-f737b826c

- name: Unpack home's databases
  cloudburst.plex.plex_archive:
    state: extracted
    archive: /srv/cloudburst/incoming/home.tar.zst
    dest: /srv/cloudburst/incoming/pair
"""

RETURN = r"""
manifest:
  description: The manifest; V(null) for an archive without one.
  type: dict
  returned: success
sha256:
  description: Digest of the archive. Empty in check mode when there is something to do.
  type: str
  returned: success
size:
  description: Size of the archive in bytes; 0 in check mode when it is to be packed.
  type: int
  returned: success
library:
  description: Path of the unpacked library database.
  type: str
  returned: when O(state=extracted)
blobs:
  description: Path of the unpacked blobs database.
  type: str
  returned: when O(state=extracted)
left_out:
  description: Links that lead out of the folder and were not unpacked.
  type: list
  elements: str
  returned: when O(state=extracted)
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._archive import (
    existing_archive,
    pack,
    plan,
    read_manifest,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._archive_extract import (
    Extracted,
    Extraction,
    extract,
    is_extracted,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._archive_manifest import (
    DATABASES,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._archive_stream import (
    ArchiveError,
    compression_by_content,
    compression_by_name,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    BLOBS,
    LIBRARY,
    DbError,
)


def packed(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    archive = params["archive"]
    content = (params["databases"], params["metadata"], params["manifest"])
    if check_mode:
        compression_by_name(archive)
        manifest = plan(*content)
        done = existing_archive(archive, manifest)
        if done is None:
            return _packed(archive, True, manifest, "", 0)
    else:
        done = pack(archive, *content, params["level"])
    return _packed(archive, done.changed, done.manifest, done.sha256, done.size)


def _packed(
    archive: str, changed: bool, manifest: dict[str, Any], sha256: str, size: int
) -> dict[str, Any]:
    after = f"{archive}\n"
    return {
        "changed": changed,
        "manifest": manifest,
        "sha256": sha256,
        "size": size,
        "diff": {"before": "" if changed else after, "after": after},
    }


def extracted(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    archive, dest = params["archive"], params["dest"]
    compression_by_content(archive)
    job = Extraction(
        archive,
        dest,
        params["with_metadata"],
        params["sha256"],
        params["with_backups"],
    )
    done: Extracted | None = None
    changed = not is_extracted(job)
    if changed and not check_mode:
        done = extract(job)
    after = f"{dest}\n"
    return {
        "changed": changed,
        "manifest": done.manifest if done else read_manifest(archive),
        "sha256": done.sha256 if done else "",
        "size": os.stat(archive).st_size,
        "library": os.path.join(dest, DATABASES, LIBRARY),
        "blobs": os.path.join(dest, DATABASES, BLOBS),
        # Not "skipped": a result with that key counts as a skipped task.
        "left_out": list(done.skipped) if done else [],
        "diff": {"before": "" if changed else after, "after": after},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {
                "type": "str",
                "choices": ["packed", "extracted"],
                "required": True,
            },
            "archive": {"type": "path", "required": True},
            "databases": {"type": "path"},
            "metadata": {"type": "list", "elements": "path", "default": []},
            "manifest": {"type": "dict", "default": {}},
            "level": {"type": "int", "default": 3},
            "dest": {"type": "path"},
            "with_metadata": {"type": "bool", "default": False},
            "with_backups": {"type": "bool", "default": False},
            "sha256": {"type": "str", "default": ""},
        },
        required_if=[
            ("state", "packed", ["databases"]),
            ("state", "extracted", ["dest"]),
        ],
        supports_check_mode=True,
    )
    action = packed if module.params["state"] == "packed" else extracted
    try:
        result = action(module.params, module.check_mode)
    except (ArchiveError, DbError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{module.params['archive']}: {error}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
