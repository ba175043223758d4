# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PRIVATE to cloudburst.plex: what is known of an injected pair, from its ``base.json``."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import (
    PAIR,
    DbError,
    file_sha256,
)

RECORD = "base.json"


def read_record(path: str) -> dict[str, Any] | None:
    """What ``base.json`` says, None without one; DbError when it is unreadable."""
    try:
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DbError(
            f"{path}: is not readable ({error}); if no result of this burst is needed"
            " any more, remove it to inject again"
        ) from error
    if not isinstance(record, dict) or "base" not in record or "source" not in record:
        raise DbError(f"{path}: is not the record of an injected pair")
    return record


def mappings_of(folder: str) -> list[dict[str, str]]:
    """The path mappings that the pair in a folder has been through; none without record.

    Raises DbError when the record speaks of other files: an injection was cut short.
    """
    path = os.path.join(folder, RECORD)
    record = read_record(path)
    if record is None:
        return []
    known = {item["path"]: item["sha256"] for item in _files(record)}
    digests = {os.path.basename(name): digest for name, digest in known.items()}
    for name in PAIR:
        if digests.get(name) != file_sha256(os.path.join(folder, name)):
            raise DbError(f"{path}: is not of this {name}, its injection was cut short")
    return list(record.get("mappings", []))


def _files(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in record["base"].values() if isinstance(item, dict)]
