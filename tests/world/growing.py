"""A source that grows: small tars in which pictures come again, and what two runs must agree on."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image, ImageDraw
from world.runs import recipe
from world.tars import packed

from manifests.manifest import Manifest

Row = tuple[Any, ...]


def values(folder: Path, **sections: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe over all tars of a folder, whose search has many tiles and cuts nothing."""
    search = {"block_rows": 9, "max_per_image": None, "min_cosine": 0.5, **sections.pop("search", {})}
    accepted = {"images": {"max_failed": 1.0}, "embed": {"max_failed": 1.0}, **sections.pop("workers", {})}
    source = {"name": "tars", "kind": "shards", "uri": f"{folder}/*.tar"}
    choice = {"blind_min": 0.6, "reference_max": 0.9, "near_duplicate_min": None, "max_pairs_per_image": None}
    return recipe([source], search=search, workers=accepted, filter=choice, **sections)


def picture(number: int, kind: str = "PNG") -> bytes:
    """The bytes of one drawn picture; of another kind they are others, and its pixels the same."""
    dice = Random(number)
    drawn = Image.new("RGB", (24, 24), (dice.randrange(256), dice.randrange(90), 120))
    for _ in range(3):
        left, top = dice.randrange(18), dice.randrange(18)
        ImageDraw.Draw(drawn).rectangle((left, top, left + 6, top + 6), tuple(dice.randrange(256) for _ in range(3)))
    stream = io.BytesIO()
    drawn.save(stream, kind)
    return stream.getvalue()


def tar(name: str, numbers: list[int], dice: Random) -> bytes:
    """A tar of these pictures, some as PNG and some as BMP, under names of their own."""
    kinds = [dice.choice(("PNG", "BMP")) for _ in numbers]
    return packed(
        (f"{name}-{place}.{kind.lower()}", picture(number, kind))
        for place, (number, kind) in enumerate(zip(numbers, kinds, strict=True))
    )


def lot(folder: Path, names: list[str], dice: Random, pictures: int = 14) -> None:
    """Write a tar of each name: up to six of so many pictures, so that they come again; some empty, some cut."""
    folder.mkdir(exist_ok=True)
    for name in names:
        whole = tar(name, [dice.randrange(pictures) for _ in range(dice.choice((0, 3, 4, 5, 6)))], dice)
        cut = dice.randrange(len(whole)) // 2 if dice.random() < 0.15 else len(whole)
        (folder / f"{name}.tar").write_bytes(whole[:cut])


def left(run: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every shard of a run: inode, time and bytes."""
    found = (path for path in run.glob("*/[!_]*.parquet"))
    return {f"{p.parent.name}/{p.name}": (p.stat().st_ino, p.stat().st_mtime_ns, p.read_bytes()) for p in found}


def rows(manifest: Manifest, *but: str) -> list[dict[str, Any]]:
    columns = [name for name in manifest.columns if name not in but]
    return [row for batch in manifest.batches(columns) for row in batch.to_pylist()]


def agreed(manifests: Mapping[str, Manifest]) -> dict[str, Any]:
    """What must not depend on how a run came to be: rows as sets, images up to which of its copies one is."""
    classes: dict[str, set[str]] = {}
    for row in rows(manifests["copies"]):
        classes.setdefault(row["copy_of"], {row["copy_of"]}).add(row["image_id"])
    one = {name: min(together) for together in classes.values() for name in together}

    def pairs(step: str) -> dict[tuple[str, str], Row]:
        found = {}
        for row in rows(manifests[step]):
            key = tuple(sorted(one.get(row[side], row[side]) for side in ("left_id", "right_id")))
            copies = sorted((row.get("left_copies", 0), row.get("right_copies", 0)))
            assert key not in found, "a pair came twice"
            found[key] = (round(row["blind_cosine"], 5), round(row["reference_cosine"], 5), row.get("reason"), copies)
        return found

    return {
        "images": {row["image_id"]: row for row in rows(manifests["images"])},
        "embeddings": {row["image_id"]: row for row in rows(manifests["embeddings"])},
        "copies": {frozenset(together) for together in classes.values()},
        "candidates": pairs("candidates"),
        "pairs": pairs("pairs"),
        "compared": manifests["candidates"].counts.seen,
    }
