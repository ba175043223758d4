# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for the Scaleway API: same answers, same states, servers that really boot.

``model`` (what exists), ``servers``/``storage``/``network`` (what may happen to it), ``views``
(how it looks in JSON), ``billing`` and ``faults`` are pure; ``compute`` runs the servers as
containers, ``routes`` are the HTTP paths, ``cloud`` holds it together. Built from
scaleway-rclone part A and compared with recorded exchanges in ``tests/lab/scaleway``.
"""

from __future__ import annotations
