# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: duration
short_description: Seconds as a person reads them
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Turns seconds into the largest units, V(3 d 4 h) or V(12 min 5 s).
positional: [parts]
options:
  _input:
    description:
      - Seconds.
    type: float
    required: true
  parts:
    description:
      - How many units to show at most.
    type: int
    default: 2
"""

EXAMPLES = r"""
text: "{{ 4312 | cloudburst.plex.duration }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

import typing as t

from ansible_collections.cloudburst.plex.plugins.plugin_utils._report import duration


class FilterModule:
    """The filter V(duration)."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Its name and function."""
        return {"duration": duration}
