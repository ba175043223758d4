#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_tv_server
short_description: Take a dead server out of a Plex account, and prove it
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Removes the server with the given identifier from the account's list, then lists again to prove that it is gone. Nothing else is touched.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.plex_tv
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  client_identifier:
    description:
      - Identifier of the server, as its C(/identity) tells it.
    type: str
    required: true
  home_identifier:
    description:
      - Identifier of the home server. The module refuses to remove it.
    type: str
  state:
    description:
      - V(absent) takes the server out.
    type: str
    choices: [absent]
    default: absent
  wait:
    description:
      - Seconds to wait until the server is not listed any more.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: The worker leaves no dead server behind
  cloudburst.plex.plex_tv_server:
    token: "{{ burst_secrets.plex_account_token }}"
    client_identifier: "{{ worker_identifier }}"
    home_identifier: "{{ plan.home_machine_identifier }}"
  delegate_to: localhost
"""

RETURN = r"""
removed:
  description: The entries that were taken out.
  returned: success
  type: list
  elements: dict
  sample:
    - id: "123456790"
      name: cloudburst-plex
      client_identifier: 0b1d5f6c9b8e4f1a8f0e1d2c3b4a59687786950a
      provides: server
      product: Plex Media Server
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_tv import (
    Device,
    PlexTv,
    PlexTvError,
    plex_tv_argument_spec,
)

POLL_SECONDS = 2.0


class ServerRemover:
    """Removes by identifier and proves absence."""

    def __init__(
        self,
        service: PlexTv,
        wait: float,
        check_mode: bool,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self.service = service
        self.wait = wait
        self.check_mode = check_mode
        self.sleep = sleep

    def remove(self, identifier: str, home: str | None) -> dict[str, t.Any]:
        """The module's result."""
        if not identifier:
            raise PlexTvError("client_identifier is empty: which server?")
        if identifier == home:
            raise PlexTvError(
                f"{identifier} is the home server, it stays in the account"
            )
        found = self._listed(identifier)
        if found and not self.check_mode:
            for device in found:
                self.service.remove(device)
            self._prove_absence(identifier)
        removed = [device.as_dict() for device in found]
        return {"changed": bool(found), "removed": removed}

    def _listed(self, identifier: str) -> list[Device]:
        return [
            device
            for device in self.service.devices()
            if device.is_server and device.client_identifier == identifier
        ]

    def _prove_absence(self, identifier: str) -> None:
        for _attempt in range(max(1, int(self.wait / POLL_SECONDS))):
            if not self._listed(identifier):
                return
            self.sleep(POLL_SECONDS)
        raise PlexTvError(
            f"plex.tv still lists the server {identifier} after {self.wait:g} s;"
            " remove it under Authorized Devices in the account's settings"
        )


def main() -> None:
    """Wire arguments, removal and result."""
    module = AnsibleModule(
        argument_spec=plex_tv_argument_spec(
            client_identifier={"type": "str", "required": True},
            home_identifier={"type": "str"},
            state={"type": "str", "choices": ["absent"], "default": "absent"},
            wait={"type": "int", "default": 30},
        ),
        supports_check_mode=True,
    )
    params = module.params
    service = PlexTv(params["plex_tv_url"], params["token"], params["timeout"])
    remover = ServerRemover(service, params["wait"], module.check_mode)
    try:
        result = remover.remove(params["client_identifier"], params["home_identifier"])
    except PlexTvError as exc:
        module.fail_json(msg=str(exc))
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
