# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What metadata and analysis leave on disk: bundles (§2.3)."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

from cloudburst_lab.plex_schema import MetadataType

# The smallest picture that every decoder takes: one grey pixel.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP////////////////////////////////////////////////"
    "//////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAA"
    "AP/aAAgBAQABPxA="
)
FOLDERS = {
    MetadataType.MOVIE: "Movies",
    MetadataType.SHOW: "TV Shows",
    MetadataType.SEASON: "TV Shows",
    MetadataType.EPISODE: "TV Shows",
    MetadataType.ARTIST: "Artists",
    MetadataType.ALBUM: "Albums",
}
_BIF_MAGIC = bytes([0x89, 0x42, 0x49, 0x46, 0x0D, 0x0A, 0x1A, 0x0A])


def bundle_name(digest: str) -> str:
    """``<h[0]>/<h[1:]>.bundle``."""
    return f"{digest[0]}/{digest[1:]}.bundle"


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def poster_path(metadata: Path, kind: MetadataType, digest: str, url: str) -> Path:
    """Where the picture of ``metadata://posters/<name>`` is kept."""
    name = url.rpartition("/")[2]
    bundle = metadata / FOLDERS[kind] / bundle_name(digest)
    return bundle / "Contents" / "_combined" / "posters" / name


def part_contents(media: Path, part_hash: str) -> Path:
    """``Media/localhost/…bundle/Contents`` of a part."""
    return media / bundle_name(part_hash) / "Contents"


def thumb_url(part_hash: str) -> str:
    return f"media://{bundle_name(part_hash)}/Contents/Thumbnails/thumb1.jpg"


def bif(frames: int, interval_ms: int, picture: bytes = JPEG) -> bytes:
    """A preview index: header, (number, offset) table, pictures."""
    head = _BIF_MAGIC + struct.pack("<III", 0, frames, interval_ms) + bytes(44)
    start = len(head) + 8 * (frames + 1)
    table = b"".join(
        struct.pack("<II", n, start + n * len(picture)) for n in range(frames)
    )
    end = struct.pack("<II", 0xFFFFFFFF, start + frames * len(picture))
    return head + table + end + picture * frames
