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
  - With O(state=absent) it fails unless the file is known to be gone.
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

import contextlib
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
# rclone's exit codes for a folder and for a file that it does not find.
NOT_THERE = (3, 4)


class Unknown(Exception):
    """The bucket gave no answer, which is not the answer that nothing is there."""


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
        """Its size, None when it is not there."""
        code, out, err = self.run([*self.command, "lsjson", "--stat", self._at(path)])
        if code in NOT_THERE:
            return None
        try:
            found = json.loads(out or "null")
        except ValueError as exc:
            raise Unknown(f"rclone lsjson: {exc}") from exc
        if code != 0:
            raise Unknown(_reason(err))
        # S3 takes each name that is no object for a folder.
        return int(found["Size"]) if found and not found.get("IsDir") else None

    def write(self, path: str, data: t.Iterable[bytes]) -> str:
        """Write it; the reason when the bucket does not take it."""
        name = os.path.join(self.folder, "canary")
        with open(name, "wb") as handle:
            handle.writelines(data)
        code, _out, err = self.run([*self.command, "copyto", name, self._at(path)])
        return "" if code == 0 else _reason(err)

    def remove(self, path: str) -> bool:
        """Remove it, and its folders where they are more than names; False when it was gone."""
        code, _out, err = self.run([*self.command, "deletefile", self._at(path)])
        if code not in (0, *NOT_THERE):
            raise Unknown(_reason(err))
        # Other bursts may have their own there: then the folders stay.
        self.run([*self.command, "rmdirs", self._at(FOLDER.partition("/")[0])])
        return code == 0


def _reason(err: str) -> str:
    return " ".join(err.split())[-400:]


def apply(
    params: t.Mapping[str, t.Any], store: CanaryStore, check: bool
) -> dict[str, t.Any]:
    """The module's result."""
    path = canary_path(params["name"])
    if params["state"] == "absent":
        changed = _remove(path, store, check)
        return {"changed": changed, "path": "", "writable": True, "message": ""}
    there = None
    with contextlib.suppress(Unknown):
        # Keys that may write and not look: what was written is looked at again.
        there = store.size(path)
    if there == params["size"]:
        return {"changed": False, "path": path, "writable": None, "message": ""}
    problem = "" if check else _write(path, params, store)
    return {
        "changed": not problem,
        "path": "" if problem else path,
        "writable": not problem,
        "message": problem,
    }


def _remove(path: str, store: CanaryStore, check: bool) -> bool:
    """Whether there was one to remove; Unknown when it may still be there."""
    try:
        if store.size(path) is None:
            return False
    except Unknown:
        # Keys that may write and not look: removing it says whether it is gone.
        if check:
            raise
    return True if check else store.remove(path)


def _write(path: str, params: t.Mapping[str, t.Any], store: CanaryStore) -> str:
    """The reason why it is not there after it was written."""
    problem = store.write(path, content(params["name"], params["size"]))
    if problem:
        return problem
    try:
        if store.size(path) == params["size"]:
            return ""
        problem = "it was written and is not there"
    except Unknown as exc:
        problem = f"it was written and cannot be looked at: {exc}"
    try:
        store.remove(path)
    except Unknown as exc:
        problem += f"; it may still be at {path}: {exc}"
    return problem


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
    try:
        result = apply(given, store, module.check_mode)
    except Unknown as exc:
        where = f"{given['remote']}: {canary_path(given['name'])}"
        module.fail_json(
            msg=f"The canary may still be in the bucket ({where}): {exc}. Start this again when the store answers, or delete that file."
        )
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    main()
