# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: euros
short_description: An amount of money as a person reads it
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Turns a number into V(1.23 EUR); amounts below ten cents keep four digits.
positional: []
options:
  _input:
    description:
      - The amount in euros.
    type: float
    required: true

"""

EXAMPLES = r"""
text: "{{ 0.19074 | cloudburst.plex.euros }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

import typing as t

from ansible_collections.cloudburst.plex.plugins.plugin_utils._report import euros


class FilterModule:
    """The filter V(euros)."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Its name and function."""
        return {"euros": euros}
