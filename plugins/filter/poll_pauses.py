# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: poll_pauses
short_description: Pauses between looks at a long work
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Short pauses at first, then the interval of the monitoring profile, as many as fill the time limit.
positional: interval
options:
  _input:
    description:
      - Time limit in seconds.
    type: float
    required: true
  interval:
    description:
      - Seconds between looks once the work turns out to be long.
    type: float
    required: true
"""

EXAMPLES = r"""
pauses: "{{ 14400 | cloudburst.plex.poll_pauses(60) }}"
"""

RETURN = r"""
_value:
  description: Seconds.
  type: list
  elements: float
"""

import typing as t

from ansible_collections.cloudburst.plex.plugins.plugin_utils._watching import (
    poll_pauses,
)


class FilterModule:
    """The filter V(poll_pauses)."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Its name and function."""
        return {"poll_pauses": poll_pauses}
