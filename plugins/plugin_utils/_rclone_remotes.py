# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""The part of rclone's configuration that one remote needs. Pure.

Only that part travels to the instance: the other remotes' keys are nobody's
business there.
"""

from __future__ import annotations

import csv
import re
import typing as t

Remotes = t.Mapping[str, t.Mapping[str, str]]


class UnknownRemote(ValueError):
    """The remote is not configured; the text names those that are."""


def needed_remotes(dump: Remotes, remote: str) -> dict[str, dict[str, str]]:
    """The remote and those that it stands on (crypt, alias, union, combine)."""
    first = remote.partition(":")[0]
    if first not in dump:
        known = ", ".join(sorted(dump)) or "none"
        raise UnknownRemote(
            f"rclone's configuration has no remote {first!r} (it has: {known})"
        )
    found: dict[str, dict[str, str]] = {}
    queue = [first]
    while queue:
        name = queue.pop()
        if name in found:
            continue
        found[name] = {key: str(value) for key, value in dump[name].items()}
        queue += [x for x in _mentioned(found[name]) if x in dump]
    return found


# ``name:path``, also with options of its own, ``name,chunk_size=16M:path``.
REFERENCE = re.compile(r"""([\w.+@ -]+)(?:,(?:"[^"]*"|[^":])*)?:""")


def _mentioned(options: t.Mapping[str, str]) -> list[str]:
    references = [options.get("remote", "")]
    # rclone reads the list like CSV with spaces for commas.
    for row in csv.reader([options.get("upstreams", "")], delimiter=" "):
        references += row
    if options.get("type") == "combine":
        references = [text.partition("=")[2] for text in references]
    return [x.group(1) for x in map(REFERENCE.match, references) if x]


def as_ini(remotes: Remotes) -> str:
    """The text of an ``rclone.conf``."""
    blocks = []
    for name in sorted(remotes):
        lines = [f"{key} = {value}" for key, value in remotes[name].items()]
        blocks.append("\n".join([f"[{name}]", *lines]) + "\n")
    return "\n".join(blocks)
