# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``Plex Media Scanner``'s command line: lists, and asks the server for the rest (§4)."""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

from .tuning import Layout

BASE = "http://127.0.0.1:32400"


def _ask(method: str, path: str, query: dict[str, str] | None = None) -> bytes:
    token = Layout.from_environment().local_admin_token.read_text(encoding="ascii")
    url = f"{BASE}{path}?{urllib.parse.urlencode(query or {})}"
    headers = {"X-Plex-Token": token.strip(), "Accept": "application/json"}
    request = urllib.request.Request(url, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as reply:
        body: bytes = reply.read()
    return body


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="Plex Media Scanner")
    actions = parser.add_mutually_exclusive_group(required=True)
    for short, name in (
        ("l", "list"),
        ("s", "scan"),
        ("r", "refresh"),
        ("a", "analyze"),
    ):
        actions.add_argument(f"-{short}", f"--{name}", action="store_true")
    parser.add_argument("-c", "--section", type=int)
    parser.add_argument("-d", "--directory")
    parser.add_argument("-x", "--force", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("-p", "--progress", action="store_true")
    return parser


def _list() -> None:
    found = json.loads(_ask("GET", "/library/sections"))["MediaContainer"]
    for section in found.get("Directory", []):
        print(f"{section['key']:>3}: {section['title']}")


def main() -> None:
    options = _parser().parse_args()
    try:
        if options.list:
            _list()
            return
        if options.section is None:
            sys.exit("Error: --section is required")
        path = f"/library/sections/{options.section}"
        if options.analyze:
            _ask("PUT", f"{path}/analyze")
            return
        query = {"path": options.directory} if options.directory else {}
        if options.force or options.refresh:
            query["force"] = "1"
        _ask("GET", f"{path}/refresh", query)
    except (OSError, urllib.error.URLError) as error:
        sys.exit(f"Error: {error}")
