/* Copyright (c) 2026, cloudburst.plex contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * "Plex SQLite": a stub, as the real one is (plex-facts 1.1), here around the stock
 * shell with the extension preloaded. Whatever fails, it exits 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int status = 0;
  pid_t child = fork();
  (void)argc;
  if (child == 0) {
    setenv("LD_PRELOAD", PRELOAD, 1);
    execv("/usr/bin/sqlite3", argv);
    perror("/usr/bin/sqlite3");
    _exit(1);
  }
  if (child < 0 || waitpid(child, &status, 0) < 0) {
    perror("Plex SQLite");
    return 1;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
