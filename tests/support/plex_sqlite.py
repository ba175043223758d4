# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ``docker`` command that runs ``Plex SQLite`` with the lab's tokenizer and order."""

from __future__ import annotations

import sys
from pathlib import Path

IMAGE = "plexinc/pms-docker:1.42"
_SCRIPT = """#!{python}
import os, sys
sys.path.insert(0, {lab!r})
import sqlite3
from cloudburst_lab.plex_schema.pair import connect
open({log!r}, "a").write(repr(sys.argv[1:]) + "\\n")
if sys.argv[1:3] == ["image", "inspect"]:
    print("No such image", file=sys.stderr)
    sys.exit(0 if sys.argv[-1] == {image!r} else 1)
if {hang}:
    import time; time.sleep(60)
says = {says!r}
if says is not None:
    print(says, file=sys.stderr)
    sys.exit({code})
volume = sys.argv[sys.argv.index("-v") + 1].split(":")[0]
path = os.path.join(volume, os.path.basename(sys.argv[-2]))
try:
    connection = connect(path)
    connection.isolation_level = None
    for row in connection.execute(sys.argv[-1]):
        print(row[0])
    connection.close()
except sqlite3.Error as error:
    print(f"Error: stepping, {{error}} (11)", file=sys.stderr)
    sys.exit({code})
"""


def write_docker(
    folder: Path, *, hang: bool = False, code: int = 1, says: str | None = None
) -> str:
    """Make the command in a folder; its calls are written to ``log`` there.

    With ``says`` it only says that, as an error, and ends with the code.
    """
    script = folder / "docker"
    lab = str(Path(sys.modules["cloudburst_lab"].__file__ or "").parents[1])
    text = _SCRIPT.format(
        python=sys.executable,
        lab=lab,
        image=IMAGE,
        hang=hang,
        log=str(folder / "log"),
        code=code,
        says=says,
    )
    script.write_text(text)
    script.chmod(0o755)
    return str(script)
