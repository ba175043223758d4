#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_folder_scan
short_description: Scan folders of a library, one after another
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Scans single folders of a library, each only when Plex is done with the one before, because many at once block its database (L41, L89).
  - A plain scan passes over a folder that Plex knows and whose time did not move. On an object store no folder's time ever moves, so new files
    in known folders are found in this way only.
  - Metadata of what was found is fetched afterwards, in the background; watch it with M(cloudburst.plex.plex_progress).
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.plex_api
  - cloudburst.plex.plex_count
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  section:
    description:
      - Id of the library.
    type: int
    required: true
  paths:
    description:
      - Folders, as the server sees them.
    type: list
    elements: str
    required: true
  limit:
    description:
      - Seconds that the scan of one folder may take.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Find what is new in two folders
  cloudburst.plex.plex_folder_scan:
    section: 2
    paths:
      - /media/plex/TV Shows/Kaamelott/Season 1
      - /media/plex/TV Shows/Les Revenants (2012)
"""

RETURN = r"""
scanned:
  description: How many folders were scanned, or would be in check mode.
  returned: success
  type: int
  sample: 2
seconds:
  description: How long that took.
  returned: success
  type: float
  sample: 1.4
sample:
  description: What O(count) counted before the first scan, as of M(cloudburst.plex.plex_progress).
  returned: with O(count)
  type: dict
  sample: {"time": 1763690000.0, "sections": {"2": {"name": "TV Shows", "live": 41, "deleted": 0}}}
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_api import PlexApi
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_module import (
    plex_api,
    plex_argument_spec,
    run_module,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexError,
    PlexNotFound,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._sampler import (
    COUNT_SPEC,
    counted_first,
)

LOOK_SECONDS = 0.25
# `refreshing` may still be false right after the request: one quiet look proves nothing.
QUIET_LOOKS = 2


class FolderScanner:
    """Scans the folders of one library."""

    def __init__(
        self,
        api: PlexApi,
        section: int,
        limit: float,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self.api = api
        self.section = section
        self.limit = limit
        self.clock = clock
        self.sleep = sleep

    def scan(self, paths: t.Sequence[str]) -> dict[str, t.Any]:
        """The module's result."""
        begin = self.clock()
        self._wait("the scan before these folders")
        for path in paths:
            self.api.refresh(self.section, path=path)
            self._wait(f"the scan of {path}")
        seconds = round(self.clock() - begin, 1)
        return {"changed": bool(paths), "scanned": len(paths), "seconds": seconds}

    def _wait(self, what: str) -> None:
        until = self.clock() + self.limit
        quiet = 0
        while quiet < QUIET_LOOKS:
            if self.clock() >= until:
                raise PlexError(f"{what} did not end within {self.limit:g} s")
            self.sleep(LOOK_SECONDS)
            quiet = 0 if self._refreshes() else quiet + 1

    def _refreshes(self) -> bool:
        for section in self.api.sections():
            if section.id == self.section:
                return section.refreshing
        raise PlexNotFound(f"Plex has no library with id {self.section}")


def main() -> None:
    """Wire arguments, scans and result."""
    module = AnsibleModule(
        argument_spec=plex_argument_spec(
            section={"type": "int", "required": True},
            paths={"type": "list", "elements": "str", "required": True},
            limit={"type": "int", "default": 600},
            count=COUNT_SPEC,
        ),
        supports_check_mode=True,
    )
    paths = module.params["paths"]
    if module.check_mode:
        module.exit_json(changed=bool(paths), scanned=len(paths), seconds=0.0)
    api = plex_api(module)
    scanner = FolderScanner(api, module.params["section"], module.params["limit"])
    count = module.params["count"]
    run_module(
        module, lambda: counted_first(api, count, False, lambda: scanner.scan(paths))
    )


if __name__ == "__main__":
    main()
