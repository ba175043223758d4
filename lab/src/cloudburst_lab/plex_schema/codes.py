# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that Plex stores (plex-facts §1.7)."""

from __future__ import annotations

from enum import IntEnum


class SectionType(IntEnum):
    """``library_sections.section_type``."""

    MOVIE = 1
    SHOW = 2
    ARTIST = 8
    PHOTO = 13


class MetadataType(IntEnum):
    """``metadata_items.metadata_type``, and ``type=`` in the HTTP API."""

    MOVIE = 1
    SHOW = 2
    SEASON = 3
    EPISODE = 4
    ARTIST = 8
    ALBUM = 9
    TRACK = 10
    CLIP = 12
    PHOTO = 13
    PHOTOALBUM = 14
    PLAYLIST = 15
    COLLECTION = 18


class StreamType(IntEnum):
    """``media_streams.stream_type_id``."""

    VIDEO = 1
    AUDIO = 2
    SUBTITLE = 3


class TagType(IntEnum):
    """``tags.tag_type``."""

    GENRE = 1
    COLLECTION = 2
    DIRECTOR = 4
    WRITER = 5
    ROLE = 6
    PRODUCER = 7
    COUNTRY = 8
    CHAPTER = 9
    LABEL = 11
    MARKER = 12
    GUID = 314


class BlobType(IntEnum):
    """``blobs.blob_type``."""

    SUBTITLE = 3
    INTRO_FINGERPRINT = 5
    SONIC_VECTOR = 7
    VOICE_ACTIVITY = 8


LEAF_TYPES = (
    MetadataType.MOVIE,
    MetadataType.EPISODE,
    MetadataType.TRACK,
    MetadataType.PHOTO,
)
# Default (agent, scanner, language) of a new section (plex-facts §3.3).
AGENTS = {
    SectionType.MOVIE: ("tv.plex.agents.movie", "Plex Movie", "en-US"),
    SectionType.SHOW: ("tv.plex.agents.series", "Plex TV Series", "en-US"),
    SectionType.ARTIST: ("tv.plex.agents.music", "Plex Music", "en-US"),
    SectionType.PHOTO: ("tv.plex.agents.none", "Plex Photo Scanner", "xn"),
}
NO_AGENT_VIDEO = ("tv.plex.agents.none", "Plex Video Files", "xn")
