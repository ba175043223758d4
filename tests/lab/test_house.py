# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own machinery: configuration, processes, leftovers, steps, what it may install."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cloudburst_lab import components, engine, env_file, images, sweep
from cloudburst_lab.components import Component, Outcome, bring_up, chosen
from cloudburst_lab.config import Credentials, LabConfig
from cloudburst_lab.errors import CommandError, LabError
from cloudburst_lab.processes import MARK, HostProcess, run, start_time

SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture
def config(tmp_path: Path) -> LabConfig:
    return LabConfig.load(tmp_path / "lab")


def process(config: LabConfig, *argv: str, **changes: object) -> HostProcess:
    pidfile = config.run_dir / "sleeper.pid"
    return HostProcess(
        config, "sleeper", argv or SLEEPER, ready=pidfile.exists, **changes
    )


# --- configuration --------------------------------------------------------------------------
def test_credentials_are_kept_and_private(config: LabConfig) -> None:
    again = LabConfig.load(config.state_dir)
    assert again.credentials == config.credentials
    assert (config.state_dir / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_two_labs_share_no_credential() -> None:
    first, second = Credentials.generate(), Credentials.generate()
    assert not set(vars(first).values()) & set(vars(second).values())


def test_A5_credentials_have_the_formats_that_the_sdk_checks(config: LabConfig) -> None:
    from scaleway import Client

    keys = config.credentials
    Client(
        access_key=keys.scw_access_key,
        secret_key=keys.scw_secret_key,
        default_organization_id=keys.scw_organization_id,
        default_project_id=keys.scw_project_id,
        default_zone=config.zone,
        default_region=config.region,
        api_url=config.scaleway_url,
    ).validate()


def test_a_second_lab_has_its_own_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = LabConfig.load(tmp_path)
    monkeypatch.setenv("CLOUDBURST_LAB_NET", "172.30.78")
    second = LabConfig.load(tmp_path)
    for name in (
        "network",
        "bridge",
        "subnet",
        "gateway",
        "base_image",
        "plex_image",
        "scaleway_url",
    ):
        assert getattr(first, name) != getattr(second, name)
    # Its bursts, and its registry, know the image by the name that everybody uses.
    assert second.plex_repository == first.plex_repository == "plexinc/pms-docker"


def test_environment_file_is_private_and_survives_the_shell(config: LabConfig) -> None:
    env_file.write(config)
    assert config.env_file.stat().st_mode & 0o777 == 0o600
    shown = run(["sh", "-c", f". '{config.env_file}' && env"]).stdout.splitlines()
    for name, value in env_file.variables(config).items():
        assert f"{name}={value}" in shown


# --- processes ------------------------------------------------------------------------------
def test_ensure_starts_once(config: LabConfig) -> None:
    one = process(config)
    assert one.ensure() is True
    pid = one.pid()
    assert one.ensure() is False and one.pid() == pid
    assert one.stop() is True and one.stop() is False
    assert start_time(pid or 0) is None and not one.pidfile.exists()


def test_a_killed_process_is_healed(config: LabConfig) -> None:
    one = process(config)
    one.ensure()
    os.kill(one.pid() or 0, signal.SIGKILL)
    time.sleep(0.1)
    assert one.status()["healthy"] is False
    assert one.ensure() is True and one.healthy()
    one.stop()


def test_a_changed_command_line_restarts(config: LabConfig) -> None:
    first = process(config)
    first.ensure()
    second = process(config, *SLEEPER, "changed")
    assert second.ensure() is True
    assert process(config, *SLEEPER, "changed").ensure() is False
    second.stop()


def test_a_recycled_pid_is_not_ours(config: LabConfig) -> None:
    config.make_dirs()
    other = subprocess.Popen(SLEEPER)
    one = process(config)
    record = {"pid": str(other.pid), "started": "1", "fingerprint": one.fingerprint}
    one.pidfile.write_text(json.dumps(record))
    assert one.pid() is None
    one.stop()
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_process_whose_pidfile_is_lost_is_found_by_its_mark(
    config: LabConfig,
) -> None:
    one = process(config)
    one.ensure()
    pid = one.pid() or 0
    one.pidfile.unlink()
    assert one.stop() is True
    assert start_time(pid) is None


def test_one_that_ends_at_start_is_reported_with_its_last_words(
    config: LabConfig,
) -> None:
    argv = (sys.executable, "-c", "raise SystemExit('no such bucket')")
    one = HostProcess(config, "bad", argv, ready=lambda: False, ready_timeout=5)
    with pytest.raises(LabError, match="no such bucket"):
        one.ensure()
    assert not one.pidfile.exists()


def test_secrets_in_the_environment_are_not_in_the_command_line(
    config: LabConfig,
) -> None:
    one = process(config, env={"SECRET": "s3cret"})
    one.ensure()
    assert b"s3cret" not in Path(f"/proc/{one.pid()}/cmdline").read_bytes()
    assert b"s3cret" not in one.pidfile.read_bytes()
    one.stop()


def test_an_address_that_another_serves_is_not_taken_for_ours(
    config: LabConfig,
) -> None:
    taken = HostProcess(config, "web", SLEEPER, ready=lambda: True)
    with pytest.raises(LabError, match="something else answers"):
        taken.ensure()
    assert not taken.pidfile.exists()


def test_a_frozen_process_ends_at_once(config: LabConfig) -> None:
    one = process(config)
    one.ensure()
    os.kill(one.pid() or 0, signal.SIGSTOP)
    begin = time.monotonic()
    one.stop()
    assert time.monotonic() - begin < 3


def test_commands_fail_with_their_output() -> None:
    with pytest.raises(CommandError, match="ended with 3: oops"):
        run(["sh", "-c", "echo oops >&2; exit 3"])
    with pytest.raises(CommandError, match="did not end in time"):
        run(["sleep", "9"], timeout=0.1)
    with pytest.raises(LabError, match="not installed"):
        run(["no-such-command-at-all"])


# --- leftovers ------------------------------------------------------------------------------
def test_sweep_takes_strays_and_leaves_what_pidfiles_know(config: LabConfig) -> None:
    kept = process(config)
    kept.ensure()
    environment = {**os.environ, MARK: f"{config.state_dir}:gone"}
    stray = subprocess.Popen(SLEEPER, env=environment, start_new_session=True)
    foreign = {**os.environ, MARK: "/another/lab:sleeper"}
    other = subprocess.Popen(SLEEPER, env=foreign, start_new_session=True)
    time.sleep(0.2)
    assert sweep.sweep(config, docker_too=False) == [f"process {stray.pid}"]
    assert stray.wait(5) != 0 and other.poll() is None and kept.healthy()
    kept.stop()
    other.kill()
    other.wait()


# --- what may be installed ------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "uid", "allowed"),
    [
        ('ID=debian\nVERSION_ID="12"\n', 0, True),
        ('ID=debian\nVERSION_ID="12"\n', 1000, False),
        ('ID=debian\nVERSION_ID="13"\n', 0, False),
        ('ID=ubuntu\nVERSION_ID="24.04"\n', 0, False),
        ("", 0, False),
    ],
)
def test_only_debian_12_as_root_is_changed(text: str, uid: int, allowed: bool) -> None:
    assert engine.may_install(engine.os_release(text), uid) is allowed


def test_elsewhere_the_packages_are_named_and_nothing_is_run(
    config: LabConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"ran {args}")

    monkeypatch.setattr(engine, "run", forbidden)
    monkeypatch.setattr(engine, "may_install", lambda *_: False)
    monkeypatch.setattr(engine, "missing_packages", lambda: ["docker.io", "zstd"])
    with pytest.raises(
        LabError, match=r"(?s)docker.io, zstd.*nothing was changed"
    ) as caught:
        engine.Engine(config).install()
    assert "docker.io zstd" in caught.value.hint


def test_settings_of_the_daemon_come_and_go_without_a_trace(config: LabConfig) -> None:
    for before in ({}, {"debug": True, "registry-mirrors": ["http://other:5000"]}):
        during = engine.daemon_settings(config, before)
        assert config.registry_url in during["registry-mirrors"]
        assert engine.daemon_settings(config, during) == during
        assert engine.without_lab(config, during) == before


# --- images ---------------------------------------------------------------------------------
def test_a_recipe_changes_with_content_mode_and_facts(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "script.sh"
    file.parent.mkdir()
    file.write_text("one")
    seen = {images.tree_hash([file.parent]), images.tree_hash([file.parent], "fact")}
    file.chmod(0o755)
    seen.add(images.tree_hash([file.parent]))
    file.write_text("two")
    seen.add(images.tree_hash([file.parent]))
    assert len(seen) == 4


def test_the_server_image_has_neither_docker_nor_rclone(config: LabConfig) -> None:
    text = (config.images_dir / "base" / "packages.txt").read_text(encoding="utf-8")
    packages = images.parse_packages(text)
    assert (
        "systemd" in packages
        and "openssh-server" in packages
        and "cloud-init" in packages
    )
    assert not [name for name in packages if "docker" in name or "rclone" in name]


# --- steps ----------------------------------------------------------------------------------
def test_components_are_ordered_and_complete() -> None:
    seen: set[str] = set()
    for component in components.COMPONENTS:
        assert set(component.needs) <= seen
        seen.add(component.name)
    assert [c.name for c in chosen(["scaleway"])] == [
        "engine",
        "apt",
        "base",
        "server",
        "scaleway",
    ]
    with pytest.raises(LabError, match="no component nonsense"):
        chosen(["nonsense"])


def test_a_failed_step_stops_what_needs_it_and_nothing_else(
    config: LabConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    class Fake:
        def __init__(self, name: str) -> None:
            self.name = name

        def up(self) -> None:
            if self.name == "bad":
                raise LabError("broken")
            done.append(self.name)

    monkeypatch.setattr(Component, "load", lambda self, config: Fake(self.name))
    parts = [
        Component("good", "", ""),
        Component("bad", "", ""),
        Component("after-bad", "", "", ("bad",)),
        Component("after-good", "", "", ("good",)),
    ]
    reported: list[Outcome] = []
    outcomes = bring_up(config, parts, reported.append)
    assert sorted(done) == ["after-good", "good"]
    errors = {outcome.name: outcome.error for outcome in outcomes}
    assert errors == {
        "good": "",
        "bad": "broken",
        "after-good": "",
        "after-bad": "needs bad",
    }
    assert sorted(map(str, reported)) == sorted(map(str, outcomes))
