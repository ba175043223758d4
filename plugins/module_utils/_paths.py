# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: old prefix to new prefix, by whole path components.

The rules (L25): a prefix ends at a slash or at the end of the path, the longest prefix
wins, and the result of one mapping is never the input of another.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote

FILE_URL = "file://"


class PathMappingError(ValueError):
    """A mapping that cannot be meant. The text names it and says what to do."""


def clean_prefix(path: str) -> str:
    """An absolute prefix without its trailing slash; ``/`` itself becomes empty."""
    if not isinstance(path, str) or not path.startswith("/"):
        raise PathMappingError(
            f"path mapping {path!r}: not an absolute path; write it from the root,"
            " for example /media/plex/Movies"
        )
    if "\0" in path:
        raise PathMappingError(f"path mapping {path!r}: holds a NUL byte")
    if any(part in (".", "..") for part in path.split("/")):
        raise PathMappingError(
            f"path mapping {path!r}: . and .. never occur in Plex's paths; resolve them"
        )
    parts = [part for part in path.split("/") if part]
    return "".join("/" + part for part in parts)


def is_under(path: str, prefix: str) -> bool:
    """Whether a path is the prefix or lies below it, by whole components."""
    return path == prefix or path.startswith(prefix + "/")


def prefix_range(prefix: str) -> tuple[str, str]:
    """Bounds ``low <= path < high`` of everything below a prefix, in byte order.

    ``0`` is the character after the slash, so an index on the path serves the search.
    """
    return prefix + "/", prefix + "0"


@dataclass(frozen=True)
class PathMapping:
    """One old prefix and its new one, both cleaned."""

    old: str
    new: str

    @property
    def is_noop(self) -> bool:
        return self.old == self.new

    def apply(self, path: str) -> str:
        """The path below the new prefix; the caller made sure that it is below the old."""
        rest = "" if path == "/" else path[len(self.old) :]
        return (self.new + rest) or "/"


@dataclass(frozen=True)
class PathMap:
    """All mappings of a run, longest old prefix first."""

    mappings: tuple[PathMapping, ...]

    def find(self, path: str) -> PathMapping | None:
        for mapping in self.mappings:
            if is_under(path, mapping.old):
                return mapping
        return None

    def apply(self, path: str) -> str:
        """The new path, or the same one when no mapping concerns it."""
        mapping = self.find(path)
        return path if mapping is None else mapping.apply(path)

    def apply_url(self, url: str) -> str:
        """The new ``file://`` URL of a sidecar; other text stays as it is.

        Components are compared decoded. What lies below the prefix keeps its spelling,
        for encoders differ in what they escape.
        """
        if not url.startswith(FILE_URL + "/"):
            return url
        raw = url[len(FILE_URL) :].split("/")
        mapping = self.find("/".join(map(unquote, raw)))
        if mapping is None:
            return url
        rest = raw[len(mapping.old.split("/")) :]
        new = [quote(part, safe="") for part in mapping.new.split("/")]
        return FILE_URL + ("/".join(new + rest) or "/")

    def reversed(self) -> PathMap:
        """New to old: for rows that were made behind the mapping."""
        return path_map([(item.new or "/", item.old or "/") for item in self.mappings])

    @property
    def repeats_differ(self) -> bool:
        """Whether a second run could match what the first one wrote (a→b with b→c)."""
        return any(self.find(item.new or "/") for item in self.mappings)

    @property
    def digest(self) -> str:
        pairs = sorted((item.old, item.new) for item in self.mappings)
        return sha256(json.dumps(pairs).encode("utf-8")).hexdigest()

    def as_list(self) -> list[dict[str, str]]:
        return [
            {"from": item.old or "/", "to": item.new or "/"} for item in self.mappings
        ]


def path_map(pairs: Iterable[tuple[str, str]]) -> PathMap:
    """Clean, check and order pairs of old and new prefix; identical ones vanish."""
    seen: dict[str, PathMapping] = {}
    for old, new in pairs:
        mapping = PathMapping(clean_prefix(old), clean_prefix(new))
        other = seen.get(mapping.old)
        if other is not None and other.new != mapping.new:
            raise PathMappingError(
                f"path mapping {old!r} is given twice, to {other.new!r} and"
                f" {mapping.new!r}; keep one of them"
            )
        seen[mapping.old] = mapping
    kept = [item for item in seen.values() if not item.is_noop]
    kept.sort(key=lambda item: (-item.old.count("/"), -len(item.old), item.old))
    return PathMap(tuple(kept))


def path_map_from(data: Any) -> PathMap:
    """Read ``{old: new}`` or ``[{from: old, to: new}, ...]``."""
    if isinstance(data, Mapping):
        return path_map(list(data.items()))
    if isinstance(data, Sequence) and not isinstance(data, str):
        return path_map([_pair(item) for item in data])
    raise PathMappingError(
        f"path mappings are {type(data).__name__}; give a dictionary old: new, or a"
        " list of entries with from and to"
    )


def _pair(item: Any) -> tuple[str, str]:
    if not isinstance(item, Mapping) or not {"from", "to"} <= set(item):
        raise PathMappingError(f"path mapping {item!r}: needs the keys from and to")
    return item["from"], item["to"]


def common_root(paths: Iterable[str]) -> str:
    """The deepest folder that holds all the paths; ``/`` when they share none."""
    cleaned = [clean_prefix(path) or "/" for path in paths]
    if not cleaned:
        raise PathMappingError("no paths given, so there is no common folder")
    return posixpath.commonpath(cleaned)
