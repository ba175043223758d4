#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_token
short_description: Read a Plex server's token from its Preferences.xml
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Reads the token that a claimed Plex Media Server keeps in its C(Preferences.xml). It appears some seconds after the claim, so a file
    without a token is a result, not a failure; use C(until) to wait.
  - A file that cannot be read or is no XML is a failure.
  - The result holds a secret. Give the task C(no_log=true).
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  preferences:
    description:
      - Path of C(Preferences.xml).
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Wait for the token of a server that was just claimed
  cloudburst.plex.plex_token:
    preferences: /srv/cloudburst/plex/Library/Application Support/Plex Media Server/Preferences.xml
  register: found
  until: found.present
  retries: 18
  delay: 10
  no_log: true
"""

RETURN = r"""
present:
  description: Whether the file has a token.
  returned: always
  type: bool
  sample: true
token:
  description: The token, a secret; empty when there is none.
  returned: always
  type: str
  sample: xxxxxxxxxxxxxxxxxxxx
username:
  description: Name of the account that claimed the server, empty when there is none.
  returned: always
  type: str
  sample: someone
machine_identifier:
  description: Identifier under which the server is known, empty before its first start.
  returned: always
  type: str
  sample: 5f3cd1c5a6e1f0aa0c2f1a2b3c4d5e6f70819203
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_prefs_file import (
    PreferencesUnreadable,
    read_preferences,
)


def token_result(attributes: t.Mapping[str, str]) -> dict[str, t.Any]:
    """The module's result for the attributes of ``Preferences.xml``."""
    token = attributes.get("PlexOnlineToken", "")
    return {
        "changed": False,
        "present": bool(token),
        "token": token,
        "username": attributes.get("PlexOnlineUsername", ""),
        "machine_identifier": attributes.get("ProcessedMachineIdentifier", ""),
    }


def main() -> None:
    """Wire arguments, file and result."""
    module = AnsibleModule(
        argument_spec={"preferences": {"type": "path", "required": True}},
        supports_check_mode=True,
    )
    try:
        result = token_result(read_preferences(module.params["preferences"]))
    except PreferencesUnreadable as exc:
        module.fail_json(msg=str(exc))
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
