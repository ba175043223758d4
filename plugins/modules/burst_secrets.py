#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: burst_secrets
short_description: The user's secrets as a fact of their own
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Sets the fact C(burst_secrets) with C(plex_account_token) and C(plex_claim), empty where the user gave none. The account's token is taken from the
    variable C(plex_account_token), the file that C(plex_account_token_file) names, or the environment variable E(PLEX_ACCOUNT_TOKEN).
  - Refuses to run in a task without C(no_log=true).
  - This is an action plugin, it runs on the controller.
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: cloudburst.plex.burst_settings
"""

EXAMPLES = r"""
- name: Fetch the secrets
  cloudburst.plex.burst_secrets:
  no_log: true

- name: A claim token, at the last moment
  cloudburst.plex.plex_claim_token:
    token: "{{ burst_secrets.plex_account_token }}"
  delegate_to: localhost
  register: claim
  no_log: true
"""

RETURN = r"""
ansible_facts:
  description: The fact C(burst_secrets).
  returned: success
  type: dict
  sample: {"burst_secrets": {"plex_account_token": "...", "plex_claim": ""}}
"""
