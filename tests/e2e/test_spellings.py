# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of ``-e`` in every spelling that a user tries arrive as the same setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Player

BOTH = ["Movies", "TV Shows"]


@pytest.mark.parametrize(
    ("arguments", "name", "expected"),
    [
        (["-e", "sections=Movies"], "sections", ["Movies"]),
        (["-e", 'sections="Movies,TV Shows"'], "sections", BOTH),
        (["-e", """sections='["Movies", "TV Shows"]'"""], "sections", BOTH),
        (["-e", '{"sections": ["Movies", "TV Shows"]}'], "sections", BOTH),
        (["-e", "@VARS"], "sections", BOTH),
        (["-e", "keep=true"], "keep", True),
        (["-e", "keep=yes"], "keep", True),
        (["-e", "keep=1"], "keep", True),
        (["-e", '{"keep": true}'], "keep", True),
        (["-e", "keep=no"], "keep", False),
    ],
)
def test_spelling(
    player: Player, tmp_path: Path, arguments: list[str], name: str, expected: object
) -> None:
    variables = tmp_path / "vars.yml"
    variables.write_text("sections:\n  - Movies\n  - TV Shows\n", encoding="utf-8")
    given = [word.replace("@VARS", f"@{variables}") for word in arguments]
    run = player("tests/e2e/settings.yml", *given)
    assert run.ok, run.tail()
    assert run.facts("burst")[name] == expected
