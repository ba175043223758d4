# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identity, account, settings, activities, Butler (plex-facts §3.2, §3.4, §6)."""

from __future__ import annotations

import time
from pathlib import Path

import plexapi.exceptions
import pytest
from plexlab import Plex, PlexTv, Start

from cloudburst_lab.processes import wait_until

PASS_ONLY = {
    "MusicAnalysisBehavior": "scheduled",
    "GenerateIntroMarkerBehavior": "asap",
    "GenerateCreditsMarkerBehavior": "asap",
}
BUTLER = set(
    [
        "AutomaticUpdates",
        "BackupDatabase",
        "ButlerTaskGenerateAdMarkers",
        "ButlerTaskGenerateCreditsMarkers",
        "ButlerTaskGenerateIntroMarkers",
        "ButlerTaskGenerateVoiceActivity",
        "CleanOldBundles",
        "CleanOldCacheFiles",
        "DeepMediaAnalysis",
        "GarbageCollectBlobs",
        "GarbageCollectLibraryMedia",
        "GenerateBlurHashes",
        "GenerateChapterThumbs",
        "GenerateMediaIndexFiles",
        "LoudnessAnalysis",
        "MusicAnalysis",
        "OptimizeDatabase",
        "RefreshEpgGuides",
        "RefreshLibraries",
        "RefreshLocalMedia",
        "RefreshPeriodicMetadata",
        "UpgradeMediaAnalysis",
    ]
)


@pytest.fixture(scope="module")
def plex(start: Start, films: Path) -> Plex:
    running = start(films)
    running.create("Movies", "movie")
    return running


@pytest.fixture(scope="module")
def owned(start: Start, films: Path, plextv: PlexTv) -> Plex:
    running = start(films, environment={"PLEX_CLAIM": plextv.claim()})
    running.token = running.preferences["PlexOnlineToken"]
    wait_until(
        lambda: running.get("/").get("myPlexSubscription") == "1",
        timeout=10,
        what="Plex Pass",
    )
    return running


def test_s3_2_identity(plex: Plex) -> None:
    shown = plex.json("/identity")["MediaContainer"]
    assert set(shown) == {
        "size",
        "apiVersion",
        "claimed",
        "machineIdentifier",
        "version",
    }
    assert shown["claimed"] is False and len(shown["machineIdentifier"]) == 40
    assert "plex" not in plex.http("GET", "/identity").text.lower().replace(
        "mediacontainer", ""
    )


def test_s3_2_root_tells_capabilities_and_the_subscription(
    plex: Plex, owned: Plex
) -> None:
    free, paid = plex.get("/"), owned.get("/")
    assert free.get("myPlexSubscription") == "0" and free.get("musicAnalysis") is None
    assert paid.get("myPlexSubscription") == "1" and paid.get("musicAnalysis") == "2"
    assert paid.get("myPlexUsername") == "lab-owner"
    assert paid.get("myPlexSigninState") == "ok"
    assert len(paid) == int(str(paid.get("size")))


def test_s3_2_account_has_state_and_features(plex: Plex, owned: Plex) -> None:
    free, paid = plex.get("/myplex/account"), owned.get("/myplex/account")
    assert (free.tag, free.get("subscriptionActive")) == ("MyPlex", "0")
    assert paid.get("subscriptionActive") == "1"
    assert "pass" in str(paid.get("subscriptionFeatures")).split(",")
    assert owned.json("/myplex/account")["MyPlex"]["signInState"] == "ok"
    account = owned.api.account()
    assert account.username == "lab-owner" and account.subscriptionActive


def test_s3_2_s4_claim_and_unclaim_through_the_server(
    start: Start, plextv: PlexTv
) -> None:
    plex = start(tuning={"token_delay": 1.0})
    reply = plex.http("POST", "/myplex/claim", params={"token": plextv.claim()})
    assert reply.status_code == 200
    assert "PlexOnlineToken" not in plex.preferences  # it appears some seconds later
    wait_until(lambda: "PlexOnlineToken" in plex.preferences, timeout=10, what="token")
    plex.token = plex.preferences["PlexOnlineToken"]
    assert plex.get("/identity").get("claimed") == "1"
    assert plex.http("DELETE", "/myplex/account").status_code == 200
    assert plex.token not in plextv.servers  # given back to plex.tv
    assert "PlexOnlineToken" not in plex.preferences
    assert plex.get("/identity").get("claimed") == "0"


def test_s4_a_refused_claim_is_an_error(plex: Plex) -> None:
    reply = plex.http("POST", "/myplex/claim", params={"token": "claim-none"})
    assert reply.status_code == 400


# --- settings ----------------------------------------------------------------------


def test_s3_4_names_types_and_defaults(plex: Plex) -> None:
    settings = {s["id"]: s for s in plex.json("/:/prefs")["MediaContainer"]["Setting"]}
    assert len(settings) == 151
    for name, default in {
        "FSEventLibraryUpdatesEnabled": False,
        "ScheduledLibraryUpdateInterval": 3600,
        "autoEmptyTrash": True,
        "GenerateBIFBehavior": "never",
        "GenerateChapterThumbBehavior": "scheduled",
        "LoudnessAnalysisBehavior": "scheduled",
        "ButlerStartHour": 2,
        "ButlerEndHour": 5,
        "ButlerTaskRefreshLibraries": False,
        "ButlerTaskDeepMediaAnalysis": True,
        "ButlerUpdateChannel": "16",
        "DatabaseCacheSize": 40,
        "logDebug": True,
        "MinimumProgressTime": 60000,
        "enableLocalSecurity": -1,
    }.items():
        assert settings[name]["default"] == default, name
    keys = {"id", "label", "summary", "type", "default", "value"}
    assert keys | {"hidden", "advanced", "group"} <= set(settings["autoEmptyTrash"])
    assert settings["TranscoderTempDirectory"]["value"] == "/transcode"


@pytest.mark.parametrize("name", sorted(PASS_ONLY))
def test_s3_4_some_settings_exist_only_with_plex_pass(
    plex: Plex, owned: Plex, name: str
) -> None:
    assert plex.http("GET", "/:/prefs/get", params={"id": name}).status_code == 404
    shown = owned.get("/:/prefs/get", params={"id": name})
    assert shown[0].get("value") == PASS_ONLY[name]


@pytest.mark.parametrize(
    "name",
    [
        "ButlerTaskDeepAnalysis",
        "GenerateChapterBehavior",
        "AutoScan",
        "ButlerTaskMusicAnalysis",
    ],
)
def test_s3_4_unknown_names_are_answered_200_and_ignored(plex: Plex, name: str) -> None:
    assert plex.put("/:/prefs", params={name: "1"}).content == b""
    assert plex.http("GET", "/:/prefs/get", params={"id": name}).status_code == 404
    assert name not in plex.preferences


def test_s3_3_s6_settings_change_through_plexapi(plex: Plex) -> None:
    settings = plex.api.settings
    settings.get("autoEmptyTrash").set(False)
    settings.get("loudnessAnalysisBehavior").set("never")
    settings.save()
    fresh = plex.api.settings
    assert fresh.get("autoEmptyTrash").value is False
    assert fresh.get("LoudnessAnalysisBehavior").value == "never"
    plex.put(
        "/:/prefs",
        params={"autoEmptyTrash": "1", "LoudnessAnalysisBehavior": "scheduled"},
    )


def test_s3_4_a_setting_survives_a_restart(start: Start) -> None:
    plex = start()
    plex.put("/:/prefs", params={"ButlerTaskBackupDatabase": "0"})
    plex.exec("/plex_service.sh", "-r")
    plex.wait_ready()
    shown = plex.get("/:/prefs/get", params={"id": "ButlerTaskBackupDatabase"})
    assert shown[0].get("value") == "0"


# --- activities and the Butler -----------------------------------------------------


def test_s3_2_an_idle_server_keeps_one_butler_activity(plex: Plex) -> None:
    plex.settle()
    shown = plex.get("/activities")
    assert [(a.get("type"), a.get("progress")) for a in shown] == [("butler", "100")]
    activity = plex.json("/activities")["MediaContainer"]["Activity"][0]
    assert {"uuid", "type", "cancellable", "userID", "title", "subtitle"} < set(
        activity
    )


def test_s3_2_activities_can_be_cancelled_or_not(plex: Plex) -> None:
    butler = plex.get("/activities")[0].get("uuid")
    assert plex.http("DELETE", f"/activities/{butler}").status_code == 400
    assert plex.http("DELETE", "/activities/none").status_code == 404


def test_s3_2_butler_lists_its_tasks(plex: Plex) -> None:
    shown = plex.get("/butler")
    assert {task.get("name") for task in shown} == BUTLER
    assert {task.tag for task in shown} == {"ButlerTask"}
    first = plex.json("/butler")["ButlerTasks"]["ButlerTask"][0]
    assert {"name", "interval", "scheduleRandomized", "enabled", "title"} < set(first)
    assert {task.name for task in plex.api.butlerTasks()} == BUTLER


def test_s3_2_butler_answers_200_202_404(start: Start, films: Path) -> None:
    plex = start(films, tuning={"analysis_item": 2.0})
    plex.create("Movies", "movie")
    task = "/butler/DeepMediaAnalysis"
    assert plex.http("DELETE", task).status_code == 404  # does not run
    assert plex.http("POST", task).status_code == 200
    assert plex.http("POST", task).status_code == 202
    assert "media.generate.deep" in plex.activities()
    assert plex.http("DELETE", task).status_code == 200
    plex.settle(10)
    assert plex.http("POST", "/butler/None").status_code == 404
    assert plex.http("POST", task).status_code == 200
    assert plex.http("DELETE", "/butler").status_code == 200
    plex.settle(10)
    assert plex.one("SELECT count(*) FROM activities WHERE cancelled=1") == 2


def test_s3_4_enabled_tasks_start_when_the_nightly_window_opens(start: Start) -> None:
    # Noon, by its clock, or the window would be open before anything is set.
    noon = f"LAB{time.gmtime().tm_hour - 12:+d}"
    plex = start(tuning={"night": True}, environment={"TZ": noon})
    plex.put("/:/prefs", params={"ButlerTaskOptimizeDatabase": "0"})
    plex.put("/:/prefs", params={"ButlerStartHour": "12"})
    query = "SELECT count(*) FROM activities WHERE title=?"
    wait_until(lambda: plex.one(query, "BackupDatabase"), timeout=15, what="night")
    plex.settle()
    assert plex.one(query, "OptimizeDatabase") == 0


def test_s6_plexapi_refuses_the_202_of_a_running_task(
    start: Start, films: Path
) -> None:
    plex = start(films, tuning={"analysis_item": 2.0})
    plex.create("Movies", "movie")
    plex.api.runButlerTask("DeepMediaAnalysis")
    with pytest.raises(plexapi.exceptions.BadRequest):
        plex.api.runButlerTask("DeepMediaAnalysis")


def test_s3_2_asynchronous_housekeeping_names_an_activity(plex: Plex) -> None:
    reply = plex.put("/library/optimize", params={"async": "1"})
    assert reply.headers["X-Plex-Activity"]
    plex.put("/library/clean/bundles")
    plex.settle()


def test_s1_1_backup_on_demand_is_dated_beside_the_databases(plex: Plex) -> None:
    plex.butler("BackupDatabase")
    names = [path.name for path in plex.databases.glob("*.db-20??-??-??")]
    assert len(names) == 2


def test_s3_2_no_sessions_and_plexapi_can_ask(plex: Plex) -> None:
    assert plex.get("/status/sessions").get("size") == "0"
    assert plex.api.sessions() == [] and plex.api.history() == []
    assert plex.api.version.startswith("1.42.2")
