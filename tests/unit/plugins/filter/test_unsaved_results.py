# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""unsaved_results: the gate before anything is destroyed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._scaleway_gate import (
    unsaved_results,
)


def record(phase: str, key: str, **data: Any) -> dict[str, Any]:
    return {"phase": phase, "key": key, "status": "done", "data": data}


def server(name: str = "a", **changes: Any) -> dict[str, Any]:
    usual = {"id": name, "type": "GP1-S", "zone": "fr-par-1", "state": "running"}
    return {**usual, "booted": True, **changes}


def volume(**changes: Any) -> dict[str, Any]:
    return {"kind": "block_volume", "id": "v", "zone": "fr-par-1", **changes}


WORK = record("scan", "scan:Movies")
PACKED = record("export", "packed", sha256="one")
HOME = record("export", "home", sha256="one")
ONE = {"ok": True, "sha256": "one"}
RUN = [record("burst", "x"), WORK, PACKED, HOME]


def gate(
    *servers: dict[str, Any],
    volumes: tuple[dict[str, Any], ...] = (),
    records: list[dict[str, Any]] | None = RUN,
    archives: tuple[dict[str, Any], ...] = (ONE,),
    confirmed: str = "",
) -> list[str]:
    return unsaved_results(servers, volumes, "a", records, archives, confirmed)


def test_the_newest_result_that_is_whole_opens() -> None:
    assert gate(server()) == []
    assert gate(server(), records=[*RUN, record("burst", "y")]) == []
    assert gate(server(), records=RUN[:-1]) == []


@pytest.mark.parametrize(
    ("records", "why"),
    [
        (None, "cannot be read"),
        ([], "no export"),
        ([record("burst", "x"), WORK], "no export"),
        ([record("export", "packed")], "no export"),
        # Run 2 of a kept instance failed before, or after, it packed.
        ([*RUN, WORK], "worked on after its last export (scan scan:Movies)"),
        ([*RUN, WORK, record("export", "packed", sha256="two")], "sha256 two"),
    ],
)
def test_an_old_result_and_an_unknown_one_close(
    records: list[dict[str, Any]] | None, why: str
) -> None:
    [sentence] = gate(server(), records=records)
    assert sentence.startswith("GP1-S a in fr-par-1: ")
    assert why in sentence


@pytest.mark.parametrize(
    "archives", [(), ({"ok": False, "sha256": "one"},), ({"ok": True, "sha256": "0"},)]
)
def test_an_archive_that_is_not_the_one_or_not_whole_closes(
    archives: tuple[dict[str, Any], ...],
) -> None:
    assert "is not whole on this machine" in gate(server(), archives=archives)[0]


def test_what_the_present_run_has_brought_home_is_the_newest() -> None:
    """A result that is fetched once more is not recorded a second time."""
    again = [*RUN, record("preferences", "server")]
    assert gate(server(), records=again)
    assert gate(server(), records=again, confirmed="one") == []
    assert gate(server(), records=again, confirmed="one", archives=())
    assert gate(server(), records=again, confirmed="other")


@pytest.mark.parametrize("state", ["stopped", "stopped_in_place", "starting", "locked"])
def test_a_server_that_has_booted_is_gated_in_any_state(state: str) -> None:
    assert f"it is {state}" in gate(server(state=state))[0]


def test_only_a_server_that_never_booted_is_exempt() -> None:
    assert gate(server(state="stopped", booted=False)) == []
    untold = server(state="stopped")
    del untold["booted"]
    assert len(gate(untold)) == 1


def test_every_server_needs_its_own_match() -> None:
    [sentence] = gate(server(), server("b"))
    assert "b in fr-par-1: it cannot be reached" in sentence


def test_a_volume_without_its_server_is_gated() -> None:
    [sentence] = gate(volumes=(volume(owner=""),))
    assert sentence.startswith("block volume v in fr-par-1: its server is gone")
    assert gate(server(), volumes=(volume(owner="a"),)) == []
    fresh = server(state="stopped", booted=False)
    assert gate(fresh, volumes=(volume(owner="a"),)) == []
    assert gate(volumes=(volume(kind="block_snapshot"),)) == []
