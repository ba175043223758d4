# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: what the Scaleway modules have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_client import (
    Cloud,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    CloudError,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_http import (
    REQUESTS_IMPORT_ERROR,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_sdk import (
    SDK_IMPORT_ERROR,
    load_client,
)

SDK_URL = "https://pypi.org/project/scaleway/"


def scaleway_argument_spec(**own: Any) -> dict[str, Any]:
    """The module's options with those of the doc fragment ``scaleway``."""
    return {
        "zones": {"type": "list", "elements": "str", "default": ["fr-par-1"]},
        "config_file": {"type": "path"},
        "scaleway_profile": {"type": "str"},
        **own,
    }


def connect(module: AnsibleModule) -> Cloud:
    """The project that the credentials lead to."""
    problem = SDK_IMPORT_ERROR or REQUESTS_IMPORT_ERROR
    if problem:
        fail_without_sdk(module, problem)
    client = load_client(
        module.params["config_file"], module.params["scaleway_profile"]
    )
    module.no_log_values.add(client.secret_key)
    return Cloud(client)


def fail_without_sdk(module: AnsibleModule, trace: str) -> NoReturn:
    module.fail_json(
        msg=missing_required_lib("scaleway", url=SDK_URL),
        exception=trace,
    )
    raise AssertionError("fail_json returned")


def run_module(module: AnsibleModule, work: Callable[[Cloud], dict[str, Any]]) -> None:
    """Connect, work, and leave by the module's two doors only."""
    try:
        result = work(connect(module))
    except CloudError as exc:
        module.fail_json(msg=str(exc), **exc.result)
    else:
        module.exit_json(**result)
