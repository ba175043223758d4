#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scaleway_offer_info
short_description: Read stock and price of instance types from the Scaleway API
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Reads which instance types each zone offers, whether they are in stock, and their price per hour without storage and address. Prices change
    (a third within eight months was seen), so they are read, never known.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.info_module
  - cloudburst.plex.scaleway
options:
  types:
    description:
      - Types to read, the most wanted first. Without any, all types are returned.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Price and stock of two types
  cloudburst.plex.scaleway_offer_info:
    types: [GP1-S, GP1-M]
    zones: [fr-par-1, fr-par-2]
  register: market
"""

RETURN = r"""
offers:
  description:
    - The offers, by wish of type and then zone. C(usable) is false for what is out of stock, at its end of service or not offered.
  returned: always
  type: list
  elements: dict
  sample:
    - type: GP1-S
      zone: fr-par-1
      hourly_price: 0.19074
      availability: available
      vcpus: 8
      ram_gb: 32.0
      arch: x86_64
      local_storage_gb: 300
      end_of_service: false
      usable: true
refused:
  description: Types that cannot be had in a zone, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{type: GP1-M, zone: fr-par-2, reason: 'out of stock (availability: shortage)'}]
"""

from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_client import (
    Cloud,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_module import (
    run_module,
    scaleway_argument_spec,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import (
    Candidate,
    refusal,
)


def gather(cloud: Cloud, types: Sequence[str], zones: Sequence[str]) -> dict[str, Any]:
    """Offers and refusals in the order in which they would be tried."""
    market = {zone: cloud.offers(zone, types) for zone in zones}
    names = types or sorted({name for offers in market.values() for name in offers})
    offers: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    for name in names:
        for zone in zones:
            offer = market[zone].get(name)
            reason = refusal(offer, Candidate(name, zone))
            if offer is not None:
                offers.append({**offer.as_dict(), "usable": not reason})
            if reason:
                refused.append({"type": name, "zone": zone, "reason": reason})
    return {"changed": False, "offers": offers, "refused": refused}


def main() -> None:
    """Wire arguments, API and result."""
    module = AnsibleModule(
        argument_spec=scaleway_argument_spec(
            types={"type": "list", "elements": "str", "default": []},
        ),
        supports_check_mode=True,
    )
    params = module.params
    run_module(module, lambda cloud: gather(cloud, params["types"], params["zones"]))


if __name__ == "__main__":
    main()
