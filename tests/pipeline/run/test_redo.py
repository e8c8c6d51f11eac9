"""A step and those after it are made again in place: what was embedded stays, and so does what people wrote."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from world.authoring import author
from world.dying import Killed, dying
from world.forgetting import whole
from world.growing import left
from world.in_process import answered
from world.inline import commands_run_here, made_here, redone_here
from world.runs import recipe

from manifests.errors import Refused
from manifests.manifest import Removed
from manifests.storage import Folder
from pipeline.benchmark.freeze import freeze
from pipeline.forget.forget import forget
from pipeline.run import retry_failed
from pipeline.run.redo import REDO
from pipeline.run.removal.without import without
from pipeline.run.run import Run

pytestmark = pytest.mark.slow

KEPT = ("images", "embeddings")
AGAIN = ("directions", "sketches", "copies", "candidates", "pairs")


def asked(scenes: Path, floor: float = 0.9, **sections):
    search = {"block_rows": 30, "min_cosine": floor}
    return recipe([{"name": "scenes", "kind": "shards", "uri": f"{scenes}/*.tar"}], search=search, **sections)


@pytest.fixture(scope="module")
def finished(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    made_here(asked(scenes), root)
    return root / "test"


@pytest.fixture(scope="module")
def lower(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run with the lower floor holds that was made so at once."""
    root = tmp_path_factory.mktemp("lower")
    made_here(asked(scenes, 0.8), root)
    return shards_of(root / "test")


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "test"))


def shards_of(run: Path) -> dict[str, bytes]:
    return {name: data for name, data in whole(run).items() if name.endswith(".parquet")}


def test_a_lower_floor_reuses_the_embeddings(scenes: Path, run: Path, lower: dict[str, bytes]) -> None:
    before = left(run)
    said, made = redone_here(asked(scenes, 0.8), run.parent, "directions")
    assert {name.split("/")[0] for name in made} == {*AGAIN}
    assert shards_of(run) == lower
    after = left(run)
    kept = [name for name in before if name.split("/")[0] in KEPT]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert said == [
        "directions and the steps after it are made again; discarded: directions (1 shard), sketches (8 shards), "
        "copies (1 shard), candidates (10 shards), pairs (1 shard)"
    ]
    assert not (run / REDO).exists()


def test_what_people_wrote_and_froze_stays(scenes: Path, run: Path) -> None:
    author(run, [0])
    freeze(Run.open(str(run)))
    before = {name: data for name, data in whole(run).items() if name.split("/")[0] not in (*KEPT, *AGAIN)}
    assert any(name.startswith("questions-1/") for name in before)
    redone_here(asked(scenes, 0.8), run.parent, "directions")
    after = whole(run)
    assert {name: after.get(name) for name in before} == before
    assert len(Run.open(str(run)).questions()[1].read("all")) == 2


@pytest.mark.parametrize("moment", [0, 1, 2, 7, 14, 24, 33, 36, 41, 43])
def test_killed_at_a_write_the_same_command_ends_well(
    scenes: Path, run: Path, lower: dict[str, bytes], moment: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        happened = dying(patch, moment)
        redone_here(asked(scenes, 0.8), run.parent, "directions")
    assert happened()
    noted = json.loads((run / REDO).read_text()) if (run / REDO).exists() else {"discarded": False}
    there = left(run) if noted["discarded"] else {}
    _, made = redone_here(asked(scenes, 0.8), run.parent, "directions")
    assert shards_of(run) == lower
    after = left(run)
    assert {name: after[name] for name in there} == there, "what was made since the discarding is kept"
    assert len(made) == 21 - len([name for name in there if name.split("/")[0] in AGAIN])


def test_killed_amid_the_search_its_tiles_are_kept(scenes: Path, run: Path, lower: dict[str, bytes]) -> None:
    aside = Folder.aside

    def dying_aside(self: Folder, name: str):
        if name == "00001-00002.parquet":
            raise Killed
        return aside(self, name)

    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        patch.setattr(Folder, "aside", dying_aside)
        redone_here(asked(scenes, 0.8), run.parent, "directions")
    there = left(run)
    assert not (run / "candidates/_lineage.json").exists()
    said, made = redone_here(asked(scenes, 0.8), run.parent, "directions")
    assert said[0] == "directions and the steps after it were discarded earlier; what was made since is kept"
    assert not {f"{name}.parquet" for name in made} & {*there}
    assert shards_of(run) == lower


def test_asked_for_once_more_after_it_ended_it_is_made_once_more(scenes: Path, run: Path) -> None:
    for _ in range(2):
        _, made = redone_here(asked(scenes), run.parent, "candidates")
        assert {name.split("/")[0] for name in made} == {"candidates", "pairs"}


def test_killed_and_asked_for_with_another_floor_it_begins_again(
    scenes: Path, run: Path, lower: dict[str, bytes]
) -> None:
    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        happened = dying(patch, 41)
        redone_here(asked(scenes, 0.85), run.parent, "directions")
    assert happened()
    assert json.loads((run / REDO).read_text())["discarded"]
    redone_here(asked(scenes, 0.8), run.parent, "directions")
    assert shards_of(run) == lower


def test_nothing_is_discarded_where_a_step_before_is_refused_or_there_is_no_such_step(scenes: Path, run: Path) -> None:
    before = whole(run)
    with pytest.raises(Refused, match=r"embeddings was made with different settings: embed\.dtype"):
        redone_here(asked(scenes, 0.8, embed={"dtype": "float16"}), run.parent, "directions")
    with pytest.raises(Refused, match=r"sketch cannot be made again: .*; did you mean sketches\? steps are: images"):
        redone_here(asked(scenes), run.parent, "sketch")
    assert whole(run) == before


def test_images_that_were_forgotten_are_not_read_again(scenes: Path, run: Path) -> None:
    (first, *_) = Run.open(str(run)).manifest("images").shards
    gone = Run.open(str(run)).manifest("images").read(first.name, ["image_id"]).column(0)[0].as_py()
    forget(str(run), [gone])
    before = shards_of(run)
    with pytest.raises(Refused, match="would bring them back"):
        redone_here(asked(scenes), run.parent, "images")
    assert shards_of(run) == before
    redone_here(asked(scenes), run.parent, "embeddings")
    embedded = Run.open(str(run)).manifest("embeddings").read(first.name, ["image_id"]).column(0).to_pylist()
    assert embedded
    assert gone not in embedded


def test_urls_that_were_asked_for_again_are_no_forgotten_images(scenes: Path, run: Path) -> None:
    (first, *_) = Run.open(str(run)).manifest("images").shards
    again = Run.open(str(run)).manifest("images").read(first.name, ["image_id"]).column(0)[0].as_py()
    without(Folder(str(run)), [again], Removed("2026-01-01T00:00:00+00:00", retry_failed.WHY))
    redone_here(asked(scenes), run.parent, "images")
    assert again in Run.open(str(run)).manifest("images").read(first.name, ["image_id"]).column(0).to_pylist()


def test_a_damaged_step_is_made_again(scenes: Path, run: Path) -> None:
    before = shards_of(run)
    damaged = next((run / "embeddings").glob("*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-9])
    redone_here(asked(scenes), run.parent, "embeddings")
    assert shards_of(run) == before


def test_a_plain_run_after_a_killed_redo_ends_it(scenes: Path, run: Path, lower: dict[str, bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        happened = dying(patch, 41)
        redone_here(asked(scenes, 0.8), run.parent, "directions")
    assert happened()
    made_here(asked(scenes, 0.8), run.parent)
    assert shards_of(run) == lower
    assert not (run / REDO).exists()


def test_the_command_line_names_the_option_where_a_setting_changed_and_takes_it(
    scenes: Path, run: Path, tmp_path: Path
) -> None:
    (tmp_path / "lower.yaml").write_text(yaml.safe_dump(asked(scenes, 0.8)))
    words = ("run", tmp_path / "lower.yaml", "--root", tmp_path)
    with commands_run_here():
        refused = answered(*words)
        assert refused.returncode == 2
        assert refused.stderr.strip().endswith(
            "directions was made with different settings: search.min_cosine was 0.9, now 0.8. Name a new run (--run), "
            "or use `blindpairs run` with --redo directions to make it and the steps after it again"
        )
        ended = answered(*words, "--redo", "directions")
    assert ended.returncode == 0, ended.stderr
    assert "directions and the steps after it are made again; discarded: directions (1 shard)" in ended.stderr
    assert "embeddings  taken as it is" in ended.stderr
