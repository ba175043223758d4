# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Preferences: compare, plan, prove.

Plex answers 200 to a preference that does not exist and forgets it
(``plex-facts §3.2``), so every name is looked up before and every value is
read back after the write (L45).
"""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexError,
)

Value = t.Union[bool, int, float, str]

TRUE_WORDS = frozenset(("1", "true", "yes", "on", "t", "y"))
FALSE_WORDS = frozenset(("0", "false", "no", "off", "f", "n", ""))


@dataclass(frozen=True)
class Setting:
    """One preference as Plex lists it."""

    id: str
    type: str
    value: Value
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class PreferencePlan:
    """What a set of wanted values means for this server."""

    before: dict[str, Value]
    wanted: dict[str, Value]
    changes: dict[str, Value]
    unavailable: dict[str, str]
    problems: tuple[str, ...]


class PreferenceValueError(ValueError):
    """A value that the preference's type or choices do not allow."""


def typed(kind: str, raw: t.Any) -> Value:
    """``raw`` as the Plex type ``kind`` (bool, int, double, text)."""
    if kind == "bool":
        return _boolean(raw)
    if kind in ("int", "double"):
        return _number(kind, raw)
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return "" if raw is None else str(raw)


def _boolean(raw: t.Any) -> bool:
    word = str(raw).strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise PreferenceValueError(f"{raw!r} is not a boolean")


def _number(kind: str, raw: t.Any) -> int | float:
    # Some "int" preferences are shown as booleans by a caller's YAML.
    value = int(raw) if isinstance(raw, bool) else raw
    try:
        number = float(str(value).strip())
    except ValueError:
        raise PreferenceValueError(f"{raw!r} is not a number") from None
    if kind == "double":
        return number
    if number != int(number):
        raise PreferenceValueError(f"{raw!r} is not a whole number")
    return int(number)


def settings_by_id(rows: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, Setting]:
    """The ``Setting`` rows of an answer, by name."""
    found: dict[str, Setting] = {}
    for row in rows:
        kind = str(row.get("type", "text"))
        found[str(row["id"])] = Setting(
            id=str(row["id"]),
            type=kind,
            value=_as_listed(kind, row.get("value")),
            choices=_choices(row.get("enumValues")),
        )
    return found


def _as_listed(kind: str, raw: t.Any) -> Value:
    # What Plex lists is reported even if its own type does not allow it.
    try:
        return typed(kind, raw)
    except PreferenceValueError:
        return "" if raw is None else str(raw)


def _choices(raw: t.Any) -> tuple[str, ...]:
    """Keys of ``"k:label|k2:label"``."""
    if not raw:
        return ()
    return tuple(part.split(":", 1)[0] for part in str(raw).split("|"))


def plan_preferences(
    settings: t.Mapping[str, Setting],
    values: t.Mapping[str, t.Any],
    optional: t.Collection[str] = (),
) -> PreferencePlan:
    """Compare ``values`` with the server's settings."""
    before: dict[str, Value] = {}
    wanted: dict[str, Value] = {}
    unavailable: dict[str, str] = {}
    problems: list[str] = []
    for name, raw in values.items():
        setting = settings.get(name)
        if setting is None:
            if name in optional:
                unavailable[name] = "this server does not have it (Plex Pass only?)"
            else:
                problems.append(unknown_name(name, settings))
            continue
        try:
            value = _allowed(setting, raw)
        except PreferenceValueError as exc:
            problems.append(f"{name}: {exc}")
            continue
        before[name] = setting.value
        wanted[name] = value
    changes = {n: v for n, v in wanted.items() if v != before[n]}
    return PreferencePlan(before, wanted, changes, unavailable, tuple(problems))


def _allowed(setting: Setting, raw: t.Any) -> Value:
    value = typed(setting.type, raw)
    if setting.choices and wire(value) not in setting.choices:
        raise PreferenceValueError(
            f"{raw!r} is not one of {', '.join(setting.choices)}"
        )
    return value


def unknown_name(name: str, known: t.Iterable[str]) -> str:
    """The sentence for a preference that does not exist."""
    hint = close_names(name, known)
    return f"{name}: this server has no such preference{hint}"


def close_names(name: str, known: t.Iterable[str]) -> str:
    """The end of a sentence about an unknown name; empty without a near one."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"; close names: {', '.join(close)}" if close else ""


def wire(value: Value) -> str:
    """A value as the query string wants it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def not_applied(
    wanted: t.Mapping[str, Value], settings: t.Mapping[str, Setting]
) -> dict[str, str]:
    """What the server still shows differently after the write, with why."""
    wrong: dict[str, str] = {}
    for name, value in wanted.items():
        setting = settings.get(name)
        if setting is None:
            wrong[name] = "vanished after the write"
        elif setting.value != value:
            wrong[name] = f"asked for {value!r}, the server shows {setting.value!r}"
    return wrong


@dataclass(frozen=True)
class PreferenceOutcome:
    """What happened to a set of preferences."""

    before: dict[str, Value]
    after: dict[str, Value]
    changed: tuple[str, ...]
    unavailable: dict[str, str]


class PreferenceServer(t.Protocol):
    """The two requests that are needed of the Plex edge."""

    def settings(self, section: int | None = None) -> list[dict[str, t.Any]]:
        """List the preferences."""

    def put_settings(
        self, values: t.Mapping[str, str], section: int | None = None
    ) -> None:
        """Write preferences."""


def apply_preferences(
    server: PreferenceServer,
    values: t.Mapping[str, t.Any],
    section: int | None = None,
    optional: t.Collection[str] = (),
    check_mode: bool = False,
) -> PreferenceOutcome:
    """Look up, write what differs, read back; raises on any doubt."""
    plan = plan_preferences(settings_by_id(server.settings(section)), values, optional)
    where = "the server" if section is None else f"library {section}"
    if plan.problems:
        raise PlexError(f"Nothing was changed on {where}: " + "; ".join(plan.problems))
    if plan.changes and not check_mode:
        server.put_settings({n: wire(v) for n, v in plan.changes.items()}, section)
        wrong = not_applied(plan.wanted, settings_by_id(server.settings(section)))
        if wrong:
            listed = "; ".join(f"{name}: {why}" for name, why in wrong.items())
            raise PlexError(
                f"Plex accepted the preferences of {where} but did not apply"
                f" them all: {listed}"
            )
    return PreferenceOutcome(
        plan.before, plan.wanted, tuple(plan.changes), plan.unavailable
    )
