#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mount_health
short_description: One look at the health of a media mount
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Reads bytes from a file on the mount, in a child process under a deadline, and says what the mount is worth. Listings and C(stat) stay
    good while every read hangs, so they prove nothing.
  - With O(rc_socket) the store is asked for the same file past the mount and its caches, and for bytes of it when rclone serves them
    (C(--rc-serve)). A warm disk cache delivers bytes for ever while the store is frozen.
  - Never fails because of the mount; the verdict is the result. Anything but V(healthy) or V(slow) means that no scan may start.
  - A child that hangs in the kernel cannot be killed. It is remembered, and as long as it hangs no other is sent.
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  path:
    description:
      - The mount point.
    type: path
    required: true
  file:
    description:
      - File to read, relative to O(path). A random file is looked for when this is not set; the block is always a random one.
    type: str
  timeout:
    description:
      - Seconds that each step may take. Take it from the monitoring profile, a home line needs more than the cloud.
    type: float
    default: 8.0
  minimum:
    description:
      - Bytes that have to arrive; less only when the file is smaller.
    type: int
    default: 65536
  slow_ms:
    description:
      - Milliseconds for the read above which the mount is called slow.
    type: int
    default: 3000
  rc_socket:
    description:
      - Unix socket of rclone's remote control. With it the store is asked past the mount and its caches, which tells a store that is down from an
        rclone that hangs.
    type: path
  canary:
    description:
      - The file of M(cloudburst.plex.media_canary), relative to O(path). It is read before O(file), and its bytes are compared. When it is gone
        from the store as well, O(file) alone is read.
    type: str
  container:
    description:
      - Container whose view of the mount is read, as long as it runs. Bytes that arrive on the host prove nothing about a container.
    type: str
  container_path:
    description:
      - Where O(path) is in O(container).
    type: str
  need_mount:
    description:
      - Whether O(path) has to be a mount point. Turn it off for a plain folder.
    type: bool
    default: true
  state_dir:
    description:
      - Folder that remembers a child that hangs.
    type: path
    default: /run/cloudburst
"""

EXAMPLES = r"""
- name: No scan on a mount that does not deliver bytes
  cloudburst.plex.mount_health:
    path: /srv/cloudburst/tree/plex
    rc_socket: /run/cloudburst/media.sock
  register: media
  failed_when: media.verdict not in ['healthy', 'slow']
"""

RETURN = r"""
verdict:
  description:
    - V(healthy) bytes arrive, V(slow) they arrive late, V(backend_down) the store behind the mount does not deliver, V(stale) the mount's
      process is gone, V(wedged) the mount hangs although the store may be well, V(absent) nothing is mounted, or there is nothing to read.
  returned: always
  type: str
  sample: healthy
message:
  description: The reason in words.
  returned: always
  type: str
  sample: 65536 bytes in 41 ms
latency_ms:
  description: Milliseconds that the read took; null when nothing was read.
  returned: always
  type: int
  sample: 41
evidence:
  description: What was looked at.
  returned: always
  type: dict
  sample:
    mounted: true
    fstype: fuse.rclone
    source: "s3:media"
    outstanding_pid: null
    statvfs: {"outcome": "ok", "ms": 9, "errno": "", "detail": ""}
    read: {"outcome": "ok", "ms": 41, "errno": "", "detail": ""}
    backend: {"outcome": "ok", "ms": 22, "errno": "", "detail": ""}
    file: /srv/cloudburst/tree/plex/Movies/Heat (1995)/Heat.mkv
    offset: 1138688
    bytes_read: 65536
    length: 734003200
    matches: null
    inside: false
    mount_id: 229/0:79
"""

import hashlib
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._fence import Container
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import (
    judge,
    required,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_probe import (
    MountProber,
    OutstandingChild,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_rc import RcSocket


def health(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Look once and judge."""
    rc = None
    if params["rc_socket"]:
        rc = RcSocket(params["rc_socket"], params["timeout"])
    prober = MountProber(
        params["path"],
        params["timeout"],
        _outstanding(params),
        rc,
        inside=_inside(params),
    )
    evidence = prober.look(
        params["file"], params["minimum"], params["need_mount"], params["canary"]
    )
    enough = params["minimum"]
    if evidence.read.outcome == "ok":
        # A file that is smaller than a block is whole when all of it came.
        enough = required(enough, evidence.length, evidence.offset)
    verdict = judge(evidence, max(1, enough), params["slow_ms"])
    read_ok = evidence.read.outcome == "ok"
    return {
        "changed": False,
        "verdict": verdict.verdict,
        "message": verdict.message,
        "latency_ms": evidence.read.ms if read_ok else None,
        "evidence": evidence.as_dict(),
    }


def _inside(params: t.Mapping[str, t.Any]) -> str | None:
    """The mount as the container sees it; None while it does not run."""
    if not params["container"]:
        return None
    pid = Container(params["container"]).first()
    folder = (params["container_path"] or params["path"]).rstrip("/")
    return f"/proc/{pid}/root{folder}" if pid else None


def _outstanding(params: t.Mapping[str, t.Any]) -> OutstandingChild:
    name = hashlib.sha256(os.fsencode(params["path"])).hexdigest()[:16]
    return OutstandingChild(os.path.join(params["state_dir"], f"probe-{name}.pid"))


def main() -> None:
    """Wire arguments, look and verdict."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "file": {"type": "str"},
            "timeout": {"type": "float", "default": 8.0},
            "minimum": {"type": "int", "default": 65536},
            "slow_ms": {"type": "int", "default": 3000},
            "rc_socket": {"type": "path"},
            "canary": {"type": "str"},
            "container": {"type": "str"},
            "container_path": {"type": "str"},
            "need_mount": {"type": "bool", "default": True},
            "state_dir": {"type": "path", "default": "/run/cloudburst"},
        },
        supports_check_mode=True,
    )
    module.exit_json(**health(module.params))


if __name__ == "__main__":
    main()
