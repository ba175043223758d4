# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Scaleway API of one scenario's own, beside the lab's: other servers, other bill.

``python -m tests.support.scaleway_process start FOLDER [--boot]`` serves it until ``stop
FOLDER``; FOLDER/environment.json holds what a user would have in his environment. With
``--boot`` its servers are machines on the lab's network (addresses of their own), without it
they answer the API and boot nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import uvicorn

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import docker, labelled, remove_container
from cloudburst_lab.scaleway.app import make_asgi
from cloudburst_lab.scaleway.cloud import Cloud
from cloudburst_lab.scaleway.compute import (
    COMPONENT,
    Compute,
    ContainerCompute,
    NoCompute,
)
from cloudburst_lab.scaleway.network import AddressPool

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def cloud_of(config: LabConfig, boot: bool) -> Cloud:
    """The cloud; its addresses are the last ones that the lab's own cloud would take."""
    machines: Compute = ContainerCompute(config) if boot else NoCompute(0.2)
    network = config.gateway.rpartition(".")[0]
    return Cloud(
        machines,
        pool=AddressPool(f"{network}.118", f"{network}.127"),
        project=config.credentials.scw_project_id,
        organization=config.credentials.scw_organization_id,
        secret_key=config.credentials.scw_secret_key,
        gateway=config.gateway,
        state_file=config.state_dir / "scaleway.json",
        bill_factor=1.0,
    )


def serve(folder: Path, port: int, boot: bool) -> None:
    """Serve until the process is stopped."""
    config = LabConfig.load(folder / "cloud")
    config.make_dirs()
    host = config.gateway if boot else "127.0.0.1"
    uvicorn.run(
        make_asgi(cloud_of(config, boot)),
        host=host,
        port=port,
        log_level="warning",
        http="h11",
        timeout_graceful_shutdown=5,
    )


def start(folder: Path, boot: bool) -> None:
    """Start the process and wait until it answers."""
    stop(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = LabConfig.load(folder / "cloud")
    port = free_port()
    url = f"http://{config.gateway if boot else '127.0.0.1'}:{port}"
    command = [sys.executable, "-m", __spec__.name, "serve", str(folder)]
    command += ["--port", str(port)] + (["--boot"] if boot else [])
    with (folder / "scaleway.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
    secrets = config.credentials
    environment = {
        "SCW_API_URL": url,
        "SCW_ACCESS_KEY": secrets.scw_access_key,
        "SCW_SECRET_KEY": secrets.scw_secret_key,
        "SCW_DEFAULT_PROJECT_ID": secrets.scw_project_id,
        "SCW_CONFIG_PATH": str(folder / "no-configuration.yaml"),
    }
    (folder / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    (folder / "pid").write_text(str(process.pid), encoding="ascii")
    wait(f"{url}/lab/health", folder / "scaleway.log")


def wait(url: str, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with opener.open(url, timeout=2):
                return
        except OSError as exc:
            if time.monotonic() > deadline:
                raise SystemExit(f"no API at {url}: {exc}; {log.read_text()}") from exc
        time.sleep(0.1)


def stop(folder: Path) -> None:
    """Stop the process if it runs, and remove the machines that it left."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        pid = int((folder / "pid").read_text(encoding="ascii"))
        if str(folder) in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8"):
            os.kill(pid, signal.SIGTERM)
    if not (folder / "cloud").is_dir():
        return
    config = LabConfig.load(folder / "cloud")
    for name in labelled(config, "container", COMPONENT):
        remove_container(name)
    for name in labelled(config, "volume", COMPONENT):
        docker("volume", "rm", "-f", name)
    (config.state_dir / "scaleway.json").unlink(missing_ok=True)
    (folder / "pid").unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["start", "stop", "serve"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--boot", action="store_true")
    given = parser.parse_args()
    folder = given.folder.resolve()
    if given.action == "start":
        start(folder, given.boot)
    elif given.action == "stop":
        stop(folder)
    else:
        serve(folder, given.port, given.boot)


if __name__ == "__main__":
    main()
