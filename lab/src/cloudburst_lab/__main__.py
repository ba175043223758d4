# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m cloudburst_lab``: the command line of the lab."""

from __future__ import annotations

from cloudburst_lab.cli import main

if __name__ == "__main__":
    main()
