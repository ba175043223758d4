# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: SSH host keys, compared with what the instance published.

The fingerprints come by the cloud's API, the keys by the network. A key is only trusted
when both agree; there is no trust on first use.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SHA256 = re.compile(r"SHA256:([A-Za-z0-9+/]{43})=?(?![A-Za-z0-9+/])")


class HostKeyError(Exception):
    """No key of the host may be trusted; the text says why."""


@dataclass(frozen=True)
class HostKey:
    """One public host key as ``known_hosts`` writes it."""

    type: str
    blob: str  # base64

    @property
    def fingerprint(self) -> str:
        """SHA256 fingerprint without its prefix and padding."""
        digest = hashlib.sha256(base64.b64decode(self.blob)).digest()
        return base64.b64encode(digest).decode().rstrip("=")


def published(lines: Iterable[str]) -> set[str]:
    """Fingerprints in lines of ``ssh-keygen -l``; other text around them is ignored."""
    return {match for line in lines for match in _SHA256.findall(line)}


def scanned(text: str) -> list[HostKey]:
    """Keys in the output of ``ssh-keyscan``; comments and damaged lines are left out."""
    keys = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 3 or line.startswith("#"):
            continue
        try:
            base64.b64decode(fields[2], validate=True)
        except (binascii.Error, ValueError):
            continue
        keys.append(HostKey(fields[1], fields[2]))
    return sorted(set(keys), key=lambda key: (key.type, key.blob))


def trusted(
    keys: Sequence[HostKey], fingerprints: set[str], host: str
) -> list[HostKey]:
    """The keys that the host offers and that were published."""
    good = [key for key in keys if key.fingerprint in fingerprints]
    if not good:
        offered = ", ".join(f"{k.type} SHA256:{k.fingerprint}" for k in keys) or "none"
        raise HostKeyError(
            f"no host key of {host} is one that the instance published; offered:"
            f" {offered}; published: {', '.join(sorted(fingerprints)) or 'none'}."
            " Somebody else may be answering at this address; nothing was sent to it"
        )
    return good


def host_pattern(host: str, port: int) -> str:
    """A host as ``known_hosts`` names it."""
    return host if port == 22 else f"[{host}]:{port}"


def known_hosts(old: str, names: Sequence[str], keys: Sequence[HostKey]) -> str:
    """The file with exactly these keys for the names; lines of other hosts stay."""
    wanted = set(names)
    kept = [
        line
        for line in old.splitlines()
        if line.strip() and not wanted & set(line.split()[0].split(","))
    ]
    added = [f"{','.join(names)} {key.type} {key.blob}" for key in keys]
    return "\n".join([*kept, *added]) + "\n"
