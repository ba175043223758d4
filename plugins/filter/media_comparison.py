# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: media_comparison
short_description: Counts of every media type before and after
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Compares two samples of M(cloudburst.plex.plex_progress), all libraries together. Every leaf type is always there.
  - A number that a sample does not have is null, not zero.
positional: after
options:
  _input:
    description:
      - The sample from before.
    type: dict
    required: true
  after:
    description:
      - The sample from after.
    type: dict
    required: true
"""

EXAMPLES = r"""
rows: "{{ before | cloudburst.plex.media_comparison(after) }}"
"""

RETURN = r"""
_value:
  description: One row per number, C(what), C(before), C(after), C(change).
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.cloudburst.plex.plugins.plugin_utils._summary import compare


class FilterModule:
    """The filter V(media_comparison)."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Its name and function."""
        return {"media_comparison": compare}
