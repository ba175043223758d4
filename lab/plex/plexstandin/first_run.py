# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the image does at its first start, in the real one's order (§4)."""

from __future__ import annotations

import os
import pwd
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from .plextv import client_headers, exchanged_token
from .preferences import EMPTY, PreferencesFile
from .tuning import Layout, config_home, load

# In the container's layer, not in a volume: a re-created container runs it again.
GUARD = Path("/.firstRunComplete")
USER = "plex"
TRANSCODE = Path("/transcode")
CLAIM_TIMEOUT = 15


def user_ids() -> tuple[int, int]:
    entry = pwd.getpwnam(USER)
    return entry.pw_uid, entry.pw_gid


def change_user(environment: Mapping[str, str]) -> None:
    """PLEX_UID and PLEX_GID."""
    gid, uid = environment.get("PLEX_GID"), environment.get("PLEX_UID")
    if gid:
        subprocess.run(["groupmod", "-o", "-g", gid, USER], check=True)
    if uid:
        subprocess.run(["usermod", "-o", "-u", uid, USER], check=True)


def _own(path: Path, ids: tuple[int, int]) -> None:
    status = path.lstat()
    if (status.st_uid, status.st_gid) != ids:
        os.lchown(path, *ids)


def _own_tree(top: Path, ids: tuple[int, int]) -> None:
    if not top.exists():
        return
    _own(top, ids)
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            _own(Path(folder) / name, ids)


def change_owner(environment: Mapping[str, str], preferences: Path) -> None:
    """Skipped when Preferences.xml is plex's already: injected files stay as they are."""
    if environment.get("CHANGE_CONFIG_DIR_OWNERSHIP", "").lower() != "true":
        return
    ids = user_ids()
    if not preferences.exists() or preferences.stat().st_uid != ids[0]:
        _own_tree(config_home(), ids)
    _own_tree(TRANSCODE, ids)


def claim_token(environment: Mapping[str, str]) -> str:
    """PLEX_CLAIM, or the content of PLEX_CLAIM_FILE."""
    file = environment.get("PLEX_CLAIM_FILE")
    if file and Path(file).exists():
        return Path(file).read_text(encoding="ascii").strip()
    return environment.get("PLEX_CLAIM", "")


def exchange(claim: str, url: str, client_identifier: str) -> str:
    """The server token for a claim token; '' when plex.tv does not give one."""
    query = urllib.parse.urlencode({"token": claim})
    request = urllib.request.Request(
        f"{url}/api/claim/exchange?{query}",
        method="POST",
        headers=client_headers(client_identifier, "1.1"),
    )
    try:
        with urllib.request.urlopen(request, timeout=CLAIM_TIMEOUT) as reply:
            return exchanged_token(reply.read().decode("utf-8", "replace"))
    except (urllib.error.URLError, TimeoutError) as error:
        print(f"Unable to obtain server token: {error}", flush=True)
        return ""


def _preferences(layout: Layout) -> PreferencesFile:
    """The file, made as an empty shell (then everything below is made plex's)."""
    if not layout.preferences.exists():
        print("Creating pref shell", flush=True)
        layout.preferences.parent.mkdir(parents=True, exist_ok=True)
        layout.preferences.write_text(EMPTY, encoding="utf-8")
        _own_tree(config_home() / "Library", user_ids())
        _own_tree(layout.support.parent, user_ids())
    return PreferencesFile(layout.preferences)


def set_preferences(environment: Mapping[str, str], layout: Layout) -> None:
    """Identity, claim, and what the environment says about the network."""
    owner = layout.preferences.stat() if layout.preferences.exists() else None
    prefs = _preferences(layout)
    prefs.ensure_identity()
    claim = claim_token(environment)
    if claim and not prefs.values.get("PlexOnlineToken"):
        print("Attempting to obtain server token from claim token", flush=True)
        url = load(config_home()).plex_tv_url.rstrip("/")
        token = exchange(claim, url, prefs.values["ProcessedMachineIdentifier"])
        if token:
            prefs.values["PlexOnlineToken"] = token
            print("Token obtained successfully", flush=True)
    for variable, name in (
        ("ADVERTISE_IP", "customConnections"),
        ("ALLOWED_NETWORKS", "allowedNetworks"),
    ):
        if environment.get(variable):
            prefs.values[name] = environment[variable]
    prefs.values.setdefault("TranscoderTempDirectory", str(TRANSCODE))
    prefs.save()
    ids = (owner.st_uid, owner.st_gid) if owner else user_ids()
    os.chown(layout.preferences, *ids)


def run(environment: Mapping[str, str]) -> None:
    """Once in the life of a container."""
    if GUARD.exists():
        return
    layout = Layout.from_environment()
    change_user(environment)
    change_owner(environment, layout.preferences)
    set_preferences(environment, layout)
    GUARD.touch()
    print("Plex Media Server first run setup complete", flush=True)
