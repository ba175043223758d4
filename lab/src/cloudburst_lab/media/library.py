# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The media on disk: made once into the cache, then laid out as two generations.

``<cache>/media-<key>/seen`` is what home's database knows, ``now`` what the bucket holds;
``expectations.json`` beside them lists the differences. The bucket (``s3root/media``) is a
copy of ``now`` that tests may change; ``reset()`` brings it back.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from cloudburst_lab.config import SECTIONS, LabConfig
from cloudburst_lab.media import render
from cloudburst_lab.media.assets import Asset
from cloudburst_lab.media.plan import (
    FOLDER_MTIME,
    Outcome,
    Plan,
    count,
    is_media,
    make_plan,
)


class MediaLibrary:
    """The reference library of the lab."""

    name = "media"

    def __init__(self, config: LabConfig) -> None:
        self.config = config

    @cached_property
    def plan(self) -> Plan:
        return make_plan()

    @cached_property
    def key(self) -> str:
        """Hash of plan and recipe; another key is another library."""
        return self.plan.key(render.RECIPE + self.config.media_root)

    @property
    def root(self) -> Path:
        return self.config.cache_dir / f"media-{self.key}"

    @property
    def seen(self) -> Path:
        """The files as home's database knows them."""
        return self.root / "seen"

    @property
    def now(self) -> Path:
        """The files that the bucket starts with."""
        return self.root / "now"

    @property
    def bucket(self) -> Path:
        """The folder behind the S3 bucket."""
        return self.config.s3_root / self.config.bucket

    @property
    def expectations(self) -> Path:
        """What a right run finds; ``CLOUDBURST_LAB_EXPECTATIONS``."""
        return self.config.state_dir / "expectations.json"

    @property
    def _seed(self) -> Path:
        """Which library the bucket was filled with (outside the bucket's folder)."""
        return self.config.run_dir / "bucket.key"

    def up(self) -> None:
        """Make what is missing; a bucket that was filled before is left as it is."""
        self.config.make_dirs()
        self.make()
        if not self._seeded():
            self.reset()
        self._write_expectations()

    def down(self) -> None:
        """Remove bucket and expectations; the cache stays."""
        shutil.rmtree(self.config.s3_root, ignore_errors=True)
        self.expectations.unlink(missing_ok=True)
        self._seed.unlink(missing_ok=True)

    def status(self) -> dict[str, object]:
        made, seeded = self.root.exists(), self._seeded()
        return {
            "running": seeded,
            "healthy": made and seeded and self.expectations.exists(),
            "made": made,
            "files": len(self.plan.now),
        }

    def make(self) -> Path:
        """Make both generations in the cache unless they are there; return their folder."""
        self.config.cache_dir.mkdir(parents=True, exist_ok=True)
        with _locked(self.config.cache_dir / ".media.lock"):
            if not self.root.exists():
                draft = self.config.cache_dir / f".media-{self.key}.draft"
                shutil.rmtree(draft, ignore_errors=True)
                self._make(draft)
                for stale in self.config.cache_dir.glob("media-*"):
                    shutil.rmtree(stale)  # of another plan or recipe
                draft.rename(self.root)
        return self.root

    def reset(self) -> None:
        """Fill the bucket anew with the current generation, whatever happened to it.

        The bucket's own folder stays the same one: home has it mounted.
        """
        fresh = self.config.state_dir / ".bucket.draft"
        old = self.config.state_dir / ".bucket.old"
        for place in (fresh, old):
            shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.now, fresh)
        old.mkdir()
        self._seed.unlink(missing_ok=True)  # from here on it is neither old nor new
        self.bucket.mkdir(parents=True, exist_ok=True)
        for child in list(self.bucket.iterdir()):
            child.rename(old / child.name)
        for child in list(fresh.iterdir()):
            child.rename(self.bucket / child.name)
        os.utime(self.bucket, (FOLDER_MTIME, FOLDER_MTIME))
        for place in (fresh, old):
            shutil.rmtree(place)
        self._seed.parent.mkdir(parents=True, exist_ok=True)
        self._seed.write_text(self.key, encoding="utf-8")

    def _seeded(self) -> bool:
        if not self.bucket.is_dir() or not self._seed.exists():
            return False
        return self._seed.read_text(encoding="utf-8") == self.key

    def _make(self, draft: Path) -> None:
        store = draft / "store"
        render.make_all(self.plan.assets, store)
        self._lay_out(draft / "seen", store, self.plan.seen, "seen")
        self._lay_out(draft / "now", store, self.plan.now, "now")
        shutil.rmtree(store)

    def _lay_out(
        self, root: Path, store: Path, tree: Mapping[str, Asset], generation: str
    ) -> None:
        for path, asset in tree.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(render.stored(asset, store), target)
            stamp = self.plan.mtime(path, generation)
            os.utime(target, (stamp, stamp))
        for folder, _, _ in os.walk(root, topdown=False):
            os.utime(folder, (FOLDER_MTIME, FOLDER_MTIME))

    # --- expectations --------------------------------------------------------------------
    def _write_expectations(self) -> None:
        text = json.dumps(self.expected(), indent=1, ensure_ascii=False) + "\n"
        self.expectations.write_text(text, encoding="utf-8")

    def expected(self) -> dict[str, Any]:
        """The differences per section, with the paths that the databases have."""
        plan = self.plan
        return {
            "format": 1,
            "key": self.key,
            "media_root": self.config.media_root,
            "counts": {
                "seen": count(plan.seen, plan.seen),
                "now": count(plan.now, plan.now),
            },
            "sections": {
                name: self._expected_of(name, kind, plan.outcomes[name])
                for name, kind in SECTIONS
            },
        }

    def _expected_of(self, name: str, kind: str, outcome: Outcome) -> dict[str, Any]:
        def own(tree: Mapping[str, Asset]) -> list[str]:
            return [
                p for p, a in tree.items() if p.startswith(name + "/") and is_media(a)
            ]

        return {
            "type": kind,
            "location": f"{self.config.media_root}/{name}",
            "new": [self.in_plex(path) for path in outcome.new],
            "renamed": {
                self.in_plex(old): self.in_plex(new)
                for old, new in outcome.renamed.items()
            },
            "removed": [self.in_plex(path) for path in outcome.removed],
            "unreadable": [self.in_plex(path) for path in outcome.unreadable],
            "new_folders": list(outcome.new_folders),
            "files": {"seen": len(own(self.plan.seen)), "now": len(own(self.plan.now))},
        }

    def in_plex(self, path: str) -> str:
        """The path of a file as Plex knows it."""
        return f"{self.config.media_root}/{path}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time make the library."""
    with path.open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
