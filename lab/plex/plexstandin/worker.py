# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scanner process: one JSON request per line on stdin, one answer per line on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from . import reading

OPERATIONS: dict[str, Callable[..., Any]] = {
    "list": reading.list_directory,
    "check": reading.check_files,
    "times": reading.directory_times,
    "probe": reading.probe,
    "read": reading.read_all,
    "fingerprint": reading.fingerprint,
}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The result of a request, or the error it met."""
    started = time.monotonic()
    try:
        result = OPERATIONS[request["op"]](*request["args"])
    except (OSError, RuntimeError, ValueError) as error:
        # RuntimeError: what pymediainfo raises for a file it cannot open.
        return {
            "error": getattr(error, "strerror", None) or str(error),
            "errno": getattr(error, "errno", None),
        }
    # The pretended weight of the work, on top of the real one.
    time.sleep(max(0.0, request["seconds"] - (time.monotonic() - started)))
    return {"result": result}


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
