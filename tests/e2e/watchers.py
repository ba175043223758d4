# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples every process's argument list while a run goes on, to catch secrets in them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path


class ProcessListSampler:
    """Look at ``/proc/*/cmdline`` ten times a second; remember who showed a secret.

    Containers' processes are in the host's process list too, so the instance is covered.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self.secrets = secrets
        self.samples = 0
        self.seen: set[tuple[str, str]] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ProcessListSampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self.samples += 1
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    words = (
                        entry.read_bytes().decode(errors="replace").replace("\0", " ")
                    )
                except (FileNotFoundError, ProcessLookupError):
                    continue  # the process ended between the listing and the look
                for name, value in self.secrets.items():
                    if value in words:
                        self.seen.add((name, words.split(" ", 1)[0]))
