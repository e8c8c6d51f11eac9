"""Forgetting images: what is left is what a run without them would have said, and goes on as one."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from random import Random

import pytest
from world.forgetting import classes, told, traces, whole_lot, without_members
from world.growing import rows, values
from world.inline import made_here

from pipeline.forget.forget import forget
from pipeline.reports.audit.audit import audit
from pipeline.run.layout import ORDER
from pipeline.run.run import Run

pytestmark = pytest.mark.slow


def chosen(manifests, which: str, dice: Random) -> list[str]:
    """image_ids to forget."""
    images = {row["image_id"]: row for row in rows(manifests["images"])}
    ok = sorted(name for name, row in images.items() if row["status"] == "ok")
    groups = classes(manifests)
    if which == "one":
        return [dice.choice(ok)]
    if which == "standing":
        return [max(groups, key=lambda name: len(groups[name]))]
    if which == "a copy":
        return [min(min(groups.values(), key=len))]
    if which == "rejected":
        return [name for name, row in images.items() if row["status"] != "ok"][:1]
    if which == "all of one tar":
        return sorted(name for name, row in images.items() if row["uri"].endswith("d.tar"))
    if which == "all that stand":
        return sorted(groups)
    rejected = [name for name in images if name not in ok][:1]
    return sorted(
        {*dice.sample(sorted(images), len(images) // 3), *rejected, *chosen(manifests, "all of one tar", dice)}
    )


CASES = [("one", 0), ("all that stand", 1), ("many", 3)]
ALL = ("one", "standing", "a copy", "rejected", "all of one tar", "all that stand", "many")
MANY = [(which, seed) for which in ALL for seed in range(int(os.environ.get("SEEDS", "0")))]


@pytest.mark.parametrize(("which", "seed"), MANY or CASES)
def test_what_is_left_is_what_a_run_without_them_says_and_grows_as_it_does(
    tmp_path: Path, which: str, seed: int
) -> None:
    tars, run, dice, lots = tmp_path / "tars", tmp_path / "test", Random(seed), []
    for names in (["b", "d", "f", "h"], ["a", "c", "e"])[: 1 + seed % 2]:
        whole_lot(tars, names, dice)
        lots.append(names)
        before, _ = made_here(values(tars), tmp_path)
    images = {row["image_id"]: row for row in rows(before["images"])}
    gone = chosen(before, which, dice)
    keys = {images[one]["key"] for one in gone}
    assert forget(str(run), gone).images == len(gone)
    left, made = made_here(values(tars), tmp_path)
    assert made == [], "the run is taken as it is"
    assert traces(run, [*gone, *keys]) == []
    plain = oracle(tars, keys, lots, tmp_path)
    assert told(left) == told(plain)
    check_whole(run, left)
    whole_lot(tars, ["g", "i"], Random(seed + 10))
    assert told(made_here(values(tars), tmp_path)[0]) == told(oracle(tars, keys, [["g", "i"]], tmp_path))


def oracle(tars: Path, keys: set[str], lots: list[list[str]], root: Path):
    """A run that grew in the same way over tars that never held these images."""
    whole, plain = root / "whole", root / "plain"
    whole.mkdir(exist_ok=True)
    for names in lots:
        for name in names:
            shutil.copy(tars / f"{name}.tar", whole)
        without_members(whole, keys, plain)
        made, _ = made_here(values(plain) | {"run": "oracle"}, root)
    return made


def check_whole(run: Path, manifests) -> None:
    """What other code finds among all images, and that each candidate and each count is its tile's own."""
    ok = [row["status"] == "ok" for row in rows(manifests["sketches"])]
    ids = [row["image_id"] for row in rows(manifests["sketches"])]
    for task in json.loads((run / "candidates/_plan.json").read_text())["tasks"]:
        left, right = (range(*task[side]) for side in ("left", "right"))
        pairs = {frozenset((ids[a], ids[b])) for a in left for b in right if a != b and ok[a] and ok[b]}
        held = manifests["candidates"].read(task["name"]).to_pylist()
        assert {frozenset((row["left_id"], row["right_id"])) for row in held} <= pairs
        counts = manifests["candidates"].by_name[task["name"]].counts
        assert (counts.seen, counts.ok) == (len(pairs), len(held))
    found = audit(Run.open(str(run)), images=10_000, seed=1)
    assert (found.missed, found.false, found.wrong, found.whole) == (0, 0, 0, True)


def test_a_candidate_stays_in_the_tile_of_its_images_where_a_copy_of_the_kept_one_goes_too(tmp_path: Path) -> None:
    tars, run = tmp_path / "tars", tmp_path / "test"
    asked = values(tars, search={"min_cosine": -0.5})
    for names, seed in ((["b", "d", "f", "h"], 1), (["a", "c", "e"], 2)):
        whole_lot(tars, names, Random(seed))
        manifests, _ = made_here(asked, tmp_path)
    *others, (last, _) = sorted(classes(manifests).items())
    assert others
    forget(str(run), [last, *(copy for _, copies in others for copy in copies)])
    left, made = made_here(asked, tmp_path)
    assert made == []
    check_whole(run, left)


@pytest.mark.parametrize("step", ["embeddings", "candidates"])
@pytest.mark.parametrize("seed", range(int(os.environ["SEEDS"])) if "SEEDS" in os.environ else [3])
def test_of_an_unfinished_run_they_go_too_and_the_rest_is_made_without_them(
    tmp_path: Path, step: str, seed: int
) -> None:
    tars, run, dice = tmp_path / "tars", tmp_path / "test", Random(seed)
    whole_lot(tars, ["b", "d", "f", "h"], dice)
    before, _ = made_here(values(tars), tmp_path)
    images = {row["image_id"]: row for row in rows(before["images"])}
    gone = [*chosen(before, "all that stand", dice), *chosen(before, "one", dice)]
    unfinished(run, step, dice)
    answer = forget(str(run), gone)
    assert answer.rows["images"] == len(set(gone))
    left, _ = made_here(values(tars), tmp_path)
    keys = {images[one]["key"] for one in gone}
    assert told(left) == told(oracle(tars, keys, [["b", "d", "f", "h"]], tmp_path))
    check_whole(run, left)


def unfinished(run: Path, step: str, dice: Random) -> None:
    """Bring a step back to where half of its shards were made; what comes after it was not begun."""
    (run / step / "_lineage.json").unlink()
    for path in sorted((run / step).glob("*.parquet")):
        if dice.random() < 0.5:
            path.unlink()
    for later in ORDER[ORDER.index(step) + 1 :]:
        shutil.rmtree(run / later)


def test_in_a_bucket_it_is_the_same(bucket, tmp_path: Path) -> None:
    whole_lot(tmp_path / "tars", ["b", "d"], Random(3), pictures=3)
    root, asked = bucket.url("runs"), values(tmp_path / "tars", search={"block_rows": 256})
    before, _ = made_here(asked, root)
    made_here(asked, tmp_path)
    gone = chosen(before, "all that stand", Random(3))
    forget(f"{root}/test", gone)
    forget(str(tmp_path / "test"), gone)
    left, made = made_here(asked, root)
    assert made == []
    assert told(left) == told(made_here(asked, tmp_path)[0])
    assert not any(name.startswith("runs/test/_remov") for name in bucket.names())
    for name in bucket.names():
        assert not any(one.encode() in bucket.get(name) for one in gone), name
