# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""apt-cacher-ng on the lab's address: every Debian package is downloaded once."""

from __future__ import annotations

from cloudburst_lab.config import LabConfig
from cloudburst_lab.engine import find_command
from cloudburst_lab.processes import HostProcess, tcp_open

CONFIGURATION = """\
CacheDir: {cache}
LogDir: {log}
SupportDir: /usr/lib/apt-cacher-ng
BindAddress: {address}
Port: {port}
Remap-debrep: file:deb_mirror*.gz /debian ; file:backends_debian
ReportPage: acng-report.html
ExThreshold: 30
PidFile: {pidfile}
# Package lists may be this old (seconds) before upstream is asked again.
FreshIndexMaxAge: 27
NetworkTimeout: 30
"""


class AptCache:
    """The apt cache; its files live in the lab's cache folder and survive ``lab down``."""

    name = "apt cache"

    def __init__(self, config: LabConfig) -> None:
        self.config = config
        self.folder = config.run_dir / "apt-cacher-ng"
        self.text = CONFIGURATION.format(
            cache=config.cache_dir / "apt",
            log=config.log_dir / "apt-cacher-ng",
            address=config.gateway,
            port=config.apt_port,
            pidfile=self.folder / "acng.pid",
        )

    @property
    def process(self) -> HostProcess:
        config = self.config
        binary = find_command("apt-cacher-ng") or "apt-cacher-ng"
        return HostProcess(
            config,
            "apt-cacher-ng",
            (binary, "-c", str(self.folder), "ForeGround=1"),
            ready=lambda: tcp_open(config.gateway, config.apt_port),
            version=self.text,
        )

    def up(self) -> None:
        """Start the cache unless it runs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.config.cache_dir / "apt").mkdir(parents=True, exist_ok=True)
        (self.config.log_dir / "apt-cacher-ng").mkdir(parents=True, exist_ok=True)
        (self.folder / "acng.conf").write_text(self.text, encoding="utf-8")
        self.process.ensure()

    def down(self) -> None:
        self.process.stop()

    def status(self) -> dict[str, object]:
        return self.process.status()
