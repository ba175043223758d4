# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: media_table
short_description: Lines of the before and after table
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Aligns the rows of P(cloudburst.plex.media_comparison#filter). A number that is null is shown as V(unknown).
positional: []
options:
  _input:
    description:
      - The rows.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
lines: "{{ rows | cloudburst.plex.media_table }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.cloudburst.plex.plugins.plugin_utils._summary import table


class FilterModule:
    """The filter V(media_table)."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Its name and function."""
        return {"media_table": table}
