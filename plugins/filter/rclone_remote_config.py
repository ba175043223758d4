# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rclone_remote_config
short_description: The part of rclone's configuration that a remote needs
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Makes the text of an C(rclone.conf) that holds the remote, and those it stands on (crypt, alias, union), and nothing else.
  - The text holds secrets. Use it under C(no_log).
positional: remote
options:
  _input:
    description:
      - The output of C(rclone config dump), parsed.
    type: dict
    required: true
  remote:
    description:
      - The remote, V(name:) or V(name:bucket/prefix).
    type: str
    required: true
"""

EXAMPLES = r"""
content: "{{ dump.stdout | from_json | cloudburst.plex.rclone_remote_config('s3:media') }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.cloudburst.plex.plugins.plugin_utils._rclone_remotes import (
    UnknownRemote,
    as_ini,
    needed_remotes,
)


def remote_config(dump: t.Mapping[str, t.Mapping[str, str]], remote: str) -> str:
    """The text of the small configuration."""
    try:
        return as_ini(needed_remotes(dump, remote))
    except UnknownRemote as exc:
        raise AnsibleFilterError(f"bucket: {exc}") from exc


class FilterModule:
    """The filter V(rclone_remote_config)."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Its name and function."""
        return {"rclone_remote_config": remote_config}
