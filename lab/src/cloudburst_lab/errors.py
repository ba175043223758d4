# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the lab: each says what failed, on which thing, and what to do."""

from __future__ import annotations


class LabError(Exception):
    """Something in the lab failed; ``hint`` says what the user can do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n  -> {self.hint}" if self.hint else message


class CommandError(LabError):
    """A command ended with an exit code other than 0, or not in time."""

    def __init__(self, argv: list[str], code: int | None, output: str) -> None:
        outcome = "did not end in time" if code is None else f"ended with {code}"
        tail = "\n".join(output.strip().splitlines()[-12:])
        super().__init__(f"{' '.join(argv[:6])} {outcome}: {tail}")
        self.argv = argv
        self.code = code
        self.output = output
