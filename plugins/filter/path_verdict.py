# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: path_verdict
short_description: Whether a library may be scanned where its files are
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Judges what M(cloudburst.plex.plex_path_check) found of one library. A location that is not reachable, files that are not where the
    database says, and files whose times are others are reasons not to scan it.
positional: section, rules
options:
  _input:
    description:
      - The result of M(cloudburst.plex.plex_path_check).
    type: dict
    required: true
  section:
    description:
      - The library, with C(id) and C(name).
    type: dict
    required: true
  rules:
    description:
      - What may be. C(missing_cap), C(missing_threshold) and C(mtime_drift_threshold) are shares of the sampled files, 0 to 1; the second does
        not count with C(force_deep_scan) or C(accept_deletions), the third not with C(accept_mtime_drift). C(media_root) is for an example.
    type: dict
    required: true
"""

EXAMPLES = r"""
verdict: "{{ checked | cloudburst.plex.path_verdict({'id': 1, 'name': 'Movies'}, rules) }}"
"""

RETURN = r"""
_value:
  description: C(refusals) and C(notes), lists of sentences.
  type: dict
"""

import typing as t

from ansible_collections.cloudburst.plex.plugins.plugin_utils._path_verdict import (
    path_verdict,
)


class FilterModule:
    """The filter V(path_verdict)."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Its name and function."""
        return {"path_verdict": path_verdict}
