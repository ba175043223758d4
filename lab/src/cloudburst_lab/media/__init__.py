# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real media files, in the state that home knew and in the state that the bucket is in."""

from __future__ import annotations

from cloudburst_lab.media.assets import UNREADABLE, Asset
from cloudburst_lab.media.library import MediaLibrary
from cloudburst_lab.media.plan import FOLDER_MTIME, Plan, make_plan

__all__ = ["FOLDER_MTIME", "UNREADABLE", "Asset", "MediaLibrary", "Plan", "make_plan"]
