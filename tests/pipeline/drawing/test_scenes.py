"""The demo's scenes: always the same bytes, true captions, pairs that the built-in encoders disagree on."""

import tarfile
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from io import BytesIO
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pipeline.drawing.brief import Brief, Motif
from pipeline.drawing.canvas import Paper
from pipeline.drawing.palette import FAMILIES, palette
from pipeline.drawing.palette import colour as screen_colour
from pipeline.drawing.patterns import count
from pipeline.drawing.scenes import PATTERNS, Quota, Scene, keys, scenes
from pipeline.drawing.shards import deal, pack, planted
from stages.models.encoders.colour import Colour
from stages.models.encoders.structure import Structure

pytestmark = pytest.mark.slow

REFERENCE_MAX = 0.60
BLIND_MIN = 0.95


@pytest.fixture(scope="module")
def drawn() -> dict[str, Scene]:
    return {scene.key: scene for scene in scenes(200, seed=5)}


@pytest.fixture(scope="module")
def cosines(drawn: dict[str, Scene]) -> dict[tuple[str, str], tuple[float, float]]:
    """Blind and reference cosine of every two readable scenes, in float64."""
    readable = {key: scene.data for key, scene in drawn.items() if not key.startswith("broken")}
    blind, reference = (_cosines(encoder, readable.values()) for encoder in (Colour(), Structure()))
    names = list(readable)
    pairs = ((i, j) for i in range(len(names)) for j in range(i + 1, len(names)))
    return {(names[i], names[j]): (blind[i, j], reference[i, j]) for i, j in pairs}


def _cosines(encoder: Any, files: Iterable[bytes]) -> npt.NDArray[np.float64]:
    images = [Image.open(BytesIO(data)).convert("RGB") for data in files]
    rows = encoder.encode([encoder.prepare(image) for image in images]).astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows @ rows.T)


def test_the_same_seed_draws_the_same_bytes() -> None:
    assert list(scenes(60, seed=3)) == list(scenes(60, seed=3))


def test_another_seed_draws_other_scenes() -> None:
    one, other = next(scenes(60, seed=3)), next(scenes(60, seed=4))
    assert one.key == other.key
    assert one.data != other.data


def test_a_longer_stream_begins_with_the_pairs_of_a_shorter_one() -> None:
    assert list(islice(scenes(60, seed=3), 36)) == list(islice(scenes(5000, seed=3), 36))


@pytest.mark.parametrize("number", [0, 1, 7, 19, 20, 60, 99, 600, 1000])
def test_as_many_scenes_come_as_were_asked_for_each_with_a_key_of_its_own(number: int) -> None:
    assert len(set(keys(number))) == len(list(keys(number))) == number


@pytest.mark.parametrize("number", [1, 7, 19, 20, 60])
def test_short_streams_can_be_drawn_too(number: int) -> None:
    assert len(list(scenes(number))) == number


def test_every_pattern_gets_the_same_number_of_pairs() -> None:
    assert Counter(pair.pattern for pair in planted(600)) == dict.fromkeys(PATTERNS, 30)


def test_600_scenes_hold_the_promised_mixture() -> None:
    assert Quota.of(600) == Quota(pairs=30, single=40, copy=8, resaved=6, broken=6)


def test_partners_name_each_other(drawn: dict[str, Scene]) -> None:
    planted_scenes = [scene for scene in drawn.values() if scene.partner]
    assert len(planted_scenes) == 2 * len(planted(200))
    assert all(drawn[scene.partner or ""].partner == scene.key for scene in planted_scenes)


def test_partners_have_different_captions(drawn: dict[str, Scene]) -> None:
    for pair in planted(200):
        assert drawn[pair.left_key].caption != drawn[pair.right_key].caption


def test_readable_scenes_are_jpegs_of_one_size(drawn: dict[str, Scene]) -> None:
    for scene in drawn.values():
        if not scene.key.startswith("broken"):
            with Image.open(BytesIO(scene.data)) as image:
                assert (image.format, image.size) == ("JPEG", (256, 256))


def test_no_decoder_can_read_a_broken_scene() -> None:
    broken = [scene for scene in scenes(600) if scene.key.startswith("broken")]
    assert len({scene.caption for scene in broken}) == 6
    for scene in broken:
        with pytest.raises(OSError):
            Image.open(BytesIO(scene.data)).load()


def test_copies_are_exact_and_resaved_copies_are_not(drawn: dict[str, Scene]) -> None:
    times = Counter(sha256(scene.data).hexdigest() for scene in drawn.values())
    for scene in drawn.values():
        repeated = times[sha256(scene.data).hexdigest()] > 1
        assert repeated or not scene.key.startswith("copy")
        assert not (repeated and scene.key.startswith("resaved"))


def test_nearly_all_planted_pairs_are_blind_pairs_for_the_built_in_encoders(
    cosines: dict[tuple[str, str], tuple[float, float]],
) -> None:
    found = [_blind(cosines[pair.left_key, pair.right_key]) for pair in planted(200)]
    assert np.mean(found) >= 0.9


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_has_pairs_that_are_blind_pairs(
    pattern: str, cosines: dict[tuple[str, str], tuple[float, float]]
) -> None:
    pairs = [pair for pair in planted(200) if pair.pattern == pattern]
    assert np.mean([_blind(cosines[pair.left_key, pair.right_key]) for pair in pairs]) >= 0.8


def test_hardly_any_two_scenes_share_their_colours_by_accident(
    cosines: dict[tuple[str, str], tuple[float, float]],
) -> None:
    strangers = [
        blind for (left, right), (blind, _) in cosines.items()
        if left[:-2] != right[:-2] and not (left + right).count("copy") and "resaved" not in left + right
    ]  # fmt: skip
    assert np.mean(np.array(strangers) >= BLIND_MIN) < 1e-3


def test_resaved_copies_are_near_an_earlier_scene_for_both_encoders(
    cosines: dict[tuple[str, str], tuple[float, float]],
) -> None:
    for key in (key for key in keys(200) if key.startswith("resaved")):
        nearest = max((both for pair, both in cosines.items() if key in pair), key=lambda both: both[1])
        assert min(nearest) >= BLIND_MIN


@pytest.mark.parametrize("motif", [count.balloons, count.mugs, count.boats])
@pytest.mark.parametrize("first", [True, False])
def test_the_caption_of_a_count_is_the_number_of_things_drawn(motif: Motif, first: bool) -> None:
    for turn in range(8):
        look = palette(turn, Random(turn))
        paper = Paper(look.sky)
        caption = motif(paper.pen, Brief(look, first, Random(turn), Random(f"{turn} {first}")))
        # a boat's hull, a balloon's skin, a mug (its handle joins what its band cuts): one patch each
        paint = look.accent if motif is count.boats else look.main
        assert count.WORDS[_patches(paper.image, paint)] == caption.split()[0]


def _patches(image: Image.Image, colour: tuple[int, int, int]) -> int:
    """How many separate patches of exactly this colour are larger than specks."""
    rows = (np.asarray(image)[::3, ::3] == colour).all(axis=2)
    left = {(int(y), int(x)) for y, x in np.argwhere(rows)}
    sizes = []
    while left:
        sizes.append(_take_patch(left))
    return sum(size > 60 for size in sizes)


def _take_patch(left: set[tuple[int, int]]) -> int:
    """Remove one patch from the set of pixels and return its size."""
    edge, size = [left.pop()], 0
    while edge:
        y, x = edge.pop()
        size += 1
        near = {(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)} & left
        left -= near
        edge.extend(near)
    return size


@pytest.mark.parametrize("number", range(0, 200, 20))
def test_the_named_colours_of_a_palette_are_nearest_to_their_own_family(number: int) -> None:
    look = palette(number, Random(number))
    assert _nearest_family(look.main) == look.main_name
    assert _nearest_family(look.accent) == look.accent_name


def _nearest_family(colour: tuple[int, int, int]) -> str:
    middles = {name: np.array(screen_colour(*family), float) for name, family in FAMILIES.items()}
    return min(middles, key=lambda name: float(np.linalg.norm(middles[name] - colour)))


def test_packing_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    assert pack(tmp_path / "one", 60, shard_rows=25) == pack(tmp_path / "two", 60, shard_rows=25)
    digests = [
        {path.name: sha256(path.read_bytes()).hexdigest() for path in (tmp_path / name).iterdir()}
        for name in ("one", "two")
    ]
    assert digests[0] == digests[1]
    assert set(digests[0]) == {"00000.tar", "00001.tar", "00002.tar"}


def test_a_shard_holds_each_scene_as_image_caption_and_truth(tmp_path: Path) -> None:
    pack(tmp_path, 40, shard_rows=100)
    with tarfile.open(tmp_path / "00000.tar") as tar:
        names = tar.getnames()
    assert sorted(names) == sorted(f"{key}.{kind}" for key in keys(40) for kind in ("jpg", "txt", "json"))


@pytest.mark.parametrize(("number", "rows"), [(60, 25), (600, 100), (601, 100), (1000, 7)])
def test_partners_lie_in_different_shards_and_no_shard_is_too_long(number: int, rows: int) -> None:
    hands = deal(number, 2024, rows)
    shard = {key: place for place, hand in enumerate(hands) for key in hand}
    assert max(len(hand) for hand in hands) <= rows
    assert sorted(shard) == sorted(keys(number))
    assert all(shard[pair.left_key] != shard[pair.right_key] for pair in planted(number))


def _blind(both: tuple[float, float]) -> bool:
    return both[0] >= BLIND_MIN and both[1] < REFERENCE_MAX
