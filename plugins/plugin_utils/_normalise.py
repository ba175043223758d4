# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""From what the user gave to the one normalised set of settings.

Every problem is collected, so that one message names them all, before
anything is created. Files and environment come through :class:`Surroundings`.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from ansible_collections.cloudburst.plex.plugins.plugin_utils import (
    _profiles,
    _setting_files,
    _setting_values,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._setting_names import (
    suggestion,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._setting_values import (
    SettingError,
)
from ansible_collections.cloudburst.plex.plugins.plugin_utils._settings import (
    VARIABLES,
    Variable,
)

TOKEN_ENV = "PLEX_ACCOUNT_TOKEN"
INTERVAL_KEYS = ("check_interval", "stall_threshold", "cpu_idle")
# No pause between looks, and no patience at all, are no way to watch.
NEVER_ZERO = ("check_interval", "stall_threshold")
# Variables that a need stands for, and files that have to be there for it.
NEEDED_FILES = {"archive": ("archive",), "bucket": ("rclone_config",)}


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except OSError as exc:
        raise SettingError(f"cannot read the file {path}: {exc.strerror}") from exc


@dataclass(frozen=True)
class Surroundings:
    """What the normaliser needs from outside; replaced in tests."""

    env: t.Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    timezone: str = "UTC"
    load: _setting_files.Loader = _setting_files.load_file
    read_text: t.Callable[[str], str] = _read_text
    is_file: t.Callable[[str], bool] = os.path.isfile


@dataclass(frozen=True)
class Settings:
    """The outcome: settings, secrets, and everything that is wrong."""

    burst: dict[str, t.Any]
    secrets: dict[str, str]
    problems: tuple[str, ...]


class Normaliser:
    """One pass over the declared variables."""

    def __init__(self, given: t.Mapping[str, t.Any], around: Surroundings) -> None:
        self.given = {k: v for k, v in given.items() if v is not None and v != ""}
        self.around = around
        self.problems: list[str] = []

    def run(self, require: t.Collection[str] = ()) -> Settings:
        """Parse, combine, check."""
        env = self._env_file()
        found = {name: self._value(VARIABLES[name], env) for name in VARIABLES}
        found["timezone"] = found["timezone"] or self.around.timezone
        found["monitoring"] = found["monitoring"] or found["target"]
        self._complete_bucket(found)
        self._needed(found, require)
        secrets = self._secrets(found)
        self._contradictions(found)
        burst = self._combined(found)
        burst["has_account_token"] = bool(secrets["plex_account_token"])
        burst["has_claim"] = bool(secrets["plex_claim"])
        return Settings(burst, secrets, tuple(self.problems))

    # -- single values --------------------------------------------------

    def _value(self, variable: Variable, env: t.Mapping[str, t.Any]) -> t.Any:
        fallback = env.get(variable.name, variable.default)
        raw = self.given.get(variable.name, fallback)
        if raw is None:
            return None
        try:
            value = self._parse(variable, raw)
            if variable.choices and value not in variable.choices:
                hint = suggestion(str(value), variable.choices)
                raise SettingError(
                    f"has to be one of {', '.join(variable.choices)}, not {value!r}{hint}"
                )
        except SettingError as exc:
            # What is wrong may be a secret all the same: it is not repeated.
            what = (
                str(exc).split(", not ", maxsplit=1)[0] if variable.secret else str(exc)
            )
            self._problem(variable.name, what)
            return variable.default
        return value

    def _parse(self, variable: Variable, raw: t.Any) -> t.Any:
        if variable.kind in ("mappings", "libraries"):
            shape = getattr(_setting_files, variable.kind)
            return shape(raw, self.around.load)
        if variable.kind == "remote":
            # A bare bucket name is completed later, from rclone.conf.
            return _setting_values.text(raw)
        if variable.kind == "path":
            path = _setting_values.text(raw)
            return os.path.abspath(os.path.expanduser(path))
        return PARSERS[variable.kind](raw)

    def _problem(self, name: str, what: str) -> None:
        variable = VARIABLES.get(name)
        example = f" (for example: -e {variable.example})" if variable else ""
        if variable and variable.secret:
            example = f" (for example: {variable.example})"
        self.problems.append(f"{name} {what}{example}")

    def _env_file(self) -> dict[str, t.Any]:
        if "env_file" not in self.given:
            return {}
        path = os.path.abspath(os.path.expanduser(str(self.given["env_file"])))
        try:
            lines = _setting_files.env_lines(self.around.read_text(path))
        except SettingError as exc:
            self._problem("env_file", str(exc))
            return {}
        wanted = str(self.given.get("profile", VARIABLES["profile"].default))
        return _setting_files.env_defaults(lines, wanted)

    # -- values that depend on others -----------------------------------

    def _complete_bucket(self, found: dict[str, t.Any]) -> None:
        if not found["bucket"]:
            return
        try:
            known: list[str] = []
            if ":" not in found["bucket"] and self.around.is_file(
                found["rclone_config"]
            ):
                text = self.around.read_text(found["rclone_config"])
                known = _setting_files.remotes_in(text)
            full = _setting_files.remote_of(found["bucket"], known)
            found["bucket"] = _setting_values.remote(full).rstrip("/")
        except SettingError as exc:
            self._problem("bucket", str(exc))

    def _needed(self, found: dict[str, t.Any], require: t.Collection[str]) -> None:
        for name in require:
            if not found.get(name) and not self._complained(name):
                self._problem(name, f"is needed: {VARIABLES[name].help}")
        for need, names in NEEDED_FILES.items():
            for name in names if need in require else ():
                path = found[name]
                if path and not self.around.is_file(path):
                    self._problem(name, f"names a file that does not exist: {path}")

    def _complained(self, name: str) -> bool:
        return any(problem.startswith(f"{name} ") for problem in self.problems)

    def _secrets(self, found: dict[str, t.Any]) -> dict[str, str]:
        token = found.pop("plex_account_token")
        if not token and found["plex_account_token_file"]:
            try:
                token = self.around.read_text(found["plex_account_token_file"]).strip()
            except SettingError as exc:
                self._problem("plex_account_token_file", str(exc))
        token = token or self.around.env.get(TOKEN_ENV, "").strip()
        return {
            "plex_account_token": token or "",
            "plex_claim": found.pop("plex_claim") or "",
        }

    def _contradictions(self, found: dict[str, t.Any]) -> None:
        if found["quick_test"] and found["sample"]:
            self._problem("sample", "has no meaning with quick_test, drop one of them")
        if not found["max_lifetime_hours"]:
            self._problem("max_lifetime_hours", "has to be more than 0")
        if found["media_root"] and not found["media_root"].startswith("/"):
            self._problem("media_root", "has to be an absolute path")
        self._limits(found["scan_limits"])
        self._known_keys(
            "rclone_options", found["rclone_options"], _profiles.rclone_keys()
        )
        keys = (*INTERVAL_KEYS, "mount", "waits")
        self._known_keys("monitoring_options", found["monitoring_options"], keys)
        for key in INTERVAL_KEYS:
            self._numeric("monitoring_options", found["monitoring_options"], key)

    def _limits(self, limits: dict[str, t.Any]) -> None:
        self._known_keys("scan_limits", limits, tuple(_profiles.LIMITS))
        for key in list(limits):
            self._numeric("scan_limits", limits, key)

    def _known_keys(
        self, name: str, given: dict[str, t.Any], known: t.Sequence[str]
    ) -> None:
        for key in [key for key in given if key not in known]:
            self._problem(
                name,
                f"has the unknown key {key!r}{suggestion(key, known)};"
                f" known: {', '.join(known)}",
            )
            del given[key]

    def _numeric(self, name: str, given: dict[str, t.Any], key: str) -> None:
        if key not in given:
            return
        try:
            value = _setting_values.number(given[key])
            if not value and key in NEVER_ZERO:
                raise SettingError("has to be more than 0")
        except SettingError as exc:
            self._problem(name, f"{key}: {exc}")
            del given[key]
        else:
            given[key] = int(value) if value == int(value) else value

    def _combined(self, found: dict[str, t.Any]) -> dict[str, t.Any]:
        patience = _profiles.monitoring(
            found["monitoring"],
            found["quick_test"],
            found["scan_limits"],
            found["monitoring_options"],
        )
        resources = _profiles.profile(
            found["profile"],
            patience["mount"],
            {
                "instance_types": found["instance_types"],
                "volume_gb": found["volume_gb"],
                "rclone": found["rclone_options"],
            },
        )
        limits = patience["limits"]
        return {
            **found,
            "profile": resources,
            "monitoring": patience,
            "scan_limits": limits,
        }


PARSERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "text": _setting_values.text,
    "bool": _setting_values.boolean,
    "int": _setting_values.whole,
    "number": _setting_values.number,
    "list": _setting_values.texts,
    "dict": _setting_values.mapping,
    "burst_name": _setting_values.burst_name,
    "url": _setting_values.url,
    "zones": _setting_values.zones,
    "claim": _setting_values.claim,
}


def normalise(
    given: t.Mapping[str, t.Any],
    around: Surroundings | None = None,
    require: t.Collection[str] = (),
) -> Settings:
    """The settings of one run."""
    return Normaliser(given, around or Surroundings()).run(require)
