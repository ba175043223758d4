# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""What every module that talks to Plex has in common."""

from __future__ import annotations

import typing as t

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_api import PlexApi
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexError,
)

DEFAULT_URL = "http://127.0.0.1:32400"

Spec = dict[str, dict[str, t.Any]]


def plex_argument_spec(**more: dict[str, t.Any]) -> Spec:
    """The connection arguments of fragment ``plex_api``, and ``more``."""
    spec: Spec = {
        "url": {"type": "str", "default": DEFAULT_URL},
        "token": {"type": "str", "no_log": True},
        "timeout": {"type": "int", "default": 30},
    }
    spec.update(more)
    return spec


def plex_api(module: t.Any) -> PlexApi:
    """The edge that the module's connection arguments describe."""
    return PlexApi(
        module.params["url"], module.params["token"], module.params["timeout"]
    )


def run_module(module: t.Any, work: t.Callable[[], dict[str, t.Any]]) -> None:
    """Exit with what ``work`` returns; a Plex error becomes the failure."""
    try:
        result = work()
    except PlexError as exc:
        module.fail_json(msg=str(exc), error_kind=type(exc).__name__)
        return
    module.exit_json(**result)
