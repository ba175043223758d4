#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plex_section
short_description: Have a library in a Plex server
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Creates a library, or adds locations that are missing from it, and sets its preferences.
  - A location that the library has beyond O(locations) stays, because taking it away would delete its items.
  - Plex refuses libraries for a while after its start ("still starting up"); the module tries again for O(wait) seconds, and only then.
  - Creating a library starts its first scan, that is Plex's own doing.
extends_documentation_fragment:
  - cloudburst.plex.attributes
  - cloudburst.plex.plex_api
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  name:
    description:
      - Name of the library.
    type: str
    required: true
  type:
    description:
      - Kind of library. Music is V(artist).
    type: str
    required: true
    choices: [movie, show, artist, photo]
  agent:
    description:
      - Metadata agent; V(none) for a library without one (home videos). Plex's usual agent of the type when not set.
    type: str
  scanner:
    description:
      - Scanner. Plex's usual scanner of the type and agent when not set.
    type: str
  language:
    description:
      - Metadata language; C(en-US) when not set, C(xn) without an agent.
    type: str
  locations:
    description:
      - Folders of the library, as the server sees them.
    type: list
    elements: str
    required: true
  prefs:
    description:
      - Preferences of the library, read back after they were set.
    type: dict
    default: {}
  optional_prefs:
    description:
      - Names in O(prefs) that are skipped where the server does not have them.
    type: list
    elements: str
    default: []
  wait:
    description:
      - Seconds to go on trying while the server is still starting.
    type: int
    default: 180
  check_paths:
    description:
      - Whether to ask the server first if it sees the folders that are new to it.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: A music library with Sonic analysis
  cloudburst.plex.plex_section:
    name: Music
    type: artist
    locations: [/media/plex/Music]
    prefs:
      musicAnalysis: true
    optional_prefs: [musicAnalysis]
"""

RETURN = r"""
section:
  description: The library as the server shows it (null in check mode when it would be created).
  returned: success
  type: dict
  sample:
    id: 5
    name: Music
    type: artist
    agent: tv.plex.agents.music
    scanner: Plex Music
    language: en-US
    refreshing: true
    scanned_at: 1763690000
    locations: [/media/plex/Music]
created:
  description: Whether the library is new.
  returned: success
  type: bool
  sample: true
unavailable_prefs:
  description: Optional preferences that the server does not have, with the reason.
  returned: success
  type: dict
  sample: {}
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils._plex_api import (
    PlexApi,
    Section,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_module import (
    plex_api,
    plex_argument_spec,
    run_module,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_preferences import (
    PreferenceOutcome,
    apply_preferences,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_reply import (
    PlexError,
    PlexStarting,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._plex_section import (
    SectionPlan,
    SectionSpec,
    creation_params,
    edit_params,
    plan_section,
    section_spec,
)

RETRY_SECONDS = 2.0


class SectionKeeper:
    """Brings one library to its declaration."""

    def __init__(
        self,
        api: PlexApi,
        wait: float,
        check_mode: bool,
        check_paths: bool = True,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self.api = api
        self.wait = wait
        self.check_mode = check_mode
        self.check_paths = check_paths
        self.clock = clock
        self.sleep = sleep

    def ensure(
        self, spec: SectionSpec, prefs: dict[str, t.Any], optional: list[str]
    ) -> dict[str, t.Any]:
        """The module's result."""
        plan = plan_section(spec, self._patiently(self.api.sections))
        if self.check_paths:
            self._check_locations(plan.missing_locations)
        if plan.changed and not self.check_mode:
            self._write(spec, plan)
        section = self._found(spec) if not self.check_mode else plan.existing
        outcome = self._prefs(section, prefs, optional)
        return {
            "changed": plan.changed or bool(outcome.changed),
            "created": plan.existing is None,
            "section": section.as_dict() if section else None,
            "unavailable_prefs": outcome.unavailable,
            "diff": _diff(spec, plan, outcome),
        }

    def _check_locations(self, paths: t.Sequence[str]) -> None:
        # Plex takes any path, and a library of nothing looks like an empty one.
        blind = [path for path in paths if not self.api.is_browsable(path)]
        if blind:
            raise PlexError(
                f"The server does not see {', '.join(blind)}; is the folder mounted"
                " and bound into its container?"
            )

    def _write(self, spec: SectionSpec, plan: SectionPlan) -> None:
        if plan.existing is None:
            params = creation_params(spec)
            self._patiently(lambda: self.api.create_section(params))
        else:
            number = plan.existing.id
            changes = edit_params(plan)
            self._patiently(lambda: self.api.edit_section(number, changes))

    def _found(self, spec: SectionSpec) -> Section:
        plan = plan_section(spec, self.api.sections())
        if plan.existing is None:
            raise PlexError(f"Plex accepted the library {spec.name!r} but lacks it")
        if plan.missing_locations:
            missing = ", ".join(plan.missing_locations)
            raise PlexError(f"Plex did not take the locations {missing}")
        return plan.existing

    def _prefs(
        self, section: Section | None, prefs: dict[str, t.Any], optional: list[str]
    ) -> PreferenceOutcome:
        if section is None or not prefs:
            return PreferenceOutcome({}, {}, (), {})
        return apply_preferences(self.api, prefs, section.id, optional, self.check_mode)

    def _patiently(self, attempt: t.Callable[[], t.Any]) -> t.Any:
        deadline = self.clock() + self.wait
        while True:
            try:
                return attempt()
            except PlexStarting as exc:
                if self.clock() >= deadline:
                    raise PlexStarting(f"{exc}; gave up after {self.wait:g} s") from exc
                self.sleep(RETRY_SECONDS)


def _diff(
    spec: SectionSpec, plan: SectionPlan, outcome: PreferenceOutcome
) -> dict[str, t.Any]:
    before: dict[str, t.Any] = {}
    after: dict[str, t.Any] = {}
    if plan.existing is None:
        after["library"] = {**spec.__dict__, "locations": list(spec.locations)}
    elif plan.missing_locations:
        before["locations"] = list(plan.existing.locations)
        after["locations"] = before["locations"] + list(plan.missing_locations)
    for name in outcome.changed:
        before[name] = outcome.before[name]
        after[name] = outcome.after[name]
    return {"before": before, "after": after}


def main() -> None:
    """Wire arguments, library and result."""
    module = AnsibleModule(
        argument_spec=plex_argument_spec(
            name={"type": "str", "required": True},
            type={
                "type": "str",
                "required": True,
                "choices": ["movie", "show", "artist", "photo"],
            },
            agent={"type": "str"},
            scanner={"type": "str"},
            language={"type": "str"},
            locations={"type": "list", "elements": "str", "required": True},
            prefs={"type": "dict", "default": {}},
            optional_prefs={"type": "list", "elements": "str", "default": []},
            wait={"type": "int", "default": 180},
            check_paths={"type": "bool", "default": True},
        ),
        supports_check_mode=True,
    )
    params = module.params
    keeper = SectionKeeper(
        plex_api(module), params["wait"], module.check_mode, params["check_paths"]
    )
    spec = section_spec(params)
    run_module(
        module, lambda: keeper.ensure(spec, params["prefs"], params["optional_prefs"])
    )


if __name__ == "__main__":
    main()
