# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Reading a part of a file on the mount: what the children of all probes do."""

from __future__ import annotations

import errno
import os
import random
import typing as t

from ansible_collections.cloudburst.plex.plugins.module_utils._mount_canary import (
    expected,
)

BLOCK = 4096
# Folders that a search for a file to read may open.
SEARCH_FOLDERS = 200
# A folder that has files and folders is left for one of its folders but once in so many.
STAY_ONE_IN = 4

Report = dict[str, t.Any]


def read_block(
    path: str,
    size: int,
    rng: random.Random,
    canary: str | None = None,
    span: int | None = None,
) -> Report:
    """Read ``size`` bytes at a random block of a file, past the page cache.

    With the name of a ``canary`` the bytes are compared, if any came; ``span`` keeps
    to the beginning of a long file, so that probes do not fill the disk cache.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        length = os.fstat(descriptor).st_size
        blocks = max(0, min(length, span or length) - size) // BLOCK
        offset = rng.randint(0, blocks) * BLOCK if blocks else 0
        os.posix_fadvise(descriptor, offset, size, os.POSIX_FADV_DONTNEED)
        data = b""
        while len(data) < min(size, length - offset):
            chunk = os.pread(descriptor, size - len(data), offset + len(data))
            if not chunk:
                break
            data += chunk
    except OSError as exc:
        # A read knows only its number; the verdict has to name the file.
        exc.filename = path
        raise
    finally:
        os.close(descriptor)
    report = {"file": path, "offset": offset, "bytes": len(data), "length": length}
    if canary is not None and data:
        # No bytes are no right ones: how many came is judged by itself.
        report["matches"] = data == expected(canary, offset, len(data))
    return report


def some_file(root: str, rng: random.Random) -> str:
    """A file below ``root``, by random descent over a bounded search."""
    waiting = [root]
    spare = ""
    for _folder in range(SEARCH_FOLDERS):
        if not waiting:
            break
        files, folders = _listed(waiting.pop())
        rng.shuffle(files)
        rng.shuffle(folders)
        found = next((path for path in files if os.stat(path).st_size > 0), "")
        if found and (not folders or not rng.randrange(STAY_ONE_IN)):
            return found
        spare = found or spare
        waiting.extend(folders)
    if spare:
        return spare
    raise FileNotFoundError(errno.ENOENT, "no file with content was found", root)


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """Files and folders; dot names hold other things than media, canaries for example."""
    with os.scandir(folder) as entries:
        rows = [entry for entry in entries if not entry.name.startswith(".")]
    files = [entry.path for entry in rows if entry.is_file()]
    return files, [e.path for e in rows if e.is_dir(follow_symlinks=False)]
