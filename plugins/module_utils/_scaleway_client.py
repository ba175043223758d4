# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: the Scaleway API as this collection uses it.

One method per request, values of ``_scaleway_state`` in and out, the zone named every
time (the SDK's helpers drop it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_errors import (
    NotFound,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_http import (
    Transport,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_plan import (
    RootVolume,
    Rule,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_sdk import (
    BlockApi,
    InstanceApi,
    MarketplaceApi,
    pages,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_state import (
    Offer,
    Part,
    Server,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_values import (
    group_part,
    image_matches,
    offer_from,
    part_from,
    rule_from,
    server_from,
)

try:
    from scaleway.instance.v1 import (
        SecurityGroupPolicy,
        SecurityGroupRuleAction,
        SecurityGroupRuleDirection,
        SecurityGroupTemplate,
        ServerAction,
        SetSecurityGroupRulesRequestRule,
        VolumeServerTemplate,
        VolumeVolumeType,
    )
    from scaleway.marketplace.v2 import LocalImageType
except ImportError:
    # Said by the module: _scaleway_sdk keeps the reason.
    pass

_BLOCK = {"include_deleted": False, "page_size": 100}


class Cloud:
    """One project at Scaleway."""

    def __init__(self, client: Any, transport: Transport | None = None) -> None:
        self.project: str = client.default_project_id
        self.api_url: str = client.api_url
        bounded = transport or Transport(
            client.api_url, client.secret_key, client.user_agent
        )
        self._instance = InstanceApi(client)
        self._block = BlockApi(client)
        self._market = MarketplaceApi(client)
        for api in (self._instance, self._block, self._market):
            api.transport = bounded

    # --- what can be had ---------------------------------------------------------------
    def offers(self, zone: str, types: Sequence[str] = ()) -> dict[str, Offer]:
        """Types in a zone with price and stock; all of them when none is named."""
        stock: dict[str, str] = {}
        for page in pages(self._instance.get_server_types_availability, zone=zone):
            for name, entry in page.servers.items():
                stock[name] = str(entry.availability)
        found: dict[str, Offer] = {}
        for page in pages(self._instance.list_servers_types, zone=zone):
            for name, kind in page.servers.items():
                if not types or name in types:
                    found[name] = offer_from(name, zone, kind, stock.get(name))
        return found

    def image(self, label: str, zone: str, server_type: str, local: bool) -> str:
        """Identifier of the image with that label for a type and its root storage."""
        kind = LocalImageType.INSTANCE_LOCAL if local else LocalImageType.INSTANCE_SBS
        for page in pages(
            self._market.list_local_images, image_label=label, zone=zone, type_=kind
        ):
            for image in page.local_images:
                if image_matches(image, server_type):
                    return str(image.id)
        raise NotFound(
            404,
            "the image",
            f"no image {label!r} ({kind}) for {server_type} in {zone};"
            " set provision_image to a label that the marketplace has",
        )

    # --- servers -----------------------------------------------------------------------
    def servers(self, zone: str, tags: Sequence[str]) -> list[Server]:
        listing = pages(
            self._instance.list_servers,
            zone=zone,
            tags=list(tags),
            per_page=100,
            project=self.project,
        )
        found = [server_from(item) for page in listing for item in page.servers]
        # The filter is the API's; that the tags are there is checked again here.
        return [server for server in found if set(server.tags).issuperset(tags)]

    def server(self, zone: str, server_id: str) -> Server | None:
        """The server, or None when it is gone."""
        try:
            answer = self._instance.get_server(server_id=server_id, zone=zone)
        except NotFound:
            return None
        return server_from(answer.server)

    def create_server(
        self,
        *,
        zone: str,
        server_type: str,
        name: str,
        image: str,
        root: RootVolume,
        tags: Sequence[str],
        group_id: str,
    ) -> Server:
        """Create a server, stopped. Its tags are in this very call (L61)."""
        template = VolumeServerTemplate(
            volume_type=VolumeVolumeType(root.kind), size=root.size, boot=None
        )
        answer = self._instance.create_server(
            zone=zone,
            commercial_type=server_type,
            name=name,
            image=image,
            volumes={"0": template},
            dynamic_ip_required=True,
            tags=list(tags),
            security_group=group_id,
            project=self.project,
            protected=False,
        )
        return server_from(answer.server)

    def set_tags(self, server: Server, tags: Sequence[str]) -> None:
        self._instance._update_server(
            server_id=server.id, zone=server.zone, tags=list(tags)
        )

    def set_group(self, server: Server, group: Part) -> None:
        """Put a server behind another security group."""
        self._instance._update_server(
            server_id=server.id,
            zone=server.zone,
            security_group=SecurityGroupTemplate(id=group.id, name=group.name),
        )

    def power_on(self, server: Server) -> None:
        self._act(server, ServerAction.POWERON)

    def terminate(self, server: Server) -> None:
        """End a running server with its local volumes."""
        self._act(server, ServerAction.TERMINATE)

    def _act(self, server: Server, action: Any) -> None:
        self._instance.server_action(
            server_id=server.id, zone=server.zone, action=action
        )

    def delete_server(self, server: Server) -> None:
        """Delete a stopped server; every volume of it survives (A1)."""
        self._instance.delete_server(server_id=server.id, zone=server.zone)

    def set_user_data(self, server: Server, key: str, text: str) -> None:
        self._instance.set_server_user_data(
            server_id=server.id, key=key, content=text.encode(), zone=server.zone
        )

    def user_data(self, server: Server, key: str) -> str | None:
        """A value that was set by us or published by the instance; None: not there."""
        try:
            answer = self._instance.get_server_user_data(
                server_id=server.id, key=key, zone=server.zone
            )
        except NotFound:
            return None
        return str(answer.text)

    # --- volumes, snapshots, addresses -------------------------------------------------
    def parts(self, zone: str) -> Iterator[Part]:
        """Every volume, snapshot, address and security group of the project."""
        inst, block = self._instance, self._block
        listings: list[tuple[str, Any, str, dict[str, Any]]] = [
            ("volume", inst.list_volumes, "volumes", {"per_page": 100}),
            ("snapshot", inst.list_snapshots, "snapshots", {"per_page": 100}),
            ("ip", inst.list_ips, "ips", {"per_page": 100}),
            ("block_volume", block.list_volumes, "volumes", _BLOCK),
            ("block_snapshot", block.list_snapshots, "snapshots", _BLOCK),
        ]
        for kind, method, field, extra in listings:
            key = "project_id" if kind.startswith("block_") else "project"
            for page in pages(method, zone=zone, **{key: self.project}, **extra):
                for item in getattr(page, field):
                    yield part_from(kind, zone, item)
        yield from self.groups(zone)

    def part_exists(self, part: Part) -> bool:
        """Whether a volume is still known, to either of the two volume services."""
        getters: dict[str, Callable[[], Any]] = {
            "volume": lambda: self._instance.get_volume(
                volume_id=part.id, zone=part.zone
            ),
            "block_volume": lambda: self._block.get_volume(
                volume_id=part.id, zone=part.zone
            ),
            "ip": lambda: self._instance.get_ip(ip=part.id, zone=part.zone),
        }
        try:
            getters[part.kind]()
        except NotFound:
            return False
        return True

    def tag_block_volume(self, zone: str, volume_id: str, tags: Sequence[str]) -> None:
        """An automatically made root volume has no tags of its own (A9)."""
        self._block.update_volume(volume_id=volume_id, zone=zone, tags=list(tags))

    def block_volume(self, zone: str, volume_id: str) -> Part | None:
        try:
            found = self._block.get_volume(volume_id=volume_id, zone=zone)
        except NotFound:
            return None
        return part_from("block_volume", zone, found)

    def delete_part(self, part: Part) -> None:
        """Delete; a part that is gone already is a success."""
        inst, block, zone = self._instance, self._block, part.zone
        deleters: dict[str, Callable[[], Any]] = {
            "volume": lambda: inst.delete_volume(volume_id=part.id, zone=zone),
            "block_volume": lambda: block.delete_volume(volume_id=part.id, zone=zone),
            "ip": lambda: inst.delete_ip(ip=part.id, zone=zone),
            "security_group": lambda: inst.delete_security_group(
                security_group_id=part.id, zone=zone
            ),
        }
        try:
            deleters[part.kind]()
        except NotFound:
            return

    # --- security groups ---------------------------------------------------------------
    def groups(self, zone: str) -> list[Part]:
        listing = pages(
            self._instance.list_security_groups,
            zone=zone,
            per_page=100,
            project=self.project,
        )
        return [group_part(item) for page in listing for item in page.security_groups]

    def create_group(self, zone: str, name: str, tags: Sequence[str]) -> Part:
        answer = self._instance.create_security_group(
            zone=zone,
            name=name,
            description="cloudburst.plex: SSH from the controller only",
            stateful=True,
            inbound_default_policy=SecurityGroupPolicy.DROP,
            outbound_default_policy=SecurityGroupPolicy.ACCEPT,
            enable_default_security=True,
            tags=list(tags),
            project=self.project,
        )
        return group_part(answer.security_group)

    def rules(self, zone: str, group_id: str) -> list[Rule]:
        """The inbound permissions that were set by somebody (not Scaleway's own)."""
        listing = pages(
            self._instance.list_security_group_rules,
            security_group_id=group_id,
            zone=zone,
            per_page=100,
        )
        found = [rule_from(item) for page in listing for item in page.rules]
        return sorted(
            (rule for rule in found if rule is not None), key=lambda r: r.ip_range
        )

    def set_rules(self, zone: str, group_id: str, rules: Iterable[Rule]) -> None:
        wanted = [
            SetSecurityGroupRulesRequestRule(
                action=SecurityGroupRuleAction.ACCEPT,
                # As the API writes it; the SDK's enum has it in small letters.
                protocol="TCP",
                direction=SecurityGroupRuleDirection.INBOUND,
                ip_range=rule.ip_range,
                dest_port_from=rule.port,
                dest_port_to=None,
                # The SDK's default, false, marks a rule of Scaleway's own: ignored.
                editable=None,
                position=number,
            )
            for number, rule in enumerate(rules, start=1)
        ]
        self._instance.set_security_group_rules(
            security_group_id=group_id, zone=zone, rules=wanted
        )
