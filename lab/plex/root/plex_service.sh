#!/bin/sh
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Stop (-d), start (-u) or restart (-r) the server inside the running container.
server() { pgrep -u plex -f '^/usr/bin/python3 -B /usr/lib/plexmediaserver/Plex Media Server' || true; }
stop() {
  for pid in $(server); do kill -TERM "$pid"; done
  while [ -n "$(server)" ]; do sleep 0.2; done
}
case "$1" in
  -d) touch /run/plex.down && stop ;;
  -u) rm -f /run/plex.down ;;
  -r) stop ;;
  *) echo "usage: $0 -d | -u | -r" >&2; exit 1 ;;
esac
