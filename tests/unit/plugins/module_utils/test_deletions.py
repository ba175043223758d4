# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is a deletion, what a rename, and how much is too much (L88)."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from ansible_collections.cloudburst.plex.plugins.module_utils._deletion_report import (
    as_dict,
    deleted_rows,
    explain,
    renamed_rows,
    titles,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._deletions import (
    EMPTIED,
    NEVER,
    PURGED,
    TRASHED,
    Losses,
    LostFile,
    NewFile,
    Verdict,
    Witness,
    budget_of,
    judge,
    match_renames,
)


def lost(item: int, file: str, size: int | None = 10, **more: object) -> LostFile:
    return LostFile(item, "movie", f"Film {item}", file, size, **more)  # type: ignore[arg-type]


def verdict(count: int, live: int = 100, **more: object) -> Verdict:
    gone = tuple(lost(number, f"/m/{number}.mkv") for number in range(count))
    return judge(Losses(1, "Movies", live, live - count, gone), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("live", "given_budget", "budget"),
    [
        (0, None, 5),
        (5, None, 5),
        (250, None, 5),
        (299, None, 5),
        (300, None, 6),
        (4_999, None, 99),
        (5_000, None, 100),
        (456_534, None, 100),
        (224, 0, 0),
        (224, 221, 221),
        (224, -1, 0),
    ],
)
def test_budget(live: int, given_budget: int | None, budget: int) -> None:
    assert budget_of(live, given_budget) == budget


@given(strategies.integers(0, 10**7), strategies.integers(0, 10**7))
def test_a_larger_section_never_has_a_smaller_budget(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert 5 <= budget_of(low) <= budget_of(high) <= 100


@pytest.mark.parametrize(
    ("gone", "come", "renamed"),
    [
        ([lost(1, "/m/A/a.mkv")], [], {}),
        # Same name and size elsewhere.
        (
            [lost(1, "/m/A/a.mkv")],
            [NewFile(9, "/m/B/a.mkv", 10)],
            {"/m/A/a.mkv": "/m/B/a.mkv"},
        ),
        # Another size, an unknown size, another name: no proof.
        ([lost(1, "/m/A/a.mkv")], [NewFile(9, "/m/B/a.mkv", 11)], {}),
        ([lost(1, "/m/A/a.mkv", None)], [NewFile(9, "/m/B/a.mkv", None)], {}),
        ([lost(1, "/m/A/a.mkv", 0)], [NewFile(9, "/m/B/a.mkv", 0)], {}),
        ([lost(1, "/m/A/a.mkv")], [NewFile(9, "/m/A/b.mkv", 10)], {}),
        # The same item came back, whatever the file is called.
        (
            [lost(1, "/m/A/a.mkv")],
            [NewFile(1, "/m/A/b.mp4", 99)],
            {"/m/A/a.mkv": "/m/A/b.mp4"},
        ),
        # One new file explains one loss.
        (
            [lost(1, "/m/A/a.mkv"), lost(2, "/m/B/a.mkv")],
            [NewFile(9, "/m/C/a.mkv", 10)],
            {"/m/A/a.mkv": "/m/C/a.mkv"},
        ),
        # Its own item has the first claim.
        (
            [lost(1, "/m/A/a.mkv"), lost(2, "/m/B/a.mkv")],
            [NewFile(2, "/m/C/a.mkv", 10)],
            {"/m/B/a.mkv": "/m/C/a.mkv"},
        ),
        # What was there before it cannot be what became of it.
        ([lost(1, "/m/A/a.mkv", seen=3)], [NewFile(9, "/m/B/a.mkv", 10, seen=3)], {}),
        (
            [lost(1, "/m/A/a.mkv", seen=2)],
            [NewFile(9, "/m/B/a.mkv", 10, seen=3)],
            {"/m/A/a.mkv": "/m/B/a.mkv"},
        ),
        # The one that was lost first takes the one that came first.
        (
            [lost(1, "/m/A/a.mkv", seen=1), lost(2, "/m/B/a.mkv", seen=2)],
            [NewFile(8, "/m/D/a.mkv", 10), NewFile(9, "/m/C/a.mkv", 10, seen=2)],
            {"/m/A/a.mkv": "/m/C/a.mkv", "/m/B/a.mkv": "/m/D/a.mkv"},
        ),
    ],
)
def test_renames(
    gone: list[LostFile], come: list[NewFile], renamed: dict[str, str]
) -> None:
    found, left = match_renames(gone, come)
    assert {one.lost.file: one.now for one in found} == renamed
    assert {one.file for one in left} == {one.file for one in gone} - set(renamed)


PATHS = strategies.builds(
    lambda folder, name: f"/m/{folder}/{name}.mkv",
    strategies.integers(0, 4),
    strategies.sampled_from("abc"),
)
SEEN = strategies.integers(1, 3)
SIZES = strategies.sampled_from([None, 10, 20])
LOST = strategies.lists(
    strategies.builds(
        lambda item, file, size, seen: lost(item, file, size, seen=seen),
        *(strategies.integers(1, 4), PATHS, SIZES, SEEN),
    ),
    unique_by=lambda one: one.file,
)
NEW = strategies.lists(
    strategies.builds(
        NewFile,
        *(strategies.integers(1, 8), PATHS, SIZES),
        SEEN | strategies.just(NEVER),
    ),
    unique_by=lambda one: one.file,
)


@given(LOST, NEW)
def test_every_loss_is_either_renamed_or_deleted_and_no_file_explains_two(
    gone: list[LostFile], come: list[NewFile]
) -> None:
    renamed, deleted = match_renames(gone, come)
    both = [one.lost for one in renamed] + deleted
    assert sorted(one.file for one in both) == sorted(one.file for one in gone)
    targets = [one.now for one in renamed]
    assert len(targets) == len(set(targets))
    by_file = {one.file: one for one in come}
    assert all(by_file[one.now].seen > one.lost.seen for one in renamed)


@given(LOST, NEW)
def test_what_comes_in_addition_never_makes_a_loss_of_a_rename(
    gone: list[LostFile], come: list[NewFile]
) -> None:
    more = NewFile(99, "/m/elsewhere/z.mkv", 77)
    assert len(match_renames(gone, [*come, more])[1]) == len(
        match_renames(gone, come)[1]
    )


@pytest.mark.parametrize(
    ("count", "live", "given_budget", "over"),
    [
        (5, 100, None, False),
        (6, 100, None, True),
        (6, 5_000, None, False),
        (101, 456_534, None, True),
        (221, 224, None, True),
        (1, 100, 0, True),
        (60, 100, 60, False),
    ],
)
def test_over_the_budget(
    count: int, live: int, given_budget: int | None, over: bool
) -> None:
    found = verdict(count, live, given=given_budget)
    assert (found.items, found.over_budget) == (count, over)
    assert bool(explain(found)) is over


def test_an_item_of_many_files_counts_once() -> None:
    parts = tuple(lost(1, f"/m/film - cd{number}.avi") for number in range(9))
    found = judge(Losses(1, "Movies", 10, 9, parts))
    assert (found.items, len(found.deleted), found.over_budget) == (1, 9, False)


def test_what_left_the_database_by_itself_is_over_every_budget() -> None:
    gone = (lost(1, "/m/a.mkv", state=PURGED),)
    found = judge(Losses(1, "Movies", 224, 223, gone), given=100)
    assert found.over_budget
    assert "left the database for good" in explain(found)
    emptied = (lost(1, "/m/a.mkv", state=EMPTIED),)
    assert not judge(Losses(1, "Movies", 224, 223, emptied)).over_budget


def test_files_that_are_there_are_named_and_doubtful() -> None:
    files = frozenset(["/m/0.mkv", "/m/elsewhere.mkv"])
    found = verdict(2, witness=Witness(present=files, absent=frozenset(["/m/1.mkv"])))
    assert found.doubtful
    assert not found.over_budget
    assert as_dict(found)["present"] == 1
    assert explain(found) == (
        "Movies: Plex lost 1 files that are there on the mount: Film 0"
    )
    assert [row["present"] for row in deleted_rows(found)] == [True, False]


def test_what_is_still_there_did_not_move() -> None:
    gone = (lost(1, "/m/A/a.mkv"),)
    come = (NewFile(9, "/m/B/a.mkv", 10),)
    losses = Losses(1, "Movies", 50, 50, gone, come)
    assert len(judge(losses).renamed) == 1
    there = judge(losses, witness=Witness(present=frozenset(["/m/A/a.mkv"])))
    assert (there.renamed, there.items, there.doubtful) == ((), 1, True)
    mute = judge(losses, witness=Witness(unanswered=frozenset(["/m/A/a.mkv"])))
    assert mute.doubtful and "does not answer: Film 1" in explain(mute)


@pytest.mark.parametrize(("item", "renamed"), [(1, 1), (9, 0)])
def test_a_purged_file_moved_only_if_its_item_lives_on(item: int, renamed: int) -> None:
    gone = (lost(1, "/m/A/a.mkv", state=PURGED),)
    come = (NewFile(item, "/m/B/a.mkv", 10),)
    found = judge(Losses(1, "Movies", 50, 50, gone, come))
    assert (len(found.renamed), bool(found.purged)) == (renamed, not renamed)


def test_a_new_scan_brings_no_purged_row_back() -> None:
    gone = (lost(1, "/m/a.mkv", state=PURGED),)
    seen = Witness(present=frozenset(["/m/a.mkv"]))
    found = judge(Losses(1, "Movies", 50, 50, gone), witness=seen)
    assert found.purged and not found.doubtful
    assert as_dict(found)["present"] == 0


STATES = strategies.sampled_from([TRASHED, PURGED, EMPTIED])


@given(
    strategies.lists(
        strategies.tuples(STATES, strategies.sampled_from("pauo")), max_size=12
    )
)
def test_accepted_is_what_is_gone_and_nothing_else(rows: list[tuple[str, str]]) -> None:
    gone = [
        lost(number, f"/m/{number}", state=state)
        for number, (state, _) in enumerate(rows)
    ]
    heaps = [
        frozenset(f"/m/{n}" for n, (_, word) in enumerate(rows) if word == letter)
        for letter in "pauo"
    ]
    before = judge(
        Losses(1, "M", 50, 50, tuple(gone)), witness=Witness(*heaps), given=0
    )
    after = before.accepted()
    kept = {one.file for one in after.deleted}
    for one, (state, word) in zip(gone, rows, strict=True):
        assert (one.file in kept) is (state == PURGED or word != "a")
    assert after.over_budget is bool(kept)
    assert after.losses.accepted == len(rows) - len(kept)


def test_a_mount_that_does_not_answer_proves_nothing() -> None:
    found = verdict(2, witness=Witness(unanswered=frozenset(["/m/1.mkv"])))
    assert found.doubtful
    assert "does not answer: Film 1" in explain(found)
    assert [row["present"] for row in deleted_rows(found)] == [None, None]


def test_the_message_names_the_first_titles_and_how_many_more() -> None:
    found = verdict(221, 224)
    assert explain(found, 2) == (
        "Movies: 221 of 224 items were deleted, the budget is 5: Film 0; Film 1;"
        " and 219 more"
    )
    assert titles([lost(1, "/m/a.mkv"), lost(1, "/m/b.mkv")], 5) == "Film 1"
    assert titles([LostFile(1, "photo", "", "/m/a.jpg")], 5) == "/m/a.jpg"


def test_rows_for_the_caller() -> None:
    come = (NewFile(9, "/m/B/a.mkv", 10),)
    gone = (lost(1, "/m/A/a.mkv"), lost(2, "/m/b.mkv"))
    found = judge(Losses(7, "Movies", 50, 49, gone, come, accepted=3))
    assert [(row["id"], row["now"]) for row in renamed_rows(found)] == [
        (1, "/m/B/a.mkv")
    ]
    (row,) = deleted_rows(found)
    assert (row["section"], row["id"], row["title"]) == (7, 2, "Film 2")
    assert (row["file"], row["type"], row["state"]) == ("/m/b.mkv", "movie", "trashed")
    shown = as_dict(found)
    assert (shown["deleted"], shown["renamed"], shown["accepted"]) == (1, 1, 3)
    assert shown["message"] == ""
