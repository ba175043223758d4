# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection: no promise of stability for others.

"""``Preferences.xml``: one element whose attributes are the preferences.

Plex rewrites the file in one step, so a reader sees the old or the new one
(``plex-facts §4``).
"""

from __future__ import annotations

from xml.etree import ElementTree


class PreferencesUnreadable(Exception):
    """The file is there but cannot be understood."""


def read_preferences(path: str) -> dict[str, str]:
    """The attributes of the one element; empty when the file is not there yet."""
    try:
        with open(path, "rb") as handle:
            root = ElementTree.fromstring(handle.read())
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise PreferencesUnreadable(f"Cannot read {path}: {exc.strerror}") from exc
    except ElementTree.ParseError as exc:
        raise PreferencesUnreadable(
            f"{path} is not the XML that Plex writes ({exc});"
            " look at it, or remove it while the server is stopped"
        ) from exc
    return dict(root.attrib)
