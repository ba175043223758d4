# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: unsaved_results
short_description: Servers and volumes of a burst that may hold the only result
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Compares the newest export in the journal of the attached server with the archives that are whole on the controller. A server that never booted
    holds nothing; one whose journal cannot be read, and a volume without its server, may hold the only result.
positional: volumes, attached, records, archives, confirmed
options:
  _input:
    description:
      - The servers, as M(cloudburst.plex.scaleway_burst_info) lists them.
    type: list
    elements: dict
    required: true
  volumes:
    description:
      - The volumes, as M(cloudburst.plex.scaleway_burst_info) lists them.
    type: list
    elements: dict
    required: true
  attached:
    description:
      - Identifier of the server that the journal was read from.
    type: str
    required: true
  records:
    description:
      - The records of its journal, or null when it could not be read.
    type: list
    elements: dict
    required: true
  archives:
    description:
      - Results of M(cloudburst.plex.plex_archive_info).
    type: list
    elements: dict
    required: true
  confirmed:
    description:
      - Checksum of the result that the present run ended with.
    type: str
    default: ''
"""

EXAMPLES = r"""
unsaved: "{{ alive.servers | cloudburst.plex.unsaved_results(alive.volumes, server_id, journal.records, checked.results) }}"
"""

RETURN = r"""
_value:
  description: One sentence per server or volume; empty when nothing would be lost.
  type: list
  elements: str
"""

import typing as t

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_gate import (
    unsaved_results,
)


class FilterModule:
    """The filter V(unsaved_results)."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Its name and function."""
        return {"unsaved_results": unsaved_results}
