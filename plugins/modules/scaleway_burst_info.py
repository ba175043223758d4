#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scaleway_burst_info
short_description: List everything of a burst that exists at Scaleway, with its cost so far
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Lists servers, volumes and snapshots of both volume services, addresses and security groups that carry the tags of a burst, or of any burst
    of this collection, in every zone.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.info_module
  - cloudburst.plex.scaleway
options:
  burst:
    description:
      - Name of the burst. Without it, every burst of this collection is listed.
    type: str
  zones:
    description:
      - Zones to look in. Every zone of Scaleway when empty.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: What is alive, and what has it cost
  cloudburst.plex.scaleway_burst_info:
  register: alive
"""

RETURN = r"""
servers:
  description:
    - The servers, with type, state, address, deadline, price per hour in euros, age in hours and cost so far.
    - C(booted) is false for a server that was created and never came up, by the host keys that an image publishes at its first boot.
  returned: always
  type: list
  elements: dict
  sample: [{id: 11111111-2222-3333-4444-555555555555, type: GP1-S, zone: fr-par-1, state: running, hours: 2.5, hourly_price: 0.19074}]
volumes:
  description: Volumes and snapshots of both services that carry the tags.
  returned: always
  type: list
  elements: dict
  sample: []
ips:
  description: Reserved addresses that carry the tags. They bill until they are deleted.
  returned: always
  type: list
  elements: dict
  sample: []
security_groups:
  description: Security groups that carry the tags. They cost nothing.
  returned: always
  type: list
  elements: dict
  sample: []
bill:
  description: Cost so far of all listed servers and their volumes, item by item, in euros.
  returned: always
  type: dict
  sample: {total_euros: 0.5734, complete: true, currency: EUR, lines: []}
"""

import time
from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._bill import (
    Line,
    bill,
    hours_between,
    server_lines,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_client import (
    Cloud,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_module import (
    run_module,
    scaleway_argument_spec,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import (
    check_burst_name,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    FINGERPRINTS_KEY,
    MANAGED_BY,
    Part,
    Server,
    burst_tags,
    is_ours,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_zones import (
    across,
    everywhere,
)

#: which list of the result a kind belongs to
LISTS = {
    "volume": "volumes",
    "block_volume": "volumes",
    "snapshot": "volumes",
    "block_snapshot": "volumes",
    "ip": "ips",
    "security_group": "security_groups",
}


def gather(cloud: Cloud, burst: str | None, zones: Sequence[str]) -> dict[str, Any]:
    """Everything with the tags, with prices as of now."""
    now = time.time()
    result: dict[str, Any] = {"servers": [], "volumes": [], "ips": []}
    result["security_groups"] = []
    lines: list[Line] = []
    tags = burst_tags(burst) if burst else [MANAGED_BY]
    every = across(zones, cloud.parts)
    sizes = {part.id: part.size for part in every}
    for part in every:
        _sort_in(result, part, burst)
    servers = across(zones, lambda zone: cloud.servers(zone, tags))
    for zone in dict.fromkeys(server.zone for server in servers):
        here = [server for server in servers if server.zone == zone]
        found, cost = _servers(cloud, zone, here, now, sizes)
        result["servers"] += found
        lines += cost
    return {"changed": False, **result, "bill": bill(lines)}


def _sort_in(result: dict[str, Any], part: Part, burst: str | None) -> None:
    if is_ours(part.tags, burst):
        result[LISTS[part.kind]].append(part.as_dict())


def _servers(
    cloud: Cloud, zone: str, servers: list[Server], now: float, sizes: dict[str, int]
) -> tuple[list[dict[str, Any]], list[Line]]:
    """Servers of a zone and what they cost so far."""
    types = sorted({server.type for server in servers})
    offers = cloud.offers(zone, types)
    found, lines = [], []
    for server in servers:
        offer = offers.get(server.type)
        price = offer.hourly_price if offer else None
        own = server_lines(server, price, now, sizes)
        found.append(
            {
                **server.as_dict(price),
                "hours": round(hours_between(server.created, now), 3),
                "cost": bill(own),
                "booted": has_booted(cloud, server),
            }
        )
        lines += own
    return found, lines


def has_booted(cloud: Cloud, server: Server) -> bool:
    """False only for a server that was created and never came up."""
    published = cloud.user_data(server, FINGERPRINTS_KEY) is not None
    return server.state != "stopped" or published


def main() -> None:
    """Wire arguments, API and result."""
    module = AnsibleModule(
        argument_spec=scaleway_argument_spec(
            burst={"type": "str"},
            zones={"type": "list", "elements": "str", "default": []},
        ),
        supports_check_mode=True,
    )
    params = module.params

    def work(cloud: Cloud) -> dict[str, Any]:
        burst = check_burst_name(params["burst"]) if params["burst"] else None
        return gather(cloud, burst, params["zones"] or everywhere())

    run_module(module, work)


if __name__ == "__main__":
    main()
