# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The failure matrix of scaleway-rclone B2 as verdicts (L03, L04)."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._mount_health import (
    Evidence,
    Probe,
    judge,
    mount_at,
    parse_mountinfo,
)

OK = Probe("ok", 10)
LATE = Probe("timeout", 8000, None, "no answer before the deadline")
SKIPPED = Probe("skipped")


def error(number: int) -> Probe:
    return Probe("error", 8, number, errno.errorcode[number])


def evidence(**changes: Any) -> Evidence:
    base: dict[str, Any] = {
        "mounted": True,
        "fstype": "fuse.rclone",
        "source": "s3:media",
        "outstanding_pid": None,
        "statvfs": OK,
        "read": OK,
        "backend": SKIPPED,
        "file": "/m/f",
        "bytes_read": 65536,
        "length": 10**9,
    }
    return Evidence(**{**base, **changes})


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        # the good case, and what only looks good
        ({}, "healthy"),
        ({"backend": OK}, "healthy"),
        ({"read": Probe("ok", 9000)}, "slow"),
        ({"bytes_read": 100}, "backend_down"),
        ({"backend": LATE}, "backend_down"),
        ({"backend": Probe("error", 4, None, "403")}, "backend_down"),
        # A: store frozen, statvfs and listing fine, reads hang
        ({"read": LATE, "backend": LATE}, "backend_down"),
        ({"read": LATE}, "backend_down"),
        # B, E: store down or credentials revoked
        ({"read": error(errno.EIO), "backend": Probe("error", 6300)}, "backend_down"),
        ({"read": error(errno.EIO)}, "backend_down"),
        # C: rclone killed
        ({"statvfs": error(errno.ENOTCONN), "read": SKIPPED}, "stale"),
        ({"read": error(errno.ENOTCONN), "backend": OK}, "stale"),
        ({"read": error(errno.EACCES)}, "stale"),
        # its socket is dead before the kernel says so of the mount
        ({"backend": error(errno.ENOTCONN)}, "stale"),
        ({"read": error(errno.EIO), "backend": error(errno.ENOTCONN)}, "stale"),
        # D: rclone frozen
        ({"statvfs": LATE, "read": SKIPPED}, "wedged"),
        ({"statvfs": LATE, "read": SKIPPED, "backend": LATE}, "wedged"),
        ({"read": LATE, "backend": OK}, "wedged"),
        ({"read": error(errno.EIO), "backend": OK}, "wedged"),
        # frozen during a read, so that nothing else could be asked of FUSE
        ({"read": LATE, "backend": error(errno.ETIMEDOUT)}, "wedged"),
        (
            {
                "outstanding_pid": 7,
                "statvfs": SKIPPED,
                "read": SKIPPED,
                "backend": error(errno.ETIMEDOUT),
            },
            "wedged",
        ),
        ({"read": error(errno.ETIMEDOUT), "backend": LATE}, "backend_down"),
        # an earlier child still hangs: a failure by itself
        ({"outstanding_pid": 7, "statvfs": SKIPPED, "read": SKIPPED}, "backend_down"),
        (
            {"outstanding_pid": 7, "statvfs": SKIPPED, "read": SKIPPED, "backend": OK},
            "wedged",
        ),
        # nothing there
        ({"mounted": False, "statvfs": SKIPPED, "read": SKIPPED}, "absent"),
        ({"read": error(errno.ENOENT)}, "absent"),
        ({"read": error(errno.ENOENT), "backend": OK}, "absent"),
        ({"read": error(errno.ENOENT), "backend": error(errno.ENOENT)}, "absent"),
        # refused credentials: the mount is there and shows an empty folder
        (
            {"read": error(errno.ENOENT), "backend": Probe("error", 4, None, "403")},
            "backend_down",
        ),
    ],
)
def test_verdicts(changes: dict[str, Any], verdict: str) -> None:
    found = judge(evidence(**changes), 65536, 3000)
    assert found.verdict == verdict
    assert found.message


def test_evidence_names_errors() -> None:
    data = evidence(read=error(errno.EIO)).as_dict()
    assert data["read"]["errno"] == "EIO"
    assert data["statvfs"]["errno"] == ""


MOUNTINFO = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
36 22 0:40 / /srv/tree/plex rw,nosuid shared:2 - fuse.rclone s3:media rw,user_id=0
37 22 0:41 / /srv/my\040tree rw - fuse.rclone s3:a\040b rw
38 36 0:42 / /srv/tree/plex rw shared:3 master:1 - fuse.rclone s3:other rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/srv/tree/plex", "s3:other"),
        ("/srv/tree/plex/", "s3:other"),
        ("/srv/my tree", "s3:a b"),
        ("/", "/dev/sda1"),
        ("/srv/tree", None),
    ],
)
def test_mountinfo(path: str, source: str | None) -> None:
    entry = mount_at(parse_mountinfo(MOUNTINFO), path)
    assert (entry.source if entry else None) == source
