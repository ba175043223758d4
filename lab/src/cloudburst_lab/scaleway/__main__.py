# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m cloudburst_lab.scaleway``: serve the API of the lab in CLOUDBURST_LAB_DIR."""

from __future__ import annotations

import logging

import uvicorn

from cloudburst_lab.config import LabConfig
from cloudburst_lab.scaleway.app import make_asgi, make_cloud


def main() -> None:
    """Serve until stopped."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    config = LabConfig.load()
    uvicorn.run(
        make_asgi(make_cloud(config)),
        host=config.gateway,
        port=config.scaleway_port,
        access_log=False,
        proxy_headers=False,
        http="h11",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
