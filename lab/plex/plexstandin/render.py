# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tree, two shapes: Plex's XML and its JSON (§3.1).

A tree is a dict: scalars become attributes; a dict, or each dict of a list, becomes a
child element. In XML an item of the list ``Metadata`` is named after its type.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

Tree = Mapping[str, Any]
XML_TYPE = "text/xml;charset=utf-8"
JSON_TYPE = "application/json"
_ELEMENTS = {"movie": "Video", "episode": "Video", "clip": "Video", "track": "Track"}


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def _element_name(name: str, child: Tree) -> str:
    if name != "Metadata":
        return name
    kind = str(child.get("type", ""))
    # A photo album is a Directory that calls itself a photo; leaves have media.
    if kind == "photo" and "Media" in child:
        return "Photo"
    return _ELEMENTS.get(kind, "Directory")


def to_xml(name: str, tree: Tree, depth: int = 0) -> str:
    """The element ``name`` with everything below it."""
    attributes, children = [], []
    for key, value in tree.items():
        if isinstance(value, list):
            children += [(_element_name(key, child), child) for child in value]
        elif isinstance(value, Mapping):
            children.append((key, value))
        elif value is not None:
            attributes.append(f" {key}={quoteattr(_scalar(value))}")
    head = f"{'  ' * depth}<{name}{''.join(attributes)}"
    if not children:
        return f"{head}>\n{'  ' * depth}</{name}>\n" if depth == 0 else f"{head} />\n"
    inner = "".join(to_xml(child, below, depth + 1) for child, below in children)
    return f"{head}>\n{inner}{'  ' * depth}</{name}>\n"


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _clean(v) for k, v in value.items() if v is not None}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def to_json(name: str, tree: Tree) -> str:
    """``{"MediaContainer": {…}}``; an empty list is left out, as Plex does."""
    body = {key: value for key, value in _clean(tree).items() if value != []}
    return json.dumps({name: body}, ensure_ascii=False, separators=(",", ":"))


def render(name: str, tree: Tree, accept: str) -> tuple[bytes, str]:
    """Body and content type for what the client accepts."""
    if JSON_TYPE in accept:
        return to_json(name, tree).encode(), JSON_TYPE
    xml = '<?xml version="1.0" encoding="UTF-8"?>\n' + to_xml(name, tree)
    return xml.encode(), XML_TYPE


def container(name: str, items: list[Any], /, **attributes: Any) -> Tree:
    """A MediaContainer's content: size, attributes, one list."""
    return {"size": len(items), **attributes, name: items}
