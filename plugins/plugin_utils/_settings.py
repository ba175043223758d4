# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""The user's variables: declared once, here.

Name, kind, default, choices, help and example of every variable that a user
may set with ``-e`` or in group_vars (L65). There is no default for anything
personal (L66).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.cloudburst.plex.plugins.plugin_utils._profiles import (
    MONITORING_NAMES,
    PROFILE_NAMES,
)

Kind = t.Literal[
    "text",
    "bool",
    "int",
    "number",
    "list",
    "dict",
    "path",
    "burst_name",
    "remote",
    "url",
    "zones",
    "mappings",
    "libraries",
    "claim",
]


@dataclass(frozen=True)
class Variable:
    """One declared variable."""

    name: str
    kind: Kind
    default: t.Any
    help: str
    example: str
    choices: tuple[str, ...] = ()
    secret: bool = False


def _declare(*variables: Variable) -> dict[str, Variable]:
    return {variable.name: variable for variable in variables}


VARIABLES = _declare(
    Variable(
        "profile",
        "text",
        "standard",
        "Resources of the burst: instance type, disk, rclone's cache.",
        "profile=power",
        PROFILE_NAMES,
    ),
    Variable(
        "target",
        "text",
        "cloud",
        "cloud: a short-lived instance. local: this machine's Docker.",
        "target=local",
        ("cloud", "local"),
    ),
    Variable(
        "monitoring",
        "text",
        None,
        "Patience: deadlines, stall times. Follows target when not set.",
        "monitoring=local",
        MONITORING_NAMES,
    ),
    Variable(
        "sections",
        "list",
        [],
        "Names of the libraries to work on, all when empty.",
        'sections="Movies,TV Shows"',
    ),
    Variable(
        "quick_test",
        "bool",
        False,
        "No Sonic analysis, short patience.",
        "quick_test=true",
    ),
    Variable(
        "force_refresh",
        "bool",
        False,
        "Download all metadata again before the analysis (hours).",
        "force_refresh=true",
    ),
    Variable(
        "force_deep_scan",
        "bool",
        False,
        "Also scan the folders that moved or were emptied, one by one.",
        "force_deep_scan=true",
    ),
    Variable(
        "scan_missing_threshold",
        "number",
        0.05,
        "Share of sampled files that may be missing before a scan is refused.",
        "scan_missing_threshold=0.1",
    ),
    Variable(
        "scan_deletion_budget",
        "int",
        None,
        "Items that a library may lose; 2 %, at least 5, at most 100, when not set.",
        "scan_deletion_budget=20",
    ),
    Variable(
        "accept_deletions",
        "bool",
        False,
        "The files are really gone: go on beyond the budget.",
        "accept_deletions=true",
    ),
    Variable(
        "empty_trash",
        "bool",
        False,
        "Delete for good what is in the trash of the scanned libraries.",
        "empty_trash=true",
    ),
    Variable(
        "sample",
        "int",
        0,
        "A trial of Sonic analysis on this many tracks, 0 for all.",
        "sample=200",
    ),
    Variable(
        "repair_database",
        "bool",
        False,
        "Of a damaged database: take an intact copy, else salvage what can be read.",
        "repair_database=true",
    ),
    Variable(
        "repair_max_loss",
        "number",
        0.01,
        "Part of any table that a salvage may lose.",
        "repair_max_loss=0.02",
    ),
    Variable(
        "keep",
        "bool",
        False,
        "Keep the instance (and its bill) until its deadline.",
        "keep=true",
    ),
    Variable(
        "archive",
        "path",
        None,
        "Archive with the home server's database pair.",
        "archive=~/plex-home.tar.zst",
    ),
    Variable(
        "path_mappings",
        "mappings",
        [],
        "Old to new path prefixes: a JSON or YAML file, or the mapping itself.",
        "path_mappings=path_mappings.json",
    ),
    Variable(
        "libraries",
        "libraries",
        [],
        "Libraries of a scan from scratch: a JSON or YAML file, or the list itself.",
        "libraries=plex_libraries.json",
    ),
    Variable(
        "burst_name",
        "burst_name",
        "plex",
        "Name under which the burst's resources are tagged and found again.",
        "burst_name=plex",
    ),
    Variable(
        "bucket",
        "remote",
        None,
        "Where the media is, as rclone names it.",
        "bucket=myremote:media",
    ),
    Variable(
        "rclone_config",
        "path",
        "~/.config/rclone/rclone.conf",
        "rclone's configuration file with the remote of bucket.",
        "rclone_config=./rclone.conf",
    ),
    Variable(
        "rclone_options",
        "dict",
        {},
        "Overrides of the profile's rclone values.",
        'rclone_options=\'{"cache_size": "40G"}\'',
    ),
    Variable(
        "plex_account_token",
        "text",
        None,
        "Token of the Plex account; better in a file or the environment.",
        "PLEX_ACCOUNT_TOKEN=... in the environment",
        secret=True,
    ),
    Variable(
        "plex_account_token_file",
        "path",
        None,
        "File (mode 0600) that holds the token of the Plex account.",
        "plex_account_token_file=~/.config/plex-token",
    ),
    Variable(
        "plex_claim",
        "claim",
        None,
        "Claim token, when there is no account token (lives four minutes).",
        "plex_claim=claim-...",
        secret=True,
    ),
    Variable(
        "plex_tv_url",
        "url",
        "https://plex.tv",
        "Address of the account service.",
        "plex_tv_url=https://plex.tv",
    ),
    Variable(
        "plex_version",
        "text",
        None,
        "Plex version, only for an archive that does not tell.",
        "plex_version=1.42.2.10156-f737b826c",
    ),
    Variable(
        "plex_image",
        "text",
        "plexinc/pms-docker",
        "Container image without its tag.",
        "plex_image=plexinc/pms-docker",
    ),
    Variable(
        "registry_url",
        "url",
        "https://registry-1.docker.io",
        "Registry that is asked for the image's tag.",
        "registry_url=https://registry-1.docker.io",
    ),
    Variable(
        "registry_mirror",
        "url",
        None,
        "Mirror that the instance pulls images through.",
        "registry_mirror=http://mirror.example:5000",
    ),
    Variable(
        "zones",
        "zones",
        ["fr-par-1"],
        "Scaleway zones to try, in this order.",
        "zones=fr-par-1,nl-ams-1",
    ),
    Variable(
        "instance_types",
        "list",
        [],
        "Instance types to try, instead of the profile's.",
        "instance_types=GP1-S,PRO2-S",
    ),
    Variable(
        "volume_gb",
        "int",
        None,
        "Size of the instance's disk, instead of the profile's.",
        "volume_gb=200",
    ),
    Variable(
        "max_lifetime_hours",
        "number",
        96.0,
        "Hours until the deadline in the instance's tags; it does not end by itself yet.",
        "max_lifetime_hours=48",
    ),
    Variable(
        "output_dir",
        "path",
        "./results",
        "Folder on this machine for archives, logs and reports.",
        "output_dir=~/bursts",
    ),
    Variable(
        "timezone",
        "text",
        None,
        "Time zone of the burst's Plex; this machine's when not set.",
        "timezone=Europe/Paris",
    ),
    Variable(
        "media_root",
        "text",
        None,
        "Folder that the libraries' paths begin with; found out when not set.",
        "media_root=/media/plex",
    ),
    Variable(
        "scan_limits",
        "dict",
        {},
        "Hours per kind of library or phase before it counts as too late.",
        "scan_limits='{\"photo\": 8}'",
    ),
    Variable(
        "monitoring_options",
        "dict",
        {},
        "Overrides of the monitoring profile: check_interval, stall_threshold, cpu_idle, mount, waits.",
        "monitoring_options='{\"check_interval\": 30}'",
    ),
    Variable(
        "env_file",
        "path",
        None,
        "A .env with S3_BUCKET, PLEX_VERSION, SCW_DEFAULT_ZONE, <PROFILE>_INSTANCE_TYPE.",
        "env_file=.env",
    ),
)
