# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.cloudburst.plex.plugins.plugin_utils._surroundings import (
    register_fact,
)

#: what roles hand to each other; everything else stays inside a role
NAMES = ("plan", "burst_instance", "bill")


class ActionModule(ActionBase):
    """Sets one of the few variables that cross the border of a role."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None
    ) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec={
                "name": {"type": "str", "required": True, "choices": list(NAMES)},
                "value": {"type": "dict", "required": True},
            }
        )
        result.update(changed=False)
        register_fact(self, result, {arguments["name"]: arguments["value"]})
        return result
