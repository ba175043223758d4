# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository keeps its own promises: nothing untested, nothing undocumented."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.cloudburst.plex.plugins.plugin_utils._settings import (
    VARIABLES,
)
from cloudburst_lab.engine import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in ROOT.glob("plugins/modules/*.py"))
FILTERS = sorted(path.stem for path in ROOT.glob("plugins/filter/*.py"))
ROLES = sorted(path.name for path in ROOT.glob("roles/*") if path.is_dir())
PLAYBOOKS = sorted(path.stem for path in ROOT.glob("playbooks/*.yml"))
FRAGMENTS_WITH_GROUP = ("plex_api", "plex_tv", "scaleway")
# Spelled so that this file does not contain them.
FORBIDDEN = re.compile("|".join(["TO" + "DO", "FIX" + "ME", r"\bXX" + r"X\b"]))


def read(path: str | Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def load(path: str | Path) -> Any:
    return yaml.safe_load(read(path))


@cache
def texts(pattern: str) -> dict[str, str]:
    """Return the files that match, by their path in the repository."""
    return {
        str(p.relative_to(ROOT)): read(p) for p in ROOT.glob(pattern) if p.is_file()
    }


@cache
def tracked() -> tuple[str, ...]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return tuple(name for name in listing.stdout.split("\0") if (ROOT / name).is_file())


def mentioned(name: str, pattern: str) -> bool:
    word = re.compile(rf"\b{re.escape(name)}\b")
    return any(word.search(text) for text in texts(pattern).values())


# --- layout --------------------------------------------------------------------------------


def test_symlink_makes_the_checkout_a_collection() -> None:
    galaxy = load("galaxy.yml")
    folder = ROOT / "collections/ansible_collections" / galaxy["namespace"]
    link = folder / galaxy["name"]
    assert link.is_symlink()
    assert link.readlink() == Path("../../..")
    assert link.resolve() == ROOT


def test_symlink_is_the_only_thing_that_sanity_ignores() -> None:
    ignores = {
        line
        for text in texts("tests/sanity/ignore-*.txt").values()
        for line in text.splitlines()
    }
    assert ignores == {"collections/ansible_collections/cloudburst/plex/ symlinks"}


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_playbook_has_a_stub_at_the_root(playbook: str) -> None:
    (play,) = load(f"{playbook}.yml")
    assert play["ansible.builtin.import_playbook"] == f"cloudburst.plex.{playbook}"


def test_tracked_files_hold_no_notes_to_self() -> None:
    found = {
        name: FORBIDDEN.findall(text)
        for name in tracked()
        if (text := (ROOT / name).read_text(encoding="utf-8", errors="replace"))
        and FORBIDDEN.search(text)
    }
    assert found == {}


def test_action_groups_hold_the_modules_of_their_fragment() -> None:
    groups = load("meta/runtime.yml")["action_groups"]
    expected = {
        group: [
            module
            for module in MODULES
            if re.search(
                rf"^ +- cloudburst\.plex\.{group}$",
                read(f"plugins/modules/{module}.py"),
                re.M,
            )
        ]
        for group in FRAGMENTS_WITH_GROUP
    }
    assert groups == expected


# --- everything has a test -----------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_module_has_a_test(module: str) -> None:
    assert mentioned(module, "tests/unit/plugins/**/test_*.py")


@pytest.mark.parametrize("name", FILTERS)
def test_filter_has_a_test(name: str) -> None:
    assert mentioned(name, "tests/unit/plugins/filter/test_*.py")


@pytest.mark.parametrize("role", ROLES)
def test_role_has_a_molecule_scenario(role: str) -> None:
    scenario = ROOT / "molecule" / role
    missing = [
        name
        for name in ("molecule.yml", "converge.yml", "verify.yml")
        if not (scenario / name).is_file()
    ]
    assert missing == []
    assert mentioned(f"cloudburst.plex.{role}", f"molecule/{role}/*.yml")


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_playbook_is_run_end_to_end(playbook: str) -> None:
    pattern = re.compile(rf"""["'](cloudburst\.plex\.)?{playbook}(\.yml)?["']""")
    assert any(pattern.search(text) for text in texts("tests/e2e/*.py").values())


# --- everything is declared ----------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_role_variables_are_in_its_argument_spec(role: str) -> None:
    specs = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]
    declared = {name for spec in specs.values() for name in spec.get("options", {})}
    file = ROOT / "roles" / role / "defaults/main.yml"
    defaults = set(load(file) or {}) if file.exists() else set()
    assert defaults - declared == set()
    assert [name for name in declared if not name.startswith(f"{role}_")] == []


def test_foreign_collections_are_declared() -> None:
    used = {
        name
        for pattern in ("roles/**/*.yml", "playbooks/**/*.yml")
        for text in texts(pattern).values()
        for name in re.findall(r"^ +(?:- )?([a-z_]+\.[a-z_]+)\.[a-z_]+:", text, re.M)
    } - {"ansible.builtin", "ansible.legacy", "cloudburst.plex"}
    assert used <= set(load("galaxy.yml")["dependencies"])
    wanted = {
        entry["name"]: entry["version"]
        for entry in load("requirements.yml")["collections"]
    }
    assert wanted == load("galaxy.yml")["dependencies"]


def test_packages_of_the_lab_are_in_the_package_list() -> None:
    rows = [line.split() for line in read("requirements/debian.txt").splitlines()]
    listed = {row[0]: row[1] for row in rows if row and not row[0].startswith("#")}
    assert {command: listed.get(command) for command in COMMANDS} == COMMANDS


# --- everything is documented --------------------------------------------------------------


@pytest.mark.parametrize("variable", sorted(VARIABLES))
def test_user_variable_is_documented(variable: str) -> None:
    assert f"`{variable}`" in read("docs/operations.md")


@pytest.mark.parametrize("name", [*MODULES, *ROLES, *PLAYBOOKS])
def test_readme_lists(name: str) -> None:
    assert f"`{name}`" in read("README.md")


@pytest.mark.parametrize("source", ["README.md", *sorted(texts("docs/*.md"))])
def test_links_between_documents_lead_somewhere(source: str) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", read(source))
    broken = [link for link in links if not ((ROOT / source).parent / link).exists()]
    assert broken == []


def test_documented_dependencies_are_the_locked_ones() -> None:
    lines = read("requirements/dev.in").splitlines()
    names = {
        re.split(r"[=><; \[]", line)[0] for line in lines if line and line[0] != "#"
    }
    document = read("docs/dependencies.md")
    assert [name for name in sorted(names) if f"`{name}`" not in document] == []
