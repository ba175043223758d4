#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_ready
short_description: One look at a starting Plex Media Server
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Says how far a Plex Media Server has come in its start, with one look. A server that is not ready is a result,
    not a failure; use C(until) to wait.
  - Ready means that the identity answers, that the server is claimed as O(expect_claimed) says, and that both start-up gates are
    passed (the 503 of database maintenance, and the refusal to create libraries while "still starting up").
  - The second gate is seen by a request that creates nothing.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.plex_api
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  expect_claimed:
    description:
      - Whether the server has to belong to an account to count as ready. Not looked at when it is not set.
    type: bool
  preferences:
    description:
      - Path of the server's C(Preferences.xml). When O(token) is not set, the token of a claimed server is taken from there, because without it the second
        gate cannot be seen.
    type: path
seealso:
  - module: cloudburst.plex.plex_token
  - module: cloudburst.plex.plex_claim
"""

EXAMPLES = r"""
- name: Wait until Plex has opened its library
  cloudburst.plex.plex_ready:
    preferences: /srv/cloudburst/plex/Library/Application Support/Plex Media Server/Preferences.xml
  register: look
  until: look.ready
  retries: 90
  delay: 10
"""

RETURN = r"""
ready:
  description: Whether the server can be worked with.
  returned: always
  type: bool
  sample: true
state:
  description:
    - V(down) no usable answer, V(maintenance) the database is being migrated or maintained, V(starting) it answers but is not
      open or not claimed as expected, V(ready).
  returned: always
  type: str
  sample: maintenance
message:
  description: The reason in words.
  returned: always
  type: str
  sample: Plex Media Server is currently running database migrations.
claimed:
  description: Whether the server belongs to an account; null while it does not say so.
  returned: always
  type: bool
  sample: false
version:
  description: Version of the server, empty while it does not say so.
  returned: always
  type: str
  sample: 1.42.2.10156-f737b826c
machine_identifier:
  description: Identifier of the server, empty while it does not say so.
  returned: always
  type: str
  sample: 5f3cd1c5a6e1f0aa0c2f1a2b3c4d5e6f70819203
http_status:
  description: HTTP status of the answer that decided, 0 when there was none.
  returned: always
  type: int
  sample: 503
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._http import HttpReply
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_api import (
    PlexApi,
    identity_of,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_module import (
    plex_api,
    plex_argument_spec,
    run_module,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_prefs_file import (
    PreferencesUnreadable,
    read_preferences,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexUnreachable,
    parse_container,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_startup import (
    Answer,
    Readiness,
    judge_gate,
    judge_identity,
)


def look(api: PlexApi, expect_claimed: bool | None) -> dict[str, t.Any]:
    """One look: identity first, then the library's gate."""
    answer, reply = _answer(lambda: api.raw("GET", "/identity"))
    verdict = judge_identity(answer)
    if verdict is not None or reply is None:
        return _result(verdict or Readiness("down", answer.text), answer.status)
    identity = identity_of(parse_container(reply.body))
    gate, _reply = _answer(api.library_gate)
    verdict = judge_gate(gate, identity.claimed, expect_claimed)
    return {
        **_result(verdict, gate.status),
        "claimed": identity.claimed,
        "version": identity.version,
        "machine_identifier": identity.machine_identifier,
    }


def _answer(ask: t.Callable[[], HttpReply]) -> tuple[Answer, HttpReply | None]:
    try:
        reply = ask()
    except PlexUnreachable as exc:
        return Answer(0, str(exc)), None
    return Answer(reply.status, reply.text), reply


def _result(verdict: Readiness, status: int) -> dict[str, t.Any]:
    return {
        "changed": False,
        "ready": verdict.ready,
        "state": verdict.state,
        "message": verdict.message,
        "http_status": status,
        "claimed": None,
        "version": "",
        "machine_identifier": "",
    }


def kept_token(preferences: str) -> str | None:
    """The server's own token; None while there is none to be read."""
    try:
        found = read_preferences(preferences)
    except PreferencesUnreadable:
        # Half written or not ours to read: then the gate stays unseen, and says so.
        return None
    return found.get("PlexOnlineToken") or None


def main() -> None:
    """Wire arguments, look and result."""
    module = AnsibleModule(
        argument_spec=plex_argument_spec(
            expect_claimed={"type": "bool"}, preferences={"type": "path"}
        ),
        supports_check_mode=True,
    )
    preferences = module.params["preferences"]
    if preferences and not module.params["token"]:
        module.params["token"] = kept_token(preferences)
    api = plex_api(module)
    run_module(module, lambda: look(api, module.params["expect_claimed"]))


if __name__ == "__main__":
    main()
