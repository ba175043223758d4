# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server types, images and prices on sale; the figures are data in ``catalogue.json``."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from cloudburst_lab.scaleway.model import L_SSD, SBS, ZONES

IMAGE_CREATED = 1757668301.420846
HOURS_PER_MONTH = 730
#: named by the marketplace for arm64 images; the lab sells none of them
ARM_TYPES = ("COPARM1-2C-8G", "BASIC2-A2C-4G")


@dataclass(frozen=True)
class ServerType:
    name: str
    ncpus: int
    ram_gib: int
    hourly_price: float
    bandwidth_mbit: int
    block_bandwidth: int
    l_ssd_max: int
    hot_snapshots: bool
    file_systems: int
    range: str

    @property
    def local_storage(self) -> bool:
        return self.l_ssd_max > 0


@dataclass(frozen=True)
class CatalogueImage:
    """One image of the marketplace in one zone, for one kind of root volume."""

    id: str
    label: str
    name: str
    zone: str
    arch: str
    root_kind: str
    root_id: str

    @property
    def local_type(self) -> str:
        return "instance_local" if self.root_kind == L_SSD else "instance_sbs"


@cache
def _data() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("catalogue.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def server_types(zone: str) -> dict[str, ServerType]:
    """Return the types on sale in a zone, by name."""
    absent = set(_data()["zones_without"].get(zone, []))
    types = (ServerType(**item) for item in _data()["types"])
    return {
        t.name: t for t in sorted(types, key=lambda t: t.name) if t.name not in absent
    }


def storage_price(kind: str) -> float:
    """Euros per GB (10^9 bytes) and hour."""
    return float(_data()["storage"][kind])


def ip_price() -> tuple[float, float]:
    """Euros per hour and the least that one IP costs (A3)."""
    return float(_data()["ip"]["hourly"]), float(_data()["ip"]["minimum"])


def _stable_id(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, "/".join(parts)))


@cache
def images() -> dict[str, CatalogueImage]:
    """Return every image by id. x86_64 comes with both root kinds, arm64 with SBS only (A1)."""
    found: dict[str, CatalogueImage] = {}
    for zone in ZONES:
        for item in _data()["images"]:
            for arch, kind in (("arm64", SBS), ("x86_64", SBS), ("x86_64", L_SSD)):
                key = (item["label"], zone, arch, kind)
                image_id = _stable_id("image", *key)
                found[image_id] = CatalogueImage(
                    id=image_id,
                    label=item["label"],
                    name=item["name"],
                    zone=zone,
                    arch=arch,
                    root_kind=kind,
                    root_id=_stable_id("root", *key),
                )
    return found


def compatible_types(image: CatalogueImage) -> list[str]:
    """Return the server types that can boot an image."""
    if image.arch != "x86_64":
        return list(ARM_TYPES)
    types = server_types(image.zone).values()
    return [t.name for t in types if image.root_kind == SBS or t.local_storage]
