#!/usr/bin/python

# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_path_check
short_description: Compare the paths of a Plex library with a mount
version_added: 0.1.0
description:
  - Looks up every location of the selected sections, and a random sample of the files that the library has there. Says how many exist,
    by location.
  - On request it compares all folders and tells those whose files are gone and those that the library does not know.
  - System calls are made by a child process under a deadline, so a mount that hangs gives an answer, too. What could not be looked up
    is counted as RV(locations[].unanswered), never as there or missing.
  - It never fails for what it finds; the caller decides.
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
  sections:
    description:
      - Ids of the sections to look at. All by default.
    type: list
    elements: int
    default: []
  root_map:
    description:
      - Prefixes of the paths in the database, and where these are on this host.
    type: dict
    required: true
  sample:
    description:
      - How many files to look up in each location.
    type: int
    default: 200
  seed:
    description:
      - The sample is the same for the same seed and library.
    type: int
    default: 0
  deadline:
    description:
      - Seconds that one look-up may take before it counts as unanswered.
    type: float
    default: 10
  compare_folders:
    description:
      - Compare all folders, for O(folder_timeout) seconds at most. On object storage this takes one listing for each folder.
    type: bool
    default: false
  folder_timeout:
    description:
      - Seconds that the comparison of the folders of one location may take.
    type: int
    default: 900
"""

EXAMPLES = r"""
- name: Compare database and mount
  cloudburst.plex.plex_path_check:
    library: "{{ databases }}/com.plexapp.plugins.library.db"
    sections: [1, 5]
    root_map:
      /media/plex: /srv/cloudburst/tree/plex
    sample: 200
  register: paths

- name: Find the folders to scan deeply
  cloudburst.plex.plex_path_check:
    library: "{{ databases }}/com.plexapp.plugins.library.db"
    root_map:
      /media/plex: /srv/cloudburst/tree/plex
    sample: 0
    compare_folders: true
"""

RETURN = r"""
locations:
  description:
    - What is known about every location. C(missing_share) is V(null) when nothing could be looked up.
  type: list
  elements: dict
  returned: success
  contains:
    section:
      description: Id of the section.
      type: int
    name:
      description: Name of the section.
      type: str
    path:
      description: The location as in the database.
      type: str
    host_path:
      description: The location on this host; empty when outside every mount.
      type: str
    reachable:
      description: Whether it could be listed, is not empty, and all of the sample was answered.
      type: bool
    reason:
      description: Why it is not reachable.
      type: str
    total:
      description: Live files that the library has there.
      type: int
    sampled:
      description: Files that were found to be there or missing.
      type: int
    present:
      description: Files that are there.
      type: int
    missing:
      description: Files that are not there.
      type: int
    unanswered:
      description: Files that could not be looked up.
      type: int
    missing_share:
      description: RV(locations[].missing) of RV(locations[].sampled), 0 to 1.
      type: float
    examples:
      description: Some of the files that are missing or unanswered.
      type: list
      elements: str
    mtime_drift:
      description: How many times were compared with those in the database, how many differ by more than 2 seconds, and examples.
      type: dict
outside:
  description: Live files of each section that are below none of its locations.
  type: dict
  returned: success
  sample: {"1": 0, "5": 0}
stale_folders:
  description: Folders of the library of whose files more than half are missing, with O(compare_folders=true).
  type: list
  elements: dict
  returned: success
  sample: [{section: 5, path: /media/plex/Music/Old name, files: 12, missing: 12}]
missing_folders:
  description:
    - Folders of the library with live files that are not there, with O(compare_folders=true). After a scan there are none, unless it did
      not look at them.
  type: list
  elements: dict
  returned: success
  sample: [{section: 5, path: /media/plex/Music/New name, files: 12, missing: 1}]
unknown_folders:
  description: Folders with media that the library does not know, with O(compare_folders=true). Only the topmost, with all media below.
  type: list
  elements: dict
  returned: success
  sample: [{section: 5, path: /media/plex/Music/New name, files: 12, missing: 0}]
folders_complete:
  description: Whether all folders were compared; V(null) when they were not to be.
  type: bool
  returned: success
incomplete:
  description: The first folders that could not be compared, and why, with O(compare_folders=true).
  type: list
  elements: dict
  returned: success
  sample: [{path: /media/plex/Music/Old name, reason: no answer in time}]
folders_visited:
  description: How many folders were listed.
  type: int
  returned: success
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._db_connect import (
    read_only,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_counts import Section
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_paths import (
    count_outside,
    known_folders,
    sample_files,
    selected_sections,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._path_check import (
    FolderComparison,
    FolderReport,
    LocationReport,
    check_location,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._path_probe import Prober
from ansible_collections.cloudburst.plex.plugins.module_utils._paths import (
    PathMap,
    PathMappingError,
    path_map_from,
)


class PathCheck:
    """One run over all locations of the selected sections."""

    def __init__(self, params: dict[str, Any], root_map: PathMap) -> None:
        self.params = params
        self.root_map = root_map
        self.locations: list[LocationReport] = []
        self.folders: list[FolderReport] = []
        self.outside: dict[str, int] = {}

    def run(self) -> dict[str, Any]:
        with read_only(self.params["library"]) as connection:
            for section in selected_sections(connection, self.params["sections"]):
                self.outside[str(section.id)] = count_outside(connection, section)
                for location in section.locations:
                    self._check(connection, section, location.path)
        return self._result()

    def _check(self, connection: Any, section: Section, path: str) -> None:
        total, sample = sample_files(
            connection, section.id, path, self.params["sample"], self.params["seed"]
        )
        report = LocationReport(section.id, section.name, path, total=total)
        self.locations.append(report)
        prober = Prober(self.params["deadline"])
        check_location(report, sample, self.root_map, prober)
        if self.params["compare_folders"]:
            self.folders.append(self._compare(connection, report))

    def _compare(self, connection: Any, report: LocationReport) -> FolderReport:
        if not report.reachable:
            failed = {report.path: report.reason}
            return FolderReport(complete=False, incomplete=failed)
        known = known_folders(connection, report.section, report.path)
        walk = FolderComparison(report.section, report.path, report.host_path, known)
        prober = Prober(self.params["deadline"])
        return walk.walk(prober, float(self.params["folder_timeout"]))

    def _result(self) -> dict[str, Any]:
        stale = [item for report in self.folders for item in report.stale]
        missing = [item for report in self.folders for item in report.missing]
        unknown = [item for report in self.folders for item in report.unknown]
        failed = [x for report in self.folders for x in report.incomplete.items()]
        complete = all(report.complete for report in self.folders)
        return {
            "locations": [report.as_dict() for report in self.locations],
            "outside": self.outside,
            "stale_folders": [asdict(item) for item in stale],
            "missing_folders": [asdict(item) for item in missing],
            "unknown_folders": [asdict(item) for item in unknown],
            "folders_complete": complete if self.params["compare_folders"] else None,
            "incomplete": [{"path": k, "reason": v} for k, v in failed[:20]],
            "folders_visited": sum(report.visited for report in self.folders),
        }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "library": {"type": "path", "required": True},
            "sections": {"type": "list", "elements": "int", "default": []},
            "root_map": {"type": "dict", "required": True},
            "sample": {"type": "int", "default": 200},
            "seed": {"type": "int", "default": 0},
            "deadline": {"type": "float", "default": 10},
            "compare_folders": {"type": "bool", "default": False},
            "folder_timeout": {"type": "int", "default": 900},
        },
        supports_check_mode=True,
    )
    try:
        root_map = path_map_from(module.params["root_map"])
        result = PathCheck(module.params, root_map).run()
    except (DbError, PathMappingError, OSError) as error:
        module.fail_json(msg=f"paths could not be compared: {error}")
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
