# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``Plex Media Server.log``: the real one's line format and rotation, never a token."""

from __future__ import annotations

import logging
import re
import threading
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

LOG = logging.getLogger("plex")
_TOKENS = re.compile(r"(X-Plex-Token=|token=|claim-)[A-Za-z0-9_\-]+", re.I)
_LEVELS = {"WARNING": "WARN", "CRITICAL": "ERROR"}


class PlexFormatter(logging.Formatter):
    """``Nov 21, 2026 04:13:00.123 [140001] INFO - message``."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%b %d, %Y %H:%M:%S", time.localtime(record.created))
        level = _LEVELS.get(record.levelname, record.levelname)
        message = _TOKENS.sub(r"\1xxxxxxxxxxxxxxxxxxxx", record.getMessage())
        text = f"{moment}.{record.msecs:03.0f} [{threading.get_native_id()}] "
        text += f"{level} - {message}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


def start(folder: Path, name: str = "Plex Media Server.log") -> None:
    """Send the log to its file: 10 MB, five older ones (§4)."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        folder / name, maxBytes=10 * 1024 * 1024, backupCount=5, encoding="utf-8"
    )
    # The real names of older logs: "Plex Media Server.1.log".
    handler.namer = lambda path: re.sub(r"(.*)\.log\.(\d+)$", r"\1.\2.log", path)
    handler.setFormatter(PlexFormatter())
    LOG.setLevel(logging.DEBUG)
    LOG.addHandler(handler)
    for library in ("aiohttp", "asyncio"):  # a failed request's reason
        logging.getLogger(library).addHandler(handler)
