# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NoCloud seed of a server: cloud-init reads the user data from files.

``DataSourceScaleway`` would wait for DHCP in a container (lab-feasibility), so the same text
takes NoCloud's way; the metadata service answers beside it as on the real thing.
"""

from __future__ import annotations

import io
import json
import tarfile

from cloudburst_lab.scaleway.model import Server

FOLDER = "/var/lib/cloud/seed/nocloud"
EMPTY = b"#cloud-config\n{}\n"


def seed_files(server: Server) -> dict[str, bytes]:
    """Return the files of the seed. Only the first boot looks at them: instance-id is the id."""
    meta = {"instance-id": server.id, "local-hostname": server.name}
    return {
        "user-data": server.get_user_data("cloud-init") or EMPTY,
        "meta-data": json.dumps(meta).encode(),
        "vendor-data": b"",
    }


def seed_tar(server: Server) -> bytes:
    """Return the seed as a tar that ``docker cp - NAME:/`` unpacks."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        path = ""
        for part in FOLDER.strip("/").split("/"):
            path = f"{path}/{part}".strip("/")
            folder = tarfile.TarInfo(path)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder)
        for name, content in seed_files(server).items():
            item = tarfile.TarInfo(f"{FOLDER.strip('/')}/{name}")
            item.size, item.mode = len(content), 0o600
            archive.addfile(item, io.BytesIO(content))
    return buffer.getvalue()
