"""The runner takes what is there, finishes what was begun, makes again what is cheap, and refuses the rest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from world.inline import make_here
from world.runs import contents, make, recipe

from manifests.errors import Refused, TasksFailed
from manifests.manifest import COMMIT

pytestmark = pytest.mark.slow

STEPS = ("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")


def values(scenes: Path, **sections):
    """A recipe whose search has ten tiles."""
    sections["search"] = {"block_rows": 30, **sections.get("search", {})}
    return recipe([{"name": "scenes", "kind": "shards", "uri": f"{scenes}/*.tar"}], **sections)


def shards(run: Path) -> dict[str, tuple[int, int]]:
    """Every shard of a run with the inode and time that change when it is written again."""
    found = (path for step in STEPS for path in (run / step).glob("*.parquet"))
    return {f"{p.parent.name}/{p.name}": (p.stat().st_ino, p.stat().st_mtime_ns) for p in found}


def written_again(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> set[str]:
    return {name.split("/")[0] for name, mark in after.items() if before.get(name) != mark}


@pytest.fixture(scope="module")
def finished(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    make_here(values(scenes), root)
    return root


@pytest.fixture
def root(finished: Path, tmp_path: Path) -> Path:
    """A finished run to do with as a test likes."""
    shutil.copytree(finished, tmp_path / "runs")
    return tmp_path / "runs"


def test_a_finished_run_is_taken_as_it_is(scenes: Path, root: Path) -> None:
    before = shards(root / "test")
    make_here(values(scenes), root)
    assert shards(root / "test") == before


def test_changing_only_a_threshold_makes_only_the_pairs_again(scenes: Path, root: Path) -> None:
    before = shards(root / "test")
    manifests = make_here(values(scenes, filter={"reference_max": 0.3}), root)
    assert written_again(before, shards(root / "test")) == {"pairs"}
    assert manifests["pairs"].lineage.settings["filter"]["reference_max"] == 0.3


def test_pairs_made_again_are_those_of_a_run_made_so_at_once(scenes: Path, root: Path, tmp_path: Path) -> None:
    make_here(values(scenes, filter={"reference_max": 0.3}), root)
    make_here(values(scenes, filter={"reference_max": 0.3}), tmp_path / "fresh")
    assert contents(root / "test/pairs") == contents(tmp_path / "fresh/test/pairs")


def test_a_changed_encoder_is_refused_naming_both_values_and_touches_nothing(scenes: Path, root: Path) -> None:
    before = shards(root / "test")
    with pytest.raises(Refused) as caught:
        make_here(
            values(scenes, embed={"encoders": {"colour": {"kind": "structure"}, "structure": {"kind": "structure"}}}),
            root,
        )
    assert "embed.encoders.colour.kind was colour, now structure" in str(caught.value)
    assert "Name a new run (--run)" in str(caught.value)
    assert shards(root / "test") == before


def test_a_source_that_lost_a_file_is_refused_naming_it(scenes: Path, tmp_path: Path) -> None:
    less = tmp_path / "less"
    shutil.copytree(scenes, less)
    make_here(values(less), tmp_path, until="images")
    (less / "00003.tar").unlink()
    with pytest.raises(
        Refused, match=r"was made of other files: .*00003\.tar is no longer there\. Put the old file back"
    ):
        make_here(values(less), tmp_path, until="images")


def test_how_work_is_spread_is_no_reason_to_make_anything_again(scenes: Path, root: Path) -> None:
    before = shards(root / "test")
    make_here(values(scenes, workers={"embed": {"count": 1, "batch": 3}, "search": {"count": 1}}), root)
    assert shards(root / "test") == before


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_bytes_do_not_depend_on_how_many_workers_there_were(
    scenes: Path, finished: Path, tmp_path: Path, workers: int
) -> None:
    spread = {step: {"count": workers} for step in ("images", "embed", "sketch", "search", "filter")}
    make(values(scenes, workers=spread), tmp_path)
    for step in STEPS:
        assert contents(tmp_path / "test" / step) == contents(finished / "test" / step)


def test_only_a_missing_shard_is_made(scenes: Path, finished: Path, root: Path) -> None:
    for step in ("embeddings", "candidates", "pairs"):
        (root / "test" / step / COMMIT).unlink()
    (root / "test/embeddings/scenes-00003.parquet").unlink()
    before = shards(root / "test")
    make_here(values(scenes), root)
    after = shards(root / "test")
    assert {name for name, mark in after.items() if before.get(name) != mark} == {"embeddings/scenes-00003.parquet"}
    assert contents(root / "test/embeddings") == contents(finished / "test/embeddings")


def test_a_shard_changed_after_its_commit_is_noticed(scenes: Path, root: Path) -> None:
    with (root / "test/embeddings/scenes-00003.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(Refused, match="changed after its commit"):
        make_here(values(scenes), root)


def test_a_failed_task_fails_alone_and_is_taken_up_again(scenes: Path, tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    shutil.copytree(scenes, mended)
    whole = (mended / "00003.tar").read_bytes()
    (mended / "00003.tar").write_bytes(b"no tar at all".ljust(len(whole), b"."))
    with pytest.raises(TasksFailed) as caught:
        make_here(values(mended), tmp_path)
    assert "1 of 8 tasks failed (scenes-00003)" in str(caught.value)
    assert not (tmp_path / "test/images" / COMMIT).exists()
    told = json.loads((tmp_path / "test/images/_failures.json").read_text())
    assert [one["task"] for one in told] == ["scenes-00003"]
    before = shards(tmp_path / "test")
    (mended / "00003.tar").write_bytes(whole)
    make_here(values(mended), tmp_path, until="images")
    after = shards(tmp_path / "test")
    assert {name for name, mark in after.items() if before.get(name) != mark} == {"images/scenes-00003.parquet"}
    assert not (tmp_path / "test/images/_failures.json").exists()


def test_a_tar_of_nothing_but_broken_images_is_done_only_when_asked_so(scenes: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(scenes, broken)
    size = (broken / "00003.tar").stat().st_size
    (broken / "00003.tar").write_bytes(b"." * size)
    accepted = values(broken, workers={"images": {"max_failed": 1.0}, "embed": {"max_failed": 1.0}})
    shard = make_here(accepted, tmp_path)["images"].by_name["scenes-00003"]
    assert (shard.counts.seen, shard.counts.ok, shard.counts.lost) == (1, 0, 1)


@pytest.mark.parametrize(
    ("step", "setting", "was", "now"),
    [("directions", "min_cosine", "0.9", 0.92), ("candidates", "max_per_image", "100", 7)],
)
def test_settings_of_search_and_images_stay_out_of_each_others_fingerprints(
    scenes: Path, root: Path, step: str, setting: str, was: str, now: float
) -> None:
    with pytest.raises(
        Refused, match=rf"{step} was made with different settings: search\.{setting} was {was}, now {now}"
    ):
        make_here(values(scenes, search={setting: now}), root)


def test_only_the_missing_tiles_are_made(scenes: Path, finished: Path, root: Path) -> None:
    """As after a kill amid the search: some tiles are there, some not, and there is no commit."""
    gone = {"candidates/00000-00002.parquet", "candidates/00001-00001.parquet", "candidates/00003-00003.parquet"}
    for name in (f"candidates/{COMMIT}", f"pairs/{COMMIT}", *gone):
        (root / "test" / name).unlink()
    before = shards(root / "test")
    assert len(make_here(values(scenes), root)["candidates"].shards) == 10
    after = shards(root / "test")
    assert {name for name, mark in after.items() if before.get(name) != mark} == gone
    assert {step: contents(root / "test" / step) for step in STEPS} == {
        step: contents(finished / "test" / step) for step in STEPS
    }
