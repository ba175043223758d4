# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups as iptables rules inside a server's network namespace.

The real filter sits outside the machine and in front of any port forwarding inside it; so the
chains hang in ``mangle`` before NAT, where Docker's own rules cannot let anything through.
"""

from __future__ import annotations

from cloudburst_lab.scaleway.model import Rule, SecurityGroup
from cloudburst_lab.scaleway.network import all_rules

CHAIN_IN = "SCW-IN"
CHAIN_OUT = "SCW-OUT"
INTERFACE = "eth0"
VERDICT = {"accept": "RETURN", "drop": "DROP"}


def _match(rule: Rule, source: bool) -> list[str]:
    parts = ["-s" if source else "-d", rule.ip_range]
    if rule.protocol != "ANY":
        parts += ["-p", rule.protocol.lower()]
    if rule.protocol in ("TCP", "UDP") and rule.dest_port_from:
        last = rule.dest_port_to or rule.dest_port_from
        parts += ["--dport", f"{rule.dest_port_from}:{last}"]
    return parts


def _chain(group: SecurityGroup, direction: str, chain: str, policy: str) -> list[str]:
    lines = []
    if group.stateful:
        lines.append(f"-A {chain} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN")
    for rule in all_rules(group):
        if rule.direction == direction and ":" not in rule.ip_range:
            match = " ".join(_match(rule, source=direction == "inbound"))
            lines.append(f"-A {chain} {match} -j {VERDICT[rule.action]}")
    return [*lines, f"-A {chain} -j {VERDICT[policy]}"]


def restore_text(group: SecurityGroup) -> str:
    """Return the input of ``iptables-restore --noflush``: both chains, replaced at once."""
    inbound = _chain(group, "inbound", CHAIN_IN, group.inbound_default_policy)
    outbound = _chain(group, "outbound", CHAIN_OUT, group.outbound_default_policy)
    head = ["*mangle", f":{CHAIN_IN} - [0:0]", f":{CHAIN_OUT} - [0:0]"]
    return "\n".join([*head, *inbound, *outbound, "COMMIT", ""])


def jumps() -> list[list[str]]:
    """Return the rules that lead into the chains (to be added unless they are there)."""
    return [
        ["PREROUTING", "-i", INTERFACE, "-j", CHAIN_IN],
        ["POSTROUTING", "-o", INTERFACE, "-j", CHAIN_OUT],
    ]
