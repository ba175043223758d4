# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""What the controller's machine and its Ansible version look like."""

from __future__ import annotations

import os
import typing as t

from ansible.plugins import action

ZONEINFO = "/zoneinfo/"


def local_timezone(
    env: t.Mapping[str, str] | None = None,
    link: str = "/etc/localtime",
    name: str = "/etc/timezone",
) -> str:
    """Name of this machine's time zone; UTC when it does not tell."""
    wanted = (os.environ if env is None else env).get("TZ", "").lstrip(":")
    if wanted and not wanted.startswith("/"):
        return wanted
    target = os.path.realpath(link)
    if ZONEINFO in target:
        return target.split(ZONEINFO, 1)[1]
    try:
        with open(name, encoding="ascii") as handle:
            return handle.read().strip() or "UTC"
    except OSError:
        return "UTC"


def register_fact(
    plugin: t.Any, result: dict[str, t.Any], facts: dict[str, t.Any]
) -> None:
    """Set host variables from an action plugin, in every supported core.

    Since 2.21 there is a call for it; before, the result's ``ansible_facts``
    become variables. (There, facts of a result are about to stop being that.)
    """
    result["ansible_facts"] = facts
    register = getattr(plugin, "register_host_variables", None)
    if register is not None:
        layers = action.VariableLayer
        register(facts, layers.EPHEMERAL_FACT)
        register({}, layers.CACHEABLE_FACT)
