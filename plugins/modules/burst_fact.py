#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: burst_fact
short_description: Hand a fact from one role to the next
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Sets one of the few variables that cross the border of a role. C(plan) is what preflight found, C(burst_instance) the instance that provision
    has, C(bill) what teardown charges.
  - This is an action plugin, it runs on the controller.
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  name:
    description:
      - Name of the fact.
    type: str
    required: true
    choices: [plan, burst_instance, bill]
  value:
    description:
      - Its value.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the bill
  cloudburst.plex.burst_fact:
    name: bill
    value: "{{ removed.bill }}"
"""

RETURN = r"""
ansible_facts:
  description: The fact that was set.
  returned: success
  type: dict
  sample: {"bill": {"total_euros": 0.1929}}
"""
