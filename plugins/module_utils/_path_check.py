# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: do the paths of the database exist on the mount?

Every location of every selected section (L26), by sample (L11); and, when asked, which
folders of the database are stale and which on the mount are unknown to it (L54, L89).
What could not be looked up is counted apart: unknown is neither there nor missing.
"""

from __future__ import annotations

import posixpath
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._db_paths import (
    KnownFile,
    KnownFolders,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._path_probe import (
    LIST,
    STAT,
    Answer,
    Prober,
    Request,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import PathMap

_EXAMPLES = 5
# Some file systems keep even seconds only.
_MTIME_TOLERANCE = 2
_IGNORED = ("@eaDir", "lost+found", "#recycle")
MEDIA_SUFFIXES = (
    "3gp aac aif aiff alac ape asf avi bmp cue dsf flac flv gif heic heif jpeg jpg m2ts"
    " m4a m4b m4v mka mkv mov mp3 mp4 mpeg mpg mts oga ogg ogm ogv opus png raw tif tiff"
    " ts vob wav webm webp wma wmv wv"
)
MEDIA = frozenset(MEDIA_SUFFIXES.split())


@dataclass
class MtimeDrift:
    """How far times on the mount are from those in the database (L85)."""

    compared: int = 0
    drifted: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class LocationReport:
    """What was found out about one location. ``None`` means: not known."""

    section: int
    name: str
    path: str
    host_path: str = ""
    reachable: bool = False
    reason: str = ""
    total: int = 0
    sampled: int = 0
    present: int = 0
    missing: int = 0
    unanswered: int = 0
    missing_share: float | None = None
    examples: list[str] = field(default_factory=list)
    mtime_drift: MtimeDrift = field(default_factory=MtimeDrift)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Folder:
    """A folder that differs between database and mount; the path is the database's.

    ``files`` of a stale folder are those in the database, of which ``missing`` are not on
    the mount; ``files`` of an unknown one are the media that the database does not have.
    """

    section: int
    path: str
    files: int
    missing: int = 0


@dataclass
class FolderReport:
    """The comparison of all folders of one location."""

    stale: list[Folder] = field(default_factory=list)
    # Every folder with a live file that is not on the mount; the stale ones as well.
    missing: list[Folder] = field(default_factory=list)
    unknown: list[Folder] = field(default_factory=list)
    complete: bool = True
    visited: int = 0
    # Folders that could not be compared, with the reason; the paths are the database's.
    incomplete: dict[str, str] = field(default_factory=dict)


def host_path(path: str, root_map: PathMap) -> str:
    """Where a path of the database is on this host; empty when outside every mount."""
    mapping = root_map.find(path)
    return mapping.apply(path) if mapping else ""


def check_location(
    report: LocationReport, sample: list[KnownFile], root_map: PathMap, prober: Prober
) -> None:
    """Look at the root of a location, then at its sample."""
    report.host_path = host_path(report.path, root_map)
    if not report.host_path:
        report.reason = "is outside every mount: no entry of root_map leads to it"
        return
    roots: list[Answer] = []
    prober.run(deque([Request(LIST, report.host_path)]), roots.append)
    report.reason = _why_unreachable(roots[0], report.total)
    report.reachable = not report.reason
    if report.reachable:
        _look_at_sample(report, sample, root_map, prober)


def _why_unreachable(root: Answer, total: int) -> str:
    if not root.seen:
        return f"cannot be listed: {root.error}"
    if total and not root.dirs and not root.files:
        # An unmounted mount point is an empty folder (plex-facts §2.5).
        return f"is an empty folder, but the library has {total} files there"
    return ""


def _look_at_sample(
    report: LocationReport, sample: list[KnownFile], root_map: PathMap, prober: Prober
) -> None:
    known = {host_path(item.path, root_map): item for item in sample}

    def receive(answer: Answer) -> None:
        _count(report, known[answer.request.path], answer)

    prober.run(deque(Request(STAT, path) for path in known), receive)
    report.sampled = report.present + report.missing
    if report.sampled:
        report.missing_share = round(report.missing / report.sampled, 4)
    if report.unanswered:
        report.reachable = False
        report.reason = (
            f"{report.unanswered} of {len(known)} files could not be looked up in time"
        )


def _count(report: LocationReport, known: KnownFile, answer: Answer) -> None:
    if answer.unknown:
        report.unanswered += 1
        _example(report.examples, f"{known.path}: {answer.error}")
    elif answer.absent:
        report.missing += 1
        _example(report.examples, known.path)
    else:
        report.present += 1
        _compare_time(report.mtime_drift, known, answer)


def _compare_time(drift: MtimeDrift, known: KnownFile, answer: Answer) -> None:
    if known.mtime is None:
        return
    drift.compared += 1
    if abs(answer.mtime - known.mtime) > _MTIME_TOLERANCE:
        drift.drifted += 1
        text = (
            f"{known.path}: {known.mtime} in the database, {answer.mtime} on the mount"
        )
        _example(drift.examples, text)


def _example(examples: list[str], text: str) -> None:
    if len(examples) < _EXAMPLES:
        examples.append(text)


def is_media(name: str) -> bool:
    return name.rpartition(".")[2].lower() in MEDIA


def is_ignored(name: str) -> bool:
    return name.startswith(".") or name in _IGNORED


class FolderComparison:
    """Walks a location on the mount and compares it with the database."""

    def __init__(self, section: int, path: str, host: str, known: KnownFolders) -> None:
        self.section = section
        self.path = path
        self.host = host
        self.known = known
        self.report = FolderReport()
        self._visited: set[str] = set()
        self._failed: dict[str, str] = {}
        self._new: dict[str, int] = {}
        self._grown: dict[str, int] = {}

    def walk(self, prober: Prober, seconds: float) -> FolderReport:
        """Compare everything that can be listed in that time."""
        waiting: deque[Request] = deque([Request(LIST, self.host)])

        def receive(answer: Answer) -> None:
            waiting.extend(Request(LIST, item) for item in self.take(answer))

        prober.run(waiting, receive, until=time.monotonic() + seconds)
        return self.finish()

    def take(self, answer: Answer) -> list[str]:
        """Compare one listed folder; the folders below it."""
        folder = posixpath.relpath(answer.request.path, self.host)
        folder = "" if folder == "." else folder
        if answer.unknown:
            self._failed[folder] = answer.error
            return []
        if answer.absent:
            return []
        self._visited.add(folder)
        self._compare(folder, set(answer.files))
        names = sorted(name for name in answer.dirs if not is_ignored(name))
        return [posixpath.join(answer.request.path, name) for name in names]

    def _compare(self, folder: str, names: set[str]) -> None:
        known = self.known.files.get(folder, set())
        self._note_missing(folder, len(known), len(known - names))
        media = sum(1 for name in names - known if is_media(name))
        top = self._new_parent(folder)
        if top:
            self._new[top] += media
        elif not self.known.knows(folder):
            self._new[folder] = media
        else:
            # An object store's folders keep one time for ever, so Plex does not look into
            # a folder that it knows (scaleway-rclone B1).
            self._grown[folder] = media

    def _new_parent(self, folder: str) -> str:
        """The unknown folder that this one is below, if any: a refresh takes both."""
        while folder:
            folder = posixpath.dirname(folder)
            if folder in self._new:
                return folder
        return ""

    def _note_missing(self, folder: str, known: int, missing: int) -> None:
        item = Folder(self.section, self._absolute(folder), known, missing)
        if missing:
            self.report.missing.append(item)
        if missing * 2 > known:
            self.report.stale.append(item)

    def _absolute(self, folder: str) -> str:
        return posixpath.join(self.path, folder) if folder else self.path

    def finish(self) -> FolderReport:
        """Folders that were never met are stale, unless they could not be looked at."""
        report = self.report
        report.complete, report.visited = not self._failed, len(self._visited)
        report.incomplete = {self._absolute(k): v for k, v in self._failed.items()}
        for folder, names in self.known.files.items():
            if folder not in self._visited and not self._is_hidden(folder):
                self._note_missing(folder, len(names), len(names))
        report.unknown = [
            Folder(self.section, self._absolute(folder), media)
            for folder, media in sorted({**self._new, **self._grown}.items())
            if media
        ]
        for folders in (report.stale, report.missing):
            folders.sort(key=lambda item: item.path)
        return report

    def _is_hidden(self, folder: str) -> bool:
        """Below a folder that could not be listed, or that the walk passes over."""
        if any(is_ignored(part) for part in folder.split("/")):
            return True
        return any(
            not failed or folder == failed or folder.startswith(failed + "/")
            for failed in self._failed
        )
