# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the Plex stand-in's fidelity tests."""

from __future__ import annotations

import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[3]
for source in (REPO / "lab" / "src", REPO / "lab" / "plex"):
    if str(source) not in sys.path:
        sys.path.insert(0, str(source))
