# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image: first run, files, processes, Plex SQLite, ends (plex-facts §1.1, §1.4, §4)."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest
from plexlab import DATABASES, SUPPORT, Plex, PlexTv, Start

from cloudburst_lab.docker_cli import docker
from cloudburst_lab.plex_image import PlexImage
from cloudburst_lab.plex_schema import BLOBS, LIBRARY, create_pair
from cloudburst_lab.processes import run, wait_until

PLEX_UID = 1000


@pytest.fixture(scope="module")
def plex(start: Start, films: Path) -> Plex:
    running = start(films)
    running.create("Movies", "movie")
    return running


def test_s4_size_and_what_the_image_declares(image: PlexImage) -> None:
    found = json.loads(docker("image", "inspect", image.reference(image.versions[0])))[
        0
    ]
    assert found["Size"] < 300e6
    assert set(found["Config"]["Volumes"]) == {"/config", "/transcode"}
    assert found["Config"]["Entrypoint"] == ["/init"]
    assert "32400/tcp" in found["Config"]["ExposedPorts"]


def test_s4_layout_below_the_application_support_folder(plex: Plex) -> None:
    for name in (
        "Preferences.xml",
        ".LocalAdminToken",
        "Metadata",
        "Media/localhost",
        "Cache",
        "Codecs",
        "Crash Reports",
        "Logs/Plex Media Server.log",
        "Logs/PMS Plugin Logs",
        f"Plug-in Support/Databases/{LIBRARY}",
        f"Plug-in Support/Databases/{BLOBS}",
    ):
        path = plex.config / SUPPORT / name
        assert path.exists() and path.stat().st_uid == PLEX_UID, name


def test_s4_identifier_is_the_sha1_of_the_machine_identifier(plex: Plex) -> None:
    prefs = plex.preferences
    text = f"{prefs['MachineIdentifier']}- Plex Media Server"
    expected = hashlib.sha1(text.encode()).hexdigest()
    assert prefs["ProcessedMachineIdentifier"] == expected
    assert plex.get("/identity").get("machineIdentifier") == expected
    assert prefs["TranscoderTempDirectory"] == "/transcode"


def test_s4_preferences_are_private_and_replaced_as_a_whole(plex: Plex) -> None:
    path = plex.config / SUPPORT / "Preferences.xml"
    before = path.stat()
    plex.put("/:/prefs", params={"OnDeckWindow": "17"})
    after = path.stat()
    assert after.st_mode & 0o777 == 0o600 and after.st_ino != before.st_ino
    assert plex.preferences["OnDeckWindow"] == "17"
    plex.put("/:/prefs", params={"OnDeckWindow": "16"})
    assert "OnDeckWindow" not in plex.preferences  # only what is not the default


def test_s4_claim_is_exchanged_at_the_first_run(start: Start, plextv: PlexTv) -> None:
    plex = start(environment={"PLEX_CLAIM": plextv.claim()})
    token = plex.preferences["PlexOnlineToken"]
    server = plextv.servers[token]
    assert server.client_identifier == plex.preferences["ProcessedMachineIdentifier"]
    assert (server.product, server.provides) == ("Plex Media Server", "server")
    assert plex.get("/identity").get("claimed") == "1"
    assert token not in plex.logs() and token not in plex.log


def test_s4_a_used_claim_leaves_the_server_unclaimed(
    start: Start, plextv: PlexTv
) -> None:
    claim = plextv.claim()
    plextv.account.claims[claim].used = True
    plex = start(environment={"PLEX_CLAIM": claim})
    assert "PlexOnlineToken" not in plex.preferences
    assert plex.get("/identity").get("claimed") == "0"


def test_s4_first_run_is_guarded_by_a_file_in_the_container(plex: Plex) -> None:
    assert plex.exec("ls", "/.firstRunComplete").returncode == 0


def test_s4_uid_and_networks_from_the_environment(start: Start) -> None:
    plex = start(
        environment={
            "PLEX_UID": "1234",
            "PLEX_GID": "1235",
            "ADVERTISE_IP": "http://10.0.0.1:32400/",
            "ALLOWED_NETWORKS": "172.16.0.0/255.240.0.0",
        }
    )
    status = (plex.config / SUPPORT / "Preferences.xml").stat()
    assert (status.st_uid, status.st_gid) == (1234, 1235)
    assert plex.preferences["customConnections"] == "http://10.0.0.1:32400/"
    assert plex.preferences["allowedNetworks"] == "172.16.0.0/255.240.0.0"


def injected(tmp_path: Path, preferences: bool) -> Path:
    """A config volume with root's files in it, Preferences.xml plex's (or absent)."""
    config = tmp_path / "config"
    create_pair(config / DATABASES)
    if preferences:
        path = config / SUPPORT / "Preferences.xml"
        path.write_text("<Preferences/>")
        os.chown(path, PLEX_UID, PLEX_UID)
        os.chown(config / SUPPORT, PLEX_UID, PLEX_UID)
    return config


def test_s4_chown_is_skipped_when_preferences_are_already_owned(
    start: Start, tmp_path: Path
) -> None:
    config = injected(tmp_path, preferences=True)
    (config / DATABASES / LIBRARY).chmod(0o600)
    plex = start(config=config, ready=False)
    wait_until(lambda: "ended with" in plex.logs(), timeout=20, what="failing start")
    assert (config / DATABASES / LIBRARY).stat().st_uid == 0


def test_s4_everything_is_chowned_without_preferences(
    start: Start, tmp_path: Path
) -> None:
    config = injected(tmp_path, preferences=False)
    start(config=config)
    assert (config / DATABASES / LIBRARY).stat().st_uid == PLEX_UID


def test_s4_server_and_scanner_are_processes_of_those_names(plex: Plex) -> None:
    shown = plex.exec("ps", "-eo", "user,args").stdout
    line = next(text for text in shown.splitlines() if "Plex Media Server" in text)
    assert line.startswith("plex")
    listed = plex.exec("/usr/lib/plexmediaserver/Plex Media Scanner", "--list")
    assert "1: Movies" in listed.stdout


# --- the databases and Plex SQLite -------------------------------------------------


@pytest.mark.parametrize("name", [LIBRARY, BLOBS])
def test_s1_1_wal_with_1k_pages_while_open(plex: Plex, name: str) -> None:
    blobs = name == BLOBS
    assert plex.one("PRAGMA page_size", blobs=blobs) == 1024
    assert plex.one("PRAGMA journal_mode", blobs=blobs) == "wal"
    assert (plex.databases / f"{name}-wal").exists()


@pytest.mark.parametrize("name", [LIBRARY, BLOBS])
def test_s1_1_plex_sqlite_checks_a_whole_live_database(plex: Plex, name: str) -> None:
    assert plex.plex_sqlite(name, "PRAGMA integrity_check;") == "ok"


def test_s1_1_plex_sqlite_is_a_shell_with_options_and_exits_1(plex: Plex) -> None:
    binary = "/usr/lib/plexmediaserver/Plex SQLite"
    path = f"/config/{DATABASES}/{LIBRARY}"
    query = "SELECT name FROM library_sections;"
    shown = plex.exec(binary, "-json", "-readonly", path, query)
    assert json.loads(shown.stdout) == [{"name": "Movies"}]
    argv = ["docker", "exec", "-i", plex.name, binary, path]
    done = run(argv, stdin="SELEC 1;\nSELECT 42;\n", check=False)
    assert (done.returncode, done.stdout.strip()) == (1, "42") and done.stderr


def test_s1_1_plex_sqlite_without_a_server(image: PlexImage, tmp_path: Path) -> None:
    pair = create_pair(tmp_path)
    for path in (pair.library, pair.blobs):
        assert image.plex_sqlite(tmp_path, path.name, "PRAGMA integrity_check;") == "ok"


def test_s1_3_real_icu_orders_numbers_and_accents(plex: Plex) -> None:
    values = "('Movie 10'),('Movie 9'),('Élan'),('Eland'),('Fable')"
    shown = plex.plex_sqlite(
        LIBRARY,
        f"WITH t(x) AS (VALUES {values}) SELECT x FROM t ORDER BY x COLLATE icu_root",
    )
    assert shown.split("\n") == ["Élan", "Eland", "Fable", "Movie 9", "Movie 10"]


def test_s1_4_plex_sqlite_writes_what_stock_sqlite_cannot(
    image: PlexImage, tmp_path: Path
) -> None:
    create_pair(tmp_path)
    sql = (
        "INSERT INTO metadata_items(title, title_sort) VALUES('Été', 'Été');"
        "INSERT INTO tags(tag, tag_type) VALUES('Drama', 1), ('x', 99);"
        "UPDATE metadata_items SET title='Hiver d''été';"
        "INSERT INTO fts4_metadata_titles_icu(fts4_metadata_titles_icu)"
        " VALUES('integrity-check');"
        "SELECT count(*) FROM fts4_metadata_titles_icu"
        " WHERE fts4_metadata_titles_icu MATCH 'ETE';"
        "SELECT count(*) FROM fts4_tag_titles_icu_docsize;"
        "SELECT count(*) FROM spellfix_metadata_titles; VACUUM; PRAGMA integrity_check;"
    )
    assert image.plex_sqlite(tmp_path, LIBRARY, sql).split("\n") == [
        "1",
        "1",
        "0",
        "ok",
    ]


def test_s1_3_a_pair_filled_on_the_host_is_whole_after_finish(
    image: PlexImage, tmp_path: Path
) -> None:
    pair = create_pair(tmp_path)
    with pair.filler() as fill:
        films = fill.section("F", "movie", ["/f"])
        for number, title in enumerate(("L'Été", "Movie 10", "Movie 9", "The A-Team")):
            fill.movie(films, title, 2000, f"/f/{number}/a.mkv")
    assert image.plex_sqlite(tmp_path, LIBRARY, "PRAGMA integrity_check;") == "ok"
    image.finish(tmp_path)
    match = (
        "SELECT count(*) FROM fts4_metadata_titles_icu"
        " WHERE fts4_metadata_titles_icu MATCH 'ete'"
    )
    assert image.plex_sqlite(tmp_path, LIBRARY, match) == "1"


# --- ends and faults ---------------------------------------------------------------


def journals(plex: Plex) -> list[str]:
    names = (path.name for path in plex.databases.iterdir())
    return sorted(name for name in names if name.endswith(("-wal", "-shm")))


def test_s1_1_a_clean_stop_removes_wal_and_a_kill_leaves_it(start: Start) -> None:
    plex = start()
    plex.put("/:/prefs", params={"logDebug": "1"})
    plex.http("POST", "/library/sections", params=section("Kept"))
    plex.stop("KILL")
    assert journals(plex)
    plex.restart()  # the WAL held committed data
    assert "Kept" in plex.http("GET", "/library/sections").text
    begun = time.monotonic()
    plex.stop()
    assert time.monotonic() - begun < 5
    assert journals(plex) == []


def section(name: str) -> dict[str, str]:
    return {"name": name, "type": "movie", "location": f"/none/{name}"}


def test_s4_plex_service_stops_and_starts_inside_a_live_container(
    start: Start,
) -> None:
    plex = start()
    plex.exec("/plex_service.sh", "-d")
    assert plex.stage() == "" and journals(plex) == []
    plex.exec("/plex_service.sh", "-u")
    plex.wait_ready()


@pytest.mark.parametrize("kind", ["data", "index"])
def test_s5_3_a_damaged_database_is_a_restart_loop_with_its_reason(
    start: Start, kind: str
) -> None:
    plex = start()
    assert "1" in plex.http("POST", "/library/sections", params=section("x")).text
    plex.settle()
    plex.admin("PUT", "/faults", {"corrupt": kind})
    plex.exec("/plex_service.sh", "-r")
    wait_until(
        lambda: plex.logs().count("Starting Plex Media Server") >= 4,
        timeout=20,
        what="restart loop",
    )
    assert "malformed" in plex.logs() and "malformed" in plex.log
    assert docker("inspect", "-f", "{{.State.Running}}", plex.name) == "true"


def test_faults_crash_is_followed_by_a_restart(start: Start) -> None:
    plex = start()
    plex.exec("curl", "-s", "-X", "POST", "http://127.0.0.1:32499/crash", check=False)
    wait_until(lambda: "ended with -11" in plex.logs(), timeout=10, what="crash")
    plex.wait_ready()


def test_faults_slow_start_and_hang(start: Start) -> None:
    plex = start()
    plex.admin("PUT", "/faults", {"slow_start": 3})
    begun = time.monotonic()
    plex.exec("/plex_service.sh", "-r")
    wait_until(lambda: plex.stage() == "maintenance", timeout=5, what="maintenance")
    assert plex.http("GET", "/identity").status_code == 503
    plex.wait_ready()
    assert time.monotonic() - begun > 3
    plex.admin("POST", "/hang?seconds=1.5")
    begun = time.monotonic()
    assert plex.http("GET", "/identity").status_code == 200
    assert time.monotonic() - begun > 1
