#!/usr/bin/python
# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_code
short_description: The code of the burst host's services
version_added: 0.1.0
author:
  - cloudburst.plex contributors (@cloudburst)
description:
  - Services on the burst host run the same Python code as the modules of this collection, without Ansible. Every module brings the code that it
    imports; this one leaves it on the host, in one step instead of a copy a file.
  - Start a service with C(PYTHONPATH) set to O(dest) and C(python3 -m) followed by the name in RV(program).
  - Python files of an earlier version that are no longer needed are removed.
extends_documentation_fragment:
  - cloudburst.plex.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  service:
    description:
      - Which service.
    type: str
    choices: [guard]
    required: true
  dest:
    description:
      - Folder of the code, of this service alone.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Place the guard's code
  cloudburst.plex.service_code:
    service: guard
    dest: /usr/local/lib/cloudburst/guard
"""

RETURN = r"""
program:
  description: The module that starts the service.
  returned: success
  type: str
  sample: ansible_collections.cloudburst.plex.plugins.module_utils._guard_service
files:
  description: All files of the service, below O(dest).
  returned: success
  type: list
  elements: str
  sample:
    - ansible_collections/__init__.py
    - ansible_collections/cloudburst/plex/plugins/module_utils/_guard_service.py
"""

import ast
import os
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.cloudburst.plex.plugins.module_utils import _guard_service

SERVICES = {"guard": _guard_service.__name__}
COLLECTION = "ansible_collections.cloudburst.plex."
# Another package of this name may be installed; the nearest one has to be whole.
PACKAGE = "ansible_collections/__init__.py"


def code_of(program: str) -> dict[str, bytes]:
    """The sources of a program and of all that it imports from this collection, by file name.

    They are read through the import system, because a module and its imports
    travel to the host as one zip file.
    """
    files = {PACKAGE: b""}
    waiting = [program]
    while waiting:
        name = waiting.pop()
        path = name.replace(".", "/") + ".py"
        if path not in files:
            files[path] = _source(name)
            waiting.extend(_imports(files[path]))
    return files


def _source(name: str) -> bytes:
    module = sys.modules[name]
    loader: t.Any = module.__loader__
    data: bytes = loader.get_data(module.__file__)
    return data


def _imports(source: bytes) -> t.Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            COLLECTION
        ):
            yield str(node.module)


def stale(dest: str, files: t.Collection[str]) -> list[str]:
    """Python files below the folder that are not of this version."""
    found = [
        os.path.relpath(os.path.join(folder, name), dest)
        for folder, _folders, names in os.walk(dest)
        for name in names
        if name.endswith(".py")
    ]
    return sorted(set(found) - set(files))


def place(module: AnsibleModule, dest: str, files: t.Mapping[str, bytes]) -> bool:
    """Make the folder hold these files; whether anything had to be done."""
    wrong = {path: data for path, data in files.items() if _read(dest, path) != data}
    old = stale(dest, files)
    if not module.check_mode:
        for path, data in wrong.items():
            _write(module, os.path.join(dest, path), data)
        for path in old:
            os.remove(os.path.join(dest, path))
    return bool(wrong or old)


def _read(dest: str, path: str) -> bytes | None:
    try:
        with open(os.path.join(dest, path), "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def _write(module: AnsibleModule, path: str, data: bytes) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    fresh = os.path.join(module.tmpdir, os.path.basename(path))
    with open(fresh, "wb") as handle:
        handle.write(data)
    os.chmod(fresh, 0o644)
    module.atomic_move(fresh, path)


def main() -> None:
    """Wire arguments, files and result."""
    module = AnsibleModule(
        argument_spec={
            "service": {"type": "str", "choices": sorted(SERVICES), "required": True},
            "dest": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    program = SERVICES[module.params["service"]]
    try:
        files = code_of(program)
        changed = place(module, module.params["dest"], files)
    except OSError as exc:
        module.fail_json(
            msg=f"The service's code cannot be placed: {exc}. Look at the folder and its file system."
        )
    else:
        module.exit_json(changed=changed, program=program, files=sorted(files))


if __name__ == "__main__":
    main()
