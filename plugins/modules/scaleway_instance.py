#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scaleway_instance
short_description: Create, adopt or remove the instance of a burst, with everything that bills
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Keeps at most one Scaleway instance for a burst. It is known by its tags C(managed-by=cloudburst.plex) and C(burst=NAME), which are part of
    the create request; no state is kept anywhere else. More than one such server is an error, except servers that never booted, which are
    removed.
  - "V(present): adopts what is there, goes on with what was left half made, else creates the first type and zone that can be had, sets the
    user data, powers on, waits for an address and for the fingerprints of its SSH host keys."
  - "V(attached): finds the instance if it runs, and lets this controller in; nothing is created or started. Without one the result is empty."
  - "V(absent): ends the server by the way that its state allows, deletes the volumes that survive it, its addresses with the burst's tags and
    its security group, and then proves the absence by listing servers, volumes and snapshots of both services, addresses and security groups
    in all O(search_zones). Anything left is a failure that names it and the command to remove it."
  - The root volume is local storage (V(l_ssd)) where the type has enough of it, so that one request ends all that costs money; block storage
    otherwise.
  - The security group lets in SSH from O(allowed_ssh_cidr) only, and is brought up to date at every run.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.scaleway
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  state:
    description:
      - What should be.
    type: str
    choices: [present, attached, absent]
    default: present
  burst:
    description:
      - Name of the burst, lower-case letters, digits and hyphens.
    type: str
    required: true
  types:
    description:
      - Types of instance, the most wanted first. Each is tried in every zone before the next one is taken.
    type: list
    elements: str
    default: []
  offers:
    description:
      - Pairs of type and zone in the order in which to try them, as M(cloudburst.plex.scaleway_offer_info) returns them. Used instead of
        O(types) and O(zones) when it is not empty.
    type: list
    elements: dict
    default: []
  search_zones:
    description:
      - Zones in which the burst is looked for, beside O(zones) and those of O(offers). Every zone of Scaleway when empty, so that an instance
        that was made elsewhere is adopted, and removed, all the same.
    type: list
    elements: str
    default: []
  image_label:
    description:
      - Label of the marketplace image.
    type: str
    default: debian_bookworm
  volume_gb:
    description:
      - Size of the root volume in GB (10^9 bytes).
    type: int
    default: 40
  user_data:
    description:
      - User data to set before the first boot, for instance C(cloud-init). An instance that has booted is not changed.
      - The values may hold secrets, so they are never shown.
    type: dict
    default: {}
  tags:
    description:
      - Further tags in the form C(key=value).
    type: list
    elements: str
    default: []
  ssh_public_key:
    description:
      - Public key that this instance trusts, as in a C(.pub) file. Needed for V(present).
    type: str
    default: ''
  lifetime_hours:
    description:
      - Hours until the deadline in the tag C(expires-at). A server past its deadline that is asked for again gets a new one.
    type: float
    default: 96
  allowed_ssh_cidr:
    description:
      - Networks that may reach SSH. Without any, the controller's address is found. For an instance on a private network it is the local
        address of the route to it; otherwise it is this machine's own public address, or what O(address_url) answers. If none can be found it
        is an error; SSH is never silently open to all.
    type: list
    elements: str
    default: []
  address_url:
    description:
      - Service that answers with the caller's public IPv4 address as plain text. Only asked when the address is not otherwise known.
    type: str
    default: https://checkip.amazonaws.com
  boot_timeout:
    description:
      - Seconds until the instance must run and have an address.
    type: int
    default: 300
  host_key_timeout:
    description:
      - Seconds to wait for the fingerprints of the SSH host keys, which the image publishes at its first boot.
    type: int
    default: 180
  removal_timeout:
    description:
      - Seconds until the server, and each other part, must be gone. Up to 118 seconds were recorded for a server.
    type: int
    default: 240
"""

EXAMPLES = r"""
- name: Have an instance for the burst
  cloudburst.plex.scaleway_instance:
    burst: plex
    types: [GP1-S, GP1-M]
    zones: [fr-par-1, fr-par-2]
    volume_gb: 100
    ssh_public_key: "{{ lookup('ansible.builtin.file', '~/.cache/cloudburst/plex/id_ed25519.pub') }}"
    user_data:
      cloud-init: "{{ lookup('ansible.builtin.template', 'user-data.yml.j2') }}"
  register: instance

- name: Remove it, its volumes, addresses and security group, in every zone, and prove it
  cloudburst.plex.scaleway_instance:
    burst: plex
    state: absent
"""

RETURN = r"""
server:
  description: The instance; empty when there is none, and in check mode when one would be created.
  returned: state=present or state=attached
  type: dict
  sample:
    id: 11111111-2222-3333-4444-555555555555
    name: cloudburst-plex
    zone: fr-par-1
    type: GP1-S
    ip: 203.0.113.20
    state: running
    hourly_price: 0.19074
    created: '2026-11-21T20:00:00+00:00'
    burst: plex
    burst_id: plex-20261121T200000
    expires_at: 1795624800
    trusts_key: true
    host_keys:
      - 256 SHA256:2cIX5Uo3s5XHk2p6jY2sG6RZRVXlY2zQ8a5oBq2zPpk root@cloudburst-plex (ED25519)
allowed_ssh_cidr:
  description: Networks that may reach SSH.
  returned: state=present or state=attached
  type: list
  elements: str
  sample: [203.0.113.7/32]
refused:
  description: Types and zones that could not be had, with the reason of each.
  returned: always
  type: list
  elements: dict
  sample: [{type: GP1-S, zone: fr-par-1, reason: 'out of stock (availability: shortage)'}]
steps:
  description: What was done, in order.
  returned: always
  type: list
  elements: str
  sample: ['adopting GP1-S 11111111-2222-3333-4444-555555555555 in fr-par-1']
removed:
  description: What was removed.
  returned: state=absent
  type: list
  elements: dict
  sample: [{kind: server, id: 11111111-2222-3333-4444-555555555555, zone: fr-par-1, name: cloudburst-plex}]
left:
  description: What is still there although it should not be. Never empty together with success.
  returned: state=absent
  type: list
  elements: dict
  sample: []
bill:
  description: Cost of the removed servers and their volumes, item by item, in euros. Servers are charged by started hour.
  returned: state=absent
  type: dict
  sample: {total_euros: 0.1929, complete: true, currency: EUR, lines: []}
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._bill import (
    Line,
    bill,
    server_lines,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._controller_address import (
    Viewpoint,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_boot import (
    Pace,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_client import (
    Cloud,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_door import (
    Door,
    Report,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    CloudError,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_launch import (
    Launch,
    Wanted,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_module import (
    run_module,
    scaleway_argument_spec,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import (
    authorized_key_tag,
    check_burst_name,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_remove import (
    Removal,
    absence_message,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    Part,
    Server,
    leftover,
    server_part,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_zones import (
    everywhere,
)


def wanted_from(params: dict[str, Any]) -> Wanted:
    """What the options ask for."""
    return Wanted(
        burst=check_burst_name(params["burst"]),
        zones=tuple(params["zones"]),
        types=tuple(params["types"]),
        offers=tuple(params["offers"]),
        image_label=params["image_label"],
        volume_gb=params["volume_gb"],
        public_key=params["ssh_public_key"],
        lifetime_hours=params["lifetime_hours"],
        user_data={key: str(value) for key, value in params["user_data"].items()},
        extra_tags=tuple(params["tags"]),
        search_zones=tuple(search_zones(params)),
    )


def search_zones(params: dict[str, Any]) -> list[str]:
    """Where the burst is looked for: what was made elsewhere bills as well."""
    own = params["zones"] + [offer["zone"] for offer in params["offers"]]
    if params["search_zones"]:
        return list(dict.fromkeys(params["search_zones"] + own))
    return everywhere(*own)


def pace_from(params: dict[str, Any]) -> Pace:
    return Pace(
        boot_timeout=params["boot_timeout"],
        host_key_timeout=params["host_key_timeout"],
    )


def removal_from(cloud: Cloud, params: dict[str, Any], report: Report) -> Removal:
    return Removal(
        cloud,
        check_burst_name(params["burst"]),
        search_zones(params),
        report,
        pace_from(params),
        timeout=params["removal_timeout"],
    )


def present(cloud: Cloud, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Converge to one running instance, or attach to the one that runs."""
    report = Report()
    wanted = wanted_from(params)
    viewpoint = Viewpoint(params["allowed_ssh_cidr"], params["address_url"])
    door = Door(cloud, wanted.burst, viewpoint, report)
    launch = Launch(
        cloud,
        wanted,
        door,
        report,
        pace_from(params),
        remove=removal_from(cloud, params, report).remove_server,
        check_mode=check_mode,
    )
    before = [server.as_dict(None) for server in launch.find()]
    try:
        server = launch.run() if params["state"] == "present" else launch.attach()
    except CloudError as exc:
        exc.result.update(refused=report.refused, steps=report.steps)
        raise
    found: dict[str, Any] = {}
    after: list[dict[str, Any]] = []
    if server is not None:
        after = [server.as_dict(None)]
        found = server.as_dict(launch.hourly_price(server))
        found["trusts_key"] = trusts(server, wanted.public_key)
        if not check_mode:
            found["host_keys"] = launch.host_keys(server)
    return {
        "changed": report.changed,
        "server": found,
        "allowed_ssh_cidr": door.ranges,
        "refused": report.refused,
        "steps": report.steps,
        "diff": {"before": {"servers": before}, "after": {"servers": after}},
    }


def trusts(server: Server, public_key: str) -> bool:
    """Whether the server was told, by its tag, to let this key in."""
    return bool(public_key) and authorized_key_tag(public_key) in server.tags


def absent(cloud: Cloud, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Converge to nothing, or say in check mode what would go."""
    report = Report()
    removal = removal_from(cloud, params, report)
    servers = removal.servers()
    parts = removal.parts()
    listed = [server_part(server) for server in servers] + parts
    result: dict[str, Any] = {
        "refused": [],
        "bill": _bill(cloud, parts, servers),
        "diff": {
            "before": {"parts": [part.as_dict() for part in listed]},
            "after": {"parts": []},
        },
    }
    if check_mode:
        return {
            **result,
            "changed": bool(listed),
            "removed": [part.as_dict() for part in listed],
            "left": [],
            "steps": [f"would remove {p.kind} {p.id} in {p.zone}" for p in listed],
        }
    left = removal.run()
    result.update(
        changed=report.changed,
        removed=[part.as_dict() for part in removal.removed],
        left=[leftover(part) for part in left],
        steps=report.steps,
    )
    if left:
        raise CloudError(absence_message(params["burst"], left), **result)
    return result


def _bill(cloud: Cloud, parts: list[Part], servers: list[Server]) -> dict[str, Any]:
    """What the servers have cost until now; prices are read before they are gone."""
    sizes = {part.id: part.size for part in parts}
    lines: list[Line] = []
    for server in servers:
        offer = cloud.offers(server.zone, [server.type]).get(server.type)
        price = offer.hourly_price if offer else None
        lines += server_lines(server, price, time.time(), sizes)
    return bill(lines)


def main() -> None:
    """Wire arguments, API and result."""
    module = AnsibleModule(
        argument_spec=scaleway_argument_spec(
            state={
                "type": "str",
                "choices": ["present", "attached", "absent"],
                "default": "present",
            },
            burst={"type": "str", "required": True},
            types={"type": "list", "elements": "str", "default": []},
            offers={"type": "list", "elements": "dict", "default": []},
            image_label={"type": "str", "default": "debian_bookworm"},
            volume_gb={"type": "int", "default": 40},
            search_zones={"type": "list", "elements": "str", "default": []},
            user_data={"type": "dict", "default": {}, "no_log": True},
            tags={"type": "list", "elements": "str", "default": []},
            ssh_public_key={"type": "str", "default": "", "no_log": False},
            lifetime_hours={"type": "float", "default": 96},
            allowed_ssh_cidr={"type": "list", "elements": "str", "default": []},
            address_url={"type": "str", "default": "https://checkip.amazonaws.com"},
            boot_timeout={"type": "int", "default": 300},
            host_key_timeout={"type": "int", "default": 180, "no_log": False},
            removal_timeout={"type": "int", "default": 240},
        ),
        supports_check_mode=True,
    )
    converge = absent if module.params["state"] == "absent" else present
    run_module(module, lambda cloud: converge(cloud, module.params, module.check_mode))


if __name__ == "__main__":
    main()
