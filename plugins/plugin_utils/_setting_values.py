# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""From what a user typed to a value of the right type. Pure.

``-e`` hands over text, a vars file hands over YAML types; both end here
(rule 9: normalised once, at the door).
"""

from __future__ import annotations

import json
import re
import typing as t

import yaml

TRUE_WORDS = frozenset(("true", "yes", "on", "1", "y", "t"))
FALSE_WORDS = frozenset(("false", "no", "off", "0", "n", "f"))

BURST_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
ZONE = re.compile(r"[a-z]{2}-[a-z]{3}-[0-9]+")
REMOTE = re.compile(r"[\w.+@ -]+:[^/\s][^\s]*")
CLAIM = re.compile(r"claim-[\w-]+")
URL = re.compile(r"https?://[^\s/]+(?:/\S*)?")


class SettingError(ValueError):
    """What is wrong with a value, and what to write instead."""


def text(raw: t.Any) -> str:
    """A line of text."""
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float)):
        raise SettingError(f"has to be text, not {kind_of(raw)}")
    return str(raw).strip()


def boolean(raw: t.Any) -> bool:
    """A boolean in any of Ansible's spellings."""
    if isinstance(raw, bool):
        return bool(raw)
    word = str(raw).strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise SettingError(f"has to be true or false, not {raw!r}")


def number(raw: t.Any) -> float:
    """A number that is not negative."""
    try:
        value = float(str(raw).strip())
    except ValueError:
        value = -1.0
    if isinstance(raw, bool) or not 0 <= value < float("inf"):
        raise SettingError(f"has to be a number, not {raw!r}")
    return value


def whole(raw: t.Any) -> int:
    """A whole number that is not negative."""
    value = number(raw)
    if value != int(value):
        raise SettingError(f"has to be a whole number, not {raw!r}")
    return int(value)


def structure(raw: t.Any) -> t.Any:
    """Text that is JSON or YAML as what it stands for; anything else as it is."""
    if not isinstance(raw, str):
        return raw
    stripped = raw.strip()
    if stripped[:1] not in ("[", "{"):
        return stripped
    for load in (json.loads, yaml.safe_load):
        try:
            return load(stripped)
        except (ValueError, yaml.YAMLError):
            continue
    raise SettingError(f"is neither JSON nor YAML: {stripped[:60]}")


def _list_of_texts(raw: str) -> t.Any:
    """JSON or YAML with every number as it was typed: 007 is a name here."""
    as_typed = {"parse_float": str, "parse_int": str, "parse_constant": str}
    try:
        return json.loads(raw, **as_typed)  # type: ignore[arg-type]
    except ValueError:
        pass
    try:
        return yaml.load(raw, Loader=yaml.BaseLoader)
    except yaml.YAMLError as exc:
        raise SettingError(f"is neither JSON nor YAML: {raw[:60]}") from exc


def texts(raw: t.Any) -> list[str]:
    """A list: YAML list, JSON, or separated by commas."""
    value = raw.strip() if isinstance(raw, str) else raw
    if isinstance(value, str) and value[:1] in ("[", "{"):
        value = _list_of_texts(value)
    if value is None or value == "":
        return []
    if isinstance(value, str):
        value = value.split(",")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, (list, tuple)):
        raise SettingError(
            'has to be a list: Movies,Music or \'["Movies", "Rock, Pop"]\''
        )
    found = [text(item) for item in value]
    return [item for item in dict.fromkeys(found) if item]


def mapping(raw: t.Any) -> dict[str, t.Any]:
    """A dictionary."""
    value = structure(raw)
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise SettingError(f"has to be a dictionary, not {kind_of(value)}")
    return {str(key): value[key] for key in value}


def matching(pattern: re.Pattern[str], hint: str) -> t.Callable[[t.Any], str]:
    """A parser for text of a certain form."""

    def parse(raw: t.Any) -> str:
        value = text(raw)
        if value and not pattern.fullmatch(value):
            raise SettingError(f"has to be {hint}, not {value!r}")
        return value

    return parse


burst_name = matching(BURST_NAME, "1 to 32 of a-z, 0-9 and inner hyphens")
remote = matching(REMOTE, "remote:bucket or remote:bucket/prefix of your rclone.conf")
claim = matching(CLAIM, "a claim token of https://plex.tv/claim (claim-...)")
url = matching(URL, "an http:// or https:// address")


def zones(raw: t.Any) -> list[str]:
    """Scaleway zones."""
    found = texts(raw)
    for zone in found:
        if not ZONE.fullmatch(zone):
            raise SettingError(f"has to name zones such as fr-par-1, not {zone!r}")
    return found


def kind_of(value: t.Any) -> str:
    """The kind of a value in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, dict):
        return "a dictionary"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "text" if isinstance(value, str) else type(value).__name__
