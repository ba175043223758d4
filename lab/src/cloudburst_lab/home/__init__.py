# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The home server of the lab: a Plex with a lived-in library, and the archive it gives."""

from __future__ import annotations

from cloudburst_lab.home.server import HomeServer

__all__ = ["HomeServer"]
