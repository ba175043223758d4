#!/usr/bin/python

# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_deletions
short_description: Keep count of what a Plex library loses
version_added: 0.1.0
description:
  - Takes snapshots of what the sections of a library hold, live and in the trash, and tells what was lost since the first of them.
  - A file that was live in any snapshot and is not live now is lost. If it came back in the same section under another path, with the same
    name and size or in the same item, it was renamed; otherwise it was deleted.
  - The budget is 2 percent of the items that a section had, at least 5 and at most 100 (L88). What left the database although nobody
    emptied the trash is over every budget, and stays so when Plex finds the file again; it then has a new item, without the old one's tags.
    A file that Plex moved to another item, as a merge does, keeps its row and is not lost.
  - With O(root_map), what was lost is looked up on the mount. A file that is there was not deleted, nor renamed, Plex could not read it.
    Nothing counts as gone from a mount that does not show what the library has.
  - Only reads the library. What was seen is kept in O(ledger), a file of its own, so that a run that was stopped is judged by what the
    library held before it and not by what it left.
author:
  - cloudburst.plex contributors (@cloudburst)
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  library:
    description:
      - Path of C(com.plexapp.plugins.library.db).
    type: path
    required: true
  ledger:
    description:
      - Where the snapshots are kept.
    type: path
    default: /srv/cloudburst/deletions.db
  base:
    description:
      - The library as it was injected. It is the first snapshot of sections that have none yet.
    type: path
  identity:
    description:
      - Whose snapshots these are. Those of another identity are put aside when a snapshot is taken.
    type: str
    default: ""
  state:
    description:
      - V(snapshot) notes what the sections hold now.
      - V(compared) tells what they lost since their first snapshot.
      - V(trash) also tells what emptying the trash would delete for good, all that is in it, whoever put it there.
    type: str
    choices: [snapshot, compared, trash]
    required: true
  sections:
    description:
      - Ids of the sections. All by default.
    type: list
    elements: int
    default: []
  budget:
    description:
      - Items that a section may lose, instead of the rule.
    type: int
  accept:
    description:
      - With O(state=compared), accept what is lost now and, by the word of the mount (O(root_map)), is gone. It does not count any more.
        The result tells what is left without it. Neither files that are there nor what left the database can be accepted.
      - With O(state=trash), allow more than the budget.
    type: bool
    default: false
  remember:
    description:
      - With O(state=compared), take a snapshot after it, so that the next comparison knows what is new by now.
    type: bool
    default: false
  emptying:
    description:
      - With O(state=trash), note that the trash is about to be emptied, unless RV(refused). What then leaves the database was meant to.
    type: bool
    default: false
  expected:
    description:
      - With O(state=trash), refuse a trash of any other number of files, for something was put there meanwhile.
    type: int
  root_map:
    description:
      - Prefixes of the paths in the database, and where these are on this host, to look up what was lost.
    type: dict
    default: {}
  deadline:
    description:
      - Seconds that one look-up may take before it counts as unanswered.
    type: float
    default: 10
  show:
    description:
      - How many titles the messages name.
    type: int
    default: 10
  report:
    description:
      - File for everything that was found, as JSON; the lists in the result end after 100 entries.
    type: path
seealso:
  - module: cloudburst.plex.plex_path_check
  - module: cloudburst.plex.plex_progress
"""

EXAMPLES = r"""
- name: Note what the films are before their scan
  cloudburst.plex.plex_deletions:
    library: "{{ databases }}/com.plexapp.plugins.library.db"
    base: /srv/cloudburst/base/com.plexapp.plugins.library.db
    state: snapshot
    sections: [1]

- name: Judge what the scan did
  cloudburst.plex.plex_deletions:
    library: "{{ databases }}/com.plexapp.plugins.library.db"
    state: compared
    sections: [1]
    root_map:
      /media/plex: /srv/cloudburst/tree/plex
  register: losses
  failed_when: losses.over_budget
"""

RETURN = r"""
time:
  description: When this was, on the burst host's clock.
  returned: success
  type: float
  sample: 1763690000.123
counts:
  description: Live and deleted items of each section, with O(state=snapshot).
  returned: O(state=snapshot)
  type: dict
  sample: {"1": {"name": "Movies", "live": 224, "deleted": 2}}
sections:
  description:
    - One entry for each section. RV(sections[].deleted) counts items; RV(sections[].present) and RV(sections[].unanswered) count lost files
      that the mount has, or about which it says nothing.
  returned: O(state=compared) or O(state=trash)
  type: list
  elements: dict
  contains:
    section:
      description: Id.
      type: int
    name:
      description: Name.
      type: str
    live_before:
      description: The most items that any snapshot had.
      type: int
    live:
      description: Items that are live now.
      type: int
    budget:
      description: Items that it may lose.
      type: int
    deleted:
      description: Items that lost a file.
      type: int
    renamed:
      description: Files that came back under another path.
      type: int
    purged:
      description: Files whose rows, or whose item's, left the database although the trash was not emptied.
      type: int
    accepted:
      description: Items whose loss was accepted.
      type: int
    present:
      description: Lost files that are there on the mount.
      type: int
    unanswered:
      description: Lost files about which the mount says nothing.
      type: int
    over_budget:
      description: Whether it lost more than it may.
      type: bool
    doubtful:
      description: Whether a new scan may undo some of it.
      type: bool
    message:
      description: What is wrong, with the first titles; empty when nothing is.
      type: str
deleted:
  description: The first deleted files.
  returned: O(state=compared) or O(state=trash)
  type: list
  elements: dict
  sample: [{section: 1, id: 17, type: movie, title: "Duck Soup (1933)", file: "/media/plex/Movies/Duck Soup (1933)/Duck Soup (1933).mkv",
            size: 1000000, seen: 1, state: trashed, present: false}]
renamed:
  description: The first renamed files.
  returned: O(state=compared) or O(state=trash)
  type: list
  elements: dict
  sample: [{section: 1, id: 18, type: movie, title: "Brazil (1985)", file: "/media/plex/Movies/Brazil (1985)/Brazil.mkv",
            now: "/media/plex/Movies/Brazil (1985) 4K/Brazil.mkv"}]
accepted:
  description: The first files that were accepted now, like RV(deleted).
  returned: O(state=compared) or O(state=trash)
  type: list
  elements: dict
  sample: []
purged:
  description: Whether anything left the database of any section although the trash was not emptied.
  returned: O(state=compared) or O(state=trash)
  type: bool
over_budget:
  description: Whether any section lost more than it may.
  returned: O(state=compared) or O(state=trash)
  type: bool
doubtful:
  description: Whether a new scan may undo some of it, for lost files are there or the mount did not answer.
  returned: O(state=compared) or O(state=trash)
  type: bool
message:
  description: What is wrong; empty when nothing is.
  returned: O(state=compared) or O(state=trash)
  type: str
trash:
  description: What is in the trash of each section. RV(trash[].would_delete) leaves out what was renamed.
  returned: O(state=trash)
  type: list
  elements: dict
  contains:
    section:
      description: Id.
      type: int
    name:
      description: Name.
      type: str
    would_delete:
      description: Items that would be deleted for good, without those that were renamed.
      type: int
    files:
      description: Files in the trash.
      type: int
    renamed:
      description: Files in the trash that came back under another path.
      type: int
    present:
      description: Files in the trash that are there on the mount.
      type: int
    unanswered:
      description: Files in the trash about which the mount says nothing, those outside of O(root_map) as well.
      type: int
    budget:
      description: Items that may be deleted.
      type: int
    refused:
      description: Whether it must not be emptied.
      type: bool
    message:
      description: Why; empty when it may be.
      type: str
refused:
  description: Whether the trash of any section must not be emptied.
  returned: O(state=trash)
  type: bool
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._deletion_ledger import (
    Ledger,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._deletion_watch import (
    DeletionWatch,
    write_report,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import (
    PathMappingError,
    path_map_from,
)


def take_snapshot(
    ledger: Ledger, params: dict[str, Any], check_mode: bool
) -> dict[str, Any]:
    """The result of state=snapshot."""
    if check_mode:
        return {"changed": True, "counts": {}}
    ledger.prepare(params["identity"])
    if params["base"]:
        ledger.seed(params["base"])
    counts = ledger.snapshot(params["library"], params["sections"])
    return {
        "changed": True,
        "counts": {str(count.section): count.as_dict() for count in counts},
    }


def look(ledger: Ledger, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of the states that compare."""
    if not ledger.exists and (check_mode or not params["base"]):
        raise DbError(
            f"{ledger.path}: there is no snapshot yet to compare with; take one before"
            " the scan (state=snapshot), or give the library as it was injected (base)"
        )
    if params["base"]:
        ledger.prepare()
        ledger.seed(params["base"])
    watch = DeletionWatch(ledger, params, path_map_from(params["root_map"]))
    watch.compare()
    if params["state"] == "trash":
        watch.look_into_trash()
    changed = watch.settle(write=not check_mode)
    if params["report"] and not check_mode:
        write_report(params["report"], watch.result(None))
    if params["remember"] and not check_mode:
        # Last: the evidence is there whatever becomes of it.
        ledger.snapshot(params["library"], params["sections"])
    return {"changed": changed or params["remember"], **watch.result(100)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "library": {"type": "path", "required": True},
            "ledger": {"type": "path", "default": "/srv/cloudburst/deletions.db"},
            "base": {"type": "path"},
            "identity": {"type": "str", "default": ""},
            "state": {
                "type": "str",
                "choices": ["snapshot", "compared", "trash"],
                "required": True,
            },
            "sections": {"type": "list", "elements": "int", "default": []},
            "budget": {"type": "int"},
            "accept": {"type": "bool", "default": False},
            "remember": {"type": "bool", "default": False},
            "emptying": {"type": "bool", "default": False},
            "expected": {"type": "int"},
            "root_map": {"type": "dict", "default": {}},
            "deadline": {"type": "float", "default": 10},
            "show": {"type": "int", "default": 10},
            "report": {"type": "path"},
        },
        supports_check_mode=True,
    )
    work = take_snapshot if module.params["state"] == "snapshot" else look
    began = time.time()
    try:
        result = work(Ledger(module.params["ledger"]), module.params, module.check_mode)
    except (DbError, PathMappingError, OSError) as error:
        module.fail_json(msg=f"deletions could not be counted: {error}")
    module.exit_json(time=round(began, 3), **result)


if __name__ == "__main__":
    main()
