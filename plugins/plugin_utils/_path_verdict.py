# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Whether a library may be scanned, judged by what its locations show on the mount.

Renamed one by one is what a deep scan cures; most of a location gone is a wrong prefix,
and the plain scan that comes first would put all of it into the trash (L11). Plex takes
a file whose time changed for another one and analyses it again (L85).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Location = t.Mapping[str, t.Any]

#: examples that a sentence names
NAMED = 3


@dataclass(frozen=True)
class PathRules:
    """What may be; shares are 0 to 1.

    ``missing_cap`` holds in any case, ``missing_threshold`` unless a deep scan is to
    come or deletions are accepted.
    """

    media_root: str
    missing_threshold: float
    missing_cap: float
    mtime_drift_threshold: float
    force_deep_scan: bool
    accept_deletions: bool
    accept_mtime_drift: bool


def path_verdict(
    checked: t.Mapping[str, t.Any],
    section: t.Mapping[str, t.Any],
    rules: t.Mapping[str, t.Any],
) -> dict[str, list[str]]:
    """``refusals`` and ``notes``, as sentences, of a result of plex_path_check.

    ``section`` has ``id`` and ``name``, ``rules`` are the fields of :class:`PathRules`.
    """
    bounds = PathRules(**rules)
    name = str(section["name"])
    refusals: list[str] = []
    notes: list[str] = []
    for location in checked["locations"]:
        found = [
            *_reach(location, name),
            *_missing(location, name, bounds),
            *_drift(location, name, bounds),
        ]
        refusals += found
        if location["missing"] and not bounds.force_deep_scan and not found:
            notes.append(_offer(location))
    outside = int(checked["outside"].get(str(section["id"]), 0))
    if outside:
        places = ", ".join(str(x["path"]) for x in checked["locations"])
        notes.append(
            f"{outside} files of {name} are below none of its folders ({places}): no scan"
            " looks for them, and the comparison with the bucket does not either"
        )
    return {"refusals": refusals, "notes": notes}


def _reach(location: Location, name: str) -> t.Iterator[str]:
    if not location["reachable"]:
        yield (
            f"The library {name} has a location that is not reachable:"
            f" {location['path']} {location['reason']}. A scan would count all of its"
            f" {location['total']} files as deleted. Bring it back, map it with"
            " path_mappings, or leave the library out with sections."
        )


def _missing(location: Location, name: str, rules: PathRules) -> t.Iterator[str]:
    share = location["missing_share"] or 0
    what = (
        f"{location['missing']} of {location['sampled']} sampled files of {name}"
        f" ({_percent(share)}) are not at their path in {location['path']}, more than"
    )
    examples = f"For example: {_examples(location['examples'])}."
    if share > rules.missing_cap:
        yield (
            f"{what} {_percent(rules.missing_cap)}: a scan would count them as deleted,"
            f" force_deep_scan or not. {examples} Give path_mappings (old prefix: new"
            f" prefix), for example {{'{location['path']}':"
            f" '{rules.media_root}/<folder in the bucket>'}}. If they are really gone,"
            " raise scan_missing_cap."
        )
    elif share > rules.missing_threshold and not (
        rules.force_deep_scan or rules.accept_deletions
    ):
        yield (
            f"{what} {_percent(rules.missing_threshold)}. {examples} If the folders moved"
            " as a whole, give path_mappings (old prefix: new prefix); if they were"
            " renamed one by one, force_deep_scan=true finds them again. If they are"
            " really gone, accept_deletions=true, or raise scan_missing_threshold."
        )


def _drift(location: Location, name: str, rules: PathRules) -> t.Iterator[str]:
    drift = location["mtime_drift"]
    if rules.accept_mtime_drift or not drift["compared"]:
        return
    if drift["drifted"] / drift["compared"] > rules.mtime_drift_threshold:
        yield (
            f"{drift['drifted']} of {drift['compared']} sampled files of {name} in"
            f" {location['path']} have another modification time than in the database,"
            f" more than {_percent(rules.mtime_drift_threshold)}: Plex would analyse them"
            " all again, and so would home with the result. For example:"
            f" {_examples(drift['examples'])}. Mount here as home mounts (rclone_options:"
            " mtime_mode server, or none if home mounts with --no-modtime), or accept it"
            " with -e scan_accept_mtime_drift=true."
        )


def _offer(location: Location) -> str:
    return (
        f"{location['missing']} of {location['sampled']} sampled files are not in"
        f" {location['path']} any more. If they were renamed, a plain scan does not find"
        " their new place: force_deep_scan=true does."
    )


def _examples(named: t.Sequence[str]) -> str:
    return "; ".join(map(str, named[:NAMED]))


def _percent(share: float) -> str:
    return f"{round(share * 100, 1):g} %"
