# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: progress_line
short_description: A sample of progress as one line
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Time, phase, what moved, how fast, how long still, load of the CPU, and what Plex says it does.
positional: phase, name
options:
  _input:
    description:
      - A sample of M(cloudburst.plex.plex_progress).
    type: dict
    required: true
  phase:
    description:
      - V(scan), V(analysis), V(refresh) or V(sonic).
    type: str
    required: true
  name:
    description:
      - What the phase works on.
    type: str
    required: true
"""

EXAMPLES = r"""
label: "{{ progress.sample | cloudburst.plex.progress_line('scan', 'Movies') }}"
"""

RETURN = r"""
_value:
  description: The line.
  type: str
"""

import typing as t

from ansible_collections.cloudburst.plex.plugins.plugin_utils._watching import (
    progress_line,
)


class FilterModule:
    """The filter V(progress_line)."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Its name and function."""
        return {"progress_line": progress_line}
