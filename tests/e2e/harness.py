# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drive playbooks through ansible-runner and look at the lab from outside.

Nothing here uses the collection's own code to judge a run: what it left is read from the
Scaleway API, plex.tv, the bucket and the archive by other means.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import ansible_runner
import requests

from cloudburst_lab.config import LabConfig

REPO = Path(__file__).resolve().parents[2]
SECOND_LOOK_SECONDS = 3
BILLABLE_ZONES = ("fr-par-1", "fr-par-2", "nl-ams-1", "pl-waw-1")


def read_environment(path: Path) -> dict[str, str]:
    """Return the ``export NAME=value`` lines of the lab's environment file."""
    pairs: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["export"]:
            words = words[1:]
        for word in words:
            name, separator, value = word.partition("=")
            if separator:
                pairs[name] = value
    return pairs


@dataclass(frozen=True)
class Lab:
    """The running lab, seen through the doors that a user or the provider has."""

    config: LabConfig
    environment: Mapping[str, str]

    @property
    def archive(self) -> Path:
        return Path(self.environment["CLOUDBURST_LAB_ARCHIVE"])

    @property
    def secrets(self) -> dict[str, str]:
        """Name and value of everything that must never be seen in an output."""
        names = ("SCW_SECRET_KEY", "PLEX_ACCOUNT_TOKEN")
        found = {name: self.environment[name] for name in names}
        config = Path(self.environment["RCLONE_CONFIG"]).read_text(encoding="utf-8")
        for line in config.splitlines():
            key, _, value = line.partition("=")
            if key.strip() == "secret_access_key":
                found["S3 secret_access_key"] = value.strip()
        return found

    def scaleway(self, path: str, **params: Any) -> Any:
        """GET from the provider's API with the user's key; errors raise."""
        answer = requests.get(
            self.environment["SCW_API_URL"] + path,
            headers={"X-Auth-Token": self.environment["SCW_SECRET_KEY"]},
            params=params,
            timeout=20,
        )
        answer.raise_for_status()
        return answer.json()

    def billable(self, burst: str) -> dict[str, list[dict[str, Any]]]:
        """Return every server, volume (both kinds), snapshot and IP of a burst that exists.

        A part belongs to a burst by its tag, or when no server has it. The second look is for
        the parts of other bursts, which come and go a moment before or after their server.
        """
        first = self._billable(burst)
        if not first:
            return {}
        time.sleep(SECOND_LOOK_SECONDS)
        second = self._billable(burst)
        return {
            kind: stayed
            for kind, rows in second.items()
            if (stayed := [row for row in rows if _is_among(row, first.get(kind, []))])
        }

    def _billable(self, burst: str) -> dict[str, list[dict[str, Any]]]:
        tag = f"burst={burst}"
        left: dict[str, list[dict[str, Any]]] = {}
        for zone in BILLABLE_ZONES:
            here: dict[str, list[dict[str, Any]]] = {
                kind: self.scaleway(f"/instance/v1/zones/{zone}/{kind}")[kind]
                for kind in ("servers", "volumes", "snapshots", "ips")
            }
            here["block_volumes"] = self.scaleway(f"/block/v1/zones/{zone}/volumes")[
                "volumes"
            ]
            alive = {row["id"] for row in here["servers"]}
            for kind, rows in here.items():
                own = [row for row in rows if _of_burst(row, tag, alive)]
                left.setdefault(kind, []).extend(own)
        return {kind: rows for kind, rows in left.items() if rows}

    def account_servers(self) -> list[str]:
        """Return the client identifiers of the servers in the plex.tv account."""
        answer = requests.get(
            self.environment["CLOUDBURST_LAB_PLEX_TV_URL"] + "/api/v2/resources",
            headers={
                "X-Plex-Token": self.environment["PLEX_ACCOUNT_TOKEN"],
                "Accept": "application/json",
            },
            timeout=20,
        )
        answer.raise_for_status()
        return [
            row["clientIdentifier"]
            for row in answer.json()
            if "server" in row["provides"]
        ]

    def rclone(self, *arguments: str) -> str:
        """Run rclone with the user's configuration and return what it prints."""
        binary = Path(sys.executable).with_name("rclone")
        done = subprocess.run(
            [str(binary), *arguments],
            env={**os.environ, "RCLONE_CONFIG": self.environment["RCLONE_CONFIG"]},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    @property
    def bucket(self) -> str:
        return self.environment["CLOUDBURST_LAB_BUCKET"]

    def bucket_files(self) -> list[str]:
        """Return the path of every object of the bucket."""
        listing = self.rclone("lsf", "--recursive", "--files-only", self.bucket)
        return listing.splitlines()

    @property
    def expectations(self) -> Path:
        """What the plan of the media says that a right run finds."""
        return self.config.state_dir / "expectations.json"

    def plex_sqlite(self, database: Path, sql: str) -> str:
        """Ask the image's own ``Plex SQLite`` (plex-facts §1.1)."""
        done = subprocess.run(
            ["docker", "run", "--rm", "--network", "none"]
            + ["--entrypoint", "/usr/lib/plexmediaserver/Plex SQLite"]
            + [
                "-v",
                f"{database.parent}:/v",
                self.config.plex_image,
            ]
            + [f"/v/{database.name}", sql],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def burst_secrets(self) -> dict[str, str]:
        """Return the secrets that plex.tv handed out while the burst ran."""
        answer = requests.get(
            self.environment["CLOUDBURST_LAB_PLEX_TV_URL"] + "/lab/issued", timeout=20
        )
        answer.raise_for_status()
        return dict(answer.json())

    def created_so_far(self, burst: str) -> dict[str, Any]:
        """Return what was ever billed for a burst and what free things of it exist."""
        bill = json.loads(self.command("bill", "--json", "--tag", f"burst={burst}"))
        groups = [
            row["id"]
            for zone in BILLABLE_ZONES
            for row in self.scaleway(f"/instance/v1/zones/{zone}/security_groups")[
                "security_groups"
            ]
            if f"burst={burst}" in row.get("tags", [])
        ]
        return {"billed": len(bill["lines"]), "security_groups": groups}

    def plex_tv(self, **settings: Any) -> None:
        """Set ``plex_pass`` or ``claim_seconds`` at plex.tv."""
        answer = requests.put(
            self.config.plextv_url + "/lab/settings", json=settings, timeout=20
        )
        answer.raise_for_status()

    def command(self, *arguments: str) -> str:
        """Run the lab's own command line."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("lab")), *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout


@dataclass(frozen=True)
class Run:
    """One finished ansible-playbook, as ansible-runner recorded it."""

    status: str
    artifacts: Path
    events: list[dict[str, Any]] = field(repr=False)

    @property
    def ok(self) -> bool:
        return self.status == "successful"

    @cached_property
    def output(self) -> str:
        return (self.artifacts / "stdout").read_text(encoding="utf-8")

    def results(self, *kinds: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (task name, result) of the events of these kinds."""
        for event in self.events:
            if event.get("event") in kinds:
                data = event["event_data"]
                yield data.get("task", ""), data.get("res") or {}

    @cached_property
    def failures(self) -> list[str]:
        """Message of each task that failed and was not ignored."""
        return [
            _message(event["event_data"].get("res") or {})
            for event in self.events
            if event.get("event") in ("runner_on_failed", "runner_on_unreachable")
            and not event["event_data"].get("ignore_errors")
        ]

    @cached_property
    def changed(self) -> list[str]:
        """Name of each task that reported a change."""
        return [
            task
            for task, result in self.results("runner_on_ok")
            if result.get("changed")
        ]

    def facts(self, name: str) -> Any:
        """Return the last value that a task gave to the fact ``name``."""
        values = [
            result["ansible_facts"][name]
            for _, result in self.results("runner_on_ok")
            if name in (result.get("ansible_facts") or {})
        ]
        if not values:
            raise AssertionError(f"no task set the fact {name}\n{self.tail()}")
        return values[-1]

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.output.splitlines()[-lines:])


def _is_among(row: Mapping[str, Any], rows: list[dict[str, Any]]) -> bool:
    return row["id"] in {other["id"] for other in rows}


def _of_burst(row: Mapping[str, Any], tag: str, alive: set[str]) -> bool:
    """A part with our tag, or one that no living server of anybody's holds and no tag names."""
    if tag in row.get("tags", []):
        return True
    server = row.get("server") or {}
    orphan = not row.get("tags") and server.get("id") not in alive
    return orphan and not row.get("commercial_type")


def _message(result: Mapping[str, Any]) -> str:
    items = result.get("results") or []
    failed = [str(item.get("msg", "")) for item in items if item.get("failed")]
    return "\n".join(failed) if failed else str(result.get("msg", result))


def play(
    directory: Path,
    playbook: str,
    environment: Mapping[str, str],
    *arguments: str,
    cwd: Path = REPO,
) -> Run:
    """Run ``ansible-playbook PLAYBOOK ARGUMENTS`` from ``cwd`` with this environment."""
    directory.mkdir(parents=True, exist_ok=True)
    bin_directory = str(Path(sys.executable).parent)
    runner = ansible_runner.run(
        private_data_dir=str(directory),
        project_dir=str(cwd),
        playbook=playbook,
        inventory=environment.get("ANSIBLE_INVENTORY"),
        cmdline=shlex.join(arguments) or None,
        envvars={
            **environment,
            "PATH": bin_directory + os.pathsep + os.environ["PATH"],
            "ANSIBLE_FORCE_COLOR": "false",
        },
        quiet=True,
    )
    run = Run(runner.status, Path(runner.config.artifact_dir), list(runner.events))
    print(
        f"{playbook} {shlex.join(arguments)}: {run.status}, artifacts in {run.artifacts}"
    )
    return run
