# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base image (a whole small Debian) and the server image ("the Scaleway image").

No image registry is reachable where the lab runs, so the base is made by ``mmdebstrap`` from
Debian packages. Its root is cached as a tar named by the hash of its recipe, and each image
carries the hash of what it was made from, so that nothing is built twice and nothing stale is
ever used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import docker, inspect, labels
from cloudburst_lab.errors import LabError
from cloudburst_lab.processes import run

RECIPE_LABEL = "cloudburst.lab.recipe"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def tree_hash(paths: Iterable[Path], *facts: str) -> str:
    """Return a short hash over files (name, mode, content) and plain facts."""
    digest = hashlib.sha256("\0".join(facts).encode())
    for top in paths:
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                name = file.relative_to(top.parent)
                digest.update(f"{name}\0{file.stat().st_mode & 0o111}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def image_recipe(reference: str) -> str | None:
    """Return the recipe hash that an image carries; None when there is no such image."""
    found = inspect("image", reference)
    if found is None:
        return None
    return str((found["Config"].get("Labels") or {}).get(RECIPE_LABEL, ""))


def build_image(
    config: LabConfig, context: Path, tag: str, recipe: str, **args: str
) -> None:
    """``docker build`` with the lab's labels; ``args`` become build arguments."""
    flags = [
        part
        for key, value in args.items()
        for part in ("--build-arg", f"{key}={value}")
    ]
    docker(
        *("build", "-q", "-t", tag, "--network", "host", *flags),
        *(
            "--label",
            f"{RECIPE_LABEL}={recipe}",
            *labels(config, "image"),
            str(context),
        ),
        timeout=900,
    )


def parse_packages(text: str) -> list[str]:
    """Return the package names of a ``packages.txt`` (comments and blank lines left out)."""
    return [
        line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"
    ]


class BaseImage:
    """``cloudburst-lab/base:bookworm``: systemd, sshd, Python, cloud-init; molecule uses it."""

    name = "base image"

    def __init__(self, config: LabConfig) -> None:
        self.config = config
        self.folder = config.images_dir / "base"

    @property
    def sources(self) -> list[str]:
        suite, tail = self.config.suite, "main"
        return [
            f"deb http://deb.debian.org/debian {suite} {tail}",
            f"deb http://deb.debian.org/debian {suite}-updates {tail}",
            f"deb http://deb.debian.org/debian-security {suite}-security {tail}",
        ]

    @property
    def recipe(self) -> str:
        return tree_hash([self.folder], *self.sources, self.config.apt_proxy_url)

    @property
    def rootfs(self) -> Path:
        return self.config.cache_dir / "rootfs" / f"base-{self.recipe}.tar"

    def make_rootfs(self) -> None:
        """Build the root file system unless the cache has it."""
        if self.rootfs.exists():
            return
        self.rootfs.parent.mkdir(parents=True, exist_ok=True)
        for stale in self.rootfs.parent.glob("base-*.tar*"):
            stale.unlink()
        draft = self.rootfs.with_suffix(".tar.part")
        packages = parse_packages(
            (self.folder / "packages.txt").read_text(encoding="utf-8")
        )
        proxy = f'Acquire::http::Proxy "{self.config.apt_proxy_url}"'
        run(
            ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=tar"]
            + [f"--keyring={KEYRING}", f"--aptopt={proxy}"]
            + [f"--include={','.join(packages)}"]
            + [f"--customize-hook={self.folder / 'customize.sh'}"]
            + [self.config.suite, str(draft), *self.sources],
            timeout=900,
        )
        draft.rename(self.rootfs)

    def up(self) -> None:
        """Make the image unless it is there with this recipe."""
        recipe, tag = self.recipe, self.config.base_image
        if image_recipe(tag) == recipe:
            return
        self.make_rootfs()
        docker(
            *(
                "import",
                "-c",
                "ENV container=docker",
                "-c",
                'CMD ["/lib/systemd/systemd"]',
            ),
            *("-c", f"LABEL {RECIPE_LABEL}={recipe}"),
            *("-c", f"LABEL {self.config.label}={self.config.lab_id}"),
            *(str(self.rootfs), tag),
            timeout=300,
        )

    def down(self) -> None:
        """Nothing to do: images are cache."""

    def status(self) -> dict[str, object]:
        return {"healthy": image_recipe(self.config.base_image) == self.recipe}


class ServerImage:
    """What a server of the lab's Scaleway boots."""

    name = "server image"

    def __init__(self, config: LabConfig) -> None:
        self.config = config
        self.folder = config.images_dir / "server"
        self.base = BaseImage(config)

    @property
    def recipe(self) -> str:
        return tree_hash([self.folder], self.base.recipe)

    def up(self) -> None:
        """Build the image unless it is there with this recipe."""
        if image_recipe(self.config.server_image) == self.recipe:
            return
        if image_recipe(self.config.base_image) is None:
            raise LabError("the base image is missing", "run `lab up`")
        build_image(
            self.config,
            self.folder,
            self.config.server_image,
            self.recipe,
            BASE=self.config.base_image,
        )

    def down(self) -> None:
        """Nothing to do: images are cache."""

    def status(self) -> dict[str, object]:
        return {"healthy": image_recipe(self.config.server_image) == self.recipe}
