# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files the guard's loop reads, and what it makes of those that it does not get."""

from __future__ import annotations

import errno
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils import _guard_eyes
from ansible_collections.cloudburst.plex.plugins.module_utils._guard_targets import (
    CANARY_PAUSE,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_canary import (
    canary_path,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._mount_read import (
    read_block,
)
from tests.support.guard_bench import SIZE, Bench, begun


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with begun(tmp_path) as made:
        yield made


def test_the_first_proof_has_bytes_of_the_store(bench: Bench) -> None:
    """A store that lists and delivers nothing is not proven by its list."""
    bench.store.refused = {canary_path("c")}
    bench.until(lambda: bench.service.sight.failures > 0)
    assert bench.service.sight.proofs == 0


def test_a_canary_that_is_deleted_is_no_fence(bench: Bench) -> None:
    """By the bucket's owner: FUSE and the store both say so, and it may come back."""
    bench.until(bench.watching)
    bench.store.gone = {canary_path("c")}
    bench.canary.unlink()
    targets = bench.service.eyes.targets
    bench.until(lambda: targets.media != {})
    proofs = bench.service.guard.proofs
    bench.until(lambda: bench.service.guard.proofs > proofs + 2)
    assert bench.names() == ["started"]
    bench.write(bench.data)
    bench.store.gone = set()
    targets.rounds += CANARY_PAUSE
    assert targets.choose(random.Random(1)).store == targets.canary


def test_a_file_that_only_fuse_does_not_know_is_a_fence(bench: Bench) -> None:
    bench.until(bench.watching)
    bench.canary.unlink()
    bench.until(lambda: bench.service.guard.fenced)
    fenced = next(x for x in bench.events() if x["event"] == "fenced")
    assert fenced["verdict"] == "absent"
    assert "although the store has it" in fenced["message"]


@pytest.mark.parametrize("canary", [True, False])
def test_an_empty_tree_is_a_fence(bench: Bench, canary: bool) -> None:
    """Mounted, nothing is listed, and the store has it all."""
    if not canary:
        bench.service.eyes.targets.canary = None
    bench.until(bench.watching)
    shutil.rmtree(bench.film.parent)
    shutil.rmtree(bench.canary.parent)
    bench.until(lambda: bench.service.guard.fenced)
    fenced = next(x for x in bench.events() if x["event"] == "fenced")
    assert fenced["verdict"] == "absent"
    assert [x for x in bench.events() if "is gone" in x.get("message", "")] == []


def test_a_store_that_knows_nothing_any_more_is_a_fence(bench: Bench) -> None:
    """Emptied, or not the same one: one file may go, and not one after the other."""
    bench.until(bench.watching)
    shutil.rmtree(bench.canary.parent)
    for number in range(9):
        (bench.film.parent / f"{number}").write_bytes(b"x")
        bench.service.eyes.targets.learn(f"Movies/{number}", 1)
    shutil.rmtree(bench.film.parent)
    bench.store.missing = True
    bench.until(lambda: bench.service.guard.fenced)


@pytest.mark.parametrize("hangs", [True, False])
def test_media_that_no_cache_has_are_read_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    """The canary comes from the disk, and what does not hangs, or errs."""
    bench.until(bench.watching)

    def read(path: str, *more: Any) -> dict[str, Any]:
        if path.endswith("film.mkv"):
            time.sleep(60 if hangs else 0)
            raise OSError(errno.EIO, "Input/output error", path)
        return read_block(path, *more)

    monkeypatch.setattr(_guard_eyes, "read_block", read)
    bench.hurry()
    bench.media_next()
    bench.until(lambda: bench.service.guard.fenced)
    fenced = next(x for x in bench.events() if x["event"] == "fenced")
    assert fenced["verdict"] == "wedged"


@pytest.mark.parametrize("name", ["film", "canary"])
def test_one_file_that_the_store_refuses_is_no_bad_mount(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An archived object is listed and not given. A canary is never one."""
    bench.until(bench.watching)

    def read(path: str, *more: Any) -> dict[str, Any]:
        if name in path:
            raise OSError(errno.EIO, "Input/output error", path)
        return read_block(path, *more)

    bench.store.refused = {"Movies/film.mkv"}
    monkeypatch.setattr(_guard_eyes, "read_block", read)
    bench.media_next()
    if name == "canary":
        bench.until(lambda: bench.service.guard.fenced)
        return
    told = "Movies/film.mkv is not given by the store"
    bench.until(lambda: any(told in x.get("message", "") for x in bench.events()))
    proofs = bench.service.guard.proofs
    bench.until(lambda: bench.service.guard.proofs > proofs + 1)
    assert bench.names() == ["started"]


def test_a_fence_that_media_caused_is_lifted_by_media_only(bench: Bench) -> None:
    bench.until(bench.watching)
    away = bench.folder / "away"
    bench.film.rename(away)
    bench.media_next()
    bench.until(lambda: bench.service.guard.fenced)
    proofs = bench.service.guard.proofs
    bench.until(lambda: bench.service.guard.proofs > proofs + 4)
    assert bench.service.guard.fenced, "the canary alone has lifted it"
    away.rename(bench.film)
    bench.until(bench.watching)


def test_a_read_of_nothing_is_a_fence(bench: Bench) -> None:
    bench.until(bench.watching)
    bench.write(b"")
    bench.until(lambda: bench.service.guard.fenced)
    assert bench.service.guard.verdict == "backend_down"


def test_half_a_canary_is_a_fence(bench: Bench) -> None:
    """All the bytes that it has are right."""
    bench.until(bench.watching)
    bench.write(bench.data[: SIZE // 2])
    bench.until(lambda: bench.service.guard.fenced)
