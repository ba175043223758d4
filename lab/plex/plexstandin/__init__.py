# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Plex Media Server, true to what the workflow relies on.

It runs inside an image that answers to the name of Plex's own. Facts cited as ``§n`` are
those of the project's Plex facts; where they leave something open, a comment says so.
"""
