# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of the media: every file that home saw, and what happened to it since.

Pure: from the catalogue to two generations of paths (relative to the media root) and to the
differences that a right run must find. Nothing here is typed twice: expectations come out
of the same operations that make the second generation.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from cloudburst_lab.config import SECTIONS
from cloudburst_lab.media.assets import UNREADABLE, Asset, library
from cloudburst_lab.media.changes import CHANGES, Change

#: Leaf item of each section type, as the counts of Plex name them.
LEAF = {"movie": "movie", "show": "episode", "artist": "track", "photo": "photo"}
#: Kinds of files that are no item of their own.
SIDECARS = frozenset({"cover", "subtitle"})
#: Modification time of every S3 folder under rclone >= 1.63 (scaleway-rclone B1).
FOLDER_MTIME = 946_684_800
SEEN_MTIME = 1_614_592_800  # 2021-03-01, counted up per file
NOW_MTIME = 1_793_527_200  # 2026-11-01: what changed since


@dataclass(frozen=True)
class Outcome:
    """The differences of one section, media files only, paths relative to the root."""

    new: tuple[str, ...]
    renamed: Mapping[str, str]
    removed: tuple[str, ...]
    unreadable: tuple[str, ...]
    new_folders: tuple[str, ...]  # directly below the location: a plain scan finds them


@dataclass(frozen=True)
class Plan:
    """Both generations (path -> asset) and the differences per section."""

    seen: Mapping[str, Asset]
    now: Mapping[str, Asset]
    outcomes: Mapping[str, Outcome]

    @property
    def assets(self) -> list[Asset]:
        """Every file that has to be made, once, in a fixed order."""
        unique = {
            asset.path: asset for asset in (*self.seen.values(), *self.now.values())
        }
        return sorted(unique.values(), key=lambda asset: asset.seed)

    def key(self, recipe: str) -> str:
        """Short hash of what is made and how (``recipe``): the name in the cache."""
        what = [recipe, [asdict(asset) for asset in self.assets], sorted(self.now)]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]

    def mtime(self, path: str, generation: str) -> int:
        """Modification time (epoch seconds) of a file; a renamed object is a new one."""
        tree = self.seen if generation == "seen" else self.now
        asset = tree[path]
        fresh = self.seen.get(path) != asset
        return (NOW_MTIME if fresh else SEEN_MTIME) + 3607 * asset.seed


def is_media(asset: Asset) -> bool:
    """Does the file become an item in Plex?"""
    return asset.kind not in SIDECARS


def section_of(path: str) -> str:
    return path.split("/", 1)[0]


def count(paths: Iterable[str], assets: Mapping[str, Asset]) -> dict[str, int]:
    """Leaf items by type; all four types are always there (L28)."""
    types = dict(SECTIONS)
    found = Counter(LEAF[types[section_of(p)]] for p in paths if is_media(assets[p]))
    return {leaf: found[leaf] for leaf in LEAF.values()}


def make_plan() -> Plan:
    """Return the one plan of the reference library."""
    seeds = iter(range(1, 100_000))
    seen = {a.path: replace(a, seed=next(seeds)) for a in library()}
    now = dict(seen)
    outcomes = {}
    for section, _ in SECTIONS:
        change = CHANGES[section]
        fresh = tuple(replace(asset, seed=next(seeds)) for asset in change.new)
        outcomes[section] = _apply(section, now, replace(change, new=fresh))
    return Plan(seen, now, outcomes)


def _apply(section: str, tree: dict[str, Asset], change: Change) -> Outcome:
    before = {path for path in tree if section_of(path) == section}
    removed = [p for name in change.removed for p in _below(before, section, name)]
    renamed = {
        path: f"{section}/{new}" + path[len(f"{section}/{old}") :]
        for old, new in change.renamed.items()
        for path in _below(before, section, old)
    }
    media = {p for p in before if is_media(tree[p])}
    for path in removed:
        del tree[path]
    for old, new in renamed.items():
        tree[new] = tree.pop(old)
    for asset in change.new:
        if asset.path in tree:
            raise ValueError(f"{asset.path} is not new")
        tree[asset.path] = asset
    fresh = [asset.path for asset in change.new if is_media(asset)]
    tops = {path.split("/")[1] for path in before if path.count("/") > 1}
    return Outcome(
        new=tuple(sorted(fresh)),
        renamed={old: new for old, new in sorted(renamed.items()) if old in media},
        removed=tuple(sorted(media & set(removed))),
        unreadable=tuple(
            p for p in UNREADABLE if p in tree and section_of(p) == section
        ),
        new_folders=tuple(
            sorted({p.split("/")[1] for p in fresh if p.count("/") > 1} - tops)
        ),
    )


def _below(paths: Iterable[str], section: str, name: str) -> list[str]:
    """The file of that name, or all files below the folder of that name."""
    full = f"{section}/{name}"
    found = sorted(p for p in paths if p == full or p.startswith(full + "/"))
    if not found:
        raise ValueError(f"nothing in the plan is called {full}")
    return found
