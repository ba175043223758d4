# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Close the demo: before and after, where the archive is, what it would have cost.

``python -m scripts.demo_summary RESULTS`` reads the newest ``report.json`` below RESULTS;
the bill is the lab's own, from the seconds that the machine really lived.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.cloudburst.plex.plugins.plugin_utils._summary import table


def newest_report(results: Path) -> dict[str, Any]:
    """Return the report of the last burst; a missing one ends the demo with its reason."""
    reports = sorted(
        results.glob("*/report.json"), key=lambda path: path.stat().st_mtime
    )
    if not reports:
        raise SystemExit(
            f"no report.json below {results}: the burst brought nothing home"
        )
    report: dict[str, Any] = json.loads(reports[-1].read_text(encoding="utf-8"))
    return report


def simulated_bill(burst_id: str) -> dict[str, Any]:
    """Return the lab's bill of one burst."""
    lab = str(Path(sys.executable).with_name("lab"))
    command = [lab, "bill", "--json", "--tag", f"burst-id={burst_id}"]
    bill: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
    return bill


def lines(report: dict[str, Any], bill: dict[str, Any]) -> list[str]:
    """Return what is shown."""
    return [
        *table(report["rows"]),
        "",
        f"archive  {report['archive']}",
        f"cost     {bill['total_euros']:.4f} simulated euros"
        f" (1 real second counts as {bill['factor']:g})",
    ]


def main() -> None:
    report = newest_report(Path(sys.argv[1]))
    print("\n".join(lines(report, simulated_bill(report["burst_id"]))))


if __name__ == "__main__":
    main()
