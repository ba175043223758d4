# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of the database against a tree on disk, and against one that hangs (L11, L26)."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    read_only,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_paths import (
    KnownFile,
    KnownFolders,
    count_outside,
    known_folders,
    sample_files,
    selected_sections,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._path_check import (
    FolderComparison,
    LocationReport,
    check_location,
    host_path,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._path_probe import (
    LIST,
    NOT_ASKED,
    READ,
    STAT,
    TIMEOUT,
    Answer,
    Prober,
    Request,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import (
    PathMap,
    path_map,
)
from cloudburst_lab.plex_schema import Pair


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Music on a mount: two albums."""
    root = tmp_path / "mount"
    for album in ("Old", "New"):
        for number in range(4):
            file = root / "Music" / "Björk" / album / f"{number}.mp3"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"x")
            os.utime(file, (1000 + number, 1000 + number))
    (root / "Music" / ".hidden").mkdir()
    (root / "Music" / ".hidden" / "x.mp3").write_bytes(b"x")
    (root / "Music" / "Scans").mkdir()
    (root / "Music" / "Scans" / "cover.txt").write_bytes(b"x")
    return root


@pytest.fixture
def root_map(tree: Path) -> PathMap:
    return path_map([("/media/plex", str(tree))])


def report(path: str = "/media/plex/Music", total: int = 8) -> LocationReport:
    return LocationReport(4, "Music", path, total=total)


def known(*names: str, mtime: int | None = None) -> list[KnownFile]:
    return [KnownFile(f"/media/plex/Music/Björk/{name}", mtime) for name in names]


def test_present_and_missing_are_counted(root_map: PathMap) -> None:
    found = report()
    files = known("Old/0.mp3", "Old/1.mp3", "Older/0.mp3", "Old/0.mp3/impossible")
    check_location(found, files, root_map, Prober(5))
    assert found.reachable
    assert (found.sampled, found.present, found.missing) == (4, 2, 2)
    assert found.missing_share == 0.5
    assert "/media/plex/Music/Björk/Older/0.mp3" in found.examples


def test_times_that_differ_are_shown(root_map: PathMap) -> None:
    found = report()
    files = [*known("Old/0.mp3", mtime=1001), *known("Old/1.mp3", mtime=9999)]
    files += known("Old/2.mp3", mtime=None)
    check_location(found, files, root_map, Prober(5))
    drift = found.mtime_drift
    assert (drift.compared, drift.drifted) == (2, 1)
    assert "9999 in the database, 1001 on the mount" in drift.examples[0]


@pytest.mark.parametrize(
    ("path", "total", "reason"),
    [
        ("/elsewhere/Music", 8, "outside every mount"),
        ("/media/plexus/Music", 8, "outside every mount"),
        ("/media/plex/None", 8, "No such file"),
        ("/media/plex/Music/Scans/cover.txt", 8, "Not a directory"),
        ("/media/plex/Empty", 8, "empty folder, but the library has 8 files"),
    ],
)
def test_a_location_that_is_not_there_says_why_and_counts_nothing(
    tree: Path, root_map: PathMap, path: str, total: int, reason: str
) -> None:
    (tree / "Empty").mkdir()
    found = report(path, total)
    check_location(found, known("Old/0.mp3"), root_map, Prober(5))
    assert not found.reachable
    assert reason in found.reason
    assert (found.sampled, found.missing_share) == (0, None)


def test_an_empty_location_of_an_empty_library_is_fine(
    tree: Path, root_map: PathMap
) -> None:
    (tree / "Empty").mkdir()
    found = report("/media/plex/Empty", 0)
    check_location(found, [], root_map, Prober(5))
    assert found.reachable


# The child of the probe, with a file system in which some paths hang.
HANGING = """
import os as _os, time as _time
_stat, _scandir = _os.stat, _os.scandir
def _slow(path):
    if _os.path.basename(str(path)).startswith("hang"):
        _time.sleep(60)
def _new_stat(path, *rest, **more):
    _slow(path)
    return _stat(path, *rest, **more)
def _new_scandir(path):
    _slow(path)
    return _scandir(path)
_os.stat, _os.scandir = _new_stat, _new_scandir
"""


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "ansible_collections.cloudburst.plex.plugins.module_utils._path_probe"
    child = __import__(name, fromlist=["CHILD"]).CHILD
    monkeypatch.setattr(f"{name}.CHILD", HANGING + child)


def test_what_hangs_is_neither_there_nor_missing(
    root_map: PathMap, hanging: None
) -> None:
    found = report()
    files = known("Old/0.mp3", "hang", "Old/1.mp3", "None/1.mp3")
    begin = time.monotonic()
    check_location(found, files, root_map, Prober(0.5))
    assert time.monotonic() - begin < 5
    assert (found.present, found.missing, found.unanswered) == (2, 1, 1)
    assert not found.reachable
    assert "1 of 4 files could not be looked up" in found.reason
    assert found.missing_share == 0.3333


def test_a_mount_that_hangs_throughout_is_given_up(hanging: None) -> None:
    prober = Prober(0.3, workers=2, hangs=3)
    answers: list[Answer] = []
    begin = time.monotonic()
    prober.run(deque(Request(STAT, f"/hang{n}") for n in range(50)), answers.append)
    assert time.monotonic() - begin < 5
    assert prober.given_up
    assert len(answers) == 50
    assert {answer.error for answer in answers} == {TIMEOUT, NOT_ASKED}
    assert all(answer.unknown for answer in answers)


def test_names_that_are_no_text_survive(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 'n' \"x\"\n.mp3")
    (tmp_path / name).write_bytes(b"abc")
    answers: list[Answer] = []
    requests = deque(
        [Request(LIST, str(tmp_path)), Request(STAT, f"{tmp_path}/{name}")]
    )
    Prober(5).run(requests, answers.append)
    by_op = {answer.request.op: answer for answer in answers}
    assert by_op[LIST].files == (name,)
    assert by_op[STAT].size == 3


def test_read_is_seen_only_where_a_byte_can_be_read(tree: Path) -> None:
    album = tree / "Music" / "Björk" / "Old"
    (album / "empty.mp3").touch()
    names = ("0.mp3", "none.mp3", "empty.mp3", "../Old")
    answers: dict[str, Answer] = {}
    waiting = deque(Request(READ, str(album / name)) for name in names)
    Prober(5).run(
        waiting, lambda one: answers.update({Path(one.request.path).name: one})
    )
    assert answers["0.mp3"].seen and answers["0.mp3"].size == 1
    assert answers["none.mp3"].absent
    assert answers["Old"].unknown and answers["empty.mp3"].unknown


def test_a_read_that_hangs_is_unknown(tree: Path, hanging: None) -> None:
    (tree / "hang.mp3").write_bytes(b"x")
    answers: list[Answer] = []
    waiting = deque([Request(READ, str(tree / "hang.mp3"))])
    Prober(0.3).run(waiting, answers.append)
    assert answers[0].unknown and answers[0].error == TIMEOUT


Compare = Callable[..., FolderComparison]


@pytest.fixture
def compare(tree: Path) -> Compare:
    def make(files: dict[str, set[str]], names: set[str]) -> FolderComparison:
        folders = KnownFolders(files, names)
        host = str(tree / "Music")
        return FolderComparison(4, "/media/plex/Music", host, folders)

    return make


ALBUM = {f"{number}.mp3" for number in range(4)}
NAMES = {"", "Björk", "Björk/Old", "Björk/New"}


def test_equal_folders_are_neither_stale_nor_unknown(compare: Compare) -> None:
    found = compare({"Björk/Old": ALBUM, "Björk/New": ALBUM}, NAMES).walk(Prober(5), 30)
    assert (found.stale, found.unknown, found.complete) == ([], [], True)
    assert found.missing == []
    # Hidden folders are passed over, folders without media do not matter.
    assert found.visited == 5


def test_a_renamed_folder_is_stale_and_its_new_name_unknown(compare: Compare) -> None:
    before = {"Bjork/Old": ALBUM, "Bjork/New": ALBUM}
    found = compare(before, {"", "Bjork", "Bjork/Old", "Bjork/New"}).walk(Prober(5), 30)
    stale = [(item.path, item.files, item.missing) for item in found.stale]
    root = "/media/plex/Music"
    assert stale == [(f"{root}/Bjork/New", 4, 4), (f"{root}/Bjork/Old", 4, 4)]
    # The topmost only: one refresh takes all below.
    assert [(item.path, item.files) for item in found.unknown] == [(f"{root}/Björk", 8)]


def test_a_nested_new_folder_is_unknown(compare: Compare) -> None:
    found = compare({"Björk/Old": ALBUM}, NAMES - {"Björk/New"}).walk(Prober(5), 30)
    assert [item.path for item in found.unknown] == ["/media/plex/Music/Björk/New"]
    assert found.stale == []


def test_a_known_folder_with_unknown_media_is_unknown_by_these(
    compare: Compare,
) -> None:
    fewer = ALBUM - {"3.mp3"}
    found = compare({"Björk/Old": fewer, "Björk/New": ALBUM}, NAMES).walk(Prober(5), 30)
    unknown = [(item.path, item.files) for item in found.unknown]
    assert unknown == [("/media/plex/Music/Björk/Old", 1)]
    assert found.stale == []


@pytest.mark.parametrize(("gone", "stale"), [(1, 0), (4, 0), (5, 1)])
def test_stale_is_more_than_half(compare: Compare, gone: int, stale: int) -> None:
    files = ALBUM | {f"gone{number}.mp3" for number in range(gone)}
    found = compare({"Björk/Old": files, "Björk/New": ALBUM}, NAMES).walk(Prober(5), 30)
    assert len(found.stale) == stale
    # A folder of which any file is gone is one that no scan looked at.
    (missing,) = found.missing
    assert (missing.path, missing.missing) == ("/media/plex/Music/Björk/Old", gone)


def test_what_could_not_be_listed_is_not_called_stale(
    compare: Compare, tree: Path, hanging: None
) -> None:
    (tree / "Music" / "hang").mkdir()
    files = {"hang/Album": ALBUM, "hang": ALBUM, "gone": ALBUM, "Björk/Old": ALBUM}
    found = compare(files, NAMES).walk(Prober(0.5), 30)
    assert not found.complete
    assert list(found.incomplete) == ["/media/plex/Music/hang"]
    assert found.incomplete["/media/plex/Music/hang"]
    assert [item.path for item in found.stale] == ["/media/plex/Music/gone"]
    assert found.missing == found.stale


def test_a_comparison_ends_in_time_and_says_so(
    compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = compare({"Björk/Old": ALBUM}, NAMES).walk(Prober(5), 0.0)
    assert not found.complete
    assert list(found.incomplete) == ["/media/plex/Music"]
    assert found.stale == []


def test_the_database_tells_its_paths(pair: Pair) -> None:
    with read_only(str(pair.library)) as connection:
        (music,) = selected_sections(connection, [4])
        total, sample = sample_files(connection, 4, "/media/plex/Music", 10, seed=1)
        assert (total, len(sample)) == (50, 10)
        again = sample_files(connection, 4, "/media/plex/Music", 10, seed=1)
        assert again == (total, sample)
        assert all(item.mtime == 1_700_000_000 for item in sample)
        assert sample_files(connection, 4, "/media/plex/M2", 10, seed=1)[0] == 10
        folders = known_folders(connection, 4, "/media/plex/Music")
        assert folders.knows("Artist 1/Album 1")
        assert not folders.knows("Artist 9")
        assert sum(map(len, folders.files.values())) == 50
        assert count_outside(connection, music) == 0
        assert len(selected_sections(connection, [])) == 5


def test_an_unknown_section_is_refused_with_those_that_exist(pair: Pair) -> None:
    unknown = pytest.raises(DbError, match=r"section id 9 .* 1 \(Movies\)")
    with read_only(str(pair.library)) as connection, unknown:
        selected_sections(connection, [1, 9])


def test_files_below_no_location_are_counted(pair: Pair) -> None:
    with read_only(str(pair.library)) as connection:
        (music,) = selected_sections(connection, [4])
        without_second = type(music)(
            **{**vars(music), "locations": music.locations[:1]}
        )
        assert count_outside(connection, without_second) == 10


def test_host_path(root_map: PathMap, tree: Path) -> None:
    assert host_path("/media/plex/a", root_map) == f"{tree}/a"
    assert host_path("/other/a", root_map) == ""
