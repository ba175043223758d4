#!/usr/bin/python

# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_db_check
short_description: Check Plex's pair of databases for damage
version_added: 0.1.0
description:
  - Checks both databases for damage that counting rows never shows - cut off files, pages overwritten, indexes that
    do not match their table, torn copies, a C(-wal) file from elsewhere.
  - A C(-wal) or C(-journal) that a server left beside a database which nobody has open is damage, too, for rows are only there.
    Those of a running server belong to it and are read along.
  - Nothing is changed, and no C(-wal) or C(-shm) appears beside a database at rest.
  - Messages name the file, the table or index where that can be told, and what to do.
author:
  - cloudburst.plex contributors (@cloudburst)
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.attributes.info_module
options:
  library:
    description:
      - Path of C(com.plexapp.plugins.library.db).
    type: path
    required: true
  blobs:
    description:
      - Path of C(com.plexapp.plugins.library.blobs.db). The pair is used together or not at all, so a missing one is damage.
    type: path
    required: true
  oracle:
    description:
      - Who checks. V(plex) is Plex's own C(Plex SQLite) from O(image), run by C(docker run --rm), with its real tokenizer and
        collation. V(stock) is the SQLite of the host's Python with stand-ins for both; it ignores only what a stand-in cannot know.
      - V(auto) is V(plex) when Docker works and O(image) is present, else V(stock).
    type: str
    choices: [auto, plex, stock]
    default: auto
  image:
    description:
      - Plex image with its tag. It is never pulled here.
    type: str
    default: ""
  level:
    description:
      - V(full) is C(integrity_check) (about 12 s for each GB) and, with O(oracle=plex), the full-text indexes.
      - V(quick) is C(quick_check) (about 2 s for each GB). It does not see index entries that are stale or values that changed.
    type: str
    choices: [quick, full]
    default: full
  fail_on_damage:
    description:
      - Fail when there is damage. When V(false), RV(ok) tells.
    type: bool
    default: true
  timeout:
    description:
      - Seconds that one run of C(Plex SQLite) may take.
    type: int
    default: 7200
"""

EXAMPLES = r"""
- name: Check the pair before Plex sees it
  cloudburst.plex.plex_db_check:
    library: /srv/cloudburst/incoming/pair/databases/com.plexapp.plugins.library.db
    blobs: /srv/cloudburst/incoming/pair/databases/com.plexapp.plugins.library.blobs.db
    image: plexinc/pms-docker:1.42.2.10156-f737b826c

- name: Look quickly, and go on whatever is found
  cloudburst.plex.plex_db_check:
    library: /srv/cloudburst/export/com.plexapp.plugins.library.db
    blobs: /srv/cloudburst/export/com.plexapp.plugins.library.blobs.db
    level: quick
    fail_on_damage: false
  register: check
"""

RETURN = r"""
ok:
  description: Whether no damage was found.
  type: bool
  returned: always
oracle:
  description: Who checked, V(plex) or V(stock).
  type: str
  returned: always
  sample: plex
level:
  description: The level of the check.
  type: str
  returned: always
  sample: full
findings:
  description:
    - What was found. C(severity) is V(damage) or V(notice); C(kind) is one of missing, header, truncated, malformed, page,
      table_page, index_page, table, value, index_entry, index_count, full_text, stale_wal, wal_pending, wal_needed, not_plex,
      swapped, journal_pending, pair_mismatch, pair_strays; C(text) is the whole sentence.
  type: list
  elements: dict
  returned: always
  sample:
    - file: /srv/x/com.plexapp.plugins.library.db
      kind: index_page
      severity: damage
      message: page 363 has no valid page header (type 0)
      table: media_parts
      index: index_media_parts_on_file
      page: 363
      count: 1
      advice: an index only
      text: a sentence of all this
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._db_check import Checker
from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    failures_told,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_findings import (
    damage,
    summary,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_oracle import (
    choose_oracle,
)


def check(params: dict[str, Any]) -> dict[str, Any]:
    """Everything the module returns; DbError when the check could not be made."""
    oracle = choose_oracle(
        params["oracle"], params["image"], timeout=float(params["timeout"])
    )
    checker = Checker(oracle, params["level"])
    with failures_told(params["library"]):
        findings = checker.pair(params["library"], params["blobs"])
    return {
        "ok": not damage(findings),
        "oracle": oracle.name,
        "level": params["level"],
        "findings": [item.as_dict() for item in findings],
        "msg": summary(findings),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "library": {"type": "path", "required": True},
            "blobs": {"type": "path", "required": True},
            "oracle": {
                "type": "str",
                "choices": ["auto", "plex", "stock"],
                "default": "auto",
            },
            "image": {"type": "str", "default": ""},
            "level": {"type": "str", "choices": ["quick", "full"], "default": "full"},
            "fail_on_damage": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 7200},
        },
        supports_check_mode=True,
    )
    try:
        result = check(module.params)
    except DbError as error:
        module.fail_json(
            msg=f"the databases could not be checked: {error}",
            ok=False,
            oracle=module.params["oracle"],
            level=module.params["level"],
            findings=[],
        )
    if not result["ok"] and module.params["fail_on_damage"]:
        module.fail_json(**{**result, "msg": f"damaged database: {result['msg']}"})
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
