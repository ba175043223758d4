# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema of Plex's database pair, and how to make and fill such a pair.

Pure standard library, no import from the rest of the lab: it also runs inside the Plex
stand-in's image and in unit tests. Sections are those of the Plex facts.
"""

from __future__ import annotations

from .codes import BlobType, MetadataType, SectionType, StreamType, TagType
from .fill import Filler, sonic_blob
from .pair import BLOBS, LIBRARY, SCHEMA_HEAD, Pair, create_pair
from .rows import ANALYSED, Rows, Section, digest

__all__ = [
    "ANALYSED",
    "BLOBS",
    "LIBRARY",
    "SCHEMA_HEAD",
    "BlobType",
    "Filler",
    "MetadataType",
    "Pair",
    "Rows",
    "Section",
    "SectionType",
    "StreamType",
    "TagType",
    "create_pair",
    "digest",
    "sonic_blob",
]
