# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Plex stand-in as an image that answers to ``plexinc/pms-docker``.

It has a root of its own (Debian packages and compiled parts, made by ``mmdebstrap``), not the
lab's base image: no systemd, no sshd, and every instance pulls it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from cloudburst_lab.config import LabConfig
from cloudburst_lab.docker_cli import docker, inspect
from cloudburst_lab.errors import LabError
from cloudburst_lab.images import (
    KEYRING,
    RECIPE_LABEL,
    BaseImage,
    build_image,
    image_recipe,
    parse_packages,
    tree_hash,
)
from cloudburst_lab.plex_schema import BLOBS, LIBRARY
from cloudburst_lab.processes import run, tcp_open
from cloudburst_lab.registry import MANIFESTS, Registry

#: a second version, for everything that must notice a difference
OTHER_VERSION = "1.43.4.10903-e5521bd8c"
PREFIX = "/usr/lib/plexmediaserver"
PLEX_SQLITE = f"{PREFIX}/Plex SQLite"
EXCLUDED = ("doc", "man", "locale", "info")
FTS = ("fts4_metadata_titles_icu", "fts4_tag_titles_icu")
#: brings ICU's index and full text in order after rows were written without ICU
FINISH_SQL = "REINDEX; " + " ".join(
    f"INSERT INTO {table}({table}) VALUES('rebuild');" for table in FTS
)


class PlexImage:
    """Builds both versions of the stand-in and keeps them in the lab's registry."""

    name = "plex image"

    def __init__(self, config: LabConfig) -> None:
        self.config = config
        self.folder = config.repo_root / "lab" / "plex"
        self.schema = Path(__file__).parent / "plex_schema"
        self.registry = Registry(config)

    @property
    def versions(self) -> tuple[str, str]:
        return self.config.plex_version, OTHER_VERSION

    def reference(self, version: str) -> str:
        """The name in this machine's engine: plex.tv's address is built in, so labs side by
        side must not share it. Their registries, and so their bursts, all say pms-docker.
        """
        return f"{self.config.plex_local_repository}:{version}"

    @property
    def base_recipe(self) -> str:
        names = ("packages.txt", "build-packages.txt", "native")
        return tree_hash([self.folder / name for name in names], self.config.suite)

    @property
    def base_image(self) -> str:
        return f"cloudburst-lab/plex-base:{self.base_recipe}"

    def recipe(self, version: str) -> str:
        parts = ("Dockerfile", "root", "plexstandin")
        paths = [*(self.folder / part for part in parts), self.schema]
        return tree_hash(paths, self.base_recipe, version, self.config.plextv_url)

    # --- building --------------------------------------------------------------------
    def up(self) -> None:
        """Build what changed, push what the registry does not have."""
        for version in self.versions:
            self.build(version)
            if not self._pushed(version):
                reference = self.reference(version)
                self.registry.push(reference, self.config.plex_repository, version)

    def build(self, version: str | None = None) -> str:
        """Build one version unless it is there with this recipe; its reference."""
        version = version or self.config.plex_version
        reference, recipe = self.reference(version), self.recipe(version)
        if image_recipe(reference) == recipe:
            return reference
        self._make_base()
        replaced = (inspect("image", reference) or {}).get("Id")
        with tempfile.TemporaryDirectory(prefix="plexstandin-") as scratch:
            context = self._context(Path(scratch))
            build_image(
                self.config,
                context,
                reference,
                recipe,
                BASE=self.base_image,
                VERSION=version,
                PLEX_TV_URL=self.config.plextv_url,
            )
        if replaced:  # stays when a container still runs from it
            run(["docker", "image", "rm", str(replaced)], check=False)
        return reference

    def _context(self, place: Path) -> Path:
        """The build context: the root's files and the Python that runs inside."""
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copy(self.folder / "Dockerfile", place)
        shutil.copytree(self.folder / "root", place / "root", ignore=ignore)
        package = place / "standin" / "cloudburst_lab"
        shutil.copytree(self.schema, package / "plex_schema", ignore=ignore)
        (package / "__init__.py").touch()
        source = self.folder / "plexstandin"
        shutil.copytree(source, place / "standin" / "plexstandin", ignore=ignore)
        return place

    def _make_base(self) -> None:
        if image_recipe(self.base_image) == self.base_recipe:
            return
        rootfs = self.config.cache_dir / "rootfs" / f"plex-{self.base_recipe}.tar"
        if not rootfs.exists():
            self._make_rootfs(rootfs)
        label = f"LABEL {RECIPE_LABEL}={self.base_recipe}"
        docker("import", "-c", label, str(rootfs), self.base_image, timeout=300)

    def _make_rootfs(self, rootfs: Path) -> None:
        """Packages, then the native parts compiled and the compiler removed."""
        rootfs.parent.mkdir(parents=True, exist_ok=True)
        for stale in rootfs.parent.glob("plex-*.tar*"):
            stale.unlink()
        packages, compiler = (
            parse_packages((self.folder / name).read_text(encoding="utf-8"))
            for name in ("packages.txt", "build-packages.txt")
        )
        draft = rootfs.with_suffix(".tar.part")
        run(
            ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=tar"]
            + [f"--keyring={KEYRING}", *self._proxy()]
            + [f"--include={','.join([*packages, *compiler])}"]
            + [f"--dpkgopt=path-exclude=/usr/share/{x}/*" for x in EXCLUDED]
            + [f"--customize-hook={hook}" for hook in self._hooks(compiler)]
            + [self.config.suite, str(draft), *BaseImage(self.config).sources],
            timeout=900,
        )
        draft.rename(rootfs)

    def _proxy(self) -> list[str]:
        if not tcp_open(self.config.gateway, self.config.apt_port):
            return []
        return [f'--aptopt=Acquire::http::Proxy "{self.config.apt_proxy_url}"']

    def _hooks(self, compiler: list[str]) -> list[str]:
        build = f"sh /usr/src/native/build.sh /usr/src/native {PREFIX}"
        purge = f"apt-get -qy purge --auto-remove {' '.join(compiler)}"
        return [
            f"copy-in {self.folder / 'native'} /usr/src",
            f'chroot "$1" {build}',
            f'chroot "$1" {purge}',
            'rm -rf "$1/usr/src/native"',
        ]

    # --- the registry ----------------------------------------------------------------
    def _pushed(self, version: str) -> bool:
        """Does the registry have exactly the local image under this tag?"""
        url = f"{self.config.registry_url}/v2/{self.config.plex_repository}/manifests/"
        request = urllib.request.Request(url + version, headers={"Accept": MANIFESTS})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as reply:
                manifest = json.load(reply)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise LabError(f"registry answered {error.code}", "run `lab up`") from error
        except OSError as error:
            raise LabError(f"registry: {error}", "run `lab up`") from error
        image = inspect("image", self.reference(version)) or {}
        return bool(manifest.get("config", {}).get("digest") == image.get("Id"))

    def down(self) -> None:
        """Nothing to do: images are cache."""

    def status(self) -> dict[str, object]:
        built = {
            version: image_recipe(self.reference(version)) == self.recipe(version)
            for version in self.versions
        }
        return {"healthy": all(built.values()), "versions": built}

    # --- what others need of it ------------------------------------------------------
    def plex_sqlite(self, folder: Path, database: str, sql: str) -> str:
        """Run SQL on a database in ``folder`` with the image's own ``Plex SQLite``."""
        return docker(
            *("run", "--rm", "--network", "none", "--entrypoint", PLEX_SQLITE),
            *("-v", f"{folder}:/v", self.reference(self.config.plex_version)),
            *(f"/v/{database}", sql),
            timeout=600,
        )

    def finish(self, databases: Path) -> None:
        """Rebuild ICU index and full text of a pair that was filled on the host."""
        for database in (LIBRARY, BLOBS):
            self.plex_sqlite(databases, database, FINISH_SQL)
            found = self.plex_sqlite(databases, database, "PRAGMA integrity_check;")
            if found != "ok":
                raise LabError(f"{database}: {found}", "the pair was made wrongly")
