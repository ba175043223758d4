# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at the database while a run goes on: damage that is undone later is seen only so."""

from __future__ import annotations

import json
import subprocess
import threading

from tests.e2e.chaos.burst import DATABASES, Burst
from tests.e2e.pairs import LIBRARY

#: Runs beside the database, until its input ends; a look that comes to nothing is one less.
WATCH = """
import json, select, sqlite3, sys, urllib.parse
live = "file:" + urllib.parse.quote(sys.argv[1]) + "?mode=ro"
asked, before = "SELECT file FROM media_parts WHERE deleted_at IS NOT NULL", None
while not select.select([sys.stdin], [], [], 1.0)[0]:
    try:
        library = sqlite3.connect(live, uri=True, timeout=5)
        found = sorted(row[0] for row in library.execute(asked))
        library.close()
    except sqlite3.Error:
        continue
    if found != before:
        print(json.dumps(found), flush=True)
        before = found
"""


class Sampler:
    """Keeps the largest number of files of the bucket that were in the trash at once."""

    def __init__(self, burst: Burst, sections: list[str]) -> None:
        self.most = 0
        self._bucket = burst.bucket(sections)
        self._argv = ["docker", "exec", "-i", burst.faults.container]
        self._argv += ["python3", "-c", WATCH, f"/{DATABASES}/{LIBRARY}"]
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Sampler:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._argv, stdin=pipe, stdout=pipe, text=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.close()
        self._thread.join(10)
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            self.most = max(self.most, len(self._bucket & set(json.loads(line))))
