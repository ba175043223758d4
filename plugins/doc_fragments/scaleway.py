# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Credentials and zones of the Scaleway modules."""

    DOCUMENTATION = r"""
options:
  zones:
    description:
      - Zones, the most wanted first.
    type: list
    elements: str
    default:
      - fr-par-1
  config_file:
    description:
      - Scaleway's configuration file. By default E(SCW_CONFIG_PATH), else C($XDG_CONFIG_HOME/scw/config.yaml), else
        C(~/.config/scw/config.yaml). Values of the environment win over those of the file.
    type: path
  scaleway_profile:
    description:
      - Profile in that file. By default E(SCW_PROFILE), else the values at its top level.
    type: str
requirements:
  - scaleway >= 2.12 (PyPI)
  - requests
notes:
  - Credentials are read from E(SCW_ACCESS_KEY), E(SCW_SECRET_KEY), E(SCW_DEFAULT_PROJECT_ID) and E(SCW_API_URL), or from Scaleway's
    configuration file (C(scw init) writes it). They are never module options, so that they cannot reach a log.
  - Every request has a deadline and is repeated with a growing pause when it was throttled or failed without an answer. A request that
    creates something is never repeated blindly; what it did is looked up by tag.
"""
