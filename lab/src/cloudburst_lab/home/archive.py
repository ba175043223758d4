# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive that a user starts a burst with: the pair, a manifest first, a checksum beside."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import subprocess
import tarfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from cloudburst_lab.config import LabConfig
from cloudburst_lab.errors import CommandError
from cloudburst_lab.plex_schema import BLOBS, LIBRARY

LEAVES = {1: "movie", 4: "episode", 10: "track", 13: "photo"}


def manifest(config: LabConfig, databases: Path) -> dict[str, Any]:
    """Describe a pair at rest."""
    with closing(
        sqlite3.connect(f"file:{databases / LIBRARY}?mode=ro", uri=True)
    ) as library:
        (head,) = library.execute(
            "SELECT MAX(version) FROM schema_migrations"
        ).fetchone()
        (page_size,) = library.execute("PRAGMA page_size").fetchone()
        rows = library.execute(
            "SELECT metadata_type, COUNT(*) FROM metadata_items"
            " WHERE deleted_at IS NULL AND library_section_id > 0 GROUP BY 1"
        ).fetchall()
    found = dict(rows)
    counts = {name: found.get(kind, 0) for kind, name in LEAVES.items()}  # all, L28
    return {
        "format": 1,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "burst_id": "",
        "pms_version": config.plex_version,
        "machine_identifier": config.credentials.home_machine_identifier,
        "schema_head": head,
        "page_size": page_size,
        "mtime_mode": "server",
        "path_mappings": [],
        "counts": counts,
        "files": {
            f"databases/{name}": {
                "sha256": hashlib.sha256((databases / name).read_bytes()).hexdigest(),
                "size": (databases / name).stat().st_size,
            }
            for name in (LIBRARY, BLOBS)
        },
    }


def pack(config: LabConfig, databases: Path, archive: Path) -> None:
    """Write ``archive`` (.tar.zst) and ``archive.sha256``."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    plain = archive.with_suffix("")
    with tarfile.open(plain, "w") as tar:
        text = json.dumps(manifest(config, databases), indent=1).encode()
        member = tarfile.TarInfo("manifest.json")
        member.size, member.mode, member.mtime = len(text), 0o644, int(time.time())
        tar.addfile(member, io.BytesIO(text))
        for name in (LIBRARY, BLOBS):
            tar.add(databases / name, arcname=f"databases/{name}")
    command = ["zstd", "-q", "-f", "--rm", str(plain), "-o", str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandError(command, done.returncode, done.stderr)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    Path(f"{archive}.sha256").write_text(
        f"{digest}  {archive.name}\n", encoding="utf-8"
    )
