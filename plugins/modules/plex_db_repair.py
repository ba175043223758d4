#!/usr/bin/python

# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_db_repair
short_description: Get a sound pair of databases in place of a damaged one
version_added: 0.1.0
description:
  - Checks Plex's pair of databases and does nothing when it is sound.
  - Of a damaged pair an intact copy is taken, the newest of the dated backups that Plex leaves beside its databases, else the first of O(copies).
  - Only when there is none, and only with O(salvage), what can be read is put into new databases. A row counts as saved only if every page that
    holds a part of it is believed; pages beside a destroyed one are not. Indexes are made anew.
  - A row from beside the damage whose record is in order is taken over, too, and named as doubtful; a changed letter in it cannot be seen.
  - RV(tables) tells for every table how many rows there were, how many were saved and lost, and whether that was counted or estimated.
  - The given files are never written to, and the result appears in O(dest) only after it has passed the same check.
author:
  - cloudburst.plex contributors (@cloudburst)
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: partial
    details:
      - It checks, looks for intact copies, and with O(salvage) estimates what a salvage would lose at least, or refuses as the salvage would.
        What shows only when every row is compared with the indexes is not in the estimate.
  diff_mode:
    support: none
options:
  library:
    description:
      - Path of C(com.plexapp.plugins.library.db). No server may have it open.
    type: path
    required: true
  blobs:
    description:
      - Path of C(com.plexapp.plugins.library.blobs.db).
    type: path
    required: true
  dest:
    description:
      - Folder for the sound pair and C(repair.json), made if missing. Three times the size of the pair must be free there.
      - It is refused when it is the folder of O(library), of O(blobs), or one of O(copies).
    type: path
    required: true
  copies:
    description:
      - Folders that may hold an intact copy of the pair, the best first, such as the base of the burst. Each must hold libraries of the same server.
    type: list
    elements: path
    default: []
  dated_backups:
    description:
      - Also look at the dated backups that Plex leaves beside its databases. Not wanted for a pair whose newest rows are the point of it.
    type: bool
    default: true
  salvage:
    description:
      - Salvage what can be read when no copy is intact.
    type: bool
    default: false
  max_loss:
    description:
      - The part of any one table that may be lost by a salvage. Beyond it the salvage is refused, and so it is when a row is lost of the tables that
        give the others their meaning (sections, their folders, accounts, migrations, sequences).
    type: float
    default: 0.01
  oracle:
    description:
      - Who checks, as for M(cloudburst.plex.plex_db_check). With V(stock) a salvage is refused when a text index has to be made anew, for only Plex's
        own SQLite can do that.
    type: str
    choices: [auto, plex, stock]
    default: auto
  image:
    description:
      - Plex image with its tag. It is never pulled here.
    type: str
    default: ""
  timeout:
    description:
      - Seconds that one run of C(Plex SQLite) may take.
    type: int
    default: 7200
seealso:
  - module: cloudburst.plex.plex_db_check
"""

EXAMPLES = r"""
- name: Have a sound pair, whatever the archive holds
  cloudburst.plex.plex_db_repair:
    library: /srv/cloudburst/incoming/pair/databases/com.plexapp.plugins.library.db
    blobs: /srv/cloudburst/incoming/pair/databases/com.plexapp.plugins.library.blobs.db
    dest: /srv/cloudburst/incoming/repaired
    copies: [/srv/cloudburst/base]
    salvage: true
    image: plexinc/pms-docker:1.42.2.10156-f737b826c
"""

RETURN = r"""
status:
  description: V(healthy), V(copied), V(salvaged); V(damaged) in check mode, V(refused) on failure.
  type: str
  returned: always
library:
  description: Path of the sound library database; the given one when it is healthy.
  type: str
  returned: success
blobs:
  description: Path of the sound blobs database; the given one when it is healthy.
  type: str
  returned: success
source:
  description: The intact copy that was taken; empty when none was.
  type: str
  returned: always
damage:
  description: What is wrong with the given pair, one sentence each.
  type: list
  elements: str
  returned: always
copies:
  description: The copies that were looked at, whether each is intact, why not, and which path mappings C(base.json) says it has been through.
  type: list
  elements: dict
  returned: always
  sample: [{name: Plex's backup of 2026-11-18, intact: true, reason: "", mappings: []}]
tables:
  description: For each salvaged database (library, blobs) one entry per table. In check mode, or when it was refused early, only of the broken tables.
  type: dict
  returned: always
  sample:
    library:
      - table: media_parts
        before: 50000
        before_is: counted
        after: 49996
        lost: 4
        doubtful: 2
        doubtful_ids: [811-812]
        how: salvaged
lost:
  description: Rows of all tables that were not saved.
  type: int
  returned: always
report:
  description: RV(tables) in words, one sentence for each table that is not as it was.
  type: list
  elements: str
  returned: always
doubtful:
  description: Rows of all tables that were taken over and may have been changed by the damage.
  type: int
  returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._db_check import Checker
from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    failures_told,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_oracle import (
    choose_oracle,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_outcome import (
    Outcome,
    Repair,
    RepairRefusedError,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_repair import repair

SPEC: dict[str, Any] = {
    "library": {"type": "path", "required": True},
    "blobs": {"type": "path", "required": True},
    "dest": {"type": "path", "required": True},
    "copies": {"type": "list", "elements": "path", "default": []},
    "dated_backups": {"type": "bool", "default": True},
    "salvage": {"type": "bool", "default": False},
    "max_loss": {"type": "float", "default": 0.01},
    "oracle": {"type": "str", "choices": ["auto", "plex", "stock"], "default": "auto"},
    "image": {"type": "str", "default": ""},
    "timeout": {"type": "int", "default": 7200},
}
_JOB = ("library", "blobs", "dest", "copies", "dated_backups", "salvage", "max_loss")


def run(params: dict[str, Any], check_mode: bool) -> Outcome:
    oracle = choose_oracle(
        params["oracle"], params["image"], timeout=float(params["timeout"])
    )
    job = Repair(**{name: params[name] for name in _JOB})
    with failures_told(params["dest"]):
        return repair(job, Checker(oracle, "full"), dry_run=check_mode)


def returned(outcome: Outcome) -> dict[str, Any]:
    result = {
        **vars(outcome),
        "lost": outcome.lost,
        "doubtful": outcome.doubtful,
        "report": outcome.report,
        "msg": outcome.message,
    }
    del result["message"]
    return result


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if not 0 <= module.params["max_loss"] < 1:
        module.fail_json(msg="max_loss is a part of a table: from 0 to less than 1")
    try:
        outcome = run(module.params, module.check_mode)
    except RepairRefusedError as error:
        refused = returned(error.outcome)
        module.fail_json(**{**refused, "msg": f"not repaired: {refused['msg']}"})
    except DbError as error:
        module.fail_json(
            **returned(Outcome("refused", message=f"not repaired: {error}"))
        )
    module.exit_json(**returned(outcome))


if __name__ == "__main__":
    main()
