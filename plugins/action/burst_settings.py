# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
import typing as t

from ansible import context
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.cloudburst.plex.plugins.plugin_utils._normalise import (
    Settings,
    Surroundings,
    normalise,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._setting_names import (
    restored,
    role_variables,
    unknown_names,
    whole_values,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._settings import (
    VARIABLES,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._surroundings import (
    local_timezone,
    register_fact,
)

COLLECTION = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))


class BurstVariables(ActionBase):
    """Reads the user's variables; shared by burst_settings and burst_secrets."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def settings(self, task_vars: dict[str, t.Any], require: list[str]) -> Settings:
        """The normalised settings, problems of every kind included."""
        extra = dict(load_extra_vars(self._loader))
        given, problems = self._given(task_vars, extra)
        found = normalise(given, Surroundings(timezone=local_timezone()), require)
        unknown = unknown_names(extra, VARIABLES, role_variables(COLLECTION))
        return Settings(
            found.burst, found.secrets, (*unknown, *problems, *found.problems)
        )

    def _given(
        self, task_vars: dict[str, t.Any], extra: dict[str, t.Any]
    ) -> tuple[dict[str, t.Any], list[str]]:
        whole = whole_values(_command_line())
        given: dict[str, t.Any] = {}
        problems = []
        for name in VARIABLES:
            if name not in task_vars:
                continue
            try:
                value = self._templar.template(task_vars[name])
            except AnsibleError as exc:
                problems.append(f"{name} cannot be templated: {exc.message}")
                continue
            given[name] = restored(value, extra.get(name), name, whole)
        return given, problems


class ActionModule(BurstVariables):
    """The user's variables, checked and normalised once, at the door."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None
    ) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec={
                "require": {"type": "list", "elements": "str", "default": []},
            }
        )
        strangers = [x for x in arguments["require"] if x not in VARIABLES]
        if strangers:
            raise AnsibleError(f"require: {strangers[0]} is not a variable of a burst")
        found = self.settings(task_vars or {}, arguments["require"])
        if found.problems:
            result.update(failed=True, msg=_message(found.problems))
            result["problems"] = list(found.problems)
            return result
        result.update(changed=False, burst=found.burst)
        register_fact(self, result, {"burst": found.burst})
        if _typed_secret():
            result["warnings"] = [
                "A secret was given with -e on the command line, where every process"
                " list shows it; use PLEX_ACCOUNT_TOKEN or plex_account_token_file"
            ]
        return result


def _message(problems: t.Sequence[str]) -> str:
    count = "One thing is" if len(problems) == 1 else f"{len(problems)} things are"
    lines = "\n".join(f"  - {problem}" for problem in problems)
    return f"{count} wrong with the variables; nothing was created or changed:\n{lines}"


def _command_line() -> list[str]:
    return [str(option) for option in context.CLIARGS.get("extra_vars", ()) or ()]


def _typed_secret() -> bool:
    names = [name for name, variable in VARIABLES.items() if variable.secret]
    given = re.compile(rf"\b({'|'.join(names)})\b[\"']?\s*[=:]")
    options = [option for option in _command_line() if not option.startswith("@")]
    return any(given.search(option) for option in options)
