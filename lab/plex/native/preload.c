/* Copyright (c) 2026, cloudburst.plex contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Preloaded into the sqlite3 shell: every database it opens gets the extension, whatever
 * options and dot commands are used, as in the shell inside Plex's own binary.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdio.h>

typedef int (*OpenV2)(const char *, sqlite3 **, int, const char *);

static int extend(int result, sqlite3 *db) {
  char *error = 0;
  if (result != SQLITE_OK) return result;
  sqlite3_enable_load_extension(db, 1);
  if (sqlite3_load_extension(db, PLEXICU, "sqlite3_plexicu_init", &error) != SQLITE_OK) {
    fprintf(stderr, "Plex SQLite: %s\n", error);
    sqlite3_free(error);
  }
  return result;
}

int sqlite3_open_v2(const char *name, sqlite3 **db, int flags, const char *vfs) {
  OpenV2 real = (OpenV2)dlsym(RTLD_NEXT, "sqlite3_open_v2");
  int result = real(name, db, flags, vfs);
  return extend(result, *db);
}

int sqlite3_open(const char *name, sqlite3 **db) {
  return sqlite3_open_v2(name, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 0);
}
