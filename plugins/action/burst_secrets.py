# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.cloudburst.plex.plugins.action.burst_settings import (
    BurstVariables,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._surroundings import (
    register_fact,
)


class ActionModule(BurstVariables):
    """The user's secrets as a fact of their own, for a task with no_log."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None
    ) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        self.validate_argument_spec(argument_spec={})
        if not self._task.no_log:
            result.update(
                failed=True, msg="burst_secrets returns secrets: give the task no_log"
            )
            return result
        secrets = self.settings(task_vars or {}, []).secrets
        result.update(changed=False)
        register_fact(self, result, {"burst_secrets": secrets})
        return result
