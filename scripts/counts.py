# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stage of the test run counted, from its junit files or its exit status."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree


@dataclass(frozen=True)
class Counts:
    """Passed, failed and skipped tests; they add up."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


FAILED = Counts(failed=1)


def from_exit(status: int) -> Counts:
    """Count a tool that only says yes or no as one test."""
    return Counts(passed=1) if status == 0 else FAILED


def from_pytest(status: int, report: Path) -> Counts:
    """Count the cases of a pytest junit report.

    A run that ended badly without a failed case (no report, an error while collecting, a
    crash) is a failure of its own, and so is a run that found nothing to do.
    """
    if not report.exists():
        return FAILED
    cases = ElementTree.parse(report).getroot().iter("testcase")
    counts = sum((_case(case) for case in cases), Counts())
    unexplained = status != 0 and counts.failed == 0
    return counts + FAILED if unexplained or counts == Counts() else counts


def _case(case: ElementTree.Element) -> Counts:
    if case.find("failure") is not None or case.find("error") is not None:
        return FAILED
    return Counts(skipped=1) if case.find("skipped") is not None else Counts(passed=1)


def from_sanity(status: int, folder: Path) -> Counts:
    """Count ansible-test's junit files: one file is one sanity test."""
    reports = sorted(folder.glob("*.xml"))
    counts = sum((_sanity_test(report) for report in reports), Counts())
    unexplained = status != 0 and counts.failed == 0
    return counts + FAILED if unexplained or not reports else counts


def _sanity_test(report: Path) -> Counts:
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    if any(_case(case).failed for case in cases):
        return FAILED
    reasons = [case.findtext("skipped") for case in cases if _case(case).skipped]
    if not reasons:
        return Counts(passed=1)
    # A test for files of a kind that the collection does not have is not a skipped one.
    applicable = [reason for reason in reasons if reason != "No tests applicable."]
    return Counts(skipped=1) if applicable else Counts()
