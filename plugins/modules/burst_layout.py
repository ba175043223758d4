#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: burst_layout
short_description: Fit the libraries' locations to the folders of the bucket
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Selects libraries by name, applies the path mappings to their locations, and finds the folder under which the bucket has to be mounted so that
    the paths in the database need no further change.
  - Fails with one message that names every library that does not exist, every location that the mount would not have, and every mapping whose
    target is not on the mount.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.info_module
options:
  available:
    description:
      - The libraries, each with C(name) and C(locations), which are paths or dictionaries with C(path), as
        M(cloudburst.plex.plex_db_info) returns them; other keys are handed through.
    type: list
    elements: dict
    required: true
  names:
    description:
      - Libraries to work on, all when empty. Upper and lower case do not matter.
    type: list
    elements: str
    default: []
  mappings:
    description:
      - Old and new path prefixes, as a list of dictionaries with C(from) and C(to).
    type: list
    elements: dict
    default: []
  media_root:
    description:
      - Folder at which the bucket is mounted as the container sees it. Found out when empty.
    type: str
    default: ''
  directories:
    description:
      - Folders of the bucket, relative to its root.
    type: list
    elements: str
    required: true
  depth:
    description:
      - How many levels of folders O(directories) holds.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Where does the bucket have to be mounted?
  cloudburst.plex.burst_layout:
    available: "{{ library.sections }}"
    names: [Movies, Music]
    mappings: [{from: /mnt/old/Films, to: /media/plex/Movies}]
    directories: "{{ remote.directories }}"
    depth: 2
  register: layout
"""

RETURN = r"""
sections:
  description: The selected libraries with C(locations) as they will be in the burst and C(home_locations) as they are at home.
  returned: success
  type: list
  elements: dict
  sample: [{id: 1, name: Movies, type: movie, locations: [/media/plex/Movies], home_locations: [/media/plex/Movies]}]
media_root:
  description: Folder at which the bucket is mounted.
  returned: success
  type: str
  sample: /media/plex
mappings:
  description: The mappings, cleaned; those that change nothing are left out.
  returned: success
  type: list
  elements: dict
  sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._layout import (
    Bucket,
    LayoutError,
    arrange,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import (
    PathMappingError,
    path_map_from,
)


def lay_out(params: dict[str, Any]) -> dict[str, Any]:
    """The module's result for its options."""
    mappings = path_map_from(params["mappings"])
    bucket = Bucket(params["directories"], params["depth"])
    layout = arrange(
        params["available"], params["names"], mappings, params["media_root"], bucket
    )
    return {"changed": False, "mappings": mappings.as_list(), **layout}


def main() -> None:
    """Wire arguments, arithmetic and result."""
    module = AnsibleModule(
        argument_spec={
            "available": {"type": "list", "elements": "dict", "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
            "mappings": {"type": "list", "elements": "dict", "default": []},
            "media_root": {"type": "str", "default": ""},
            "directories": {"type": "list", "elements": "str", "required": True},
            "depth": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        result = lay_out(module.params)
    except (LayoutError, PathMappingError) as exc:
        module.fail_json(msg=str(exc))
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
