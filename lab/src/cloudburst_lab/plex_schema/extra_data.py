# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``extra_data`` columns in both spellings (plex-facts §2.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote, unquote

_PLEX_ESCAPES = str.maketrans({".": "%2E", "_": "%5F"})


def _escape(text: str) -> str:
    # quote() already escapes "*" and leaves "-" and "~", as Plex does.
    return quote(text, safe="").translate(_PLEX_ESCAPES)


def encode_url(values: Mapping[str, str]) -> str:
    """The form written before 1.40: sorted ``key=value`` pairs, Plex's escaping."""
    pairs = sorted(values.items())
    return "&".join(f"{_escape(key)}={_escape(value)}" for key, value in pairs)


def encode(values: Mapping[str, object]) -> str:
    """The form written since 1.40: compact JSON of strings, the old form as `url`."""
    texts = {key: str(value) for key, value in sorted(values.items())}
    return json.dumps(
        {**texts, "url": encode_url(texts)},
        separators=(",", ":"),
        ensure_ascii=False,
    )


def decode(text: str | None) -> dict[str, str]:
    """Either form as a dict, without the ``url`` key; empty for NULL and ''."""
    if not text:
        return {}
    if text.startswith("{"):
        values = json.loads(text)
        return {key: str(value) for key, value in values.items() if key != "url"}
    pairs = (pair.partition("=") for pair in text.split("&"))
    return {unquote(key): unquote(value) for key, _, value in pairs}


def merged(text: str | None, values: Mapping[str, object]) -> str:
    """The column with some values set."""
    return encode({**decode(text), **values})
