# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A filter by section name touches that section and no row of another."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import Player
from tests.e2e.harness import Lab
from tests.e2e.pairs import HOME_OWNED, SECTION_OF, Pair, unpack


def _differences(home: Pair, result: Pair, touched: set[str]) -> list[str]:
    """Name every table in which a row of a section outside ``touched`` changed."""
    different = []
    for name, section in home.section_ids().items():
        if name in touched:
            continue
        for table in SECTION_OF:
            before = home.rows_of_section(table, section)
            after = result.rows_of_section(table, section)
            if before != after:
                different.append(f"{name}.{table}: {len(before ^ after)} rows")
    different += [t for t in HOME_OWNED if home.home_rows(t) != result.home_rows(t)]
    return different


def test_movies_only_touches_no_row_of_another_section(
    lab: Lab, player: Player, tmp_path: Path
) -> None:
    run = player("delta_sync.yml", "-e", "profile=power", "-e", 'sections=["Movies"]')
    assert run.ok, run.tail()
    home = unpack(lab.archive, tmp_path / "home")
    result = unpack(player.archives[-1], tmp_path / "result")
    assert _differences(home, result, {"Movies"}) == []
    section = home.section_ids()["Movies"]
    assert home.rows_of_section("media_parts", section) != result.rows_of_section(
        "media_parts", section
    ), "the section that was asked for did not change"
    assert result.vectors() == home.vectors()


def test_sonic_of_one_music_section_analyses_no_track_of_the_other(
    lab: Lab, player: Player, tmp_path: Path
) -> None:
    """L81: MusicAnalysis takes all music sections unless told otherwise."""
    run = player("delta_sync.yml", "-e", "profile=power", "-e", "sections=Classical")
    assert run.ok, run.tail()
    home = unpack(lab.archive, tmp_path / "home")
    result = unpack(player.archives[-1], tmp_path / "result")
    assert result.analysed(section="Music") == home.analysed(section="Music")
    assert result.analysed(section="Classical") > home.analysed(section="Classical")
    assert _differences(home, result, {"Classical"}) == []
