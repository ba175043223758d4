# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Path prefixes: whole components, longest first, no chaining (L25)."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.module_utils._paths import (
    PathMappingError,
    common_root,
    is_under,
    path_map,
    path_map_from,
    prefix_range,
)

CHAIN = [("/a", "/b"), ("/b", "/c")]
NESTED = [("/media", "/x"), ("/media/music", "/y")]


@pytest.mark.parametrize(
    ("pairs", "path", "expected"),
    [
        ([("/media/music", "/mnt/a")], "/media/music/x.mp3", "/mnt/a/x.mp3"),
        ([("/media/music", "/mnt/a")], "/media/music", "/mnt/a"),
        ([("/media/music", "/mnt/a")], "/media/music2/x.mp3", "/media/music2/x.mp3"),
        ([("/media/music", "/mnt/a")], "/old/media/music/x", "/old/media/music/x"),
        ([("/m", "/n")], "/m/old/m/x", "/n/old/m/x"),
        ([("/Media", "/n")], "/media/x", "/media/x"),
        ([("/m_x", "/n")], "/mAx/y", "/mAx/y"),
        ([("/m%", "/n")], "/mother/y", "/mother/y"),
        ([("/m%_", "/n")], "/m%_/y", "/n/y"),
        ([("/d'a", "/l'é")], "/d'a/y", "/l'é/y"),
        ([("/m/", "/n//o/")], "/m/y", "/n/o/y"),
        (CHAIN, "/a/x", "/b/x"),
        (CHAIN, "/b/x", "/c/x"),
        ([("/a", "/b"), ("/b", "/a")], "/a/x", "/b/x"),
        (NESTED, "/media/music/x", "/y/x"),
        (NESTED, "/media/films/x", "/x/films/x"),
        ([("/", "/media/plex")], "/Movies/x", "/media/plex/Movies/x"),
        ([("/media/plex", "/")], "/media/plex/Movies/x", "/Movies/x"),
        ([("/media/plex", "/")], "/media/plex", "/"),
        ([], "/x", "/x"),
    ],
)
def test_apply(pairs: list[tuple[str, str]], path: str, expected: str) -> None:
    assert path_map(pairs).apply(path) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("file:///m%20x/a%20b.srt", "file:///n%27%20%25/a%20b.srt"),
        ("file:///m x/a.srt", "file:///n%27%20%25/a.srt"),
        ("file:///m%20x", "file:///n%27%20%25"),
        ("file:///m%20x2/a.srt", "file:///m%20x2/a.srt"),
        ("file:///%6D%20x/%61.srt", "file:///n%27%20%25/%61.srt"),
        ("blob://m x/a", "blob://m x/a"),
        ("file://host/m x/a", "file://host/m x/a"),
        ("", ""),
    ],
)
def test_apply_url_keeps_the_spelling_below_the_prefix(url: str, expected: str) -> None:
    assert path_map([("/m x", "/n' %")]).apply_url(url) == expected


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({"media": "/x"}, "'media'"),
        ({"/x": "D:\\Media"}, "D:"),
        ({"/x/../y": "/z"}, "never occur"),
        ([("/a", "/b")], "from and to"),
        ([{"from": "/a"}], "from and to"),
        ([{"from": "/a", "to": "/b"}, {"from": "/a/", "to": "/c"}], "given twice"),
        ("/a:/b", "str"),
        ({"/a": None}, "None"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(data: object, named: str) -> None:
    with pytest.raises(PathMappingError, match=named.replace("\\", "\\\\")):
        path_map_from(data)


def test_both_forms_say_the_same() -> None:
    listed = path_map_from([{"from": "/a", "to": "/b"}, {"from": "/c", "to": "/d"}])
    assert listed == path_map_from({"/c": "/d", "/a": "/b"})


@pytest.mark.parametrize(
    ("pairs", "repeats"),
    [
        (CHAIN, True),
        ([("/a", "/a/b")], True),
        ([("/", "/x")], True),
        ([("/a", "/b")], False),
        ([("/a/b", "/a")], False),
        ([("/a", "/a")], False),
    ],
)
def test_whether_a_repeat_could_match_again(
    pairs: list[tuple[str, str]], repeats: bool
) -> None:
    assert path_map(pairs).repeats_differ is repeats


@pytest.mark.parametrize(
    ("paths", "root"),
    [
        (["/media/plex/Movies", "/media/plex/TV Shows"], "/media/plex"),
        (["/media/plex/Movies"], "/media/plex/Movies"),
        (["/a/x", "/b/x"], "/"),
        (["/media/plexus/a", "/media/plex/b"], "/media"),
    ],
)
def test_common_root(paths: list[str], root: str) -> None:
    assert common_root(paths) == root


NAMES = st.text(st.sampled_from("ab'%_ é0/"), min_size=1, max_size=3).map(
    lambda text: text.replace("/", "") or "a"
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
PAIRS = st.dictionaries(PATHS, PATHS, max_size=4).map(lambda data: list(data.items()))


@given(PAIRS, PATHS)
def test_only_the_longest_prefix_changes_and_only_once(
    pairs: list[tuple[str, str]], path: str
) -> None:
    matching = [(old, new) for old, new in pairs if is_under(path, old)]
    result = path_map(pairs).apply(path)
    if not matching:
        assert result == path
        return
    old, new = max(matching, key=lambda pair: len(pair[0]))
    assert result == new + path[len(old) :]


@given(PATHS, PATHS)
def test_the_range_holds_exactly_what_is_below(path: str, prefix: str) -> None:
    low, high = prefix_range(prefix)
    in_range = low.encode() <= path.encode() < high.encode()
    assert (in_range or path == prefix) == is_under(path, prefix)


@given(PAIRS, PATHS)
def test_urls_map_as_their_paths_do(pairs: list[tuple[str, str]], path: str) -> None:
    mapping = path_map(pairs)
    url = mapping.apply_url("file://" + quote(path))
    assert unquote(url) == "file://" + mapping.apply(path)


@given(PATHS, PATHS, PATHS)
def test_reversed_brings_back(old: str, new: str, rest: str) -> None:
    mapping = path_map([(old, new)])
    assert mapping.reversed().apply(mapping.apply(old + rest)) == old + rest
