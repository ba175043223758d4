# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: ``lab up | down | status | reset | faults | bill``."""

from __future__ import annotations

import contextlib
import fcntl
import json
import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cloudburst_lab import env_file
from cloudburst_lab.components import (
    BY_NAME,
    COMPONENTS,
    Outcome,
    bring_up,
    chosen,
    look,
    step,
)
from cloudburst_lab.config import LabConfig
from cloudburst_lab.engine import Engine
from cloudburst_lab.errors import LabError
from cloudburst_lab.faults import Faults
from cloudburst_lab.instance_faults import KINDS as INSTANCE_KINDS
from cloudburst_lab.instance_faults import InstanceFaults
from cloudburst_lab.s3 import FAULTS as S3_KINDS
from cloudburst_lab.s3 import S3Service
from cloudburst_lab.scaleway.faults import KINDS
from cloudburst_lab.sweep import remove_all, sweep

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
faults_app = typer.Typer(no_args_is_help=True, help="Faults on demand.")
app.add_typer(faults_app, name="faults")
console = Console(highlight=False, soft_wrap=True)

Names = Annotated[
    list[str] | None, typer.Argument(help="Components; all without names.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@contextlib.contextmanager
def locked(config: LabConfig) -> Iterator[None]:
    """Let one command at a time change the lab."""
    config.make_dirs()
    with (config.run_dir / "lab.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def report(outcome: Outcome) -> None:
    mark = "[red]✗[/red]" if outcome.error else "[green]✓[/green]"
    console.print(f"{mark} {outcome.name:<10} {outcome.seconds:6.1f} s")
    if outcome.error:
        console.print(f"  {outcome.error}", markup=False)


def finish(outcomes: list[Outcome], what: str, seconds: float) -> None:
    """Print the last line; end with 1 when something failed."""
    failed = [outcome.name for outcome in outcomes if outcome.error]
    if failed:
        console.print(f"lab: {what} failed for {', '.join(failed)} ({seconds:.1f} s)")
        raise typer.Exit(1)
    console.print(f"lab: {len(outcomes)} components {what} in {seconds:.1f} s")


@app.command()
def up(names: Names = None) -> None:
    """Bring the lab up; a running one is left alone, a broken one is healed."""
    config, start = LabConfig.load(), time.monotonic()
    parts = chosen(names or [])
    with locked(config):
        leftovers = sweep(config, docker_too=Engine.installed() and Engine.answers())
        for what in leftovers:
            console.print(f"[yellow]-[/yellow] leftover removed: {what}")
        outcomes = bring_up(config, parts, report)
        env_file.write(config)
    failed = [outcome.name for outcome in outcomes if outcome.error]
    seconds = time.monotonic() - start
    if failed:
        console.print(f"lab: {', '.join(failed)} failed after {seconds:.1f} s")
        raise typer.Exit(1)
    console.print(
        f"lab: {len(outcomes)} components up in {seconds:.1f} s; . {config.env_file}"
    )


@app.command()
def down(names: Names = None) -> None:
    """Stop everything that the lab started; caches stay."""
    config, start = LabConfig.load(), time.monotonic()
    parts = [BY_NAME[name] for name in names] if names else list(COMPONENTS)
    outcomes: list[Outcome] = []
    with locked(config):
        for component in reversed(parts):
            if component.name == "engine" and not names and Engine.answers():
                remove_all(config)
            if Engine.installed():
                outcomes.append(step(component, config, "down"))
                report(outcomes[-1])
        if not names:
            sweep(config, docker_too=False)
            config.env_file.unlink(missing_ok=True)
    finish(outcomes, "down", time.monotonic() - start)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show what runs; ends with 1 unless everything is healthy."""
    config = LabConfig.load()
    if not (Engine.installed() and Engine.answers()):
        states: dict[str, dict[str, object]] = {
            c.name: {"healthy": False} for c in COMPONENTS
        }
    else:
        states = {c.name: look(c, config) for c in COMPONENTS}
    if as_json:
        print(json.dumps(states, indent=2, default=str))
    else:
        table = Table("component", "healthy", "details")
        for name, state in states.items():
            rest = ", ".join(f"{k}={v}" for k, v in state.items() if k != "healthy")
            table.add_row(
                name, "[green]yes[/green]" if state.get("healthy") else "no", rest
            )
        console.print(table)
    if not all(state.get("healthy") for state in states.values()):
        raise typer.Exit(1)


@app.command()
def reset() -> None:
    """Back to the first state: no servers, volumes, IPs; plex.tv, S3 and home as made."""
    config, start = LabConfig.load(), time.monotonic()
    with locked(config):
        outcomes = [step(component, config, "reset") for component in COMPONENTS]
        for outcome in outcomes:
            report(outcome)
    finish(outcomes, "reset", time.monotonic() - start)


@app.command()
def bill(
    tag: Annotated[
        str, typer.Option(help="Only what carries this tag, e.g. burst=plex.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """What the cloud would have cost: real seconds times the factor."""
    path = f"bill?tag={tag}" if tag else "bill"
    answer = Faults(LabConfig.load()).call("GET", path)
    if as_json:
        print(json.dumps(answer, indent=2))
        return
    table = Table("resource", "what", "zone", "name", "hours", "billed", "€")
    for line in answer["lines"]:
        alive = "" if line["ended"] else " (running)"
        hours = (f"{line['hours']:.2f}{alive}", f"{line['billed_hours']:.2f}")
        head = (line["resource"], line["what"], line["zone"], line["name"])
        table.add_row(*head, *hours, f"{line['euros']:.4f}")
    console.print(table)
    factor = answer["factor"]
    console.print(
        f"total {answer['total_euros']:.4f} € (1 real second counts as {factor:g} s)"
    )


# --- faults -------------------------------------------------------------------------------
@faults_app.command("list")
def list_faults(as_json: AsJson = False) -> None:
    """Show the faults that are set and the kinds that there are."""
    answer = Faults(LabConfig.load()).show()
    if as_json:
        print(json.dumps(answer, indent=2))
        return
    for kind, meaning in answer["kinds"].items():
        console.print(f"{kind:<15} {meaning}", markup=False)
    for fault in answer["faults"]:
        shown = {
            key: value for key, value in fault.items() if value not in (None, "", 0)
        }
        console.print(str(shown), markup=False)


@faults_app.command("set")
def set_fault(
    kind: Annotated[str, typer.Argument(help=", ".join(KINDS))],
    count: Annotated[int | None, typer.Option(help="End after so many hits.")] = None,
    seconds: Annotated[
        float | None, typer.Option(help="End after so many seconds.")
    ] = None,
    zone: str = "",
    server_type: Annotated[str, typer.Option("--type", help="Commercial type.")] = "",
    method: str = "",
    path: Annotated[str, typer.Option(help="Regular expression, searched.")] = "",
    status_code: Annotated[int, typer.Option("--status")] = 0,
    delay: Annotated[float, typer.Option(help="Seconds, for slow.")] = 1.0,
    at: Annotated[str, typer.Option(help="create, poweron or both.")] = "create",
) -> None:
    """Set a fault of the Scaleway API."""
    options: dict[str, Any] = {"count": count, "seconds": seconds, "zone": zone}
    options |= {
        "type": server_type,
        "method": method,
        "path": path,
        "at": at,
        "delay": delay,
    }
    if status_code:
        options["status"] = status_code
    fault = Faults(LabConfig.load()).set(kind, **options)
    console.print(f"fault {fault['id']} {kind} is set")


@faults_app.command("clear")
def clear_faults(fault_id: Annotated[str, typer.Argument()] = "") -> None:
    """Remove one fault, or all."""
    console.print(f"{Faults(LabConfig.load()).clear(fault_id)} faults removed")


@faults_app.command("freeze")
def freeze(service: str) -> None:
    """Stop a service without ending it: connections hang (s3, plextv, registry, …)."""
    console.print(f"frozen: {Faults(LabConfig.load()).signal('freeze', service)}")


@faults_app.command("thaw")
def thaw(service: str) -> None:
    """Let a frozen service go on."""
    console.print(f"going on: {Faults(LabConfig.load()).signal('thaw', service)}")


@faults_app.command("kill")
def kill(service: str) -> None:
    """Kill a service; `lab up` brings it back."""
    console.print(f"killed: {Faults(LabConfig.load()).signal('kill', service)}")


@faults_app.command("s3")
def s3_fault(
    kind: Annotated[str, typer.Argument(help=", ".join(S3_KINDS))],
    latency: Annotated[
        float | None, typer.Option(help="Seconds, for slow and slow_reads.")
    ] = None,
    bytes_per_second: Annotated[
        int | None, typer.Option(help="Of each connection, for slow.")
    ] = None,
) -> None:
    """Set a fault of the bucket, or end them all (clear)."""
    given = {"latency": latency, "bytes_per_second": bytes_per_second}
    service = S3Service(LabConfig.load())
    service.set_fault(kind, {k: v for k, v in given.items() if v is not None})
    console.print(f"s3: {service.faults() or 'no fault'}", markup=False)


@faults_app.command("instance")
def instance_fault(
    kind: Annotated[str, typer.Argument(help=", ".join(INSTANCE_KINDS))],
    server: Annotated[
        str, typer.Argument(help="Its name or id; needed when several run.")
    ] = "",
    seconds: Annotated[float, typer.Option(help="For hang-plex.")] = 20.0,
    megabytes: Annotated[int, typer.Option(help="For limit-disk.")] = 6144,
) -> None:
    """Set a fault inside a server, or end them all (clear)."""
    faults = InstanceFaults(LabConfig.load(), server)
    done = faults.strike(kind, seconds=seconds, megabytes=megabytes)
    console.print(f"{faults.container}: {done}", markup=False)


def main() -> None:
    """Run the command line; an expected error is one message, not a traceback."""
    try:
        app()
    except LabError as error:
        console.print(f"lab: {error}", markup=False)
        sys.exit(1)
