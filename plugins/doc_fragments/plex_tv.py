# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Connection to the account service plex.tv."""

    DOCUMENTATION = r"""
options:
  plex_tv_url:
    description:
      - Base URL of the account service.
    type: str
    default: https://plex.tv
  token:
    description:
      - Token of the Plex account.
    type: str
    required: true
  timeout:
    description:
      - Seconds to wait for one answer.
    type: int
    default: 30
"""
