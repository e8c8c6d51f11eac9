"""Forgetting in tests: what a run says, a source without some images, and a search for traces by other means."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
from world.growing import agreed, picture, rows
from world.tars import packed

from manifests.manifest import Manifest

COUNTED = ("images", "embeddings", "sketches", "copies", "candidates", "pairs")


def told(manifests: Mapping[str, Manifest]) -> dict[str, Any]:
    """All that a run says, but for where an image lies."""
    found = agreed(manifests)
    for row in found["images"].values():
        row |= {"offset": None, "uri": str(row["uri"]).rpartition("/")[2]}
    counts = {step: manifests[step].counts for step in COUNTED}
    found["counts"] = {step: (one.seen, one.ok, dict(one.rejected)) for step, one in counts.items()}
    return found


def whole_lot(folder: Path, names: Iterable[str], dice: Random, pictures: int = 8) -> None:
    """Write a tar of each name: some of so many pictures, as PNG or BMP, and some that are no images."""
    folder.mkdir(exist_ok=True)
    for name in names:
        members = []
        for place in range(dice.choice((1, 3, 4, 5, 6))):
            kind = dice.choice(("PNG", "BMP", "PNG", "BMP", "broken"))
            data = picture(dice.randrange(pictures), kind) if kind != "broken" else dice.randbytes(40)
            members.append((f"{name}-{place}-{dice.randrange(10**9)}.{'bmp' if kind == 'BMP' else 'png'}", data))
        (folder / f"{name}.tar").write_bytes(packed(members))


def without_members(tars: Path, keys: Collection[str], to: Path) -> None:
    """Write the tars into another folder, without the members of these keys."""
    to.mkdir(exist_ok=True)
    for path in sorted(tars.glob("*.tar")):
        stream = io.BytesIO()
        with tarfile.open(path) as old, tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as new:
            for entry in old:
                if entry.name.rpartition(".")[0] not in keys:
                    new.addfile(entry, old.extractfile(entry))
        (to / path.name).write_bytes(stream.getvalue())


def traces(run: Path, words: Iterable[str]) -> list[str]:
    """Files below a run that hold one of these words: in their bytes, or in a Parquet file's values or statistics."""
    found = []
    for path in sorted(path for path in run.rglob("*") if path.is_file()):
        text = path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            names = [name for name in pq.read_schema(path).names if name not in ("sketch", "vector", *_vectors(path))]
            text += str(pq.read_table(path, columns=names).to_pylist()) + str(pq.read_metadata(path).to_dict())
        found += [f"{path.relative_to(run)}: {word}" for word in words if word in text]
    return found


def _vectors(path: Path) -> list[str]:
    return [field.name for field in pq.read_schema(path) if "list" in str(field.type)]


def named(row: Mapping[str, Any]) -> list[str]:
    """What names an image."""
    return [str(row[name]) for name in ("image_id", "key", "url", "sha256") if row[name]]


def classes(manifests: Mapping[str, Manifest]) -> dict[str, set[str]]:
    """Image that stands for others -> those."""
    found: dict[str, set[str]] = {}
    for row in rows(manifests["copies"]):
        found.setdefault(row["copy_of"], set()).add(row["image_id"])
    return found


def whole(run: Path) -> dict[str, bytes]:
    """Every file of a run but its events, without the times at which images were taken out."""
    files = (path for path in sorted(run.rglob("*")) if path.is_file() and "_events" not in path.parts)
    return {str(path.relative_to(run)): re.sub(rb'"at": "[^"]*"', b"", path.read_bytes()) for path in files}
