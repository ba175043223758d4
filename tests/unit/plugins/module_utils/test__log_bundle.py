# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils._log_bundle import (
    LogBundle,
    scrub,
)


@pytest.mark.parametrize(
    "line",
    [
        b"GET /library?X-Plex-Token=SECRETsecret123456 [200]",
        b"X-Plex-Token: SECRETsecret123456",
        b'<Preferences PlexOnlineToken="SECRETsecret123456" />',
        b"<authentication-token>SECRETsecret123456</authentication-token>",
        b"exchange?token=claim-SECRETsecret123456",
        b"secret_access_key = SECRETsecret123456",
        b"  access_key_id: SECRETsecret123456",
        b"Authorization: AWS4-HMAC-SHA256 Credential=SECRETsecret123456/x",
        b"pass = SECRETsecret123456",
        b"anything with SECRETsecret123456 in it",
    ],
)
def test_no_secret_stays(line: bytes) -> None:
    known = ["SECRETsecret123456"] if line.startswith(b"anything") else []
    clean = scrub(line, known)
    assert b"SECRETsecret123456" not in clean
    assert b"<hidden>" in clean


@pytest.mark.parametrize(
    "line", [b"passing 200 files", b"claim refused", b"token wait 10 s", b"a short b"]
)
def test_ordinary_lines_stay_as_they_are(line: bytes) -> None:
    assert scrub(line, ["short", ""]) == line


def test_bundle_holds_files_folders_and_output_and_names_what_is_missing(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "Logs"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "Plex Media Server.log").write_text("X-Plex-Token=abcdefgh12345")
    (tmp_path / "long.log").write_text("x" * 100 + "the end")
    bundle = LogBundle([], largest=7)
    target = tmp_path / "logs.tar.gz"
    bundle.write(
        str(target),
        [
            {"name": "plex", "path": str(folder)},
            {"name": "long.log", "path": str(tmp_path / "long.log")},
            {"name": "said.txt", "command": ["echo", "hello"]},
            {"name": "gone.log", "path": str(tmp_path / "gone.log")},
            {"name": "bad.txt", "command": ["/nonexistent/command"]},
        ],
    )
    with tarfile.open(target) as archive:
        names = archive.getnames()
        text = {x: archive.extractfile(x).read() for x in names}  # type: ignore[union-attr]
    assert names[:3] == ["plex/deep/Plex Media Server.log", "long.log", "said.txt"]
    assert text["long.log"] == b"the end"
    assert text["said.txt"] == b"hello\n"
    assert target.stat().st_mode & 0o777 == 0o600
    assert any("gone.log" in x for x in bundle.missing)
    assert any("/nonexistent/command" in x for x in bundle.missing)
