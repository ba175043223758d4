# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: how the paths in the database meet the bucket.

The bucket's root is mounted at the *media root*, the folder that the paths of the
library begin with, so that they need no rewriting (the best remap is none). Which folder
that is follows from the locations and from what the bucket holds.
"""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._paths import (
    PathMap,
    clean_prefix,
    is_under,
)

#: the image's own folders: a bind over one of them would hide what Plex needs. The role
#: plex_docker has the same list, and links where the media's parent is on it.
OCCUPIED = (
    "/",
    "/bin",
    "/boot",
    "/config",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/transcode",
    "/usr",
    "/var",
)
#: occupied parents that a link to the media may be put into, like the image's own /data
LINKABLE = ("/", "/opt")
#: cannot give way to such a link: the tree's own place and what is never empty
TAKEN = ("/cloudburst", "/home", "/init")


class LayoutError(ValueError):
    """Paths and bucket do not fit; the text names them and says what to do."""


class Bucket:
    """The folders of a bucket down to some depth, as paths without a leading slash."""

    def __init__(self, directories: Iterable[str], depth: int) -> None:
        self._directories = {item.strip("/") for item in directories} - {""}
        self._depth = depth

    def holds(self, relative: str) -> bool:
        """Whether a folder is there, as far down as was listed; the root always is."""
        parts = [part for part in relative.split("/") if part]
        known = "/".join(parts[: self._depth])
        return not known or known in self._directories

    def depth_of(self, relative: str) -> int:
        """How many leading components of a path exist."""
        parts = [part for part in relative.split("/") if part]
        found = 0
        for number in range(1, min(len(parts), self._depth) + 1):
            if "/".join(parts[:number]) not in self._directories:
                break
            found = number
        return found

    def sample(self) -> str:
        """A few top-level folders for a message."""
        top = sorted({item.split("/")[0] for item in self._directories})
        return ", ".join(top[:8]) + (", …" if len(top) > 8 else "") or "no folders"


def relative_to(path: str, root: str) -> str:
    """A path below a root, without a leading slash; empty for the root itself."""
    return path[len(root) :].strip("/")


def ancestors(path: str) -> list[str]:
    """A path and every folder above it but the root, the deepest first."""
    parts = clean_prefix(path).strip("/").split("/")
    return ["/" + "/".join(parts[:n]) for n in range(len(parts), 0, -1) if parts[0]]


def infer_media_root(locations: Sequence[str], bucket: Bucket) -> str:
    """The one folder under which every location is found in the bucket.

    Of several, the one that explains the most with folders that were seen. A root at
    which nothing was seen would fit any bucket, the wrong one too, so it is only taken
    from the user.
    """
    cleaned = [clean_prefix(path) for path in locations]
    if not cleaned:
        raise LayoutError("no library has a location, so there is nothing to mount for")
    fitting: list[tuple[int, str]] = []
    for root in ancestors(posixpath.commonpath(cleaned)):
        parts = [relative_to(path, root) for path in cleaned]
        if all(bucket.holds(part) for part in parts):
            fitting.append((sum(bucket.depth_of(part) for part in parts), root))
    if fitting and max(fitting)[0] > 0:
        return max(fitting)[1]
    raise LayoutError(_no_root(cleaned, bucket))


def _no_root(locations: Sequence[str], bucket: Bucket) -> str:
    best = best_root(locations, bucket)
    strangers = locations
    if best:
        strangers = [path for path in locations if not fits(path, best, bucket)]
    listed = ", ".join(strangers[:5])
    hint = f"; the others lie below {best}" if best else ""
    return (
        f"location outside every mount: {listed} is not in the bucket (its folders:"
        f" {bucket.sample()}){hint}. Set path_mappings to say where it is now, leave its"
        " library out with sections, correct bucket, or, if the bucket itself is one"
        " library's folder, set media_root to that folder"
    )


def best_root(locations: Sequence[str], bucket: Bucket) -> str:
    """The root that the most locations agree on; empty when none finds any folder."""
    votes: dict[str, int] = {}
    for path in locations:
        for root in ancestors(path):
            part = relative_to(path, root)
            if part and bucket.holds(part):
                votes[root] = votes.get(root, 0) + 1
    return max(votes, key=lambda root: (votes[root], root)) if votes else ""


def fits(path: str, root: str, bucket: Bucket) -> bool:
    """Whether a location lies below the root and its folder is in the bucket."""
    return is_under(path, root) and bucket.holds(relative_to(path, root))


def check_media_root(root: str) -> str:
    """A root that can be mounted: its parent is bound (L07), or a link leads there."""
    cleaned = clean_prefix(root)
    private = [own for own in OCCUPIED if own not in LINKABLE]
    if (
        not cleaned
        or cleaned in (*OCCUPIED, *TAKEN)
        or any(is_under(cleaned, own) for own in private)
    ):
        name = cleaned.strip("/").replace("/", "-") or "media"
        raise LayoutError(
            f"the media root {cleaned or '/'} cannot be mounted: it belongs to the"
            " container itself. Map it, for example"
            f' path_mappings=\'{{"{cleaned or "/media"}": "/burst/{name}"}}\''
        )
    return cleaned


def uncovered(
    sections: Sequence[Mapping[str, Any]], root: str, bucket: Bucket
) -> list[str]:
    """One sentence per location that the mount does not have (L26)."""
    problems = []
    for section in sections:
        for path in section["locations"]:
            if not is_under(clean_prefix(path), root):
                problems.append(
                    f"location outside every mount: {path} of {section['name']} is not"
                    f" below {root}"
                )
            elif not fits(clean_prefix(path), root, bucket):
                problems.append(
                    f"{path} of {section['name']}: the bucket has no folder"
                    f" {relative_to(path, root)!r} (it has {bucket.sample()})"
                )
    return problems


def stray_targets(mappings: PathMap, root: str, bucket: Bucket) -> list[str]:
    """One sentence per mapping that leads to a path that is not on the mount."""
    problems = []
    for mapping in mappings.mappings:
        target = mapping.new
        if is_under(root, target) or fits(target, root, bucket):
            continue
        problems.append(
            f"path_mappings: {mapping.old} -> {target} is not a path on the mount"
            f" ({root} with {bucket.sample()})"
        )
    return problems


def select(
    sections: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[Mapping[str, Any]]:
    """The sections with these names, in the order asked for; all when none is named."""
    if not names:
        return list(sections)
    known = [str(section["name"]) for section in sections]
    chosen, unknown = [], []
    for name in dict.fromkeys(names):
        exact = [item for item in sections if item["name"] == name]
        found = exact or [s for s in sections if _same(str(s["name"]), name)]
        if not found:
            unknown.append(name)
        chosen += [item for item in found if item not in chosen]
    if unknown:
        raise LayoutError(_unknown_sections(unknown, known))
    return chosen


def _same(name: str, other: str) -> bool:
    return name.casefold() == other.casefold()


def _unknown_sections(unknown: Sequence[str], known: Sequence[str]) -> str:
    hints = []
    for name in unknown:
        near = difflib.get_close_matches(name, known, n=1)
        hints.append(f"{name!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
    return (
        f"sections: there is no library {', '.join(hints)}; the libraries are"
        f" {', '.join(known) or 'none at all'}"
    )


def _found_root(places: Sequence[str], mappings: PathMap, bucket: Bucket) -> str:
    """The inferred root; when there is none, a mapping that leads astray is named first."""
    try:
        return infer_media_root(places, bucket)
    except LayoutError as exc:
        astray = stray_targets(mappings, best_root(places, bucket), bucket)
        raise LayoutError("; ".join([*astray, str(exc)])) from exc


def _mapped(section: Mapping[str, Any], mappings: PathMap) -> dict[str, Any]:
    """A section with its locations, plain or as rows of the database, behind the map."""
    home = [
        str(item["path"]) if isinstance(item, Mapping) else str(item)
        for item in section["locations"]
    ]
    return {
        **section,
        "locations": [mappings.apply(path) for path in home],
        "home_locations": home,
    }


def arrange(
    sections: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    mappings: PathMap,
    media_root: str,
    bucket: Bucket,
) -> dict[str, Any]:
    """Selected sections with mapped locations and the media root, or all the problems."""
    chosen = [_mapped(section, mappings) for section in select(sections, names)]
    if not chosen:
        raise LayoutError("there is no library to work on")
    places = [path for section in chosen for path in section["locations"]]
    root = check_media_root(media_root or _found_root(places, mappings, bucket))
    problems = uncovered(chosen, root, bucket) + stray_targets(mappings, root, bucket)
    if problems:
        raise LayoutError(
            "; ".join(problems) + ". Correct path_mappings, media_root or bucket, or"
            " leave the library out with sections"
        )
    return {"sections": chosen, "media_root": root}
