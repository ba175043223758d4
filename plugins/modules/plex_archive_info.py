#!/usr/bin/python

# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_archive_info
short_description: Tell whether the archive of a Plex library is whole
version_added: 0.1.0
description:
  - Reads an archive to its end and compares its digest with its sidecar, every file with the manifest, and looks for the pair of databases.
  - It does not fail for what is wrong with the archive, RV(ok) and RV(errors) tell.
author:
  - cloudburst.plex contributors (@cloudburst)
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.info_module
requirements:
  - the C(zstd) command for C(.tar.zst)
options:
  archive:
    description:
      - Path of the archive (C(.tar.zst), C(.tar.gz) or C(.tar), by content).
    type: path
    required: true
  sha256:
    description:
      - What the archive must have. What C(<archive>.sha256) says by default.
    type: str
    default: ""
seealso:
  - module: cloudburst.plex.plex_archive
"""

EXAMPLES = r"""
- name: Look at the archive before anything is created
  cloudburst.plex.plex_archive_info:
    archive: ~/plex/home.tar.zst
  register: archive
"""

RETURN = r"""
ok:
  description: Whether nothing is wrong with it.
  type: bool
  returned: success
sha256:
  description: Digest of the archive; empty when it could not be read to its end.
  type: str
  returned: success
size:
  description: Size of the archive in bytes.
  type: int
  returned: success
manifest:
  description: The manifest; V(null) for an archive without one.
  type: dict
  returned: success
members:
  description: The databases and other files that the manifest vouches for.
  type: list
  elements: dict
  returned: success
  sample: [{name: databases/com.plexapp.plugins.library.db, size: 1500000000, sha256: 2c26b46b68ffc68f}]
member_count:
  description: Number of all members.
  type: int
  returned: success
pair:
  description: The member of each database of the pair.
  type: dict
  returned: success
errors:
  description: What is wrong, one sentence each.
  type: list
  elements: str
  returned: success
notes:
  description: What is worth knowing, one sentence each.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._archive_inspect import (
    inspect,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "archive": {"type": "path", "required": True},
            "sha256": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    found = inspect(module.params["archive"], module.params["sha256"])
    module.exit_json(
        changed=False,
        ok=found.ok,
        sha256=found.sha256,
        size=found.size,
        manifest=found.manifest,
        members=found.members,
        member_count=found.member_count,
        pair=found.pair,
        errors=found.errors,
        notes=found.notes,
    )


if __name__ == "__main__":
    main()
