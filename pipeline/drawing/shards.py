"""Shards: the scenes packed as WebDataset tar files, shuffled so that partners are in different shards."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from manifests.tables import image_id
from pipeline.drawing.scenes import Scene, keys, partner_of, scene


@dataclass(frozen=True)
class Planted:
    """A pair that was drawn as a pair, and the pattern in which its two drawings differ."""

    pattern: str
    left_key: str
    right_key: str

    def ids(self, source: str) -> tuple[str, str]:
        """Return the ids of its images in a run whose source has this name, in the order of a pair."""
        first, second = sorted(image_id(source, f"{key}.jpg") for key in (self.left_key, self.right_key))
        return first, second


def pack(folder: Path, count: int = 600, seed: int = 2024, shard_rows: int = 100) -> list[Planted]:
    """Write `00000.tar`, `00001.tar`, ... with at most `shard_rows` scenes each; return the planted pairs.

    Members are KEY.jpg, KEY.txt (the caption) and KEY.json. The same arguments give the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, dealt in enumerate(deal(count, seed, shard_rows)):
        _write(folder / f"{number:05}.tar", (scene(key, count, seed) for key in dealt))
    return planted(count)


def planted(count: int) -> list[Planted]:
    """Return the planted pairs among `count` scenes."""
    lefts = (key for key in keys(count) if key.endswith("-a"))
    return [Planted(key.split("-")[0], key, partner_of(key)) for key in lefts]


def deal(count: int, seed: int, shard_rows: int) -> list[list[str]]:
    """Return the keys of each shard. Partners are dealt one after the other, so two shards keep them apart."""
    dice = Random(f"{seed} deal")
    hands: list[list[str]] = [[] for _ in range(max(1, -(-count // shard_rows)))]
    for turn, key in enumerate(_shuffled(count, dice)):
        hands[turn % len(hands)].append(key)
    for hand in hands:
        dice.shuffle(hand)
    return hands


def _shuffled(count: int, dice: Random) -> list[str]:
    """Return all keys shuffled, with partners next to each other."""
    groups = [[pair.left_key, pair.right_key] for pair in planted(count)]
    groups += [[key] for key in keys(count) if not key.endswith(("-a", "-b"))]
    for group in groups:
        dice.shuffle(group)
    dice.shuffle(groups)
    return [key for group in groups for key in group]


def _write(path: Path, drawn: Iterable[Scene]) -> None:
    import webdataset  # takes a second where torch is installed, and only packing needs it

    # a fixed time and owner make the tar files of two runs byte-identical
    with (
        path.open("wb") as stream,
        webdataset.TarWriter(stream, user="demo", group="demo", encoder=False, mtime=0.0) as tar,
    ):
        for one in drawn:
            truth = json.dumps({"pattern": one.pattern, "partner": one.partner}).encode()
            tar.write({"__key__": one.key, "jpg": one.data, "txt": one.caption.encode(), "json": truth})
