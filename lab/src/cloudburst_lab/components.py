# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the lab, what each needs, and how they are brought up side by side."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol

from cloudburst_lab.config import LabConfig
from cloudburst_lab.errors import LabError

#: steps at the same time: most of them wait for something, the machine may have two cores
WORKERS = 3


class Service(Protocol):
    """What every component offers; ``up`` is idempotent and heals."""

    def up(self) -> None: ...
    def down(self) -> None: ...
    def status(self) -> dict[str, object]: ...


@dataclass(frozen=True)
class Component:
    """One part: its name on the command line, where its class is, what must be up before."""

    name: str
    module: str
    factory: str
    needs: tuple[str, ...] = ()

    def load(self, config: LabConfig) -> Service:
        try:
            module = importlib.import_module(f"cloudburst_lab.{self.module}")
        except ImportError as error:
            hint = "install the lab with its requirements: pip install -e lab"
            raise LabError(
                f"component {self.name} cannot be loaded: {error}", hint
            ) from error
        service: Service = getattr(module, self.factory)(config)
        return service


COMPONENTS: tuple[Component, ...] = (
    Component("engine", "engine", "Engine"),
    Component("apt", "apt_cache", "AptCache", ("engine",)),
    Component("registry", "registry", "Registry", ("engine",)),
    Component("base", "images", "BaseImage", ("apt",)),
    Component("server", "images", "ServerImage", ("base",)),
    Component("scaleway", "scaleway.service", "ScalewayService", ("server",)),
    Component("media", "media", "MediaLibrary", ("engine",)),
    Component("s3", "s3", "S3Service", ("media",)),
    Component("plextv", "plextv.service", "PlexTvService", ("engine",)),
    Component("plex", "plex_image", "PlexImage", ("base", "registry")),
    Component("home", "home", "HomeServer", ("plex", "s3", "plextv")),
)
BY_NAME = {component.name: component for component in COMPONENTS}


def chosen(names: Iterable[str]) -> list[Component]:
    """Return the named components with everything that they need; all without names."""
    wanted: set[str] = set()
    queue = list(names) or list(BY_NAME)
    while queue:
        name = queue.pop()
        if name not in BY_NAME:
            raise LabError(
                f"there is no component {name}", f"known: {', '.join(BY_NAME)}"
            )
        if name not in wanted:
            wanted.add(name)
            queue += BY_NAME[name].needs
    return [component for component in COMPONENTS if component.name in wanted]


def _nothing() -> None:
    """Stand in for a method that a component has no need of."""


def look(component: Component, config: LabConfig) -> dict[str, object]:
    """Return a component's status; one that cannot be read is not healthy, and says why."""
    try:
        return component.load(config).status()
    except (LabError, OSError) as error:
        return {"healthy": False, "error": str(error)}


@dataclass(frozen=True)
class Outcome:
    """How one step ended; ``error`` empty when it went well."""

    name: str
    seconds: float
    error: str = ""


def step(component: Component, config: LabConfig, what: str = "up") -> Outcome:
    """Run one method of a component and say how it went."""
    start = time.monotonic()
    try:
        getattr(component.load(config), what, _nothing)()
    except (LabError, OSError) as error:
        return Outcome(component.name, time.monotonic() - start, str(error))
    return Outcome(component.name, time.monotonic() - start)


def bring_up(
    config: LabConfig, parts: Sequence[Component], report: Callable[[Outcome], None]
) -> list[Outcome]:
    """Bring the parts up, independent ones side by side; a failure stops only what needs it."""
    done: dict[str, Outcome] = {}
    waiting = list(parts)
    running: dict[Future[Outcome], str] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        while waiting or running:
            for component in list(waiting):
                broken = [n for n in component.needs if n in done and done[n].error]
                if broken:
                    outcome = Outcome(component.name, 0.0, f"needs {', '.join(broken)}")
                    done[component.name] = outcome
                    report(outcome)
                    waiting.remove(component)
                elif all(need in done for need in component.needs):
                    running[pool.submit(step, component, config)] = component.name
                    waiting.remove(component)
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                outcome = future.result()
                done[running.pop(future)] = outcome
                report(outcome)
    return list(done.values())
