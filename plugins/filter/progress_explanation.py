# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: progress_explanation
short_description: Why a phase ended, in words
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - The sentence for an error or a report, with the figures and what to do.
positional: outcome, rules, what
options:
  _input:
    description:
      - A sample of M(cloudburst.plex.plex_progress).
    type: dict
    required: true
  outcome:
    description:
      - A verdict of P(cloudburst.plex.progress_verdict#filter).
    type: str
    required: true
  rules:
    description:
      - C(limit_seconds), C(stall_seconds), C(cpu_idle), C(quiet), C(target).
    type: dict
    required: true
  what:
    description:
      - What the phase did.
    type: str
    required: true
"""

EXAMPLES = r"""
msg: "{{ progress.sample | cloudburst.plex.progress_explanation('stalled', rules, 'The scan of Movies') }}"
"""

RETURN = r"""
_value:
  description: The sentence.
  type: str
"""

import typing as t

from ansible_collections.cloudburst.plex.plugins.plugin_utils._watching import (
    explain,
)


def explanation(
    sample: t.Mapping[str, t.Any], outcome: str, rules: t.Mapping[str, t.Any], what: str
) -> str:
    """The words of the core, with the sample first as a filter needs it."""
    return explain(outcome, sample, rules, what)


class FilterModule:
    """The filter V(progress_explanation)."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Its name and function."""
        return {"progress_explanation": explanation}
