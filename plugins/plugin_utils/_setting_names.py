# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Names of variables: misspelt ones, and values that a blank cut in two.

An ``-e`` name that looks like one of ours and is none is an error (L65);
otherwise ``-e keeep=true`` would silently cost a night.
"""

from __future__ import annotations

import difflib
import glob
import os
import typing as t

import yaml
from ansible.parsing.quoting import unquote
from ansible.parsing.splitter import split_args

# Close enough to be meant; below it a user's own variable gets hit.
CLOSENESS = 0.8


def suggestion(name: str, known: t.Iterable[str]) -> str:
    """The end of a sentence about a wrong word; empty without a near one."""
    close = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def unknown_names(
    extra: t.Iterable[str],
    known: t.Collection[str],
    role_variables: t.Mapping[str, t.Collection[str]],
) -> list[str]:
    """A sentence for each extra variable that looks like ours but is not."""
    everything = set(known).union(*role_variables.values())
    problems = []
    for name in sorted(set(extra)):
        if name in everything or name.startswith(("ansible_", "_", "molecule_")):
            continue
        plain = name.replace("-", "_").lower()
        close = difflib.get_close_matches(plain, everything, n=1, cutoff=CLOSENESS)
        role = _role_of(plain, role_variables)
        if close:
            problems.append(f"{name} is not a variable here; did you mean {close[0]}?")
        elif role:
            near = suggestion(plain, role_variables[role])
            problems.append(f"{name} is no variable of the role {role}{near}")
    return problems


def _role_of(
    name: str, role_variables: t.Mapping[str, t.Collection[str]]
) -> str | None:
    fitting = [role for role in role_variables if name.startswith(f"{role}_")]
    return max(fitting, key=len) if fitting else None


def role_variables(collection: str) -> dict[str, set[str]]:
    """Public variables per role, from argument specs and defaults."""
    found: dict[str, set[str]] = {}
    for folder in glob.glob(os.path.join(collection, "roles", "*", "")):
        role = os.path.basename(os.path.dirname(folder))
        names = set(_yaml(os.path.join(folder, "defaults", "main.yml")))
        specs = _yaml(os.path.join(folder, "meta", "argument_specs.yml"))
        for spec in (specs.get("argument_specs") or {}).values():
            names |= set((spec or {}).get("options") or {})
        if names:
            found[role] = {str(name) for name in names}
    return found


def _yaml(path: str) -> dict[str, t.Any]:
    try:
        with open(path, encoding="utf-8") as handle:
            data = yaml.safe_load(handle)
    except FileNotFoundError:
        return {}
    return data if isinstance(data, dict) else {}


def whole_values(options: t.Iterable[str]) -> dict[str, str]:
    """Values of ``name=value`` extra vars with their blanks.

    The shell takes the quotes of ``-e sections="Movies,TV Shows"`` away, and
    Ansible then ends the value at the blank; the words that follow belong to
    it, up to the next ``name=``.
    """
    found: dict[str, str] = {}
    for option in options:
        if option.lstrip()[:1] in ("", "@", "{", "[", "/", "."):
            continue
        name = ""
        for word in split_args(option):
            left, sign, right = word.partition("=")
            if sign and left.isidentifier():
                name = left
                found[name] = unquote(right)
            elif name:
                found[name] = f"{found[name]} {word}"
    return found


def restored(value: t.Any, cut: t.Any, name: str, whole: t.Mapping[str, str]) -> t.Any:
    """The whole value when ``value`` is what Ansible had cut off."""
    full = whole.get(name)
    if full is None or value != cut or not isinstance(cut, str):
        return value
    return full if full != cut and full.startswith(cut + " ") else value
