# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Resources (profiles) and patience (monitoring): the tables. Pure.

The profiles are the ones of the hand-run predecessor, with what was measured
since (``scaleway-rclone B1, B3``): real modification times from the server,
short time-outs instead of an hour, directory cache that is refreshed by hand,
no attribute cache of a year. Container limits are not here, they come from
the machine.
"""

from __future__ import annotations

import typing as t
from copy import deepcopy

Table = dict[str, t.Any]

# Types whose root volume is local come first: one terminate leaves nothing
# (scaleway-rclone A2). PRO2 types only have block volumes, deleted by name.
_PROFILES: dict[str, Table] = {
    "lite": {
        "instance_types": ["DEV1-S", "DEV1-M"],
        "volume_gb": 20,
        # 20 GB is tight for system, Docker, Plex and a cache (scaleway-rclone A2).
        "rclone": {"cache_mode": "full", "cache_size": "5G", "buffer_size": "16M"},
        "chunk": ("4M", 0),
        "warm_parallelism": 4,
    },
    "standard": {
        "instance_types": ["DEV1-M", "DEV1-L", "GP1-XS"],
        "volume_gb": 40,
        "rclone": {"cache_mode": "full", "cache_size": "10G", "buffer_size": "16M"},
        "chunk": ("4M", 0),
        "warm_parallelism": 8,
    },
    "power": {
        "instance_types": ["GP1-S", "PRO2-S"],
        "volume_gb": 100,
        "rclone": {"cache_mode": "full", "cache_size": "20G", "buffer_size": "32M"},
        "chunk": ("4M", 0),
        "warm_parallelism": 16,
    },
    "superpower": {
        "instance_types": ["GP1-M", "PRO2-M"],
        "volume_gb": 100,
        "rclone": {"cache_mode": "full", "cache_size": "20G", "buffer_size": "64M"},
        "chunk": ("4M", 0),
        "warm_parallelism": 32,
    },
}

_RCLONE_ALWAYS: Table = {
    "cache_min_free_space": "2G",
    "dir_cache_time": "1000h",
    "attr_timeout": "10s",
    # How home's mount makes modification times has to be repeated here (L85).
    "mtime_mode": "server",
    "fast_fingerprint": True,
}

# L53: consecutive checks without movement, seconds between them, CPU percent.
_PATIENCE: dict[str, tuple[int, int, float]] = {
    "local_quick": (5, 30, 5.0),
    "local_delta": (10, 60, 10.0),
    "cloud_standard": (15, 60, 10.0),
    "cloud_intensive": (30, 120, 5.0),
    "metadata_refresh": (60, 120, 20.0),
}

# L06: deadlines belong to where it runs. Remounting by itself is for the cloud.
_MOUNT: dict[str, Table] = {
    "cloud": {
        "timeout": "10s",
        "contimeout": "5s",
        "low_level_retries": 3,
        "probe_timeout": 8,
        "slow_ms": 3000,
        "failures_before_remount": 3,
        "remount": True,
        "guard": {
            "tick": 1,
            "statvfs_deadline": 4,
            "byte_interval": 2,
            "byte_deadline": 5,
            "wedge_deadline": 9,
            "free_after": 30,
            "prove_looks": 2,
        },
    },
    "local": {
        "timeout": "120s",
        "contimeout": "60s",
        "low_level_retries": 10,
        "probe_timeout": 60,
        "slow_ms": 20000,
        "failures_before_remount": 0,
        "remount": False,
        # A home line is slow by nature, and a probe takes of what it has.
        "guard": {
            "tick": 5,
            "statvfs_deadline": 30,
            "byte_interval": 30,
            "byte_deadline": 60,
            "wedge_deadline": 120,
            "free_after": 300,
            "prove_looks": 2,
        },
    },
}

# L46, L47: seconds.
_WAITS: dict[str, Table] = {
    "cloud": {"ready": 900, "token": 180, "plex_pass": 120, "interval": 10},
    "local": {"ready": 900, "token": 120, "plex_pass": 60, "interval": 10},
}

# L52: hours.
LIMITS: Table = {
    "movie": 4.0,
    "show": 2.0,
    "artist": 4.0,
    "photo": 4.0,
    "analysis": 12.0,
    "refresh": 4.0,
    "sonic": 72.0,
}

PROFILE_NAMES = tuple(_PROFILES)
MONITORING_NAMES = tuple(_MOUNT)
PHASES = ("scan", "analysis", "refresh", "sonic")
MOUNT_KEYS = ("timeout", "contimeout", "low_level_retries")


def patience(name: str) -> Table:
    """One line of L53 with the stall time that follows from it."""
    threshold, interval, idle = _PATIENCE[name]
    return {
        "name": name,
        "stall_threshold": threshold,
        "check_interval": interval,
        "stall_seconds": threshold * interval,
        "cpu_idle": idle,
    }


def monitoring(name: str, quick_test: bool, limits: Table, options: Table) -> Table:
    """Everything about patience for one run.

    ``options`` may hold check_interval, stall_threshold or cpu_idle (for every
    phase), and dictionaries ``mount`` and ``waits``.
    """
    usual = "local_quick" if quick_test else "local_delta"
    usual = "cloud_standard" if name == "cloud" else usual
    intensive = "cloud_intensive" if name == "cloud" else usual
    lines = {
        "scan": usual,
        "analysis": usual,
        "refresh": "metadata_refresh",
        "sonic": intensive,
    }
    phases = {
        phase: _adjusted(patience(line), options) for phase, line in lines.items()
    }
    return {
        **phases["scan"],
        "name": name,
        "phases": phases,
        "limits": {**LIMITS, **limits},
        "mount": _with_guard(_MOUNT[name], options.get("mount", {})),
        "waits": {**_WAITS[name], **options.get("waits", {})},
    }


def _with_guard(usual: Table, own: Table) -> Table:
    guard = {**usual["guard"], **own.get("guard", {})}
    return {**usual, **own, "guard": guard}


def _adjusted(line: Table, options: Table) -> Table:
    own: Table = {
        k: options[k]
        for k in ("check_interval", "stall_threshold", "cpu_idle")
        if k in options
    }
    merged: Table = {**line, **own}
    merged["stall_seconds"] = merged["stall_threshold"] * merged["check_interval"]
    return merged


def profile(name: str, mount: Table, overrides: Table) -> Table:
    """Everything about resources for one run.

    ``overrides`` may hold instance_types, volume_gb and the dictionary rclone.
    """
    base = deepcopy(_PROFILES[name])
    chunk_size, chunk_streams = base.pop("chunk")
    rclone: Table = {
        **_RCLONE_ALWAYS,
        **base["rclone"],
        "chunk_size": chunk_size,
        "chunk_streams": chunk_streams,
        **_only(mount, MOUNT_KEYS),
        **overrides.get("rclone", {}),
    }
    types = overrides.get("instance_types") or base["instance_types"]
    return {
        "name": name,
        "instance_types": list(types),
        "volume_gb": overrides.get("volume_gb") or base["volume_gb"],
        "warm_parallelism": base["warm_parallelism"],
        "rclone": rclone,
    }


def _only(table: Table, keys: t.Sequence[str]) -> Table:
    return {key: table[key] for key in keys}


def rclone_keys() -> tuple[str, ...]:
    """Names that a user may override in ``rclone_options``."""
    return tuple(sorted(profile("lite", _MOUNT["cloud"], {})["rclone"]))
