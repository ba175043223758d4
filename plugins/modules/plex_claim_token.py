#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_claim_token
short_description: Get a claim token for a new Plex server
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Asks plex.tv for a claim token. It lives about four minutes and works once, so ask last, when the server already answers.
  - The result is a secret. Give the task C(no_log=true).
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.plex_tv
attributes:
  check_mode:
    support: full
    details:
      - In check mode no token is asked for, and RV(claim_token) is empty.
  diff_mode:
    support: none
seealso:
  - module: cloudburst.plex.plex_claim
"""

EXAMPLES = r"""
- name: A claim token, at the last moment
  cloudburst.plex.plex_claim_token:
    token: "{{ burst_secrets.plex_account_token }}"
  delegate_to: localhost
  register: claim
  no_log: true
"""

RETURN = r"""
claim_token:
  description: The claim token, a secret.
  returned: success
  type: str
  sample: claim-xxxxxxxxxxxxxxxxxxxx
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_tv import (
    PlexTv,
    PlexTvError,
    plex_tv_argument_spec,
)


def main() -> None:
    """Wire arguments, request and result."""
    module = AnsibleModule(
        argument_spec=plex_tv_argument_spec(), supports_check_mode=True
    )
    if module.check_mode:
        module.exit_json(changed=False, claim_token="")
    params = module.params
    service = PlexTv(params["plex_tv_url"], params["token"], params["timeout"])
    try:
        token = service.claim_token()
    except PlexTvError as exc:
        module.fail_json(msg=str(exc))
    else:
        # A new token each time, but nothing of the account is different.
        module.exit_json(changed=False, claim_token=token)


if __name__ == "__main__":
    main()
