# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP paths of the API, one module per family."""

from __future__ import annotations

from cloudburst_lab.scaleway.routes import (
    account,
    admin,
    block,
    groups,
    machines,
    resources,
)

ROUTERS = (
    machines.router,
    machines.tasks,
    resources.router,
    groups.router,
    block.router,
    account.router,
    admin.router,
)
