# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: the firewall of a burst, SSH from the controller only (L91)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.cloudburst.plex.plugins.module_utils._controller_address import (
    Viewpoint,
    resolve,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_client import (
    Cloud,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    CloudError,
    DeadlineExceeded,
    LostReply,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import (
    Rule,
    ssh_rules,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    Part,
    Server,
    burst_tags,
    is_ours,
)


@dataclass
class Report:
    """What a run did, in the order in which it did it."""

    changed: bool = False
    steps: list[str] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.steps.append(text)

    def did(self, text: str) -> None:
        self.changed = True
        self.steps.append(text)


class Door:
    """The security group of one burst, in every zone that it is needed in."""

    def __init__(
        self, cloud: Cloud, burst: str, viewpoint: Viewpoint, report: Report
    ) -> None:
        self._cloud = cloud
        self._burst = burst
        self._viewpoint = viewpoint
        self._report = report
        self.ranges: list[str] = []

    def open(self, zone: str, server: Server | None = None) -> Part:
        """The group with exactly the wanted rules, and the server behind it."""
        wanted = self._wanted(server)
        group = self.find(zone) or self._make(zone)
        if self._cloud.rules(zone, group.id) != wanted:
            self._set(zone, group, wanted)
            self._report.did(f"SSH in {zone} is open to {', '.join(self.ranges)}")
        if server is not None and server.group_id != group.id:
            self._cloud.set_group(server, group)
            self._report.did(f"{server.id} is behind the security group {group.name}")
        return group

    def _set(self, zone: str, group: Part, wanted: list[Rule]) -> None:
        self._cloud.set_rules(zone, group.id, wanted)
        applied = self._cloud.rules(zone, group.id)
        if applied != wanted:
            raise CloudError(
                f"the security group {group.id} in {zone} did not take the rules"
                f" {[rule.as_dict() for rule in wanted]}; it has"
                f" {[rule.as_dict() for rule in applied]}"
            )

    def differs(self, zone: str, server: Server) -> bool:
        """Check mode's question: would ``open`` change anything?"""
        wanted = self._wanted(server)
        group = self.find(zone)
        return (
            group is None
            or server.group_id != group.id
            or self._cloud.rules(zone, group.id) != wanted
        )

    def ranges_before(self) -> list[str]:
        """Networks that SSH would be opened to, known before anything is created."""
        self._wanted(None)
        return self.ranges

    def find(self, zone: str) -> Part | None:
        """The burst's group in a zone, by its tags."""
        for group in self._cloud.groups(zone):
            if is_ours(group.tags, self._burst):
                return group
        return None

    def remove_unused(self, zones: list[str]) -> None:
        """Groups made in zones where in the end no server could be had."""
        for zone in zones:
            group = self.find(zone)
            if group is not None and not group.owner:
                self._cloud.delete_part(group)

    def _wanted(self, server: Server | None) -> list[Rule]:
        # Before there is a server, the API stands for it: the answer "how do I leave
        # this machine" must be known before anything is paid.
        destination = (
            server.ip if server and server.ip else resolve(self._cloud.api_url)
        )
        self.ranges = self._viewpoint.ranges(destination)
        return ssh_rules(self.ranges)

    def _make(self, zone: str) -> Part:
        name = f"cloudburst-{self._burst}"
        self._report.did(f"creating the security group {name} in {zone}")
        try:
            return self._cloud.create_group(zone, name, burst_tags(self._burst))
        except (LostReply, DeadlineExceeded):
            found = self.find(zone)
            if found is None:
                raise
            return found
