# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plex.tv of the lab, driven by plexapi's MyPlexAccount and as the server image does it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
import uvicorn
from plexapi.exceptions import Unauthorized
from plexapi.myplex import MyPlexAccount

from cloudburst_lab.config import LabConfig
from cloudburst_lab.plextv.app import Store, fresh_account, make_app

WORKER = {
    "X-Plex-Client-Identifier": "f" * 40,
    "X-Plex-Product": "Plex Media Server",
    "X-Plex-Version": "1.42.2",
    "X-Plex-Provides": "server",
}


@dataclass
class Site:
    url: str
    config: LabConfig
    store: Store
    now: list[float] = field(default_factory=lambda: [1000.0])

    @property
    def token(self) -> str:
        return self.config.credentials.plex_account_token

    def claim(self) -> str:
        reply = requests.get(
            f"{self.url}/api/claim/token.json",
            headers={"X-Plex-Token": self.token},
            timeout=5,
        )
        reply.raise_for_status()
        return str(reply.json()["token"])

    def exchange(self, claim: str) -> requests.Response:
        return requests.post(
            f"{self.url}/api/claim/exchange",
            params={"token": claim},
            headers=WORKER,
            timeout=5,
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    config = LabConfig.load(tmp_path)
    store = Store(tmp_path / "plextv.json", lambda: fresh_account(config))
    place = Site("", config, store)
    server = uvicorn.Server(
        uvicorn.Config(make_app(store, lambda: place.now[0]), port=0, log_level="error")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    place.url = f"http://127.0.0.1:{port}"
    yield place
    server.should_exit = True
    thread.join(timeout=5)


@pytest.fixture
def account(site: Site, monkeypatch: pytest.MonkeyPatch) -> MyPlexAccount:
    """plexapi's own account class, with its addresses moved to the lab's plex.tv."""
    send = requests.Session.request

    def moved(
        self: requests.Session, method: str, url: str, **kw: object
    ) -> requests.Response:
        return send(self, method, url.replace("https://plex.tv", site.url), **kw)  # type: ignore[arg-type]

    monkeypatch.setattr(requests.Session, "request", moved)
    return MyPlexAccount(token=site.token)


def test_plexapi_reads_account_and_plex_pass(
    account: MyPlexAccount, site: Site
) -> None:
    assert account.username == site.config.username
    assert account.subscriptionActive is True
    assert "pass" in account.subscriptionFeatures


def test_account_without_plex_pass(account: MyPlexAccount, site: Site) -> None:
    site.store.account.plex_pass = False
    account.reload()
    assert account.subscriptionActive is False


def test_home_is_the_only_server_at_first(account: MyPlexAccount, site: Site) -> None:
    home = site.config.credentials.home_machine_identifier
    assert [r.clientIdentifier for r in account.resources()] == [home]


def test_s4_claim_token_is_exchanged_once(account: MyPlexAccount, site: Site) -> None:
    claim = account.claimToken()
    assert claim.startswith("claim-")
    first = site.exchange(claim)
    assert first.status_code == 201
    assert "<authentication-token>" in first.text
    assert site.exchange(claim).status_code == 400


def test_s4_claim_token_lives_four_minutes(site: Site) -> None:
    young, old = site.claim(), site.claim()
    site.now[0] += 239
    assert site.exchange(young).status_code == 201
    site.now[0] += 2
    refused = site.exchange(old)
    assert refused.status_code == 400
    assert "expired" in refused.text
    assert "<authentication-token>" not in refused.text


def test_l83_a_claimed_worker_stays_until_it_is_removed(
    account: MyPlexAccount, site: Site
) -> None:
    site.exchange(site.claim())
    identifiers = {device.clientIdentifier: device for device in account.devices()}
    assert WORKER["X-Plex-Client-Identifier"] in identifiers
    identifiers[WORKER["X-Plex-Client-Identifier"]].delete()
    left = [device.clientIdentifier for device in account.devices()]
    assert left == [site.config.credentials.home_machine_identifier]


def test_a_server_token_is_known_until_it_signs_out(site: Site) -> None:
    text = site.exchange(site.claim()).text
    token = text.split("<authentication-token>")[1].split("<")[0]
    headers = {"X-Plex-Token": token, "Accept": "application/json"}
    assert (
        requests.get(f"{site.url}/api/v2/user", headers=headers, timeout=5).status_code
        == 200
    )
    out = requests.delete(
        f"{site.url}/api/v2/users/signout", headers=headers, timeout=5
    )
    assert out.status_code == 204
    assert (
        requests.get(f"{site.url}/api/v2/user", headers=headers, timeout=5).status_code
        == 401
    )


def test_wrong_token_is_refused(account: MyPlexAccount) -> None:
    with pytest.raises(Unauthorized):
        MyPlexAccount(token="x" * 20)


def test_the_account_outlives_a_restart(site: Site) -> None:
    site.exchange(site.claim())
    again = Store(site.store.path, lambda: fresh_account(site.config))
    assert again.account == site.store.account
