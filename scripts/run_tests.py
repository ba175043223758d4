# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the test stages, some side by side, and add up what they counted.

``python -m scripts.run_tests all`` runs everything and takes the lab down again;
``python -m scripts.run_tests unit lint …`` runs some groups and leaves the lab as it is.
A failing stage does not hide the others; the last line is
``N passed, N failed, N skipped``.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from scripts.counts import FAILED, Counts
from scripts.stages import CORES, GROUPS, REPORTS, ROOT, Stage, stages

#: What runs side by side keeps so many cores busy; on two, a burst waits a third of its time.
CAPACITY = 3
#: The lane whose end is the end of the whole run.
LONGEST_LANE = "lab"
TAIL_LINES = 60
#: what .ci/run reads: the counts of a whole run
SUMMARY = REPORTS.parent / "test-summary.txt"


@dataclass
class Result:
    """How a stage ended."""

    stage: Stage
    counts: Counts
    seconds: float = 0.0
    remark: str = ""

    @property
    def ok(self) -> bool:
        return self.counts.failed == 0


@dataclass
class Runner:
    """Starts what may run, waits, remembers the results."""

    waiting: list[Stage]
    results: list[Result] = field(default_factory=list)
    running: dict[Future[Result], Stage] = field(default_factory=dict)
    children: set[subprocess.Popen[bytes]] = field(default_factory=set)

    def run(self) -> None:
        """Run all stages; an interrupt ends the children, too."""
        with ThreadPoolExecutor(CAPACITY) as pool:
            try:
                while self.waiting or self.running:
                    self._settle_hopeless()
                    self._start(pool)
                    self._collect()
            except BaseException:
                for child in list(self.children):
                    _end(child)
                raise

    def _settle_hopeless(self) -> None:
        failed = {result.stage.name for result in self.results if not result.ok}
        for stage in [stage for stage in self.waiting if stage.needs in failed]:
            self.waiting.remove(stage)
            self._report(Result(stage, FAILED, remark=f"not run: {stage.needs} failed"))

    def _start(self, pool: ThreadPoolExecutor) -> None:
        for stage in list(self.waiting):
            if not self._may_come(stage):
                continue
            if self._has_room(stage):
                self.waiting.remove(stage)
                print(f"  start  {stage.name}", flush=True)
                self.running[pool.submit(self._execute, stage)] = stage
            elif stage.lane == LONGEST_LANE:
                # Others would take its room again and again, and all would wait for it.
                break

    def _may_come(self, stage: Stage) -> bool:
        """Whether it is its turn: what it needs has passed, and its lane is free."""
        done = {result.stage.name for result in self.results}
        lanes = {other.lane for other in self.running.values()} - {""}
        return (not stage.needs or stage.needs in done) and stage.lane not in lanes

    def _has_room(self, stage: Stage) -> bool:
        busy = sum(other.cores for other in self.running.values())
        return busy + stage.cores <= CAPACITY and not any(
            _in_the_way(stage, other) for other in self.running.values()
        )

    def _collect(self) -> None:
        if self.running:
            done, _pending = wait(self.running, return_when=FIRST_COMPLETED)
            for future in done:
                del self.running[future]
                self._report(future.result())

    def _report(self, result: Result) -> None:
        self.results.append(result)
        word = "ok" if result.ok else "FAILED"
        remark = f" ({result.remark})" if result.remark else ""
        name, seconds = result.stage.name, result.seconds
        print(f"  {word:<6} {name:<24} {seconds:7.1f} s  {result.counts}{remark}")
        if not result.ok and result.stage.log.exists() and result.seconds:
            lines = result.stage.log.read_text(errors="replace").splitlines()
            print("\n".join(f"    | {line}" for line in lines[-TAIL_LINES:]))
            print(f"    | whole log: {result.stage.log.relative_to(ROOT)}")
        sys.stdout.flush()

    def _execute(self, stage: Stage) -> Result:
        if not (stage.venv / ".stamp").exists():
            reason = f"no {stage.venv.name}: Python 3.12 not found"
            return Result(stage, Counts(skipped=1), remark=reason)
        begin = time.monotonic()
        remark = ""
        with stage.log.open("wb") as log:
            child = subprocess.Popen(
                stage.command,
                cwd=ROOT,
                env=_environment(stage.venv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.children.add(child)
            try:
                status = child.wait(stage.minutes * 60)
            except subprocess.TimeoutExpired:
                _end(child)
                status, remark = 124, f"over its {stage.minutes} minutes"
            finally:
                self.children.discard(child)
        return Result(stage, stage.count(status), time.monotonic() - begin, remark)


def _in_the_way(stage: Stage, other: Stage) -> bool:
    return stage.group in other.shuns or other.group in stage.shuns


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a stage with all that it started; ask first."""
    for number, patience in ((signal.SIGTERM, 30), (signal.SIGKILL, 10)):
        try:
            os.killpg(child.pid, number)
            child.wait(patience)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _environment(venv: Path) -> dict[str, str]:
    """Return this environment with the tools of one virtual environment first."""
    return {
        **os.environ,
        "PATH": f"{venv / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin",
        "VIRTUAL_ENV": str(venv),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        # The lab was put back to its first state once, before everything.
        "CLOUDBURST_E2E_NO_RESET": "1",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def main() -> int:
    """Run the groups that were asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="+", choices=["all", *GROUPS])
    parser.add_argument("--role", default="", help="only this molecule scenario")
    parser.add_argument(
        "--core", default="", choices=["", *CORES], help="only this one"
    )
    parser.add_argument("--without", nargs="*", default=[], choices=GROUPS)
    options = parser.parse_args()
    whole = "all" in options.groups
    groups = frozenset(GROUPS if whole else options.groups) - set(options.without)
    REPORTS.mkdir(parents=True, exist_ok=True)
    for old in REPORTS.iterdir():
        old.unlink()

    begin = time.monotonic()
    runner = Runner(stages(groups, options.role, options.core))
    try:
        runner.run()
    finally:
        if whole:
            _take_lab_down()
    total = sum((result.counts for result in runner.results), Counts())
    minutes, seconds = divmod(int(time.monotonic() - begin), 60)
    print(f"{len(runner.results)} stages in {minutes} min {seconds} s")
    print(total)
    if whole:
        SUMMARY.write_text(f"{total}\n", encoding="utf-8")
    return 0 if total.failed == 0 and total.passed > 0 else 1


def _take_lab_down() -> None:
    lab = ROOT / ".venv/bin/lab"
    with (REPORTS / "lab-down.log").open("wb") as log:
        subprocess.run(
            [lab, "down"], cwd=ROOT, stdout=log, stderr=log, check=False, timeout=300
        )


if __name__ == "__main__":
    sys.exit(main())
