#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: media_canary
short_description: A file of known bytes in the bucket
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Writes, or removes, a file whose bytes are known without keeping them, so that whoever reads a part of it can tell right bytes from wrong
    ones. It lies in C(.cloudburst/canary), a folder that Plex passes over.
  - A bucket that cannot be written to is no error. RV(writable) says so, and probes read media instead.
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  remote:
    description:
      - The bucket as rclone names it, with a prefix if any.
    type: str
    required: true
  name:
    description:
      - Name of the canary. Every burst has one of its own, for it goes with its burst.
    type: str
    required: true
  state:
    description:
      - Whether it is there.
    type: str
    choices: [present, absent]
    default: present
  size:
    description:
      - Its size in bytes.
    type: int
    default: 8388608
  config:
    description:
      - rclone's configuration.
    type: path
    default: /etc/cloudburst/rclone.conf
  binary:
    description:
      - rclone. Looked for on PATH and beside the Python interpreter when this is not set.
    type: path
"""

EXAMPLES = r"""
- name: Have a canary
  cloudburst.plex.media_canary:
    remote: s3:media
    name: plex-20261121T041500
  register: canary
"""

RETURN = r"""
path:
  description: The canary, relative to the bucket; empty when there is none.
  returned: always
  type: str
  sample: .cloudburst/canary/plex-20261121T041500
writable:
  description: Whether the bucket took it; null when nothing had to be written.
  returned: always
  type: bool
  sample: true
message:
  description: Why there is none.
  returned: always
  type: str
  sample: ""
"""

import json
import os
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._mount_canary import (
    FOLDER,
    SIZE,
    canary_path,
    content,
)

Run = t.Callable[..., "tuple[int, str, str]"]
# A bucket that refuses does so at once; there is nothing to wait for. And it is there: keys that
# may write to it may not be allowed to make one.
IMPATIENT = (
    "--retries=1",
    "--low-level-retries=2",
    "--contimeout=10s",
    "--s3-no-check-bucket",
)


class CanaryStore:
    """The canary in its bucket, through rclone's command line."""

    def __init__(
        self, run: Run, binary: str, config: str, remote: str, folder: str
    ) -> None:
        self.run = run
        self.command = [binary, f"--config={config}", *IMPATIENT]
        self.folder = folder
        self.remote = remote

    def _at(self, path: str) -> str:
        joint = "" if self.remote.endswith((":", "/")) else "/"
        return f"{self.remote}{joint}{path}"

    def size(self, path: str) -> int | None:
        """Its size, None when it is not there or nothing can be said."""
        code, out, _err = self.run([*self.command, "lsjson", "--stat", self._at(path)])
        if code != 0:
            return None
        found = json.loads(out or "null")
        return int(found["Size"]) if found and not found.get("IsDir") else None

    def write(self, path: str, data: t.Iterable[bytes]) -> str:
        """Write it; the reason when the bucket does not take it."""
        name = os.path.join(self.folder, "canary")
        with open(name, "wb") as handle:
            handle.writelines(data)
        code, _out, err = self.run([*self.command, "copyto", name, self._at(path)])
        return "" if code == 0 else _reason(err)

    def remove(self, path: str) -> str:
        """Remove it, and its folders where they are more than names."""
        code, _out, err = self.run([*self.command, "deletefile", self._at(path)])
        if code != 0:
            return _reason(err)
        # Other bursts may have their own there: then the folders stay.
        self.run([*self.command, "rmdirs", self._at(FOLDER.partition("/")[0])])
        return ""


def _reason(err: str) -> str:
    return " ".join(err.split())[-400:]


def apply(
    params: t.Mapping[str, t.Any], store: CanaryStore, check: bool
) -> dict[str, t.Any]:
    """The module's result."""
    path = canary_path(params["name"])
    there = store.size(path)
    if params["state"] == "absent":
        changed = there is not None
        problem = store.remove(path) if changed and not check else ""
        gone = {"path": path if problem else "", "writable": not problem}
        return {"changed": changed and not problem, "message": problem, **gone}
    if there == params["size"]:
        return {"changed": False, "path": path, "writable": None, "message": ""}
    problem = ""
    if not check:
        problem = store.write(path, content(params["name"], params["size"]))
        if not problem and store.size(path) != params["size"]:
            problem = "it was written and is not there"
    return {
        "changed": not problem,
        "path": "" if problem else path,
        "writable": not problem,
        "message": problem,
    }


def main() -> None:
    """Wire arguments, store and result."""
    module = AnsibleModule(
        argument_spec={
            "remote": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "state": {
                "type": "str",
                "choices": ["present", "absent"],
                "default": "present",
            },
            "size": {"type": "int", "default": SIZE},
            "config": {"type": "path", "default": "/etc/cloudburst/rclone.conf"},
            "binary": {"type": "path"},
        },
        supports_check_mode=True,
    )
    given = module.params
    beside = [os.path.dirname(sys.executable)]
    store = CanaryStore(
        module.run_command,
        given["binary"] or module.get_bin_path("rclone", True, beside),
        given["config"],
        given["remote"],
        module.tmpdir,
    )
    module.exit_json(**apply(given, store, module.check_mode))


if __name__ == "__main__":
    main()
