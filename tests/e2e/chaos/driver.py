# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run trials: reset, run the playbook with one fault in it, judge, write down."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import ansible_runner

from cloudburst_lab.config import LabConfig
from cloudburst_lab.errors import CommandError, LabError
from tests.e2e.chaos.burst import Burst, command
from tests.e2e.chaos.injector import Injector
from tests.e2e.chaos.judge import Library, Loss, judge
from tests.e2e.chaos.reaction import reaction
from tests.e2e.chaos.report import violations
from tests.e2e.chaos.sampler import Sampler
from tests.e2e.chaos.schedule import Trial, trial
from tests.e2e.harness import REPO, Run, read_environment

HERE = Path(__file__).parent
#: Files of the burst and of every run; what is finished stays in the results file.
WORK = REPO / "build" / "chaos"
NAME = "chaos"
SECTIONS = ["Photos"]
#: No run may take longer: it has to end by itself, done or with a reason.
RUN_LIMIT = 600
IDLE_LIMIT = 90.0
STRIKE_TRIES = 3
PLAYBOOKS = {"guarded": "scan.yml", "bare": "bare.yml"}
MODES = tuple(PLAYBOOKS)
MACHINE_TRACES = ("Traceback (most recent call last)", "MODULE FAILURE")


@dataclass
class Driver:
    """The burst of all trials and what is done with it."""

    say: Callable[[str], None]

    @cached_property
    def config(self) -> LabConfig:
        return LabConfig.load()

    @cached_property
    def environment(self) -> dict[str, str]:
        return read_environment(self.config.env_file)

    @property
    def inventory(self) -> Path:
        return WORK / "inventory.json"

    @cached_property
    def known(self) -> dict[str, Any]:
        """The host's variables as the roles left them."""
        text = self.inventory.read_text(encoding="utf-8")
        found: dict[str, Any] = json.loads(text)["all"]["hosts"]["burst"]
        return found

    @cached_property
    def burst(self) -> Burst:
        state = WORK / "state"
        server = self.known["burst_instance"]["id"]
        print_ = self.known["common_scan_fingerprint"]
        return Burst(self.config, server, state, SECTIONS, print_)

    @cached_property
    def before(self) -> Library:
        return self.burst.saved_library(WORK / "judge", SECTIONS)

    # --- the instance ----------------------------------------------------------------------
    def have(self) -> float:
        """Have the instance of an earlier call, or make one; seconds that it took."""
        begin = time.monotonic()
        if not self._alive():
            self._provision()
        return time.monotonic() - begin

    def _alive(self) -> bool:
        if not self.inventory.exists():
            return False
        if [row["name"] for row in self.known["plan"]["sections"]] != SECTIONS:
            return False
        try:
            return self.burst.usable()
        except (CommandError, LabError):
            return False

    def _provision(self) -> None:
        self.say("chaos: making the instance")
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True, mode=0o700)
        for name in ("known", "burst", "before"):
            self.__dict__.pop(name, None)
        self._teardown()  # one that an interrupted call left: its state is not known
        command(
            [
                *(_tool("ansible-playbook"), str(HERE / "provision.yml")),
                *("-e", f"burst_name={NAME}", "-e", "profile=power", "-e", "keep=true"),
                *("-e", json.dumps({"sections": SECTIONS})),
                *("-e", f"chaos_inventory={self.inventory}"),
                *("-e", f"chaos_lab={_tool('lab')}"),
            ],
            self.environment | _PATH,
            WORK / "provision.log",
        )
        self.burst.save()

    def remove(self) -> None:
        """End the instance, as a user does."""
        if self.inventory.exists():
            self.burst.heal()
        self._teardown()
        shutil.rmtree(WORK, ignore_errors=True)

    def _teardown(self) -> None:
        command(
            [_tool("ansible-playbook"), str(REPO / "teardown.yml")]
            + ["-e", f"burst_name={NAME}"],
            self.environment | _PATH,
            REPO / "build" / "chaos-teardown.log",
        )

    # --- one run ---------------------------------------------------------------------------
    def healthy(self) -> dict[str, Any]:
        """A run without a fault has to be right, or no trial would mean anything."""
        record = self._run_and_judge("guarded", None)
        if record["status"] != "ok" or record["wrong_ok"]:
            raise AssertionError(f"a run without a fault is not right: {record}")
        return record

    def run(self, seed: int, mode: str) -> dict[str, Any]:
        """Run one seed; the record of what happened.

        A run that was over before its fault shows nothing and is made again.
        """
        plan = trial(seed, len(SECTIONS))
        for tried in range(STRIKE_TRIES):
            record = self._run_and_judge(mode, plan.sooner(tried))
            wrong = mode == "guarded" and violations([record])
            if record["struck"] is not None or wrong:
                break
        return record | {"tries": tried + 1}

    def _run_and_judge(self, mode: str, plan: Trial | None) -> dict[str, Any]:
        guarded, begin = mode == "guarded", time.monotonic()
        self.burst.reset(guarded=guarded)
        ready = time.monotonic()
        injector = Injector(self.burst, plan) if plan else None
        with Sampler(self.burst, SECTIONS) as sampler:
            run = self._play(mode, "first", injector)
        ended, ended_at = time.monotonic(), time.time()
        first = self._judged("first")
        status, reason = _status(run)
        wrong = self._wrong(first, guarded) if status == "ok" else ""
        journal = self.burst.guard_journal()
        self.burst.heal()
        again = self._again(status) if guarded else None
        self._idle()
        end = self._judged("end")
        record: dict[str, Any] = {
            "mode": mode,
            "status": status,
            "reason": reason,
            "again": again,
            "wrong_ok": wrong if guarded else "",
            "trashed_meanwhile": max(sampler.most, first.in_trash),
            "first": first.as_dict(),
            "end": end.as_dict(),
            "seconds": round(time.monotonic() - begin, 1),
            "seconds_run": round(ended - ready, 1),
            "seconds_reset": round(ready - begin, 1),
        }
        if plan and injector:
            record |= plan.as_dict()
            record |= {
                "struck": injector.struck,
                "ended": ended_at,
                "healed": injector.healed,
                "problem": injector.problem,
            }
            if guarded and injector.struck:
                record["guard"] = reaction(journal, injector.struck).as_dict()
        return record

    def _again(self, status: str) -> str | None:
        """A run that stopped says: start the same command again. Do so."""
        if status == "ok":
            return None
        found, reason = _status(self._play("guarded", "again", None))
        return "ok" if found == "ok" else f"{found}: {reason}"

    def _play(self, mode: str, name: str, injector: Injector | None) -> Run:
        place = WORK / "runs" / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        if injector:
            injector.start()
        try:
            runner = ansible_runner.run(
                private_data_dir=str(place),
                project_dir=str(HERE),
                playbook=PLAYBOOKS[mode],
                inventory=str(self.inventory),
                envvars={
                    **self.environment,
                    **_PATH,
                    "ANSIBLE_CONFIG": str(REPO / "ansible.cfg"),
                    "ANSIBLE_COLLECTIONS_PATH": str(REPO / "collections"),
                    "ANSIBLE_FORCE_COLOR": "false",
                },
                event_handler=injector.event if injector else None,
                timeout=RUN_LIMIT,
                quiet=True,
            )
        finally:
            if injector:
                injector.finish()
        return Run(runner.status, Path(runner.config.artifact_dir), list(runner.events))

    # --- judging ---------------------------------------------------------------------------
    def _judged(self, name: str) -> Loss:
        after = self.burst.library(WORK / "judge" / name, SECTIONS)
        return judge(self.before, after, self.burst.bucket(SECTIONS))

    def _wrong(self, loss: Loss, guarded: bool) -> str:
        """Why a run that ended ok should not have; empty when it was right to."""
        if loss.wrong_count:
            return ", ".join(loss.examples)
        if not guarded:
            return ""
        told = {
            record["key"]: record["data"]["live"]
            for record in self.burst.burst_journal()
            if record["phase"] == "scan"
        }
        right = {f"scan:{x}": len(self.burst.bucket([x])) for x in SECTIONS}
        return "" if told == right else f"it told {told}, right is {right}"

    def _idle(self) -> None:
        """Let Plex end what it is at: it must not lose anything after the run either."""
        deadline = time.monotonic() + IDLE_LIMIT
        while time.monotonic() < deadline:
            with contextlib.suppress(LabError, CommandError):
                if self.burst.plex_is_idle():
                    return
            time.sleep(0.5)


def _status(run: Run) -> tuple[str, str]:
    """``ok``, ``reason`` with what it says, or what else happened."""
    if run.ok:
        return "ok", ""
    if run.status != "failed":
        return run.status, f"ended by the test after {RUN_LIMIT} s"
    reason = "\n".join(run.failures).strip()
    if not reason or any(trace in reason for trace in MACHINE_TRACES):
        return "crashed", reason or "it gave no reason"
    return "reason", reason


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


_PATH = {"PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]}
