# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door as Ansible sees it: one fact, one message, no secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible import context
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible.utils.vars import load_extra_vars

from ansible_collections.cloudburst.plex.plugins.action import (
    burst_secrets,
    burst_settings,
)

REPOSITORY = Path(__file__).resolve().parents[4]
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - cloudburst.plex.burst_settings:
    - cloudburst.plex.burst_secrets:
      no_log: true
    - ansible.builtin.copy:
        content: "{{ {'burst': burst, 'secrets': burst_secrets} | to_json }}"
        dest: "{{ playbook_dir }}/out.json"
        mode: "0600"
"""


class Door:
    """The action plugins in this process, with a command line of our own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def run(
        self,
        plugin: Any,
        extra: tuple[str, ...] = (),
        args: dict[str, Any] | None = None,
        no_log: bool = False,
        **variables: Any,
    ) -> dict[str, Any]:
        cli = ImmutableDict({"extra_vars": extra})
        self.monkeypatch.setattr(context, "CLIARGS", cli)
        self.monkeypatch.delattr(load_extra_vars, "extra_vars", raising=False)
        loader = DataLoader()
        task_vars = {**variables, **load_extra_vars(loader)}
        task = MagicMock(
            args=args or {}, no_log=no_log, async_val=0, check_mode=False, diff=False
        )
        action = plugin.ActionModule(
            task,
            MagicMock(),
            MagicMock(check_mode=False),
            loader,
            Templar(loader, task_vars),
            MagicMock(),
        )
        # Core 2.21 hands facts to the worker that runs the task, and here is none: the play
        # below covers it.
        if hasattr(action, "register_host_variables"):
            action.register_host_variables = MagicMock()
        result: dict[str, Any] = action.run(task_vars=task_vars)
        return result


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.delenv("PLEX_ACCOUNT_TOKEN", raising=False)
    return Door(monkeypatch)


def test_a_real_run(tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").write_text("[defaults]\n")
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "vars.yml").write_text("keep: true\nzones: [fr-par-1, nl-ams-1]\n")
    (tmp_path / "map.json").write_text('{"mappings": {"/a": "/b"}}')
    extra = [
        "sections=Movies,TV Shows profile=power",
        "@vars.yml",
        '{"sample": 200}',
        "path_mappings=map.json",
    ]
    words = [word for option in extra for word in ("-e", option)]
    playbook = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [playbook, "-vvv", "play.yml", *words],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "collections"),
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "PLEX_ACCOUNT_TOKEN": "TOKENSECRET",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    data = json.loads((tmp_path / "out.json").read_text())
    burst = data["burst"]
    assert burst["sections"] == ["Movies", "TV Shows"]
    assert (burst["keep"], burst["sample"]) == (True, 200)
    assert burst["zones"] == ["fr-par-1", "nl-ams-1"]
    assert burst["profile"]["name"] == "power"
    assert burst["path_mappings"] == [{"from": "/a", "to": "/b"}]
    assert data["secrets"] == {"plex_account_token": "TOKENSECRET", "plex_claim": ""}
    assert "TOKENSECRET" not in output
    assert "[WARNING]" not in output


def test_one_message_for_all_problems(door: Door) -> None:
    result = door.run(
        burst_settings,
        ("profile=turbo keeep=true", "zones={{ nothing }}", "plex_claim=NOTACLAIM"),
        {"require": ["archive", "bucket"]},
        archive=None,
        zones=trust_as_template("{{ nothing }}"),
    )
    assert result["failed"] is True
    for name in ("archive", "bucket", "profile", "keeep", "zones", "plex_claim"):
        assert f"  - {name} " in result["msg"]
    assert "NOTACLAIM" not in repr(result)
    assert "ansible_facts" not in result


def test_templates_are_resolved(door: Door) -> None:
    result = door.run(
        burst_settings,
        plex_version=trust_as_template("{{ home.version }}"),
        home={"version": "1.42.2.1-x"},
    )
    assert result["burst"]["plex_version"] == "1.42.2.1-x"
    assert result["ansible_facts"]["burst"] == result["burst"]


@pytest.mark.parametrize(
    ("typed", "warned"),
    [
        ("plex_claim=claim-abc", True),
        ('{"plex_account_token": "x"}', True),
        ("plex_account_token_file=/dev/null", False),
        ("profile=lite", False),
    ],
)
def test_a_secret_on_the_command_line_is_warned_about(
    door: Door, typed: str, warned: bool
) -> None:
    result = door.run(burst_settings, (typed,))
    assert "failed" not in result, result
    assert bool(result.get("warnings")) is warned


def test_secrets_only_under_no_log(door: Door) -> None:
    extra = ("plex_claim=claim-abc",)
    refused = door.run(burst_secrets, extra)
    assert refused["failed"] is True
    assert "claim-abc" not in repr(refused)
    given = door.run(burst_secrets, extra, no_log=True)
    assert given["ansible_facts"]["burst_secrets"] == {
        "plex_account_token": "",
        "plex_claim": "claim-abc",
    }
