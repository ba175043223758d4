# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Connection to a Plex Media Server."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Base URL of the Plex Media Server, as seen from the host that the module runs on.
    type: str
    default: http://127.0.0.1:32400
  token:
    description:
      - A token of the account that owns the server, sent as the header C(X-Plex-Token).
      - Not needed on a server that is not claimed, when the request counts as local.
    type: str
  timeout:
    description:
      - Seconds to wait for one answer.
    type: int
    default: 30
"""
