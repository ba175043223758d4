# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rclone_remote_config: what the remote stands on travels, and no other key."""

from __future__ import annotations

import configparser

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cloudburst.plex.plugins.filter.rclone_remote_config import (
    FilterModule,
)

remote_config = FilterModule().filters()["rclone_remote_config"]

Dump = dict[str, dict[str, str]]


def parsed(text: str) -> Dump:
    """The text as a reader of rclone.conf takes it."""
    reader = configparser.RawConfigParser(delimiters=("=",), comment_prefixes=("#",))
    reader.optionxform = str  # type: ignore[assignment,method-assign]
    reader.read_string(text)
    return {name: dict(reader[name]) for name in reader.sections()}


BASES: Dump = {
    "s3": {"type": "s3", "secret_access_key": "x = y;%(z)s #1"},
    "my disk": {"type": "local"},
    "other": {"type": "s3", "secret_access_key": "not yours"},
}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"type": "crypt", "remote": "s3:media/secret"}, {"s3"}),
        ({"type": "alias", "remote": "my disk:films"}, {"my disk"}),
        ({"type": "alias", "remote": "/mnt/films"}, set()),
        ({"type": "alias", "remote": "s3,chunk_size=16M:media"}, {"s3"}),
        ({"type": "alias", "remote": 's3,endpoint="https://x:9":media'}, {"s3"}),
        ({"type": "union", "upstreams": "s3:a s3:b:ro"}, {"s3"}),
        ({"type": "union", "upstreams": '"my disk:x" s3:a'}, {"s3", "my disk"}),
        ({"type": "union", "upstreams": "s3,a=b:x my:y"}, {"s3"}),
        (
            {"type": "union", "upstreams": '"s3,e=""h:9"":x" "my disk:"'},
            {"s3", "my disk"},
        ),
        ({"type": "combine", "upstreams": "films=s3:films"}, {"s3"}),
        ({"type": "combine", "upstreams": '"a b=my disk:x" c=s3:'}, {"s3", "my disk"}),
        # Neither a path nor another option names a remote.
        ({"type": "crypt", "remote": "s3:a/other:b", "password": "other:"}, {"s3"}),
    ],
)
def test_ways_to_stand_on_another_remote(
    options: dict[str, str], expected: set[str]
) -> None:
    text = remote_config({**BASES, "top": options}, "top:x")
    assert set(parsed(text)) == {"top"} | expected
    assert "not yours" not in text


def test_remotes_that_stand_on_each_other_end() -> None:
    dump = {
        "a": {"type": "alias", "remote": "b:"},
        "b": {"type": "alias", "remote": "a:"},
    }
    assert set(parsed(remote_config(dump, "a:"))) == {"a", "b"}


@pytest.mark.parametrize(
    ("dump", "remote", "words"),
    [
        (BASES, "s4:media", r"bucket: .*'s4'.*my disk, other, s3"),
        (BASES, "", r"no remote ''"),
        ({}, "s3:media", r"it has: none"),
    ],
)
def test_unknown_remote_names_variable_and_remotes(
    dump: Dump, remote: str, words: str
) -> None:
    with pytest.raises(AnsibleFilterError, match=words) as caught:
        remote_config(dump, remote)
    assert "not yours" not in str(caught.value)


NAME = st.text("abcXYZ019_-.", min_size=1, max_size=5).filter(lambda x: x[0] not in "-")
VALUE = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["C", "Z"]),
    max_size=12,
)
GRAPH = st.dictionaries(NAME, st.lists(st.integers(0, 9), max_size=3), min_size=1)


def dump_of(graph: dict[str, list[int]], secret: str) -> tuple[Dump, Dump]:
    """Unions over the graph's edges, and the edges by name."""
    names = sorted(graph)
    edges = {
        name: {names[x % len(names)]: "" for x in below}
        for name, below in graph.items()
    }
    dump = {
        name: {
            "type": "union",
            "upstreams": " ".join(f"{x}:p" for x in below),
            "secret_key": secret,
        }
        for name, below in edges.items()
    }
    return dump, edges


def below(edges: Dump, start: str) -> set[str]:
    """All that can be reached, by repeated widening."""
    found = {start}
    while True:
        wider = found.union(*(edges[x] for x in found))
        if wider == found:
            return found
        found = wider


@given(GRAPH, VALUE, st.data())
def test_exactly_what_can_be_reached_travels_unchanged(
    graph: dict[str, list[int]], secret: str, data: st.DataObject
) -> None:
    dump, edges = dump_of(graph, secret)
    start = data.draw(st.sampled_from(sorted(dump)))
    wanted = below(edges, start)
    result = parsed(remote_config(dump, f"{start}:media"))
    assert result == {name: dump[name] for name in wanted}
