# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scanner process does with files: list, stat, probe, read to the end.

Runs in ``Plex Media Scanner`` children, so that a read that hangs hangs a child and not the
server. Every function takes and returns what JSON can carry.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path
from typing import Any

HEAD = 64 * 1024
BLOCK = 1024 * 1024
Facts = dict[str, Any]


def list_directory(path: str) -> list[list[Any]]:
    """``[name, is_dir, size, mtime]`` of everything in a directory, sorted."""
    entries = []
    with os.scandir(path) as found:
        for entry in found:
            status = entry.stat()
            folder = stat.S_ISDIR(status.st_mode)
            entries.append([entry.name, folder, status.st_size, int(status.st_mtime)])
    return sorted(entries)


def check_files(
    paths: list[str], verify: str, pause: float = 0.0
) -> list[list[int] | str]:
    """``[size, mtime]`` per file, or why it counts as gone."""
    return [_check_file(path, verify, pause) for path in paths]


def _check_file(path: str, verify: str, pause: float) -> list[int] | str:
    time.sleep(pause)  # before each file: what goes bad meanwhile is seen
    try:
        status = os.stat(path)
        if verify == "read":  # an unreadable file is a missing one (§2.5)
            with open(path, "rb", buffering=0) as handle:
                handle.read(1)
    except OSError as error:
        return error.strerror or str(error)
    return [status.st_size, int(status.st_mtime)]


def directory_times(paths: list[str]) -> list[int | None]:
    """The mtime of each directory; None when it is gone."""
    times: list[int | None] = []
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            times.append(None)
            continue
        times.append(int(status.st_mtime) if stat.S_ISDIR(status.st_mode) else None)
    return times


def _ends(path: str) -> tuple[bytes, bytes, int]:
    """Head, tail and size of a file, as a prober reads them."""
    with open(path, "rb", buffering=0) as handle:
        head = handle.read(HEAD)
        size = handle.seek(0, os.SEEK_END)
        handle.seek(max(0, size - HEAD))
        return head, handle.read(HEAD), size


def part_hash(head: bytes, tail: bytes, size: int) -> str:
    return hashlib.sha1(head + tail + str(size).encode()).hexdigest()


def open_subtitle_hash(head: bytes, tail: bytes, size: int) -> str:
    """OpenSubtitles' checksum: size plus the 64 bit words of both ends."""
    total = size
    for block in (head, tail):
        for at in range(0, len(block) - len(block) % 8, 8):
            total += int.from_bytes(block[at : at + 8], "little")
    return f"{total & 0xFFFFFFFFFFFFFFFF:016x}"


def probe(path: str, kind: str, how: str) -> Facts:
    """What the file is: container, duration, streams, tags; ``streams`` empty if unknown."""
    head, tail, size = _ends(path)
    facts: Facts = {
        "hash": part_hash(head, tail, size),
        "open_subtitle_hash": open_subtitle_hash(head, tail, size),
        "size": size,
        "mtime": int(os.stat(path).st_mtime),
        "container": Path(path).suffix.lstrip(".").lower().replace("jpg", "jpeg"),
        "streams": [],
    }
    if how == "full":
        facts.update(_media_info(path))
    else:
        facts["head_only"] = True  # not parsed: taken for what its name says
    return facts


def _media_info(path: str) -> Facts:
    from pymediainfo import MediaInfo  # loads a library: only where it is needed

    info = MediaInfo.parse(path)
    facts: Facts = {"streams": []}
    for track in info.tracks:
        data = track.to_data()
        if track.track_type == "General":
            facts.update(_general(data))
        elif track.track_type in ("Video", "Audio", "Text"):
            facts["streams"].append(_stream(track.track_type, data))
        elif track.track_type == "Image":
            facts.update(width=data.get("width"), height=data.get("height"))
        elif track.track_type == "Menu":
            facts["chapters"] = sum(1 for key in data if key[:2].isdigit())
    return facts


def _general(data: Facts) -> Facts:
    keep = {
        "duration": _integer(data.get("duration")),
        "bitrate": _integer(data.get("overall_bit_rate")),
        "title": data.get("track_name") or data.get("title"),
        "album": data.get("album"),
        "artist": data.get("album_performer") or data.get("performer"),
        "number": _integer(data.get("track_name_position")),
        "date": data.get("recorded_date"),
        "genre": data.get("genre"),
        "cover": data.get("cover") == "Yes",
    }
    return {key: value for key, value in keep.items() if value is not None}


def _integer(value: object) -> int | None:
    try:
        return int(float(str(value)))
    except ValueError:
        return None


def _stream(kind: str, data: Facts) -> Facts:
    codec = str(data.get("codec_id_hint") or data.get("format") or "").lower()
    names = {"avc": "h264", "mpeg audio": "mp3", "e-ac-3": "eac3", "utf-8": "srt"}
    return {
        "type": {"Video": 1, "Audio": 2, "Text": 3}[kind],
        "codec": names.get(codec, codec),
        "width": _integer(data.get("width")),
        "height": _integer(data.get("height")),
        "channels": _integer(data.get("channel_s")),
        "bitrate": _integer(data.get("bit_rate")),
        "rate": data.get("frame_rate"),
        "language": data.get("language") or "",
    }


def read_all(path: str) -> Facts:
    """Every byte of a file: its digest, size and mean byte value."""
    digest, total, size = hashlib.sha256(), 0, 0
    with open(path, "rb", buffering=0) as handle:
        while block := handle.read(BLOCK):
            digest.update(block)
            total += sum(block[::4096])
            size += len(block)
    return {"digest": digest.hexdigest(), "size": size, "level": total % 997}


def fingerprint(path: str) -> Facts:
    """All bytes of a track, refused when they are no audio (as a decoder would)."""
    from mutagen import File, MutagenError  # only needed by Sonic

    facts = read_all(path)
    try:
        audio = File(path)
    except MutagenError as error:
        return {"error": str(error) or "not decodable"}
    if audio is None or not getattr(audio.info, "length", 0):
        return {"error": "no audio stream"}
    return facts
