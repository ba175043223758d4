#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_image_info
short_description: Look whether an image's tag exists in a registry
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Asks a registry for the manifest of a tag, without pulling anything. Handles the anonymous token login of Docker Hub, and plain http mirrors.
  - A tag that does not exist is a result; a registry that cannot be asked is a failure.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.info_module
options:
  registry_url:
    description:
      - Base URL of the registry.
    type: str
    default: https://registry-1.docker.io
  image:
    description:
      - Image without its tag.
    type: str
    required: true
  tag:
    description:
      - The tag.
    type: str
    required: true
  username:
    description:
      - Name for a registry that needs a login.
    type: str
  password:
    description:
      - Password or access token that goes with O(username).
    type: str
  timeout:
    description:
      - Seconds to wait for one answer.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Is home's version of Plex to be had?
  cloudburst.plex.registry_image_info:
    image: plexinc/pms-docker
    tag: 1.42.2.10156-f737b826c
  register: image
  delegate_to: localhost
"""

RETURN = r"""
exists:
  description: Whether the tag exists.
  returned: success
  type: bool
  sample: true
digest:
  description: Digest of the manifest, empty when the tag does not exist.
  returned: success
  type: str
  sample: sha256:4bb0f6cbca9d4a6f1a9bd0a4d7a0c2a5b7cbb6e4c2d9cdbd0cd5a9d6d9a4b111
remaining_pulls:
  description: Anonymous pulls that are left at Docker Hub, null when the registry does not say.
  returned: success
  type: int
  sample: 98
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._registry import (
    Registry,
    RegistryError,
)


def main() -> None:
    """Wire arguments, look and result."""
    module = AnsibleModule(
        argument_spec={
            "registry_url": {"type": "str", "default": "https://registry-1.docker.io"},
            "image": {"type": "str", "required": True},
            "tag": {"type": "str", "required": True},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    params = module.params
    registry = Registry(
        params["registry_url"],
        params["timeout"],
        params["username"],
        params["password"],
    )
    try:
        found = registry.look(params["image"], params["tag"])
    except RegistryError as exc:
        module.fail_json(msg=str(exc))
    else:
        module.exit_json(changed=False, **found.__dict__)


if __name__ == "__main__":
    main()
