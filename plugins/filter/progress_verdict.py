# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: progress_verdict
short_description: What a sample of progress means
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Says V(running), V(settled), V(reached), V(stalled), V(too_late), V(crashed) or V(unguarded).
positional: rules
options:
  _input:
    description:
      - A sample of M(cloudburst.plex.plex_progress).
    type: dict
    required: true
  rules:
    description:
      - C(limit_seconds), C(stall_seconds), C(cpu_idle), C(quiet), C(target).
    type: dict
    required: true
"""

EXAMPLES = r"""
verdict: "{{ progress.sample | cloudburst.plex.progress_verdict(rules) }}"
"""

RETURN = r"""
_value:
  description: The verdict.
  type: str
"""

import typing as t

from ansible_collections.cloudburst.plex.plugins.plugin_utils._watching import verdict


class FilterModule:
    """The filter V(progress_verdict)."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Its name and function."""
        return {"progress_verdict": verdict}
