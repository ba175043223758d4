# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plex.tv's answers, in the shapes that plexapi and the server image read."""

from __future__ import annotations

import json
import time
from typing import Any
from xml.sax.saxutils import quoteattr

from cloudburst_lab.plextv.state import AccountState, Device

FEATURES = ("pass", "hardware_transcoding", "music-analysis", "intro-markers", "sync")


def stamp(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def attributes(values: dict[str, Any]) -> str:
    """Return XML attributes; booleans are 1 and 0, None is the empty string."""
    texts = {
        name: (
            str(int(value))
            if isinstance(value, bool)
            else str("" if value is None else value)
        )
        for name, value in values.items()
    }
    return " ".join(f"{name}={quoteattr(text)}" for name, text in texts.items())


def account_values(account: AccountState, token: str) -> dict[str, Any]:
    return {
        "id": 4242,
        "uuid": account.uuid,
        "username": account.username,
        "title": account.username,
        "email": account.email,
        "friendlyName": account.username,
        "authToken": token,
        "confirmed": True,
        "hasPassword": True,
        "home": False,
        "homeAdmin": False,
        "homeSize": 1,
        "maxHomeSize": 15,
        "guest": False,
        "protected": False,
        "restricted": False,
        "scrobbleTypes": "",
        "thumb": "",
        "locale": "en",
        "country": "FR",
    }


def subscription_values(account: AccountState) -> dict[str, Any]:
    active = account.plex_pass
    return {
        "active": active,
        "subscribedAt": "2020-01-01 00:00:00 UTC" if active else None,
        "status": "Active" if active else "Inactive",
        "paymentService": "lab" if active else None,
        "plan": "lifetime" if active else None,
    }


def features(account: AccountState) -> tuple[str, ...]:
    return FEATURES if account.plex_pass else FEATURES[-1:]


def account_json(account: AccountState, token: str) -> str:
    subscription = {**subscription_values(account), "features": list(features(account))}
    return json.dumps({**account_values(account, token), "subscription": subscription})


def account_xml(account: AccountState, token: str) -> str:
    listed = "".join(f"<feature id={quoteattr(name)}/>" for name in features(account))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<user {attributes({**account_values(account, token), 'scrobbleTypes': '1'})}>"
        f"<subscription {attributes(subscription_values(account))}>"
        f"<features>{listed}</features></subscription>"
        f"<profile {attributes(_PROFILE)}/><entitlements/><roles/></user>"
    )


_PROFILE = {
    "autoSelectAudio": True,
    "defaultAudioLanguage": "en",
    "defaultSubtitleLanguage": "en",
    "autoSelectSubtitle": 0,
    "defaultSubtitleAccessibility": 0,
    "defaultSubtitleForces": 0,
}


def devices_xml(account: AccountState) -> str:
    rows = "".join(f"<Device {attributes(_device(d))}/>" for d in account.devices)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<MediaContainer>{rows}</MediaContainer>'


def _device(device: Device) -> dict[str, Any]:
    return {
        "name": device.name,
        "publicAddress": "172.30.77.1",
        "product": device.product,
        "productVersion": device.version,
        "platform": device.platform,
        "platformVersion": "",
        "device": device.platform,
        "model": "x86_64",
        "vendor": "",
        "provides": device.provides,
        "clientIdentifier": device.client_identifier,
        "version": device.version,
        "id": device.id,
        "token": device.token,
        "createdAt": device.created_at,
        "lastSeenAt": device.last_seen_at,
    }


def resource_values(device: Device, owner: int = 4242) -> dict[str, Any]:
    return {
        "name": device.name,
        "product": device.product,
        "productVersion": device.version,
        "platform": device.platform,
        "platformVersion": "",
        "device": device.platform,
        "clientIdentifier": device.client_identifier,
        "createdAt": stamp(device.created_at),
        "lastSeenAt": stamp(device.last_seen_at),
        "provides": device.provides,
        "ownerId": None if owner == 4242 else owner,
        "sourceTitle": None,
        "accessToken": device.token,
        "owned": True,
        "home": False,
        "synced": False,
        "relay": True,
        "presence": True,
        "httpsRequired": False,
        "publicAddressMatches": True,
        "dnsRebindingProtection": False,
        "natLoopbackSupported": False,
    }


def resources_json(account: AccountState) -> str:
    return json.dumps(
        [{**resource_values(d), "connections": []} for d in account.devices]
    )


def resources_xml(account: AccountState) -> str:
    rows = "".join(
        f"<resource {attributes({k: v for k, v in resource_values(d).items() if v is not None})}>"
        "<connections/></resource>"
        for d in account.devices
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<resources>{rows}</resources>'


def exchanged_xml(account: AccountState, device: Device) -> str:
    """The answer of the claim exchange; the image reads ``<authentication-token>``."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<response code="0" status="Claimed">'
        f"<username>{account.username}</username><email>{account.email}</email>"
        f"<authentication-token>{device.token}</authentication-token></response>"
    )


def refused_xml(code: int, text: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<errors><error code={quoteattr(str(code))} status={quoteattr(text)}/></errors>"
    )
