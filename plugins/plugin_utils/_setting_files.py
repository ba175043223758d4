# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Shapes of the files that a user already has (L96): mappings, libraries, .env.

Whatever a hand-run predecessor or a person would write is accepted; what comes
out has one shape. Pure, but for :func:`load_file`.
"""

from __future__ import annotations

import json
import os
import shlex
import typing as t

import yaml

from ansible_collections.cloudburst.plex.plugins.plugin_utils._setting_values import (
    SettingError,
    kind_of,
    structure,
)

FROM_KEYS = ("from", "old", "source", "src")
TO_KEYS = ("to", "new", "destination", "target", "dest")
LOCATION_KEYS = ("locations", "paths", "location", "path")
LIBRARY_KEYS = {
    "name",
    "title",
    "type",
    "agent",
    "scanner",
    "language",
    "prefs",
    "preferences",
    *LOCATION_KEYS,
}
TYPE_WORDS = {
    "movie": "movie",
    "movies": "movie",
    "film": "movie",
    "show": "show",
    "shows": "show",
    "tv": "show",
    "artist": "artist",
    "music": "artist",
    "photo": "photo",
    "photos": "photo",
}

Loader = t.Callable[[str], t.Any]


def load_file(path: str) -> t.Any:
    """The content of a JSON or YAML file."""
    shown = os.path.abspath(os.path.expanduser(path))
    try:
        with open(shown, encoding="utf-8") as handle:
            text = handle.read()
    except OSError as exc:
        raise SettingError(f"cannot read the file {shown}: {exc.strerror}") from exc
    # JSON with tabs is no YAML, so JSON first.
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as exc:
        first = " ".join(str(exc).split())[:120]
        raise SettingError(f"{shown} is neither JSON nor YAML: {first}") from exc


def given(raw: t.Any, load: Loader) -> t.Any:
    """The value itself, or the content of the file that it names."""
    value = structure(raw)
    if isinstance(value, str) and value:
        return load(value)
    return value


def mappings(raw: t.Any, load: Loader) -> list[dict[str, str]]:
    """Old prefix to new prefix as a list of from and to, in the given order.

    Accepts ``{old: new}``, ``{"mappings": {old: new}}``, a list of dictionaries
    (from/to, old/new, source/destination) or of pairs; keys with a leading
    underscore are comments.
    """
    value = given(raw, load)
    if not value:
        return []
    if isinstance(value, dict) and isinstance(value.get("mappings"), (dict, list)):
        value = value["mappings"]
    if isinstance(value, dict):
        rows = [(k, v) for k, v in value.items() if not str(k).startswith("_")]
    elif isinstance(value, list):
        rows = [_pair(row) for row in value]
    else:
        raise SettingError(f"has to map old paths to new ones, not {kind_of(value)}")
    return _checked([(_prefix(old), _prefix(new)) for old, new in rows])


def _pair(row: t.Any) -> tuple[t.Any, t.Any]:
    if isinstance(row, (list, tuple)) and len(row) == 2:
        return row[0], row[1]
    if isinstance(row, dict):
        old = [row[key] for key in FROM_KEYS if key in row]
        new = [row[key] for key in TO_KEYS if key in row]
        if len(old) == 1 and len(new) == 1:
            return old[0], new[0]
    raise SettingError(f"has an entry without one from and one to: {row!r}")


def _prefix(raw: t.Any) -> str:
    path = str(raw).strip() if isinstance(raw, str) else ""
    if not path.startswith("/"):
        raise SettingError(f"needs absolute paths, {raw!r} is none")
    return path.rstrip("/") or "/"


def _checked(pairs: t.Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    seen: dict[str, str] = {}
    for old, new in pairs:
        if seen.get(old, new) != new:
            raise SettingError(f"sends {old} to two places: {seen[old]} and {new}")
        seen[old] = new
    return [{"from": old, "to": new} for old, new in seen.items() if old != new]


def libraries(raw: t.Any, load: Loader) -> list[dict[str, t.Any]]:
    """Declared libraries: name, type, locations, and what else was given.

    Accepts a list, ``{"libraries": [...]}`` or a dictionary by name; ``title``
    for ``name``, ``paths``, ``path`` or ``location`` for ``locations``.
    """
    value = given(raw, load)
    if not value:
        return []
    if isinstance(value, dict) and isinstance(value.get("libraries"), (dict, list)):
        value = value["libraries"]
    if isinstance(value, dict):
        rows = [
            {"name": key, **row}
            for key, row in value.items()
            if isinstance(row, dict) and not str(key).startswith("_")
        ]
    elif isinstance(value, list):
        rows = value
    else:
        raise SettingError(f"has to be a list of libraries, not {kind_of(value)}")
    found = [_library(row) for row in rows]
    names = [row["name"] for row in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingError(f"names the library {twice[0]!r} more than once")
    return found


def _library(row: t.Any) -> dict[str, t.Any]:
    if not isinstance(row, dict):
        raise SettingError(f"has an entry that is {kind_of(row)}, not a library")
    name = str(row.get("name") or row.get("title") or "").strip()
    if not name:
        raise SettingError(f"has a library without a name: {row!r}")
    unknown = [k for k in row if k not in LIBRARY_KEYS and not str(k).startswith("_")]
    if unknown:
        raise SettingError(f"library {name!r} has the unknown key {unknown[0]!r}")
    kind = TYPE_WORDS.get(str(row.get("type", "")).strip().lower())
    if kind is None:
        raise SettingError(
            f"library {name!r} needs a type: movie, show, artist (music) or photo"
        )
    library: dict[str, t.Any] = {
        "name": name,
        "type": kind,
        "locations": _locations(name, row),
        "prefs": row.get("prefs") or row.get("preferences") or {},
    }
    for key in ("agent", "scanner", "language"):
        if row.get(key):
            library[key] = str(row[key])
    return library


def _locations(name: str, row: dict[str, t.Any]) -> list[str]:
    for key in LOCATION_KEYS:
        if row.get(key):
            paths = row[key] if isinstance(row[key], list) else [row[key]]
            try:
                return [_prefix(path) for path in paths]
            except SettingError as exc:
                raise SettingError(f"library {name!r} {exc}") from None
    raise SettingError(f"library {name!r} has no locations (paths)")


def env_lines(text: str) -> dict[str, str]:
    """``NAME=value`` and ``export NAME="value"`` lines of a shell-like file."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        words = words[1:] if words[:1] == ["export"] else words
        if len(words) == 1 and "=" in words[0]:
            name, _sign, value = words[0].partition("=")
            found[name] = value
    return found


def env_defaults(env: t.Mapping[str, str], profile: str) -> dict[str, t.Any]:
    """What a predecessor's ``.env`` says about our variables."""
    found: dict[str, t.Any] = {}
    if env.get("S3_BUCKET"):
        found["bucket"] = env["S3_BUCKET"]
    if env.get("SCW_DEFAULT_ZONE"):
        found["zones"] = [env["SCW_DEFAULT_ZONE"]]
    # "latest" says nothing: the version is home's (L82).
    if env.get("PLEX_VERSION", "latest") not in ("", "latest", "public", "beta"):
        found["plex_version"] = env["PLEX_VERSION"]
    kind = env.get(f"{profile.upper()}_INSTANCE_TYPE")
    if kind:
        found["instance_types"] = [kind]
    size = env.get(f"{profile.upper()}_ROOT_VOLUME_SIZE", "")
    if size.rstrip("GgBb").isdigit():
        found["volume_gb"] = int(size.rstrip("GgBb"))
    return found


def remote_of(bucket: str, remotes: t.Sequence[str]) -> str:
    """``remote:bucket`` for a bare bucket name when there is only one remote."""
    if ":" in bucket:
        return bucket
    if len(remotes) == 1:
        return f"{remotes[0]}:{bucket}"
    known = ", ".join(remotes) or "none"
    raise SettingError(
        f"has to be remote:bucket; which remote holds {bucket!r}? (known: {known})"
    )


def remotes_in(text: str) -> list[str]:
    """Names of the remotes in an ``rclone.conf``."""
    lines = [line.strip() for line in text.splitlines()]
    return [line[1:-1] for line in lines if line[:1] == "[" and line[-1:] == "]"]
