# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive: made whole or not at all, refused when damaged, unpacked safely (L21)."""

from __future__ import annotations

import io
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.cloudburst.plex.plugins.module_utils import (
    _archive,
    _db_files,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._archive import pack
from ansible_collections.cloudburst.plex.plugins.module_utils._archive_extract import (
    Extraction,
    extract,
    is_extracted,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._archive_inspect import (
    Inspection,
    inspect,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._archive_manifest import (
    decode,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._archive_stream import (
    ArchiveError,
)
from ansible_collections.cloudburst.plex.plugins.module_utils._db_files import DbError
from ansible_collections.cloudburst.plex.plugins.module_utils._db_snapshot import (
    snapshot_pair,
)
from cloudburst_lab.plex_schema import BLOBS, LIBRARY, Pair
from tests.unit.plugins.module_utils import db_faults
from tests.unit.plugins.module_utils.db_faults import held_open

ENDINGS = [".tar.zst", ".tar.gz", ".tar"]
EXTRA = {"pms_version": "1.42.2", "burst_id": "b1", "created": 1}

pytestmark = pytest.mark.skipif(
    shutil.which("zstd") is None, reason="needs the zstd command"
)


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    """A bundle as Plex makes it: files, a link inside, accents."""
    bundle = tmp_path / "app" / "Metadata" / "Movies" / "a" / "bc.bundle"
    (bundle / "_stored").mkdir(parents=True)
    (bundle / "_combined").mkdir()
    (bundle / "_stored" / "é'poster").write_bytes(b"poster")
    (bundle / "_combined" / "poster").symlink_to("../_stored/é'poster")
    return tmp_path / "app" / "Metadata"


Make = Callable[..., _archive.Packed]


@pytest.fixture
def make(pair: Pair, metadata: Path, tmp_path: Path) -> Make:
    def pack(ending: str = ".tar.zst", **extra: object) -> _archive.Packed:
        archive = tmp_path / "out" / f"home{ending}"
        fields = {**EXTRA, **extra}
        folder = str(pair.library.parent)
        return _archive.pack(str(archive), folder, [str(metadata)], fields, 1)

    return pack


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_was_packed_comes_out(
    make: Make, pair: Pair, metadata: Path, tmp_path: Path, ending: str
) -> None:
    packed = make(ending)
    found = inspect(packed.path)
    assert found.errors == []
    assert (found.sha256, found.size) == (packed.sha256, packed.size)
    assert found.manifest == packed.manifest
    dest = tmp_path / "in"
    extract(Extraction(packed.path, str(dest), trees=True))
    assert (dest / "databases" / LIBRARY).read_bytes() == pair.library.read_bytes()
    assert (dest / "databases" / BLOBS).read_bytes() == pair.blobs.read_bytes()
    poster = "Movies/a/bc.bundle/_combined/poster"
    assert (dest / "Metadata" / poster).is_symlink()
    assert (dest / "Metadata" / poster).read_bytes() == b"poster"
    assert [path.name for path in tmp_path.glob("in*")] == ["in"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_manifest_is_first_and_the_sidecar_is_for_sha256sum(
    make: Make, ending: str
) -> None:
    packed = make(ending)
    assert _archive.read_manifest(packed.path) == packed.manifest
    folder, name = os.path.split(packed.path)
    command = ["sha256sum", "-c", f"{name}.sha256"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    assert sorted(os.listdir(folder)) == [name, f"{name}.sha256"]


def test_packing_again_changes_nothing_until_something_changed(
    make: Make, metadata: Path
) -> None:
    first = make()
    assert not make(created=2).changed
    assert make(burst_id="b2").changed
    (metadata / "new").write_bytes(b"x")
    assert make(burst_id="b2").changed
    assert first.changed


def test_unpacking_again_changes_nothing(make: Make, tmp_path: Path) -> None:
    packed = make()
    job = Extraction(packed.path, str(tmp_path / "in"), trees=False)
    assert not is_extracted(job)
    extract(job)
    assert is_extracted(job)
    assert not is_extracted(Extraction(packed.path, str(tmp_path / "in"), trees=True))
    make(burst_id="b2")
    assert not is_extracted(job)


def cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 2 // 3)


def cut_at_a_member(path: Path) -> None:
    """Plain tars cut between two members look whole to most tools."""
    with tarfile.open(path) as tar:
        offset = tar.getmember(f"databases/{BLOBS}").offset
    with path.open("r+b") as file:
        file.truncate(offset)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3] ^= 0xFF
    path.write_bytes(data)


def wrong_sidecar(path: Path) -> None:
    Path(f"{path}.sha256").write_text(f"{'0' * 64}  {path.name}\n")


def no_sidecar_digest(path: Path) -> None:
    Path(f"{path}.sha256").write_text("oops\n")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other_format(path: Path) -> None:
    path.write_bytes(b"PK\3\4" + bytes(600))


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (cut, "copy it again"),
        (flip, "copy it again"),
        (wrong_sidecar, "was promised"),
        (no_sidecar_digest, "holds no sha256"),
        (empty, "empty"),
        (other_format, "is no tar"),
        (gone, "No such file"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_damaged_archive_is_refused_and_nothing_is_unpacked(
    make: Make, tmp_path: Path, ending: str, damage: Callable[[Path], None], named: str
) -> None:
    packed = make(ending)
    damage(Path(packed.path))
    found = inspect(packed.path)
    assert not found.ok
    assert named in " ".join(found.errors)
    assert packed.path in " ".join(found.errors)
    dest = tmp_path / "in"
    with pytest.raises((ArchiveError, OSError)):
        extract(Extraction(packed.path, str(dest), trees=True))
    assert not list(tmp_path.glob("in*"))


def test_a_tar_cut_between_members_is_refused_without_a_sidecar(make: Make) -> None:
    packed = make(".tar")
    os.unlink(f"{packed.path}.sha256")
    cut_at_a_member(Path(packed.path))
    assert "cut off" in inspect(packed.path).errors[0]


def test_a_member_that_differs_from_the_manifest_is_named(
    make: Make, tmp_path: Path
) -> None:
    packed = make(".tar")
    os.unlink(f"{packed.path}.sha256")
    with tarfile.open(packed.path) as tar:
        offset = tar.getmember(f"databases/{BLOBS}").offset_data
    with open(packed.path, "r+b") as file:
        file.seek(offset + 5000)
        file.write(b"damage")
    found = inspect(packed.path)
    assert found.errors == [
        f"databases/{BLOBS}: differs from its sha256 in the manifest"
    ]
    with pytest.raises(ArchiveError, match="differs from its sha256"):
        extract(Extraction(packed.path, str(tmp_path / "in"), trees=False))


def test_the_promise_of_the_caller_counts(make: Make, tmp_path: Path) -> None:
    packed = make()
    assert inspect(packed.path, packed.sha256.upper()).ok
    assert not inspect(packed.path, "0" * 64).ok
    with pytest.raises(ArchiveError, match="was promised"):
        extract(Extraction(packed.path, str(tmp_path / "in"), False, "0" * 64))


def write_tar(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    with tarfile.open(path, "w") as tar:
        for info, data in members:
            info.size = len(data) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(data) if info.isreg() else None)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def test_a_predecessors_tar_without_manifest_is_accepted(
    pair: Pair, tmp_path: Path
) -> None:
    """Dated backups came along then (lessons, introduction), and an empty -wal."""
    old = "srv/Plug-in Support/Databases"
    path = tmp_path / "old.tar"
    library, blobs = pair.library.read_bytes(), pair.blobs.read_bytes()
    write_tar(
        path,
        [
            (member(f"{old}/{LIBRARY}-2026-01-01"), b"backup"),
            (member(f"{old}/{LIBRARY}"), library),
            (member(f"{old}/{LIBRARY}-wal"), b""),
            (member(f"{old}/{BLOBS}"), blobs),
        ],
    )
    found = inspect(str(path))
    assert found.ok
    assert found.manifest is None
    assert found.pair == {LIBRARY: f"{old}/{LIBRARY}", BLOBS: f"{old}/{BLOBS}"}
    assert extract(Extraction(str(path), str(tmp_path / "in"), False)).manifest is None
    names = sorted(item.name for item in (tmp_path / "in" / "databases").iterdir())
    assert names == [BLOBS, LIBRARY]
    extract(Extraction(str(path), str(tmp_path / "in"), False, backups=True))
    names = sorted(item.name for item in (tmp_path / "in" / "databases").iterdir())
    assert names == [BLOBS, LIBRARY, f"{LIBRARY}-2026-01-01"]


@pytest.mark.parametrize("name", [f"{LIBRARY}-wal", f"{BLOBS}-wal", f"{BLOBS}-journal"])
def test_rows_that_were_left_behind_are_refused_by_name(
    pair: Pair, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "old.tar"
    files = [(LIBRARY, pair.library.read_bytes()), (BLOBS, pair.blobs.read_bytes())]
    write_tar(path, [(member(f"x/{n}"), data) for n, data in [*files, (name, b"rows")]])
    assert f"x/{name}: the pair was copied beside" in inspect(str(path)).errors[0]
    with pytest.raises(ArchiveError, match=f"x/{name}: "):
        extract(Extraction(str(path), str(tmp_path / "in"), False))
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_archive_cut_anywhere_is_refused(
    make: Make, tmp_path: Path, ending: str
) -> None:
    """At 20 places, without the sidecar, which would make it easy."""
    packed = make(ending)
    os.unlink(f"{packed.path}.sha256")
    whole = Path(packed.path).read_bytes()
    part, dest = tmp_path / f"part{ending}", tmp_path / "in"
    for place in range(20):
        part.write_bytes(whole[: len(whole) * place // 20 + place % 3])
        found = inspect(str(part))
        assert not found.ok
        assert str(part) in found.errors[0]
        with pytest.raises(ArchiveError, match=re.escape(str(part))):
            extract(Extraction(str(part), str(dest), trees=True))
        assert not dest.exists()


def test_a_manifest_with_one_flipped_byte_is_refused_by_name(
    make: Make, tmp_path: Path
) -> None:
    """Any byte, also of a field that nothing else contradicts; no sidecar either."""
    packed = make(".tar", pms_version="1.42.2.10156-f737b826c")
    os.unlink(f"{packed.path}.sha256")
    with tarfile.open(packed.path) as tar:
        info = tar.getmember("manifest.json")
    whole = Path(packed.path).read_bytes()
    choice = random.Random(11)
    places = choice.sample(range(info.size), 60) + [info.size - 1]
    for place in places:
        data = whole[info.offset_data : info.offset_data + info.size]
        flipped = (
            data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
        )
        with pytest.raises(ArchiveError, match=r"manifest\.json"):
            decode(flipped, packed.path)
    at = info.offset_data + whole[info.offset_data :].index(b"1.42.2")
    Path(packed.path).write_bytes(whole[: at + 3] + b"3" + whole[at + 4 :])
    assert inspect(packed.path).errors == [
        f"{packed.path}: manifest.json differs from its own sha256, it was changed or is"
        " damaged; copy the archive again"
    ]
    with pytest.raises(ArchiveError, match="its own sha256"):
        extract(Extraction(packed.path, str(tmp_path / "in"), trees=False))


def test_a_manifest_from_before_it_had_a_digest_is_read(pair: Pair) -> None:
    old = {"format": 1, "files": {}, "pms_version": "1.42"}
    assert decode(json.dumps(old).encode(), "x.tar") == old


def test_a_pair_of_two_moments_is_not_packed(make: Make, pair: Pair) -> None:
    db_faults.analyse_more(pair)
    later = pair.blobs.read_bytes()
    db_faults.forget_new_items(pair.library)
    with pytest.raises(DbError, match="is of a later moment than .*library.db"):
        make()
    assert pair.blobs.read_bytes() == later


def test_a_half_replaced_snapshot_is_not_packed(
    make: Make, pair: Pair, tmp_path: Path
) -> None:
    folder = tmp_path / "snapshot"
    snapshot_pair((str(pair.library), str(pair.blobs)), str(folder))
    with closing(sqlite3.connect(pair.library, isolation_level=None)) as connection:
        connection.execute("UPDATE media_parts SET size=size+1")
    shutil.copyfile(pair.library, folder / LIBRARY)
    with pytest.raises(DbError, match=r"library\.db: is not the file that was copied"):
        pack(str(tmp_path / "x.tar"), str(folder), [], {}, 3)


@pytest.mark.parametrize("changed", ["Library", "blobs"])
def test_a_pair_swapped_in_an_archive_is_refused_by_the_manifest(
    make: Make, pair: Pair, tmp_path: Path, changed: str
) -> None:
    """The manifest binds the two: another moment's file has another digest."""
    packed = make(".tar")
    os.unlink(f"{packed.path}.sha256")
    name = LIBRARY if changed == "Library" else BLOBS
    with tarfile.open(packed.path) as tar:
        files = [(item, tar.extractfile(item).read()) for item in tar if item.isreg()]
    path = pair.library.with_name(name)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE preferences SET value='later'")
        connection.execute("INSERT INTO devices(name) VALUES('x')")
    later = path.read_bytes()
    members = []
    for info, data in files:
        content = later if info.name.endswith(name) else data
        info.size = len(content)
        members.append((info, content))
    write_tar(tmp_path / "mixed.tar", members)
    assert inspect(str(tmp_path / "mixed.tar")).errors == [
        f"databases/{name}: differs from its sha256 in the manifest"
    ]


@pytest.mark.parametrize(
    ("names", "named"),
    [
        ([LIBRARY], "has no com.plexapp.plugins.library.blobs.db"),
        ([BLOBS], "has no com.plexapp.plugins.library.db"),
        ([f"a/{LIBRARY}", f"b/{LIBRARY}", f"a/{BLOBS}"], "more than once"),
        ([f"a/{LIBRARY}", f"b/{BLOBS}"], "different folders"),
    ],
)
def test_an_unclear_pair_is_refused(
    tmp_path: Path, names: list[str], named: str
) -> None:
    path = tmp_path / "x.tar"
    write_tar(path, [(member(name), b"x") for name in names])
    assert named in " ".join(inspect(str(path)).errors)
    with pytest.raises(ArchiveError):
        extract(Extraction(str(path), str(tmp_path / "in"), False))
    assert not list(tmp_path.glob("in*"))


@pytest.mark.parametrize(
    "evil",
    [
        [member("Metadata/../../evil")],
        [member("Metadata/../databases/../../evil")],
        [member("Metadata/x", tarfile.LNKTYPE, "../../evil")],
        [member("Metadata/x", tarfile.CHRTYPE)],
        [member("Metadata/l", tarfile.SYMTYPE, "f"), member("Metadata/l")],
    ],
)
def test_nothing_is_written_outside(
    tmp_path: Path, evil: list[tarfile.TarInfo]
) -> None:
    path = tmp_path / "x.tar"
    good = [(member(LIBRARY), b"x"), (member(BLOBS), b"x")]
    write_tar(path, [*good, *((info, b"evil") for info in evil)])
    with pytest.raises((ArchiveError, OSError)):
        extract(Extraction(str(path), str(tmp_path / "sub" / "in"), True))
    assert not list(tmp_path.rglob("evil"))
    assert not list((tmp_path / "sub").iterdir())


@pytest.mark.parametrize("link", ["/etc", "../../..", "a/../../../.."])
def test_links_that_lead_out_are_left_out(tmp_path: Path, link: str) -> None:
    path = tmp_path / "x.tar"
    write_tar(
        path,
        [
            (member(LIBRARY), b"x"),
            (member(BLOBS), b"x"),
            (member("Metadata/l", tarfile.SYMTYPE, link), b""),
            (member("Metadata/l/evil"), b"evil"),
        ],
    )
    done = extract(Extraction(str(path), str(tmp_path / "in"), True))
    assert done.skipped == (f"Metadata/l -> {link}",)
    assert (tmp_path / "in" / "Metadata" / "l" / "evil").read_bytes() == b"evil"


def test_a_database_in_use_is_not_packed(make: Make, pair: Pair) -> None:
    with held_open(pair.library), pytest.raises(DbError, match="plex_db_snapshot"):
        make()


def test_a_file_that_changes_meanwhile_leaves_no_archive(
    make: Make, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_archive, "file_sha256", lambda path: "0" * 64)
    with pytest.raises(ArchiveError, match="changed while it was packed"):
        make()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_leaves_no_archive(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    name = "ansible_collections.cloudburst.plex.plugins.module_utils._archive_stream"
    monkeypatch.setattr(f"{name}.DigestWriter.write", full)
    for ending in ENDINGS:
        with pytest.raises(OSError, match="No space left"):
            make(ending)
    assert list((tmp_path / "out").iterdir()) == []


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    usage = shutil.disk_usage("/")._replace(free=size)
    monkeypatch.setattr(_db_files.shutil, "disk_usage", lambda path: usage)


MARGIN = 64_000_000


def test_packing_asks_for_room_before_anything_is_written(
    make: Make, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = pair.library.stat().st_size + pair.blobs.stat().st_size
    free(monkeypatch, MARGIN + size)
    with pytest.raises(DbError, match=r"packing .*home\.tar needs"):
        make(".tar")
    assert list((tmp_path / "out").iterdir()) == []
    free(monkeypatch, MARGIN + size // 2 + 20_000)
    make(".tar.zst")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("backups", [False, True])
def test_unpacking_asks_for_three_times_the_databases(
    make: Make,
    pair: Pair,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
    backups: bool,
) -> None:
    packed = make(ending)
    size = pair.library.stat().st_size + pair.blobs.stat().st_size
    dest = tmp_path / "in"
    free(monkeypatch, MARGIN + 3 * size - 1)
    job = Extraction(packed.path, str(dest), trees=False, backups=backups)
    with pytest.raises(DbError, match=f"unpacking {packed.path} needs"):
        extract(job)
    assert not list(tmp_path.glob("in*"))
    free(monkeypatch, MARGIN + 3 * size)
    extract(job)
    with pytest.raises(DbError, match="unpacking"):
        extract(Extraction(packed.path, str(dest), trees=True, backups=backups))


def test_a_predecessors_tar_is_measured_with_its_backups(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, dest = tmp_path / "old.tar", tmp_path / "in"
    library, blobs = pair.library.read_bytes(), pair.blobs.read_bytes()
    write_tar(
        path,
        [
            (member(f"x/{LIBRARY}-2026-01-01"), library),
            (member(f"x/{LIBRARY}"), library),
            (member(f"x/{BLOBS}"), blobs),
        ],
    )
    free(monkeypatch, MARGIN + 3 * (len(library) + len(blobs)))
    with pytest.raises(DbError, match="unpacking"):
        extract(Extraction(str(path), str(dest), False, backups=True))
    assert not list(tmp_path.glob("in*"))
    extract(Extraction(str(path), str(dest), False))


@pytest.mark.parametrize("name", ["home.zip", "home", "home.tar.xz"])
def test_the_name_says_the_format(pair: Pair, tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match="name it"):
        _archive.pack(str(tmp_path / name), str(pair.library.parent), [], {}, 3)


def test_an_inspection_without_errors_is_ok() -> None:
    assert Inspection("x").ok
    assert not Inspection("x", errors=["e"]).ok
