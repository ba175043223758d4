# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A filter by section name touches that section and no row of another."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import Player
from tests.e2e.harness import Lab
from tests.e2e.pairs import HOME_OWNED, SECTION_OF, Pair, unpack


def _differences(before: Pair, after: Pair, touched: set[str]) -> list[str]:
    """Name every table in which a row of a section outside ``touched`` changed."""
    different = []
    for name, section in before.section_ids().items():
        if name in touched:
            continue
        for table in SECTION_OF:
            old = before.rows_of_section(table, section)
            new = after.rows_of_section(table, section)
            if old != new:
                different.append(f"{name}.{table}: {len(old ^ new)} rows")
    for table in HOME_OWNED:
        if before.home_rows(table) != after.home_rows(table):
            different.append(table)
    return different


def test_a_run_touches_no_row_of_a_section_that_was_not_asked_for(
    lab: Lab, player: Player, tmp_path: Path
) -> None:
    """L81: MusicAnalysis takes all music sections unless told otherwise."""
    home = unpack(lab.archive, tmp_path / "home")
    power = ("delta_sync.yml", "-e", "profile=power")
    run = player(*power, "-e", 'sections=["Movies"]', "-e", "keep=true")
    assert run.ok, run.tail()
    films = unpack(player.archives[-1], tmp_path / "films")
    assert _differences(home, films, {"Movies"}) == []
    section = home.section_ids()["Movies"]
    assert home.rows_of_section("media_parts", section) != films.rows_of_section(
        "media_parts", section
    ), "the section that was asked for did not change"
    assert films.vectors() == home.vectors()

    run = player(*power, "-e", "sections=Classical")
    assert run.ok, run.tail()
    music = unpack(player.archives[-1], tmp_path / "music")
    assert _differences(films, music, {"Classical"}) == []
    assert music.analysed(section="Music") == home.analysed(section="Music")
    assert music.analysed(section="Classical") > home.analysed(section="Classical")
    assert player.left() == {}
