# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new instance does at its first boot, rendered by Ansible itself.

``python -m tests.unit.roles.test_user_data`` prints the example.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.template import Templar

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "provision"
EXAMPLE = ROOT / "cloud-init" / "user-data.example"
IMAGE = "plexinc/pms-docker:1.42.2.10156-f737b826c"


def render(**changes: Any) -> str:
    """The user data with the role's defaults and some variables changed."""
    loader = DataLoader()
    variables: dict[str, Any] = {
        **loader.load_from_file(str(ROLE / "defaults" / "main.yml")),
        "provision_plex_image": IMAGE,
        "provision_registry_mirror": "",
        **changes,
    }
    templar = Templar(loader, variables=variables)
    lookup = lookup_loader.get(
        "ansible.builtin.template", loader=loader, templar=templar
    )
    path = str(ROLE / "templates" / "user-data.yml.j2")
    return str(lookup.run([path], variables=variables)[0])


def data(**changes: Any) -> dict[str, Any]:
    text = render(**changes)
    assert text.startswith("#cloud-config\n")
    return dict(yaml.safe_load(text))


def written(parsed: dict[str, Any], path: str) -> str:
    return next(str(f["content"]) for f in parsed["write_files"] if f["path"] == path)


def test_the_example_is_true() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == render()


def test_docker_is_configured_before_it_is_there() -> None:
    mirror = "http://mirror.example:5000"
    daemon = json.loads(
        written(data(provision_registry_mirror=mirror), "/etc/docker/daemon.json")
    )
    assert daemon["registry-mirrors"] == [mirror]
    assert daemon["log-opts"]["max-size"]
    assert "registry-mirrors" not in written(data(), "/etc/docker/daemon.json")


def test_an_apt_proxy_only_when_asked_for() -> None:
    assert (
        data(provision_apt_proxy="http://10.0.0.1:3142")["apt"]["http_proxy"]
        == "http://10.0.0.1:3142"
    )
    assert "http_proxy" not in data()["apt"]


@pytest.mark.parametrize("image", [IMAGE, "", "odd name'; rm -rf /:1"])
def test_the_script_is_a_shell_script_whatever_the_image(
    image: str, tmp_path: Path
) -> None:
    script = written(
        data(provision_plex_image=image), "/usr/local/sbin/cloudburst-first-boot"
    )
    path = tmp_path / "first-boot"
    path.write_text(script)
    assert subprocess.run(["sh", "-n", str(path)], check=False).returncode == 0
    assert ("docker pull" in script) is bool(image)
    assert "rm -rf /:1" not in script.replace(
        "'odd name'\"'\"'; rm -rf /:1'", ""
    ).replace(
        "'cloudburst: the image odd name'\"'\"'; rm -rf /:1 could not be pulled'", ""
    )


def test_every_package_is_asked_for_and_nothing_recommended() -> None:
    parsed = data(provision_packages=["docker.io", "zstd"])
    assert parsed["packages"] == ["docker.io", "zstd"]
    assert 'Install-Recommends "0"' in parsed["apt"]["conf"]
    assert parsed["runcmd"] == [["/usr/local/sbin/cloudburst-first-boot"]]


if __name__ == "__main__":
    init_plugin_loader()
    print(render(), end="")
