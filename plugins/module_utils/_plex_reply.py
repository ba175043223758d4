# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""Errors that the Plex edge raises, and the reading of its answers.

Plex answers JSON when asked, but some old endpoints only speak XML
(``plex-facts §3.1``); both end in the same plain dictionaries here.
"""

from __future__ import annotations

import json
import typing as t
from xml.etree import ElementTree

# The second start-up gate: reads work, but the library is not open yet.
STARTING_SENTENCE = "still starting up"


class PlexError(Exception):
    """Something about the Plex server; the text says what and what to do."""


class PlexUnreachable(PlexError):
    """No HTTP answer."""


class PlexUnauthorized(PlexError):
    """401: the token is missing, wrong, or the request counts as remote."""


class PlexStarting(PlexError):
    """503, or the "still starting up" sentence: worth another try."""


class PlexNotFound(PlexError):
    """404 for the named thing."""


class PlexRefused(PlexError):
    """Any other status that is not a success."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class PlexBadReply(PlexError):
    """An answer that is neither the JSON nor the XML that was expected."""


def is_starting(status: int, text: str) -> bool:
    """True for both start-up gates; a plain 400 is not one of them."""
    return status == 503 or STARTING_SENTENCE in text.lower()


def startup_status(text: str) -> str:
    """The ``status`` sentence of a 503 body, or the body's start."""
    try:
        return ElementTree.fromstring(text).attrib.get("status", "").strip()
    except ElementTree.ParseError:
        return " ".join(text.split())[:160]


def parse_container(body: bytes) -> dict[str, t.Any]:
    """The root object of an answer as a dictionary, whatever its format.

    JSON: the value of the single top-level key (``MediaContainer``,
    ``ButlerTasks``, ``MyPlex``). XML: the root's attributes, and its children
    as lists under their element name. Empty bodies give an empty dictionary.
    """
    text = body.strip()
    if not text:
        return {}
    if text[:1] in (b"{", b"["):
        return _json_root(text)
    if text[:1] == b"<":
        return _xml_root(text)
    raise PlexBadReply(f"neither JSON nor XML: {text[:80].decode('utf-8', 'replace')}")


def _json_root(text: bytes) -> dict[str, t.Any]:
    try:
        data = json.loads(text.decode("utf-8"))
    except ValueError as exc:
        raise PlexBadReply(f"broken JSON: {exc}") from exc
    if not isinstance(data, dict):
        raise PlexBadReply("a JSON object was expected, not a list")
    if len(data) == 1:
        only = next(iter(data.values()))
        if isinstance(only, dict):
            return only
    return data


def _xml_root(text: bytes) -> dict[str, t.Any]:
    try:
        root = ElementTree.fromstring(text.decode("utf-8", "replace"))
    except ElementTree.ParseError as exc:
        raise PlexBadReply(f"broken XML: {exc}") from exc
    return _element(root)


def _element(element: ElementTree.Element) -> dict[str, t.Any]:
    result: dict[str, t.Any] = dict(element.attrib)
    if element.text and element.text.strip():
        result["_text"] = element.text.strip()
    for child in element:
        result.setdefault(child.tag, [])
        if isinstance(result[child.tag], list):
            result[child.tag].append(_element(child))
    return result


def as_bool(value: t.Any) -> bool:
    """Plex's booleans: JSON ``true``, XML ``"1"``, numbers."""
    if isinstance(value, str):
        return value.strip().lower() in ("1", "true", "yes", "t")
    return bool(value)


def as_int(value: t.Any) -> int | None:
    """An integer, or None when the attribute is absent or no number."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def as_list(value: t.Any) -> list[dict[str, t.Any]]:
    """Children of a container, which are absent when there are none."""
    if isinstance(value, dict):
        return [value]
    return [row for row in value or [] if isinstance(row, dict)]
