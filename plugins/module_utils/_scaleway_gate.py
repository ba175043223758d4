# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: what would be lost with a burst's servers and volumes.

The instance itself says in its journal which archive it packed last; only that very
archive, whole on the controller, makes it safe to destroy (B01, L62). A kept instance
keeps its burst id, so an archive of an earlier run has the right name and the wrong
content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]

#: what is recorded after a result without making it an old one
NO_WORK = ("burst", "export")


def newest_result(records: Sequence[Record], confirmed: str = "") -> tuple[str, str]:
    """The sha256 of the newest export, or why there is none that counts.

    ``confirmed`` is the checksum that the present run ended with: work that was begun
    before it is part of it.
    """
    packed = [
        (number, str((record.get("data") or {}).get("sha256") or ""))
        for number, record in enumerate(records)
        if record.get("phase") == "export" and record.get("key") in ("packed", "home")
    ]
    if not packed or not packed[-1][1]:
        return "", "its journal has no export"
    number, sha256 = packed[-1]
    if sha256 == confirmed:
        return sha256, ""
    for record in records[number + 1 :]:
        if record.get("phase") not in NO_WORK:
            return "", (
                "it worked on after its last export"
                f" ({record.get('phase')} {record.get('key')})"
            )
    return sha256, ""


def unsaved_results(
    servers: Iterable[Mapping[str, Any]],
    volumes: Iterable[Mapping[str, Any]],
    attached: str,
    records: Sequence[Record] | None,
    archives: Iterable[Mapping[str, Any]],
    confirmed: str = "",
) -> list[str]:
    """One sentence per server or volume that may hold the only result.

    ``attached`` is the server that ``records`` were read from; None is a journal that
    could not be read. ``archives`` are results of plex_archive_info.
    """
    servers = list(servers)
    whole = {str(a.get("sha256")): a for a in archives if a.get("ok")}
    found = []
    for server in servers:
        # Created and never booted: there is nothing on it.
        if not server.get("booted", True):
            continue
        why = _why(server, attached, records, whole, confirmed)
        if why:
            found.append(f"{server['type']} {server['id']} in {server['zone']}: {why}")
    known = {server["id"] for server in servers}
    for volume in volumes:
        if volume["kind"].endswith("snapshot") or volume.get("owner") in known:
            continue
        found.append(
            f"{volume['kind'].replace('_', ' ')} {volume['id']} in {volume['zone']}:"
            " its server is gone, so what is on it cannot be told"
        )
    return found


def _why(
    server: Mapping[str, Any],
    attached: str,
    records: Sequence[Record] | None,
    whole: Mapping[str, Any],
    confirmed: str,
) -> str:
    """Why a server that has booted may not go; empty when its result is safe."""
    if server["state"] != "running":
        return f"it is {server['state']}, so its journal cannot be read"
    if server["id"] != attached:
        return "it cannot be reached, so its journal cannot be read"
    if records is None:
        return "its journal cannot be read"
    sha256, reason = newest_result(records, confirmed)
    if reason:
        return reason
    if sha256 not in whole:
        return f"its newest result (sha256 {sha256}) is not whole on this machine"
    return ""
