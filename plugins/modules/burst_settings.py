#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: burst_settings
short_description: Check and normalise the user's variables once
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Reads the variables of a burst, from C(-e), C(group_vars) or anywhere else that Ansible takes variables from, and sets the fact C(burst)
    in which every one of them has its right type. Lists may be YAML, JSON or separated by commas, booleans in any of Ansible's spellings, files JSON or YAML.
  - Everything that is wrong is said in one message, one line per variable, before anything is created. A variable on the command line that
    looks like one of ours and is none (C(-e keeep=true)) is wrong too.
  - The secrets (the account's token and the claim token) are checked but are not part of the fact; M(cloudburst.plex.burst_secrets) hands them out.
  - This is an action plugin, it runs on the controller.
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  require:
    description:
      - Variables that have no default and that this run cannot do without. The archive, and rclone's configuration file with the bucket, have
        to exist as files then.
    type: list
    elements: str
    default: []
notes:
  - "Variables and their defaults: C(profile) (C(lite), C(standard), C(power), C(superpower); C(standard)), C(target) (C(cloud), C(local); C(cloud)),
    C(monitoring) (C(local), C(cloud); follows C(target)), C(sections), C(quick_test), C(force_refresh), C(force_deep_scan), C(sample), C(keep), C(archive),
    C(path_mappings), C(libraries), C(burst_name) (C(plex)), C(bucket), C(rclone_config) (C(~/.config/rclone/rclone.conf)), C(rclone_options),
    C(plex_account_token), C(plex_account_token_file), C(plex_claim), C(plex_tv_url), C(plex_version), C(plex_image), C(registry_url), C(registry_mirror),
    C(zones) (C(fr-par-1)), C(instance_types), C(volume_gb), C(max_lifetime_hours) (C(96)), C(output_dir) (C(./results)), C(timezone), C(media_root),
    C(scan_limits), C(scan_missing_threshold) (C(0.05)), C(scan_deletion_budget), C(accept_deletions), C(empty_trash), C(monitoring_options),
    C(repair_database), C(repair_max_loss) (C(0.01)), C(env_file)."
  - The token of the account is also taken from the environment variable E(PLEX_ACCOUNT_TOKEN).
seealso:
  - module: cloudburst.plex.burst_secrets
"""

EXAMPLES = r"""
- name: Check and normalise the variables
  cloudburst.plex.burst_settings:
    require: [archive, bucket]

- name: Use them
  ansible.builtin.debug:
    msg: "{{ burst.profile.instance_types }} for {{ burst.sections | default(['all libraries'], true) }}"
"""

RETURN = r"""
burst:
  description: All variables, normalised; also set as the fact C(burst).
  returned: success
  type: dict
  sample:
    sections: [Movies, TV Shows]
    keep: true
    bucket: myremote:media
    max_lifetime_hours: 96.0
    has_account_token: true
    has_claim: false
    profile:
      name: power
      instance_types: [GP1-S, PRO2-S]
      volume_gb: 100
      warm_parallelism: 16
      rclone: {"cache_mode": "full", "cache_size": "20G", "chunk_size": "4M", "chunk_streams": 0}
    monitoring:
      name: cloud
      check_interval: 60
      stall_threshold: 15
      stall_seconds: 900
      cpu_idle: 10.0
      limits: {"movie": 4.0, "show": 2.0, "artist": 4.0, "photo": 4.0, "analysis": 12.0, "refresh": 4.0, "sonic": 72.0}
problems:
  description: What is wrong, one sentence per variable.
  returned: failure
  type: list
  elements: str
  sample: ["profile has to be one of lite, standard, power, superpower, not 'turbo'"]
"""
