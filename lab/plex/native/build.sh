#!/bin/sh
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Compile the native parts of the stand-in. Usage: build.sh SOURCE_DIR PREFIX
set -eu
source=$1
prefix=$2
lib=$prefix/lib
mkdir -p "$lib"
cc="gcc -O2 -Wall -Wextra -Werror -s"
$cc -fPIC -shared -o "$lib/plexicu.so" "$source/plexicu.c" -licui18n -licuuc
$cc -fPIC -shared -DPLEXICU="\"$lib/plexicu.so\"" -o "$lib/preload.so" \
  "$source/preload.c" -lsqlite3 -ldl
$cc -DPRELOAD="\"$lib/preload.so\"" -o "$prefix/Plex SQLite" "$source/plexsqlite.c"
