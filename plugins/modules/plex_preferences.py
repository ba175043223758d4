#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_preferences
short_description: Set preferences of a Plex server or library, and prove it
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Sets preferences of the server, or of one library, and reads every one of them back. Plex answers 200 to names that do not exist and
    forgets them, so an unknown name is an error here, with the names that come close.
  - Returns the values before the change for exactly the given names, so that they can be restored later by handing RV(before) back in
    as O(values).
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.plex_api
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  values:
    description:
      - Names and values. Booleans in any of Ansible's spellings, numbers as numbers or text.
    type: dict
    required: true
  section:
    description:
      - Id of a library, to set its preferences instead of the server's.
    type: int
  optional:
    description:
      - Names that only exist on some servers (with Plex Pass); they are skipped with a reason where they do not exist.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Stop the background work
  cloudburst.plex.plex_preferences:
    values:
      autoEmptyTrash: false
      ButlerTaskDeepMediaAnalysis: false
      MusicAnalysisBehavior: never
    optional: [MusicAnalysisBehavior]
  register: quiet

- name: Give the background work back
  cloudburst.plex.plex_preferences:
    values: "{{ quiet.before }}"

- name: Sonic analysis for one library only
  cloudburst.plex.plex_preferences:
    section: 5
    values:
      musicAnalysis: true
"""

RETURN = r"""
before:
  description: Values before the change, of the given names that exist.
  returned: success
  type: dict
  sample: {"autoEmptyTrash": true}
after:
  description: Values after the change, read back (in check mode those that were asked for).
  returned: success
  type: dict
  sample: {"autoEmptyTrash": false}
unavailable:
  description: Optional names that do not exist here and were left out, with the reason.
  returned: success
  type: dict
  sample: {"MusicAnalysisBehavior": "this server does not have it (Plex Pass only?)"}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_api import PlexApi
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_module import (
    plex_api,
    plex_argument_spec,
    run_module,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_preferences import (
    apply_preferences,
)


def preferences_result(
    api: PlexApi, params: t.Mapping[str, t.Any], check_mode: bool
) -> dict[str, t.Any]:
    """Apply and describe; the diff shows only what moves."""
    outcome = apply_preferences(
        api, params["values"], params["section"], params["optional"], check_mode
    )
    moved = sorted(outcome.changed)
    return {
        "changed": bool(moved),
        "before": outcome.before,
        "after": outcome.after,
        # Not "skipped": a result with that key counts as a skipped task.
        "unavailable": outcome.unavailable,
        "diff": {
            "before": {name: outcome.before[name] for name in moved},
            "after": {name: outcome.after[name] for name in moved},
        },
    }


def main() -> None:
    """Wire arguments, preferences and result."""
    module = AnsibleModule(
        argument_spec=plex_argument_spec(
            values={"type": "dict", "required": True},
            section={"type": "int"},
            optional={"type": "list", "elements": "str", "default": []},
        ),
        supports_check_mode=True,
    )
    api = plex_api(module)
    run_module(
        module, lambda: preferences_result(api, module.params, module.check_mode)
    )


if __name__ == "__main__":
    main()
