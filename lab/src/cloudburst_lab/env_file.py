# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``lab.env``: what a run against the lab takes from the environment, ready to be sourced."""

from __future__ import annotations

import shlex

from cloudburst_lab.config import LabConfig, write_private


def variables(config: LabConfig) -> dict[str, str]:
    """Return the environment of a user of this lab."""
    keys = config.credentials
    return {
        "ANSIBLE_INVENTORY": str(config.repo_root / "inventories" / "lab"),
        "SCW_API_URL": config.scaleway_url,
        "SCW_ACCESS_KEY": keys.scw_access_key,
        "SCW_SECRET_KEY": keys.scw_secret_key,
        "SCW_DEFAULT_ORGANIZATION_ID": keys.scw_organization_id,
        "SCW_DEFAULT_PROJECT_ID": keys.scw_project_id,
        "SCW_DEFAULT_REGION": config.region,
        "SCW_DEFAULT_ZONE": config.zone,
        "RCLONE_CONFIG": str(config.rclone_config),
        "PLEX_ACCOUNT_TOKEN": keys.plex_account_token,
        "CLOUDBURST_LAB_DIR": str(config.state_dir),
        "CLOUDBURST_LAB_ADDRESS": config.gateway,
        "CLOUDBURST_LAB_ARCHIVE": str(config.archive),
        "CLOUDBURST_LAB_PLEX_TV_URL": config.plextv_url,
        "CLOUDBURST_LAB_REGISTRY": config.registry_url,
        "CLOUDBURST_LAB_BUCKET": config.bucket_path,
        "CLOUDBURST_LAB_APT_PROXY": config.apt_proxy_url,
    }


def write(config: LabConfig) -> None:
    """Write the file (0600: it holds secrets)."""
    lines = [
        f"export {name}={shlex.quote(value)}"
        for name, value in variables(config).items()
    ]
    head = "# Source this to point cloudburst.plex at the lab. Written by `lab up`."
    write_private(config.env_file, "\n".join([head, *lines, ""]))
