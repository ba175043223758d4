# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""burst_fact: one of three names, handed on as it is."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.cloudburst.plex.plugins.action import burst_fact


def run(**args: Any) -> dict[str, Any]:
    loader = DataLoader()
    task = MagicMock(args=args, async_val=0, check_mode=False, diff=False)
    plugin = burst_fact.ActionModule(
        task,
        MagicMock(),
        MagicMock(check_mode=False),
        loader,
        Templar(loader, {}),
        MagicMock(),
    )
    if hasattr(plugin, "register_host_variables"):  # ansible-core 2.21
        plugin.register_host_variables = MagicMock()
    return dict(plugin.run(None, {}))


@pytest.mark.parametrize("name", burst_fact.NAMES)
def test_a_fact_is_handed_on(name: str) -> None:
    value = {"total_euros": 0.1, "lines": [1, None]}
    result = run(name=name, value=value)
    assert result["ansible_facts"] == {name: value} and result["changed"] is False


@pytest.mark.parametrize(
    "args",
    [{"name": "other", "value": {}}, {"name": "plan"}, {"name": "plan", "value": 3}],
)
def test_anything_else_is_refused(args: dict[str, Any]) -> None:
    with pytest.raises(AnsibleError):
        run(**args)
