# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make ``ansible_collections.cloudburst.plex`` resolve to this checkout.

Ansible's own loader does it, as in a play: a plain ``sys.path`` entry would lose
against the ``ansible_collections`` package of the ``ansible`` distribution.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parent.parent

# Compiled tests are kept, which saves seconds on every start, but never beside the
# sources: a collection is built from the checkout.
sys.dont_write_bytecode = False
sys.pycache_prefix = str(REPOSITORY / ".pytest_cache" / "compiled")
init_plugin_loader([str(REPOSITORY / "collections")])

# A slow example is the machine's fault: other stages run beside these tests.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
