# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The route of a user without a checkout: build, install offline, run by full name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
#: nothing else may be at the top of the tarball
SHIPPED = {
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "cloud-init",
    "docs",
    "group_vars",
    "inventories",
    "meta",
    "playbooks",
    "plugins",
    "requirements.yml",
    "roles",
}


def names(folder: str, pattern: str) -> list[str]:
    paths = (REPOSITORY / folder).glob(pattern)
    return sorted(path.stem for path in paths if not path.stem.startswith("_"))


PLAYBOOKS = names("playbooks", "*.yml")
MODULES = names("plugins/modules", "*.py")
ROLES = sorted(path.parent.parent.name for path in REPOSITORY.glob("roles/*/meta/*specs.yml"))


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from the checkout as it is."""
    output = tmp_path_factory.mktemp("build")
    command = [BIN / "ansible-galaxy", "collection", "build", "--output-path", output]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    (result,) = output.glob("cloudburst-plex-*.tar.gz")
    return result


@pytest.fixture(scope="module")
def installed(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install into an empty path without a network; return that path."""
    place = tmp_path_factory.mktemp("collections")
    run(place, "ansible-galaxy", "collection", "install", tarball, "-p", place, "--offline")
    return place


def run(place: Path, program: str, *arguments: str | Path) -> str:
    """Run a program of Ansible's away from the checkout, with only ``place`` configured."""
    environment = {
        **{key: value for key, value in os.environ.items() if "ANSIBLE" not in key},
        "ANSIBLE_COLLECTIONS_PATH": str(place),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        [BIN / program, *arguments],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_tarball_holds_what_a_user_needs_and_nothing_else(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        members = [member.name for member in archive.getmembers()]
    top = {name.split("/")[0] for name in members}
    stubs = {path.name for path in REPOSITORY.glob("*.yml")} - {"galaxy.yml"}
    assert top - stubs <= SHIPPED
    assert {"LICENSE", "README.md", "playbooks", "plugins", "roles"} <= top
    assert not [name for name in members if name.endswith((".pyc", ".retry"))]


def test_install_needs_no_network(installed: Path) -> None:
    manifest = installed / "ansible_collections/cloudburst/plex/MANIFEST.json"
    info = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]
    galaxy = yaml.safe_load((REPOSITORY / "galaxy.yml").read_text(encoding="utf-8"))
    assert info["version"] == galaxy["version"]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_installed_playbook_resolves(installed: Path, playbook: str) -> None:
    name = f"cloudburst.plex.{playbook}"
    run(installed, "ansible-playbook", name, "--syntax-check", "-i", "localhost,")


def test_every_module_has_documentation(installed: Path) -> None:
    full = [f"cloudburst.plex.{name}" for name in MODULES]
    documents = json.loads(run(installed, "ansible-doc", "--json", *full))
    assert sorted(documents) == full
    assert [name for name in full if not documents[name].get("examples")] == []


def test_every_role_has_documentation(installed: Path) -> None:
    full = [f"cloudburst.plex.{name}" for name in ROLES]
    documents = json.loads(run(installed, "ansible-doc", "-t", "role", "--json", *full))
    assert sorted(documents) == full
