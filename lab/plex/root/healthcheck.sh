#!/bin/sh
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
exec curl --connect-timeout 15 --max-time 100 --silent --show-error --fail \
  http://localhost:32400/identity >/dev/null
