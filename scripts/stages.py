# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of the test run: what they call, what they need, how they are counted."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scripts.counts import Counts, from_exit, from_pytest, from_sanity

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
REPORTS = BUILD / "test"

#: Virtual environments by the ansible-core that the lock file puts into them.
CORES = {"2.19": ROOT / ".venv", "2.21": ROOT / ".venv312"}
MAIN = "2.19"

GROUPS = (
    "lint",
    "unit",
    "sanity",
    "build",
    "fidelity",
    "molecule",
    "e2e",
    "trouble",
    "purge",
    "chaos",
)
#: Damaged databases need no lab, only time.
DAMAGE = "*/test_damage*.py"
#: Modules with bursts of many minutes, the longest first.
LONGEST = ("delta_sync", "sections", "scratch", "local_target", "installed")
#: Keys belong into the environment; among the arguments every process could read them.
WITH_LAB = '. "${CLOUDBURST_LAB_DIR:-.lab}/lab.env" && exec "$0" "$@"'
#: Seeds of the sample: each fault once, with and without protection.
CHAOS_RUNS = "10"


@dataclass(frozen=True)
class Stage:
    """One command with its place in the run.

    :param group: what ``make <group>`` runs.
    :param core: the ansible-core (virtual environment) that it runs with.
    :param needs: the stage that must have passed before.
    :param lane: stages of one lane never run at the same time.
    :param shuns: groups that must not run at the same time.
    :param cores: how much of the machine it keeps busy, of ``run_tests.CAPACITY``.
    :param minutes: the deadline; a stage that reaches it has failed.
    """

    name: str
    group: str
    command: tuple[str, ...]
    count: Callable[[int], Counts] = from_exit
    core: str = MAIN
    needs: str = ""
    lane: str = ""
    shuns: tuple[str, ...] = ()
    cores: int = 1
    minutes: int = 15

    @property
    def venv(self) -> Path:
        return CORES[self.core]

    @property
    def log(self) -> Path:
        return REPORTS / f"{self.name}.log"


def stages(groups: frozenset[str], role: str = "", core: str = "") -> list[Stage]:
    """Return the stages of the groups, the ones that others wait for first."""
    # Whoever needs the lab alone comes first, beside the checks that do not need it; the role
    # scenarios come last, and fill both sides.
    every = [
        *_lab_up(fresh="e2e" in groups),
        *_lab_alone(),
        *_chaos(),
        *_lab(),
        *_checks(),
        *_molecule(role),
    ]
    wanted = [s for s in every if s.group in groups and core in ("", s.core)]
    needed = {stage.needs for stage in wanted}
    return [stage for stage in every if stage in wanted or stage.name in needed]


def _pytest(
    name: str, *arguments: str
) -> tuple[tuple[str, ...], Callable[[int], Counts]]:
    report = REPORTS / f"{name}.xml"
    command = ("pytest", "-q", "--color=no", f"--junitxml={report}", *arguments)
    return command, partial(from_pytest, report=report)


def _lab_up(fresh: bool) -> Iterator[Stage]:
    up = ("bash", "-c", "lab up && lab reset") if fresh else ("lab", "up")
    yield Stage("lab-up", "lab", up, lane="lab", minutes=20)


def _lab_alone() -> Iterator[Stage]:
    """What changes what the whole lab answers; the guard's times are taken in peace."""
    timed, films = "tests/e2e/test_guard.py", "tests/e2e/test_purge_guard.py"
    rest = (f"--ignore={timed}", f"--ignore={films}", "tests/e2e")
    for name, group, where, shuns, cores in (
        ("e2e-guard", "trouble", (timed,), ("molecule",), 2),
        ("e2e-trouble", "trouble", rest, (), 1),
        # Only films come and go, which no role scenario asks for.
        ("e2e-purge", "purge", (films,), (), 1),
    ):
        command, count = _pytest(name, "-m", "alone", *where)
        yield Stage(
            name,
            group,
            command,
            count,
            needs="lab-up",
            lane="lab",
            shuns=shuns,
            cores=cores,
            minutes=30,
        )


def _lab() -> Iterator[Stage]:
    """What changes the state of the one lab runs in a lane, in this order."""
    stage = partial(Stage, needs="lab-up", lane="lab")
    # Most of them wait for a machine or for a fault to be noticed.
    four = ("-n", "4", "--dist", "loadscope")
    command, count = _pytest("fidelity", *four, f"--ignore-glob={DAMAGE}", "tests/lab")
    yield stage("fidelity", "fidelity", command, count, minutes=20)
    # Each burst has a name of its own.
    three = ("-n", "3", "--dist", "loadscope", "--no-loadscope-reorder")
    command, count = _pytest("e2e", *three, "-m", "not alone", *_longest_first())
    yield stage("e2e", "e2e", command, count, cores=3, minutes=45)


def _longest_first() -> list[str]:
    """The modules, or a long one would be left over for one side at the end."""
    long = [f"test_{name}.py" for name in LONGEST]
    rest = {path.name for path in (ROOT / "tests/e2e").glob("test_*.py")}
    return [f"tests/e2e/{name}" for name in (*long, *sorted(rest - set(long)))]


def _chaos() -> Iterator[Stage]:
    """Faults of the bucket hit everybody; the results are those of this run only."""
    results = REPORTS / "chaos.jsonl"
    command = ("python", "-m", "tests.e2e.chaos", "--runs", CHAOS_RUNS, "--remove")
    yield Stage(
        "chaos",
        "chaos",
        (*command, "--results", str(results)),
        needs="lab-up",
        lane="lab",
        shuns=("molecule",),
        minutes=40,
    )


def _molecule(role: str) -> Iterator[Stage]:
    """One scenario per role; some need only the lab's base image, others all of the lab."""
    scenarios = sorted(
        path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")
    )
    for scenario in scenarios:
        if role in ("", scenario):
            command: tuple[str, ...] = ("molecule", "test", "--scenario-name", scenario)
            asks = _asks_the_lab(scenario)
            yield Stage(
                f"molecule-{scenario}",
                "molecule",
                ("bash", "-c", WITH_LAB, *command) if asks else command,
                needs="lab-up",
                shuns=("trouble", "chaos") if asks else (),
                minutes=15,
            )


def _asks_the_lab(scenario: str) -> bool:
    """Whether its bucket, its account or its registry answer: it reads their addresses."""
    texts = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "molecule" / scenario).glob("*.yml")
    ]
    return any("shared/vars.yml" in t or "LAB_BUCKET" in t for t in texts)


def _checks() -> Iterator[Stage]:
    """What needs nothing but the checkout."""
    for core in CORES:
        pair = ("-n", "2", "--dist", "worksteal")
        command, count = _pytest(f"unit-{core}", *pair, "tests/unit")
        yield Stage(f"unit-{core}", "unit", command, count, core=core)
    for core, venv in CORES.items():
        command = ("scripts/sanity.sh", str(venv.relative_to(ROOT)))
        python = "3.11" if core == MAIN else "3.12"
        junit = BUILD / f"sanity-{python}" / "junit"
        count = partial(from_sanity, folder=junit)
        yield Stage(f"sanity-{core}", "sanity", command, count, core, lane="sanity")
    for core in CORES:
        command, count = _pytest(f"build-{core}", "tests/build")
        yield Stage(f"build-{core}", "build", command, count, core)
    yield from _lint()
    command, count = _pytest(
        "damage", *map(str, sorted((ROOT / "tests/lab").glob(DAMAGE[2:])))
    )
    yield Stage("damage", "fidelity", command, count)


def _lint() -> Iterator[Stage]:
    yield Stage("ruff", "lint", ("ruff", "check", "."))
    yield Stage("black", "lint", ("black", "--check", "."))
    yield Stage("mypy", "lint", ("mypy",))
    yield Stage("yamllint", "lint", ("yamllint", "--strict", "."))
    yield Stage("shellcheck", "lint", ("shellcheck", *_shell_scripts()))
    playbooks = sorted(path.name for path in ROOT.glob("*.yml") if _is_playbook(path))
    for core in CORES:
        syntax = ("ansible-playbook", "--syntax-check", "-i", "localhost,", *playbooks)
        yield Stage(f"syntax-{core}", "lint", syntax, core=core)
    yield Stage("ansible-lint", "lint", ("ansible-lint", "--nocolor"))


def _is_playbook(path: Path) -> bool:
    return "import_playbook" in path.read_text(encoding="utf-8")


def _shell_scripts() -> list[str]:
    """Return the tracked files that a shell runs, by name or by their first line."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [name for name in listing if _is_shell(ROOT / name)]


def _is_shell(path: Path) -> bool:
    if not path.is_file() or path.suffix in (".py", ".yml", ".md", ".j2"):
        return False
    with path.open("rb") as handle:
        first = handle.readline()
    return first.startswith(b"#!") and first.split()[-1].endswith((b"sh", b"/sh"))
