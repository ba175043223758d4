# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module's real ``main`` in this process; exiting ends it, as in life."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from unittest.mock import patch

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args


class ModuleEnd(BaseException):
    """Raised where a module exits, so that nothing runs on after it."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result)
        self.result = result


def _exit(self: AnsibleModule, **result: Any) -> NoReturn:
    raise ModuleEnd({"changed": False, "failed": False, **result})


def _fail(self: AnsibleModule, msg: str, **result: Any) -> NoReturn:
    raise ModuleEnd({"changed": False, **result, "failed": True, "msg": msg})


def run_module(
    main: Callable[[], None], args: Mapping[str, Any], check_mode: bool = False
) -> dict[str, Any]:
    """The result of a module; ``failed`` is always in it."""
    given = {**args, "_ansible_check_mode": check_mode, "_ansible_diff": True}
    with (
        patch_module_args(given),
        patch.object(AnsibleModule, "exit_json", _exit),
        patch.object(AnsibleModule, "fail_json", _fail),
    ):
        try:
            main()
        except ModuleEnd as end:
            return end.result
    raise AssertionError("the module ended without a result")
