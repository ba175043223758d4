# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m cloudburst_lab.plextv``: serve plex.tv of the lab in CLOUDBURST_LAB_DIR."""

from __future__ import annotations

import uvicorn

from cloudburst_lab.config import LabConfig
from cloudburst_lab.plextv.app import Store, fresh_account, make_app


def main() -> None:
    """Serve until stopped."""
    config = LabConfig.load()
    store = Store(config.state_dir / "plextv.json", lambda: fresh_account(config))
    uvicorn.run(
        make_app(store),
        host=config.gateway,
        port=config.plextv_port,
        access_log=False,
        proxy_headers=False,
        http="h11",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
