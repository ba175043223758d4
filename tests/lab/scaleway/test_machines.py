# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that really boots: A1, A3 and A5 seen from inside and outside of the machine."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import inspect
from cloudburst_lab.scaleway.compute import container_name

# one machine for all of them, also where pytest-xdist shares out the tests (--dist loadgroup)
pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.xdist_group("machine"),
]

USER_DATA = """\
#cloud-config
package_update: true
packages: [docker.io, busybox-static]
write_files:
  - {path: /root/hello, content: from user data}
runcmd:
  - "tar -c -C /bin busybox | docker import - probe"
  - "docker run -d --restart always --name web -p 8000:8000 probe /busybox httpd -f -p 8000"
"""


@dataclass
class Machine:
    """One booted server, with SSH as the tag AUTHORIZED_KEY allows it."""

    http: httpx.Client
    id: str
    key: Path
    known_hosts: Path
    group_id: str

    @property
    def view(self) -> dict[str, Any]:
        server: dict[str, Any] = self.http.get(f"servers/{self.id}").json()["server"]
        return server

    @property
    def address(self) -> str:
        return str(self.view["public_ip"]["address"])

    def user_data(self, name: str) -> str | None:
        reply = self.http.get(f"servers/{self.id}/user_data/{name}")
        return reply.text if reply.status_code == 200 else None

    def act(self, action: str) -> None:
        reply = self.http.post(f"servers/{self.id}/action", json={"action": action})
        assert reply.status_code == 202, reply.text

    def ssh(
        self, command: str, timeout: float = 120.0
    ) -> subprocess.CompletedProcess[str]:
        options = [
            f"UserKnownHostsFile={self.known_hosts}",
            "StrictHostKeyChecking=yes",
        ]
        options += ["BatchMode=yes", "ConnectTimeout=3", "IdentitiesOnly=yes"]
        flags = [part for option in options for part in ("-o", option)]
        return subprocess.run(
            ["ssh", "-i", str(self.key), *flags, f"root@{self.address}", command],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def web(self) -> int | None:
        """Ask the container behind the published port; None when nothing answers."""
        try:
            url = f"http://{self.address}:8000/"
            with urllib.request.urlopen(url, timeout=1.5) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None


def wait(ready: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (result := ready()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.2)
    return result


def scan(address: str) -> str:
    found = subprocess.run(
        ["ssh-keyscan", "-t", "ed25519", address],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout


@pytest.fixture(scope="module")
def machine(
    lab_cloud: LabConfig, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """Create, configure and boot a server as A1 says; it is gone afterwards."""
    folder = tmp_path_factory.mktemp("machine")
    key = folder / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True
    )
    public = "_".join(key.with_suffix(".pub").read_text().split()[:2])
    headers = {"X-Auth-Token": lab_cloud.credentials.scw_secret_key}
    base = f"{lab_cloud.scaleway_url}/instance/v1/zones/{lab_cloud.zone}/"
    with httpx.Client(
        base_url=base, headers=headers, trust_env=False, timeout=60
    ) as http:
        images = http.get(
            f"{lab_cloud.scaleway_url}/marketplace/v2/local-images",
            params={
                "image_label": "debian_bookworm",
                "zone": "fr-par-1",
                "type": "instance_local",
            },
        ).json()["local_images"]
        group = http.post("security_groups", json={"name": "machine"}).json()[
            "security_group"
        ]
        body = {
            "commercial_type": "DEV1-S",
            "name": "machine",
            "image": images[0]["id"],
            "tags": [f"AUTHORIZED_KEY={public}"],
            "security_group": group["id"],
        }
        made = http.post("servers", json=body).json()["server"]
        one = Machine(http, made["id"], key, folder / "known_hosts", group["id"])
        try:
            http.patch(
                f"servers/{one.id}/user_data/cloud-init", content=USER_DATA.encode()
            )
            one.act("poweron")
            wait(lambda: one.view["state"] == "running", "running")
            wait(lambda: one.user_data("ssh-host-fingerprints"), "fingerprints")
            one.known_hosts.write_text(wait(lambda: scan(one.address), "sshd"))
            # cloud-init starts sshd anew, and who comes at that moment is refused.
            settled = "cloud-init status --wait"
            wait(lambda: one.ssh(settled, timeout=400).returncode != 255, "cloud-init")
            yield one
        finally:
            end(one)


def end(one: Machine) -> None:
    reply = one.http.get(f"servers/{one.id}")
    if reply.status_code == 200:
        if "terminate" in reply.json()["server"]["allowed_actions"]:
            one.act("terminate")
        wait(lambda: one.http.get(f"servers/{one.id}").status_code == 404, "404")
    one.http.delete(f"security_groups/{one.group_id}")


def test_A5_host_key_is_the_published_one(machine: Machine) -> None:
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", machine.known_hosts],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    published = machine.user_data("ssh-host-fingerprints") or ""
    assert shown.split()[1] in published
    kinds = {line.split()[-1] for line in published.splitlines()}
    assert kinds == {"(RSA)", "(ECDSA)", "(ED25519)"}


def test_A5_tag_AUTHORIZED_KEY_opens_the_door_without_an_iam_key(
    machine: Machine,
) -> None:
    done = machine.ssh(
        "hostname; findmnt -no PROPAGATION /; command -v rclone || echo none"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["machine", "shared,slave", "none"] or (
        done.stdout.split()[0] == "machine" and "shared" in done.stdout
    )


def test_A5_another_key_is_refused(machine: Machine, tmp_path: Path) -> None:
    key = tmp_path / "other"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True
    )
    other = Machine(
        machine.http, machine.id, key, machine.known_hosts, machine.group_id
    )
    assert "Permission denied" in other.ssh("true").stderr


def test_A5_cloud_init_ran_the_user_data_and_is_done(machine: Machine) -> None:
    done = machine.ssh(
        "cloud-init status --wait; systemctl is-system-running --wait", 240
    )
    assert "status: done" in done.stdout, done.stdout + done.stderr
    assert done.stdout.split()[-1] == "running"
    assert machine.ssh("cat /root/hello").stdout == "from user data"


def test_docker_from_debian_works_inside(machine: Machine) -> None:
    done = machine.ssh(
        "docker info -f '{{.Driver}}'; docker run --rm probe /busybox echo works"
    )
    assert done.stdout.split() == ["overlay2", "works"], done.stderr


def test_apt_goes_through_the_cache_of_the_lab(
    machine: Machine, lab_cloud: LabConfig
) -> None:
    done = machine.ssh("apt-config dump Acquire::http::Proxy")
    assert lab_cloud.apt_proxy_url in done.stdout


def test_A5_user_data_inside_needs_a_source_port_below_1024(machine: Machine) -> None:
    url = "http://169.254.42.42/user_data"
    code = "curl -s -o /dev/null -w '%{http_code}'"
    assert machine.ssh(f"{code} {url}").stdout == "403"
    assert machine.ssh(f"{code} --local-port 1-1023 {url}").stdout == "200"


def test_A9_heartbeat_without_a_key_on_the_machine(machine: Machine) -> None:
    url = "http://169.254.42.42/user_data/heartbeat"
    machine.ssh(
        f"curl -s --local-port 1-1023 -X PATCH -H 'Content-Type: text/plain' -d 42 {url}"
    )
    assert machine.user_data("heartbeat") == "42"


def test_security_group_stands_before_published_ports_and_changes_live(
    machine: Machine,
) -> None:
    path = f"security_groups/{machine.group_id}"
    gate = {"protocol": "TCP", "direction": "inbound", "action": "accept"}
    assert machine.web() is not None
    machine.http.patch(path, json={"inbound_default_policy": "drop"})
    ssh = {**gate, "ip_range": "0.0.0.0/0", "dest_port_from": 22}
    machine.http.post(f"{path}/rules", json=ssh)
    assert machine.web() is None
    assert machine.ssh("apt-get update -q").returncode == 0  # stateful: answers come in
    rule = machine.http.post(
        f"{path}/rules", json={**ssh, "dest_port_from": 8000}
    ).json()["rule"]
    assert machine.web() is not None
    machine.http.delete(f"{path}/rules/{rule['id']}")
    assert machine.web() is None
    machine.http.patch(path, json={"inbound_default_policy": "accept"})


def test_A1_reboot_keeps_disk_and_filter(machine: Machine) -> None:
    path = f"security_groups/{machine.group_id}"
    machine.http.patch(path, json={"inbound_default_policy": "drop"})
    machine.act("reboot")
    wait(lambda: machine.view["state_detail"] == "booting kernel", "reboot")
    wait(lambda: machine.ssh("true").returncode == 0, "ssh")
    assert machine.ssh("cat /root/hello").stdout == "from user data"
    assert machine.web() is None
    machine.http.patch(path, json={"inbound_default_policy": "accept"})


def test_A3_poweroff_in_the_guest_is_standby_and_billed(machine: Machine) -> None:
    machine.ssh("systemctl poweroff")
    wait(lambda: machine.view["state"] == "stopped in place", "standby")
    url = str(machine.http.base_url).partition("/instance")[0] + "/lab/bill"
    lines = machine.http.get(url).json()["lines"]
    mine = [line for line in lines if line["resource_id"] == machine.id]
    assert [line["ended"] for line in mine] == [None]
    machine.act("poweron")
    wait(lambda: machine.view["state"] == "running", "running")
    wait(lambda: machine.ssh("true").returncode == 0, "ssh")


def test_A1_terminate_leaves_no_container_and_no_volume(machine: Machine) -> None:
    name = container_name(machine.id)
    assert inspect("container", name) and inspect("volume", name)
    end(machine)
    assert inspect("container", name) is None
    assert inspect("volume", name) is None
