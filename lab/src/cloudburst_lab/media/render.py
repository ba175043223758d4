# Copyright (c) 2026, cloudburst.plex contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the files of the plan: real media by ffmpeg, many outputs per call.

A call costs more than a file, so files are made in batches. Every file's signal comes from
its seed: no two tracks hold the same audio, no two pictures the same pixels.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cloudburst_lab.media.assets import Asset
from cloudburst_lab.processes import run

BATCH = 16
WORKERS = 2
#: Part of the cache key: raise it when the same plan shall give other bytes.
RECIPE = "1"
#: Films that are large enough to be read for a while (about 6 MB each).
LARGE = frozenset({"2001 A Space Odyssey", "Playtime"})
_BITEXACT = ("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact")
_X264 = (
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-pix_fmt",
    "yuv420p",
    "-threads",
    "1",
)
CHAPTERS = ";FFMETADATA1\n" + "".join(
    f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={start + 1500}\ntitle=Chapter {n}\n"
    for n, start in enumerate((0, 1500), 1)
)


@dataclass(frozen=True)
class Job:
    """ffmpeg's inputs for one file, and the arguments of its output."""

    inputs: tuple[tuple[str, ...], ...]
    output: tuple[str, ...]


def make_all(assets: Sequence[Asset], store: Path) -> None:
    """Write every asset to ``store/<seed>.<extension>``; raise when one is missing."""
    store.mkdir(parents=True, exist_ok=True)
    (store / "chapters.txt").write_text(CHAPTERS, encoding="utf-8")
    by_ffmpeg = [asset for asset in assets if asset.kind not in ("subtitle", "broken")]
    with ThreadPoolExecutor(WORKERS) as pool:
        batches = [by_ffmpeg[at : at + BATCH] for at in range(0, len(by_ffmpeg), BATCH)]
        list(pool.map(lambda batch: _make_batch(batch, store), batches))
    for asset in assets:
        if asset.kind == "subtitle":
            stored(asset, store).write_text(_subtitle(asset), encoding="utf-8")
        elif asset.kind == "broken":
            stored(asset, store).write_bytes(_broken(asset))
    missing = [a.path for a in assets if not stored(a, store).stat().st_size]
    if missing:
        raise ValueError(f"ffmpeg made empty files: {missing[:5]}")


def stored(asset: Asset, store: Path) -> Path:
    """Where the bytes of an asset are."""
    return store / f"{asset.seed:04}.{asset.extension}"


def _make_batch(assets: Iterable[Asset], store: Path) -> None:
    inputs: list[str] = ["-i", str(store / "chapters.txt")]
    outputs: list[str] = []
    at = 1
    for asset in assets:
        job = _job(asset)
        for given in job.inputs:
            inputs += [*given]
        for offset in range(len(job.inputs)):
            outputs += ["-map", str(at + offset)]
        at += len(job.inputs)
        outputs += [*job.output, *_BITEXACT, str(stored(asset, store))]
    run(["ffmpeg", "-nostdin", "-v", "error", "-y", *inputs, *outputs], timeout=300)


def _job(asset: Asset) -> Job:
    if asset.kind == "track":
        return _track(asset)
    if asset.kind in ("photo", "cover"):
        return _picture(asset)
    return _video(asset)


def _lavfi(source: str, seconds: float) -> tuple[str, ...]:
    return ("-f", "lavfi", "-t", f"{seconds:g}", "-i", source)


def _tone(seed: int, rate: int, seconds: float) -> tuple[str, ...]:
    """A tone of its own per seed, beating, so that it has no silent stretch."""
    frequency = 110 + 1.7 * seed
    return _lavfi(f"sine=f={frequency:g}:b=4:r={rate}", seconds)


def _tags(asset: Asset) -> tuple[str, ...]:
    pairs = {
        "title": asset.title,
        "album": asset.album,
        "artist": asset.artist,
        "album_artist": asset.artist,
        "track": asset.number,
        "disc": asset.disc,
        "date": asset.date,
    }
    tags = [("-metadata", f"{name}={value}") for name, value in pairs.items() if value]
    return ("-map_metadata", "-1", *(word for tag in tags for word in tag))


def _track(asset: Asset) -> Job:
    seconds = 2.0 + asset.seed % 20 / 10
    flac = asset.extension == "flac"
    codec = ("-c:a", "flac") if flac else ("-c:a", "libmp3lame", "-b:a", "64k")
    tone = _tone(asset.seed, 22050, seconds)
    return Job((tone,), ("-map_chapters", "-1", *_tags(asset), *codec))


def _picture(asset: Asset) -> Job:
    hue = asset.seed * 37 % 360
    size = "320x240" if asset.kind == "photo" else "120x120"
    source = f"testsrc2=s={size}:r=25,hue=h={hue},trim=start_frame={asset.seed % 90}"
    quality = ("-q:v", "6", "-frames:v", "1", "-update", "1")
    strict = ("-map_metadata", "-1", "-map_chapters", "-1", "-pix_fmt", "yuvj420p")
    return Job((_lavfi(source, 5),), (*strict, *quality))


def _video(asset: Asset) -> Job:
    seconds = 3.0
    picture = f"testsrc2=s=192x108:r=12,hue=h={asset.seed * 37 % 360}"
    rate: tuple[str, ...] = ("-crf", "34", "-g", "12")
    if asset.title in LARGE:
        seconds, picture = 10.0, "testsrc2=s=640x360:r=24,noise=alls=70:allf=t"
        rate = ("-b:v", "5M")
    chapters = ("-map_chapters", "0" if asset.kind == "film" else "-1")
    sound = ("-c:a", "aac", "-b:a", "32k", "-ac", "1")
    return Job(
        (_lavfi(picture, seconds), _tone(asset.seed, 22050, seconds)),
        (*chapters, *_tags(asset), *_X264, *rate, *sound),
    )


def _subtitle(asset: Asset) -> str:
    return f"1\n00:00:00,500 --> 00:00:02,500\n{asset.title}, c'est parti.\n"


def _broken(asset: Asset) -> bytes:
    """What a failed download leaves: no decoder finds audio in it, tags or not.

    mp3: an ID3 tag, then noise without any MPEG frame header (no 0xFF). flac: the first
    blocks are zeros, so that even the stream's own header is lost.
    """
    noise = random.Random(asset.seed)
    body = bytes(noise.choices(range(1, 255), k=48_000))
    if asset.extension == "flac":
        return bytes(16_384) + body
    return _id3(asset) + body


def _id3(asset: Asset) -> bytes:
    """An ID3v2.3 tag with title, album, artist and track number."""
    frames = b""
    values = {
        b"TIT2": asset.title,
        b"TALB": asset.album,
        b"TPE1": asset.artist,
        b"TPE2": asset.artist,
        b"TRCK": str(asset.number),
    }
    for name, value in values.items():
        text = b"\x01" + value.encode("utf-16")
        frames += name + len(text).to_bytes(4, "big") + b"\0\0" + text
    size = bytes((len(frames) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + frames
