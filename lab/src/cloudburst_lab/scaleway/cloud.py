# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running cloud: state, machines, faults and the work that goes on between requests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import uvicorn

from cloudburst_lab.config import write_private
from cloudburst_lab.errors import LabError
from cloudburst_lab.scaleway import actions, metadata, servers, storage
from cloudburst_lab.scaleway.compute import EXIT_HALT, Compute, NoCompute, Observed
from cloudburst_lab.scaleway.errors import out_of_stock
from cloudburst_lab.scaleway.faults import FaultBox
from cloudburst_lab.scaleway.model import Server, World
from cloudburst_lab.scaleway.network import AddressPool

LOG = logging.getLogger("cloudburst_lab.scaleway")
WATCH_SECONDS = 3.0


class MetadataServer(uvicorn.Server):
    """A web server that leaves signals to the API it lives in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Cloud:
    """State and machines. Everything runs on one event loop, so requests never interleave."""

    def __init__(
        self,
        compute: Compute,
        *,
        pool: AddressPool,
        project: str,
        organization: str,
        secret_key: str,
        gateway: str = "172.30.77.1",
        state_file: Path | None = None,
        timing: servers.Timing | None = None,
        bill_factor: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.compute = compute
        self.pool = pool
        self.project, self.organization = project, organization
        self.secret_key, self.gateway = secret_key, gateway
        self.state_file = state_file
        self.timing = timing or servers.Timing()
        self.idle = NoCompute(self.timing.server)
        self.bill_factor, self.clock = bill_factor, clock
        self.faults = FaultBox()
        self.world = self._load()
        self._tasks: set[asyncio.Task[None]] = set()
        self._metadata: dict[str, tuple[MetadataServer, asyncio.Task[None]]] = {}

    # --- state ----------------------------------------------------------------------------
    def _load(self) -> World:
        if self.state_file is None or not self.state_file.exists():
            return World()
        return World.from_json(json.loads(self.state_file.read_text(encoding="utf-8")))

    def save(self) -> None:
        """Write the state; a restarted API goes on from it."""
        if self.state_file is not None:
            write_private(self.state_file, json.dumps(self.world.to_json()))

    def now(self) -> float:
        return self.clock()

    def settle(self) -> None:
        """Let time pass for volumes; called before every request."""
        if storage.settle(self.world, self.now()):
            self.save()

    def token_valid(self, token: str) -> bool:
        """The lab's own key, or an API key that has not expired."""
        if token == self.secret_key:
            return True
        return any(
            key.secret_key == token
            and (key.expires is None or key.expires > self.now())
            for key in self.world.api_keys.values()
        )

    # --- machines -------------------------------------------------------------------------
    def machine(self, server: Server) -> Compute:
        return self.compute if server.boots else self.idle

    def address(self, server: Server) -> str | None:
        addresses = self.world.ips_of(server.id)
        return addresses[0].address if addresses else None

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def act(self, server: Server, action: str) -> None:
        """Accept an action and carry it out in the background."""
        if action == "poweron":
            where = {"zone": server.zone, "commercial_type": server.commercial_type}
            fault = self.faults.take("out_of_stock", self.now(), at="poweron", **where)
            if fault is not None:
                raise out_of_stock(server.commercial_type, fault.status or 412)
        actions.begin(self.world, server, action, self.now())
        if action == "poweron" and self.faults.take(
            "no_boot", self.now(), zone=server.zone
        ):
            server.boots = False
        self.save()
        self.spawn(self.carry_out(server))

    async def carry_out(self, server: Server) -> None:
        """Make the machine follow, then complete the action; also after an API restart."""
        action = server.action
        try:
            await self._follow(server, action)
        except (LabError, OSError) as error:
            LOG.exception("%s of server %s failed", action, server.id)
            if action == "poweron":
                await asyncio.to_thread(self.machine(server).destroy, server.id)
                actions.fail(self.world, server, str(error), self.now())
                self.save()
                return
        if server.action == action:  # not overtaken by a terminate
            actions.finish(self.world, server, self.now(), self.timing)
        self.save()

    async def _follow(self, server: Server, action: str) -> None:
        machine = self.machine(server)
        if action == "poweron":
            where = {"zone": server.zone, "commercial_type": server.commercial_type}
            if self.faults.take("boot_failure", self.now(), **where):
                raise LabError("no capacity on the node")
            actions.allocate_dynamic_ip(self.world, server, self.pool, self.now())
            self.save()
        if action in ("poweron", "reboot"):
            await self.stop_metadata(server.id)
            boot = machine.start if action == "poweron" else machine.reboot
            group = self.world.security_groups[server.security_group_id]
            pid = await asyncio.to_thread(boot, server, self.address(server), group)
            if pid:
                self.start_metadata(server, pid)
        elif action == "terminate":
            await self.stop_metadata(server.id)
            await asyncio.to_thread(machine.destroy, server.id)
        else:
            await self.stop_metadata(server.id)
            await asyncio.to_thread(machine.stop, server)

    async def forget_machine(self, server: Server) -> None:
        """Remove the machine of a server that was deleted while stopped."""
        await self.stop_metadata(server.id)
        await asyncio.to_thread(self.machine(server).destroy, server.id)

    async def refilter(self, group_id: str) -> None:
        """Enforce a changed security group on its running servers before the answer goes out."""
        group = self.world.security_groups[group_id]
        for server in list(self.world.servers.values()):
            if server.security_group_id == group_id and server.state == "running":
                await asyncio.to_thread(self.machine(server).filter, server, group)

    # --- metadata -------------------------------------------------------------------------
    def start_metadata(self, server: Server, pid: int) -> None:
        """Serve http://169.254.42.42 inside a server's network namespace."""

        def look_up() -> tuple[World, Server] | None:
            found = self.world.servers.get(server.id)
            return None if found is None else (self.world, found)

        sock = metadata.listen_inside(pid)
        app = metadata.make_app(look_up, self.save)
        web = MetadataServer(uvicorn.Config(app, log_level="warning", lifespan="off"))
        task = asyncio.ensure_future(web.serve(sockets=[sock]))
        self._metadata[server.id] = (web, task)

    async def stop_metadata(self, server_id: str) -> None:
        web, task = self._metadata.pop(server_id, (None, None))
        if web is not None and task is not None:
            web.should_exit = web.force_exit = True
            await task

    # --- life of the service --------------------------------------------------------------
    async def resume(self) -> None:
        """Pick up after a restart: unfinished actions, metadata services, lost machines."""
        observed = await asyncio.to_thread(self.compute.observe)
        for server_id in await asyncio.to_thread(self.compute.known):
            if server_id not in self.world.servers:
                LOG.warning("removing the leftover machine %s", server_id)
                await asyncio.to_thread(self.compute.destroy, server_id)
        for server in list(self.world.servers.values()):
            seen = observed.get(server.id)
            if server.action:
                self.spawn(self.carry_out(server))
            elif server.state == "running" and server.boots and seen and seen.pid:
                self.start_metadata(server, seen.pid)

    async def watch(self) -> None:
        """Notice guests that switched themselves off or rebooted (A3), and lost machines."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            running = [
                s
                for s in self.world.servers.values()
                if s.state == "running" and s.boots and not s.action
            ]
            if not running or isinstance(self.compute, NoCompute):
                continue
            try:
                seen = await asyncio.to_thread(self.compute.observe)
            except LabError:
                LOG.exception("the machines cannot be observed")
                continue
            for server in running:
                if server.state == "running" and not server.action:
                    await self._follow_guest(server, seen.get(server.id))

    async def _follow_guest(self, server: Server, seen: Observed | None) -> None:
        """Standby after a halt; anything else (reboot, killed, removed) boots it again."""
        if seen is not None and seen.pid:
            return
        if seen is not None and seen.exit_code == EXIT_HALT:
            await self.stop_metadata(server.id)
            actions.halted(server, self.now())
            self.save()
            return
        LOG.warning("machine of server %s is down: booting it again", server.id)
        server.action = "reboot"
        self.spawn(self.carry_out(server))

    async def reset(self) -> None:
        """Empty the cloud: machines, volumes, addresses, groups, faults and the bill.

        Forgotten first, removed then: a machine that goes while its server is still known
        is a lost one, and would be booted again.
        """
        gone = list(self.world.servers.values())
        keys = {
            k: v for k, v in self.world.ssh_keys.items() if v.name.startswith("keep-")
        }
        self.world = World(ssh_keys=keys)
        self.faults.clear()
        self.save()
        for server in gone:
            server.state, server.action = "stopped", ""
            await self.forget_machine(server)
        for server_id in await asyncio.to_thread(self.compute.known):
            if server_id not in self.world.servers:  # a boot was under way
                await asyncio.to_thread(self.compute.destroy, server_id)

    async def close(self) -> None:
        for server_id in list(self._metadata):
            await self.stop_metadata(server_id)
        for task in list(self._tasks):
            task.cancel()
