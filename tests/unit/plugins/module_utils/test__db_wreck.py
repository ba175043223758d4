# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pages SQLite's complaints accuse."""

from __future__ import annotations

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._db_wreck import _accused


@pytest.mark.parametrize(
    ("lines", "pages"),
    [
        (["Page 420: btreeInitPage() returns error code 11"], [420]),
        (["Tree 90 page 420 cell 2: 2nd reference to page 7"], [420, 7]),
        (["Page 12: never used"], []),
        # The parent of a bad page is no bad page.
        (["On tree page 90 cell 0: Child page depth differs"], []),
        (
            ["*** in database main ***\nPage 3: never used\nPage 4: btreeInitPage()"],
            [4],
        ),
    ],
)
def test_accused(lines: list[str], pages: list[int]) -> None:
    assert list(_accused(lines)) == pages
