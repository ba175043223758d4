# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done to a database is told at home, in the logs and in the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
DONE = {
    "status": "salvaged",
    "source": "",
    "lost": 0,
    "doubtful": 0,
    "msg": "salvaged with a loss of 0 rows",
    "report": [],
}
INJECTED = {"status": "copied", "message": "Plex's backup of 2026-11-18 is intact"}


def read(path: str) -> Any:
    return yaml.safe_load((ROLES / path).read_text(encoding="utf-8"))


def exported(name: str, **known: Any) -> Any:
    """A variable of the role export."""
    path = str(ROLES / "export/vars/main.yml")
    given = DataLoader().load_from_file(path, trusted_as_template=True)
    variables = {**given, "export_root": "/srv/cloudburst", **known}
    templar = Templar(DataLoader(), variables=variables)
    return templar.template(trust_as_template("{{ " + name + " }}"))


@pytest.mark.parametrize("role", ["db_inject", "export"])
def test_the_report_of_a_repair_comes_home_also_when_it_is_refused(role: str) -> None:
    tasks = read(f"{role}/tasks/repair.yml")
    steps = [
        next(
            word for word in ("plex_db_repair", "copy", "assert") if key.endswith(word)
        )
        for task in tasks
        for key in task
        if key.endswith((".plex_db_repair", ".copy", ".assert"))
    ]
    assert steps == ["plex_db_repair", "copy", "assert"]
    (written,) = [
        task["ansible.builtin.copy"]["dest"]
        for task in tasks
        if "ansible.builtin.copy" in task
    ]
    sources = read("export/vars/main.yml")["__export_log_sources"]
    paths = {source.get("path") for source in sources}
    assert written.replace(f"{role}_root", "export_root") in paths


@pytest.mark.parametrize(
    ("sound", "data", "status"),
    [
        (True, None, ("", "")),
        (True, {}, ("", "")),
        (True, {"repair": ""}, ("", "")),
        (True, {"repair": {}}, ("", "")),
        (True, {"repair": INJECTED}, ("copied", "")),
        (False, {"repair": INJECTED}, ("copied", "salvaged")),
    ],
)
def test_the_result_names_what_took_the_place_of_a_damaged_pair(
    sound: bool, data: dict[str, Any] | None, status: tuple[str, str]
) -> None:
    record = {"phase": "inject", "status": "done", "data": data}
    known = {
        "__export_known": {"records": [] if data is None else [record]},
        "__export_checked": {"ok": sound},
        "__export_repaired": DONE,
    }
    repairs = exported("__export_repairs", **known)
    assert tuple(repairs[name].get("status", "") for name in ("archive", "result")) == (
        status
    )
    packed = exported("__export_sound", **known)
    assert packed.endswith("/Databases" if sound else "/repaired")
