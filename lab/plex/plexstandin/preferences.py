# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``Preferences.xml`` and the settings that live in it (§3.4, §4)."""

from __future__ import annotations

import hashlib
import os
import uuid
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import prefs_catalog
from .prefs_catalog import Setting, Value

# In the file, but never listed or set through /:/prefs.
INTERNAL = frozenset(
    {
        "PlexOnlineToken",
        "PlexOnlineUsername",
        "ProcessedMachineIdentifier",
        "AnonymousMachineIdentifier",
        "OldestPreviousVersion",
        "MetricsEpoch",
        "GlobalMusicVideoPathMigrated",
    }
)
EMPTY = '<?xml version="1.0" encoding="utf-8"?>\n<Preferences/>\n'


def processed_identifier(machine_identifier: str) -> str:
    """The API's machineIdentifier: sha1 of ``<uuid>- Plex Media Server`` (§4)."""
    text = f"{machine_identifier}- Plex Media Server"
    return hashlib.sha1(text.encode()).hexdigest()


class PreferencesFile:
    """The attributes of the one element; written atomically, mode 0600, new inode."""

    def __init__(self, path: Path) -> None:
        self.path = path
        root = ElementTree.parse(path).getroot() if path.exists() else None
        self.values: dict[str, str] = dict(root.attrib) if root is not None else {}

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        element = ElementTree.Element("Preferences", self.values)
        text = ElementTree.tostring(element, encoding="unicode")
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write('<?xml version="1.0" encoding="utf-8"?>\n' + text + "\n")
        draft.replace(self.path)

    def set(self, **values: str | None) -> None:
        """Set or (None) remove attributes, then write the file."""
        for name, value in values.items():
            if value is None:
                self.values.pop(name, None)
            else:
                self.values[name] = value
        self.save()

    def ensure_identity(self) -> None:
        """Give the server its identifiers, as the image's first run does (§4)."""
        machine = self.values.get("MachineIdentifier") or str(uuid.uuid4())
        self.values["MachineIdentifier"] = machine
        self.values.setdefault(
            "ProcessedMachineIdentifier", processed_identifier(machine)
        )


class Preferences:
    """The server's settings: non-default values are kept in the file."""

    def __init__(self, file: PreferencesFile, databases: Path) -> None:
        self.file = file
        self._all = prefs_catalog.parse(prefs_catalog.SERVER, str(databases))
        self._pass = prefs_catalog.parse(prefs_catalog.PLEX_PASS)
        self.plex_pass = False

    @property
    def settings(self) -> dict[str, Setting]:
        """What exists now: some settings need Plex Pass."""
        return {**self._all, **self._pass} if self.plex_pass else self._all

    def value(self, name: str) -> Value:
        setting = self._all.get(name) or self._pass[name]
        stored = self.file.values.get(name)
        if stored is None:
            return setting.default
        try:
            return setting.parse(stored)
        except ValueError:  # a hand-edited file: the default holds
            return setting.default

    def behaviour(self, name: str) -> str:
        """never, scheduled or asap; ``never`` while the setting does not exist."""
        return str(self.value(name)) if name in self.settings else "never"

    def find(self, name: str) -> Setting | None:
        """By exact name, or with its first letter lowered, as plexapi sends it."""
        for candidate in (name, name[:1].upper() + name[1:]):
            if candidate in self.settings:
                return self.settings[candidate]
        return None

    def update(self, values: Mapping[str, str]) -> list[str]:
        """Apply what is known, ignore the rest (§3.3: 200 for unknown names).

        Returns the ignored names. Raises ValueError for an unfit value.
        """
        changes: dict[str, str | None] = {}
        ignored = []
        for name, text in values.items():
            setting = self.find(name)
            if setting is None:
                ignored.append(name)
                continue
            value = setting.parse(text)
            default = value == setting.default
            changes[setting.name] = None if default else setting.text(value)
        if changes:
            self.file.set(**changes)
        return ignored

    def trees(self) -> list[dict[str, Any]]:
        return [
            setting.tree(self.value(name)) for name, setting in self.settings.items()
        ]

    @property
    def token(self) -> str:
        return self.file.values.get("PlexOnlineToken", "")

    @property
    def machine_identifier(self) -> str:
        return self.file.values["ProcessedMachineIdentifier"]


def section_settings(kind: str, plex_pass: bool) -> dict[str, Setting]:
    """The settings that a section of a type has."""
    spec = prefs_catalog.SECTION[kind]
    if plex_pass:
        spec += prefs_catalog.SECTION_PLEX_PASS.get(kind, "")
    return prefs_catalog.parse(spec)
