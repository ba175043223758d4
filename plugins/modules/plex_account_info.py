#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_account_info
short_description: Look at a Plex account, its Plex Pass and its servers
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Asks plex.tv who the token belongs to, whether the account has a Plex Pass, and which servers it lists.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.info_module
  - cloudburst.plex.plex_tv
seealso:
  - module: cloudburst.plex.plex_tv_server
"""

EXAMPLES = r"""
- name: Is there a Plex Pass?
  cloudburst.plex.plex_account_info:
    token: "{{ burst_secrets.plex_account_token }}"
  register: account
  delegate_to: localhost
"""

RETURN = r"""
username:
  description: Name of the account.
  returned: success
  type: str
  sample: someone
plex_pass:
  description: Whether the account has an active Plex Pass.
  returned: success
  type: bool
  sample: true
subscription:
  description: State of the subscription in plex.tv's words.
  returned: success
  type: str
  sample: Active
servers:
  description: The servers that the account lists.
  returned: success
  type: list
  elements: dict
  sample:
    - id: "123456789"
      name: zimaboard
      client_identifier: 5f3cd1c5a6e1f0aa0c2f1a2b3c4d5e6f70819203
      provides: server
      product: Plex Media Server
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_tv import (
    PlexTv,
    PlexTvError,
    plex_tv_argument_spec,
)


def account_info(service: PlexTv) -> dict[str, t.Any]:
    """The account and its servers."""
    account = service.account()
    servers = [device.as_dict() for device in service.devices() if device.is_server]
    return {"changed": False, **account.__dict__, "servers": servers}


def main() -> None:
    """Wire arguments, account and result."""
    module = AnsibleModule(
        argument_spec=plex_tv_argument_spec(), supports_check_mode=True
    )
    params = module.params
    service = PlexTv(params["plex_tv_url"], params["token"], params["timeout"])
    try:
        result = account_info(service)
    except PlexTvError as exc:
        module.fail_json(msg=str(exc))
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
