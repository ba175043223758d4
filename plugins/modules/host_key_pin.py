#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_key_pin
short_description: Write a known_hosts file with host keys that were published elsewhere
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Waits until SSH answers, reads the host's keys with C(ssh-keyscan), and keeps those whose fingerprint is in O(fingerprints), which must have
    come by another way (for a Scaleway instance, by the API). A host that offers none of them is a failure and nothing is written.
  - Lines of other hosts in the file stay as they are.
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
    details:
      - The host is scanned and compared, the file is not written.
  diff_mode:
    support: full
options:
  host:
    description:
      - Address of the host.
    type: str
    required: true
  port:
    description:
      - Port of its SSH server.
    type: int
    default: 22
  names:
    description:
      - Further names under which the keys are written.
    type: list
    elements: str
    default: []
  fingerprints:
    description:
      - Lines with SHA256 fingerprints, as C(ssh-keygen -l) prints them.
    type: list
    elements: str
    required: true
  path:
    description:
      - The file, created with mode 0600 in an existing folder.
    type: path
    required: true
  timeout:
    description:
      - Seconds until SSH must answer.
    type: int
    default: 180
"""

EXAMPLES = r"""
- name: Pin the instance's host keys
  cloudburst.plex.host_key_pin:
    host: "{{ instance.server.ip }}"
    fingerprints: "{{ instance.server.host_keys }}"
    path: ~/.cache/cloudburst/plex/known_hosts
"""

RETURN = r"""
host_keys:
  description: The keys that are trusted.
  returned: success
  type: list
  elements: dict
  sample: [{type: ssh-ed25519, fingerprint: 'SHA256:2cIX5Uo3s5XHk2p6jY2sG6RZRVXlY2zQ8a5oBq2zPpk'}]
path:
  description: The file.
  returned: success
  type: str
  sample: /home/me/.cache/cloudburst/plex/known_hosts
waited:
  description: Seconds until SSH answered.
  returned: success
  type: float
  sample: 4.2
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._host_keys import (
    HostKey,
    HostKeyError,
    host_pattern,
    known_hosts,
    published,
    scanned,
    trusted,
)

PAUSE = 1.0
SCAN_SECONDS = 5


def scan(module: AnsibleModule, deadline: float) -> list[HostKey]:
    """The keys that the host offers, as soon as it offers any."""
    host, port = module.params["host"], module.params["port"]
    command = [module.get_bin_path("ssh-keyscan", required=True)]
    command += ["-T", str(SCAN_SECONDS), "-p", str(port), host]
    while True:
        _code, out, err = module.run_command(command)
        keys = scanned(out)
        if keys:
            return keys
        if time.monotonic() >= deadline:
            said = " ".join(err.split())[-200:] or "nothing"
            raise HostKeyError(
                f"SSH on {host} port {port} did not answer within"
                f" {module.params['timeout']} s (ssh-keyscan said: {said}). Look at the"
                " instance's console, and whether the security group lets this machine in"
            )
        time.sleep(PAUSE)


def read(path: str) -> str:
    """The file as it is; empty when there is none."""
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except FileNotFoundError:
        return ""


def write(path: str, text: str) -> None:
    """Replace the file in one step."""
    draft = f"{path}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    os.replace(draft, path)


def pin(module: AnsibleModule) -> dict[str, object]:
    """Scan, compare, write; the module's result."""
    params = module.params
    fingerprints = published(params["fingerprints"])
    if not fingerprints:
        raise HostKeyError(
            f"no SHA256 fingerprint was published for {params['host']}: the instance"
            " did not finish its first boot, or its image does not publish any"
        )
    started = time.monotonic()
    keys = trusted(
        scan(module, started + params["timeout"]), fingerprints, params["host"]
    )
    waited = round(time.monotonic() - started, 1)
    names = [host_pattern(params["host"], params["port"]), *params["names"]]
    before = read(params["path"])
    after = known_hosts(before, names, keys)
    if after != before and not module.check_mode:
        write(params["path"], after)
    return {
        "changed": after != before,
        "host_keys": [
            {"type": key.type, "fingerprint": f"SHA256:{key.fingerprint}"}
            for key in keys
        ],
        "path": params["path"],
        "waited": waited,
        "diff": {"before": before, "after": after},
    }


def main() -> None:
    """Wire arguments, scan and result."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "default": 22},
            "names": {"type": "list", "elements": "str", "default": []},
            "fingerprints": {"type": "list", "elements": "str", "required": True},
            "path": {"type": "path", "required": True},
            "timeout": {"type": "int", "default": 180},
        },
        supports_check_mode=True,
    )
    try:
        result = pin(module)
    except HostKeyError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=f"{module.params['path']} cannot be written: {exc}")
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
