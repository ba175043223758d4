# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Libraries to count before a work of Plex is started."""

    DOCUMENTATION = r"""
options:
  count:
    description:
      - Count these libraries first, as M(cloudburst.plex.plex_progress) does, and begin a new phase with it. What the work changes
        is then counted from there.
    type: dict
    suboptions:
      databases:
        description:
          - Folder of the database pair.
        type: path
        required: true
      sections:
        description:
          - Ids of the libraries to count. All when empty.
        type: list
        elements: int
        default: []
      state_file:
        description:
          - File on the target that keeps the sample for the watch to come; it is replaced.
        type: path
"""
