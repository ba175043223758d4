#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_claim
short_description: Sign a Plex server in to an account, or out of it
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Claims a server with a claim token, or signs it out of its account, and proves it by reading the identity again.
  - A claim token lives about four minutes and works once. Ask for it last, when the server answers.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.plex_api
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  state:
    description:
      - V(present) claims the server when it is not claimed, V(absent) signs it out when it is.
    type: str
    choices: [present, absent]
    default: present
  claim_token:
    description:
      - The claim token, C(claim-...). Needed to claim a server that is not claimed.
    type: str
  wait:
    description:
      - Seconds to wait until the identity shows the change.
    type: int
    default: 30
seealso:
  - module: cloudburst.plex.plex_claim_token
  - module: cloudburst.plex.plex_tv_server
"""

EXAMPLES = r"""
- name: Claim the server
  cloudburst.plex.plex_claim:
    claim_token: "{{ claim.claim_token }}"

- name: Sign the server out before the instance goes
  cloudburst.plex.plex_claim:
    state: absent
    token: "{{ plex.token }}"
"""

RETURN = r"""
claimed:
  description: Whether the server belongs to an account now.
  returned: success
  type: bool
  sample: true
machine_identifier:
  description: Identifier of the server.
  returned: success
  type: str
  sample: 5f3cd1c5a6e1f0aa0c2f1a2b3c4d5e6f70819203
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_api import (
    Identity,
    PlexApi,
    refusal,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_module import (
    plex_api,
    plex_argument_spec,
    run_module,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexError,
    is_starting,
)

POLL_SECONDS = 1.0


class Claimer:
    """Brings the claim to the wanted state and proves it."""

    def __init__(
        self,
        api: PlexApi,
        wait: float,
        check_mode: bool,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self.api = api
        self.wait = wait
        self.check_mode = check_mode
        self.sleep = sleep

    def run(self, wanted: bool, claim_token: str | None) -> dict[str, t.Any]:
        """The module's result."""
        identity = self.api.identity()
        if identity.claimed == wanted:
            return _result(False, identity.claimed, identity)
        if wanted and not claim_token:
            raise PlexError("claim_token is needed: the server is not claimed")
        if self.check_mode:
            return _result(True, wanted, identity)
        if wanted:
            self._claim(str(claim_token))
        else:
            self.api.unclaim()
        return _result(True, wanted, self._proof(wanted))

    def _claim(self, claim_token: str) -> None:
        reply = self.api.claim(claim_token)
        if 200 <= reply.status < 300:
            return
        if is_starting(reply.status, reply.text) or reply.status == 404:
            raise refusal("POST /myplex/claim", reply)
        # No excerpt of the body: it may repeat the token.
        raise PlexError(
            f"The claim was refused (HTTP {reply.status}). A claim token lives about"
            " four minutes and works once: get a new one (plex_claim, or by itself"
            " with plex_account_token) and run again; the instance is kept"
        )

    def _proof(self, wanted: bool) -> Identity:
        for _attempt in range(max(1, int(self.wait / POLL_SECONDS))):
            identity = self.api.identity()
            if identity.claimed == wanted:
                return identity
            self.sleep(POLL_SECONDS)
        state = "claimed" if wanted else "signed out"
        raise PlexError(
            f"Plex accepted the request but is not {state} after {self.wait:g} s;"
            " its log says why (Plex Media Server.log, lines with MyPlex)"
        )


def _result(changed: bool, claimed: bool, identity: Identity) -> dict[str, t.Any]:
    return {
        "changed": changed,
        "claimed": claimed,
        "machine_identifier": identity.machine_identifier,
    }


def main() -> None:
    """Wire arguments, claim and result."""
    module = AnsibleModule(
        argument_spec=plex_argument_spec(
            state={
                "type": "str",
                "choices": ["present", "absent"],
                "default": "present",
            },
            claim_token={"type": "str", "no_log": True},
            wait={"type": "int", "default": 30},
        ),
        supports_check_mode=True,
    )
    claimer = Claimer(plex_api(module), module.params["wait"], module.check_mode)
    wanted = module.params["state"] == "present"
    run_module(module, lambda: claimer.run(wanted, module.params["claim_token"]))


if __name__ == "__main__":
    main()
