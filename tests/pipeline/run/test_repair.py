"""A shard that was lost costs that shard: it alone is made again, with the bytes it had, and later steps stay."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest
import yaml
from world.dying import Killed
from world.forgetting import whole
from world.growing import left, lot, values
from world.in_process import answered
from world.inline import commands_run_here, made_here, repaired_here
from world.processes import PATHS, PATIENCE_S
from world.runs import recipe
from world.store import Bucket

from manifests.errors import Refused, TasksFailed
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from pipeline.drawing.shards import pack
from pipeline.executors import worker
from pipeline.forget.forget import forget
from pipeline.run.layout import REPAIRS
from pipeline.run.lease.driver import NAME
from pipeline.run.lease.lease import driving

pytestmark = pytest.mark.slow

SHARDS = 100
STEPS = ("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")


def asked(scenes: Path, **sections):
    """A recipe over tars so small that a broken image is half of one."""
    accepted = {"images": {"max_failed": 1.0}, "embed": {"max_failed": 1.0}}
    return recipe([{"name": "scenes", "kind": "shards", "uri": f"{scenes}/*.tar"}], workers=accepted, **sections)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred small tars of drawn scenes, and the run that was made of them."""
    root = tmp_path_factory.mktemp("finished")
    pack(root / "tars", count=2 * SHARDS, shard_rows=2)
    made, _ = made_here(asked(root / "tars"), root)
    assert len(made["embeddings"].shards) == SHARDS
    return root


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished / "test", tmp_path / "test"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    """Change one bit of the last page of the first column, or of the footer if there is no row: the size stays."""
    data, stated = bytearray(path.read_bytes()), pq.read_metadata(path)
    if stated.num_rows:
        place = stated.row_group(0).column(0)
        start = place.dictionary_page_offset or place.data_page_offset
        data[start + place.total_compressed_size - 1] ^= 4
    else:
        data[-20] ^= 4
    path.write_bytes(data)


WAYS: dict[str, Callable[[Path], None]] = {"scenes-00007": Path.unlink, "scenes-00042": cut, "scenes-00099": flip}


def damage(run: Path) -> None:
    """Delete a shard, truncate another, and flip a bit of a third."""
    for name, way in WAYS.items():
        way(run / "embeddings" / f"{name}.parquet")


def test_of_a_hundred_shards_the_three_damaged_are_made_again_and_nothing_else(finished: Path, run: Path) -> None:
    expected, before = whole(run), left(run)
    damage(run)
    summary, made = repaired_here(asked(finished / "tars"), run.parent)
    assert made == [f"embeddings/{name}" for name in WAYS]
    assert whole(run) == expected
    after = left(run)
    assert {name.split("/")[1].removesuffix(".parquet") for name in after if after[name][:2] != before[name][:2]} == {
        *WAYS
    }
    told = {shard.name: shard.why for step in summary.steps for shard in step.repaired}
    assert told["scenes-00007"] == "is gone"
    assert "bytes instead of" in told["scenes-00042"]
    assert "does not read as it was written" in told["scenes-00099"]
    assert made_here(asked(finished / "tars"), run.parent)[1] == [], "the run is whole again"


def test_a_whole_run_is_read_and_left_alone(finished: Path, run: Path) -> None:
    before = left(run)
    summary, made = repaired_here(asked(finished / "tars"), run.parent)
    assert (left(run), made) == (before, [])
    assert "read 304 shards of 7 finished steps; none is damaged" in str(summary)


def killed_at(moment: int, patch: pytest.MonkeyPatch) -> None:
    """Die before the shard of that number is put anywhere: first those made aside, then those moved in."""
    count, aside, move_in = [moment], Folder.aside, Folder.move_in

    def due(name: str) -> None:
        count[0] -= not name.startswith("_")
        if count[0] < 0:
            raise Killed

    def dying_aside(self: Folder, name: str):
        due(name)
        return aside(self, name)

    def dying_move(self: Folder, name: str, file: Path) -> None:
        due(name)
        move_in(self, name, file)

    patch.setattr(Folder, "aside", dying_aside)
    patch.setattr(Folder, "move_in", dying_move)


@pytest.mark.parametrize("moment", range(6))
def test_killed_at_any_moment_the_same_command_goes_on_from_what_was_made(
    finished: Path, run: Path, moment: int
) -> None:
    expected, tars = whole(run), asked(finished / "tars")
    damage(run)
    halfway = whole(run)
    with pytest.MonkeyPatch.context() as patch:
        killed_at(moment, patch)
        with pytest.raises(Killed):
            repaired_here(tars, run.parent)
    now = {name: data for name, data in whole(run).items() if not name.startswith(f"{REPAIRS}/")}
    assert all(data in (halfway.get(name), expected[name]) for name, data in now.items()), "never half"
    _, made = repaired_here(tars, run.parent)
    assert len(made) == max(0, 3 - moment), "no shard is made twice"
    assert whole(run) == expected


KILLED = """
import os, signal, sys
from pathlib import Path
from world.in_process import answered
from world.inline import commands_run_here, made_here, repaired_here
from test_repair import asked
from manifests.storage import Folder
move_in, left = Folder.move_in, [1]
def dying(self, name, file):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    move_in(self, name, file)
Folder.move_in = dying
repaired_here(asked(Path(sys.argv[1])), sys.argv[2])
"""


def test_after_kill_9_amid_the_moves_the_same_command_ends_well(finished: Path, run: Path) -> None:
    expected = whole(run)
    damage(run)
    paths = {**PATHS, "PYTHONPATH": f"{PATHS['PYTHONPATH']}:{Path(__file__).parent}"}
    words = [sys.executable, "-c", KILLED, str(finished / "tars"), str(run.parent)]
    ended = subprocess.run(words, env=paths, capture_output=True, text=True, timeout=PATIENCE_S)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert (run / NAME).exists(), "its lease is left"
    assert len(list((run / REPAIRS / "embeddings").glob("*.parquet"))) == 2
    _, made = repaired_here(asked(finished / "tars"), run.parent)
    assert made == []
    assert whole(run) == expected


def test_a_shard_that_comes_out_different_is_refused_and_the_step_is_left_as_it_was(
    finished: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(run)
    before = whole(run)
    write_shard = worker.write_shard
    monkeypatch.setattr(worker, "write_shard", lambda *words: write_shard(*words[:-1], "float16 on another machine"))
    with pytest.raises(Refused) as caught:
        repaired_here(asked(finished / "tars"), run.parent)
    assert "embeddings/scenes-00007.parquet comes out different when it is made again" in str(caught.value)
    assert "now float16 on another machine" in str(caught.value)
    assert whole(run) == before


def test_a_shard_that_cannot_be_made_again_is_named_and_the_step_is_left_as_it_was(
    finished: Path, run: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished / "tars", tmp_path / "tars")
    made_here(asked(tmp_path / "tars") | {"run": "own"}, tmp_path)
    own = tmp_path / "own"
    for name in WAYS:
        (own / "images" / f"{name}.parquet").unlink()
    (tmp_path / "tars/00042.tar").unlink()
    before = whole(own)
    with pytest.raises(TasksFailed, match=r"1 of 3 damaged shards could not be made again \(scenes-00042\)"):
        repaired_here(asked(tmp_path / "tars") | {"run": "own", "workers": {}}, tmp_path)
    now = {name: data for name, data in whole(own).items() if not name.startswith(f"{REPAIRS}/")}
    assert now == before


def test_beside_a_driver_it_is_refused(finished: Path, run: Path) -> None:
    damage(run)
    with driving(Folder(str(run))), pytest.raises(Refused, match="is being made by process"):
        repaired_here(asked(finished / "tars"), run.parent)


def test_a_damaged_step_with_other_settings_is_refused_and_a_whole_one_does_not_matter(
    finished: Path, run: Path
) -> None:
    damage(run)
    other = asked(finished / "tars", embed={"dtype": "float16"})
    with pytest.raises(Refused, match=r"embed\.dtype was float32, now float16\. Repair it with the settings"):
        repaired_here(other, run.parent)
    lower = asked(finished / "tars", search={"min_cosine": 0.8})
    assert len(repaired_here(lower, run.parent)[1]) == 3


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was made of four tars and grew by two."""
    root = tmp_path_factory.mktemp("grown")
    lot(root / "tars", ["b", "d", "f", "h"], Random(1))
    made_here(values(root / "tars"), root)
    lot(root / "tars", ["a", "c"], Random(4))
    made_here(values(root / "tars"), root)
    return root


@pytest.mark.parametrize("way", [Path.unlink, flip])
def test_every_shard_of_a_run_that_grew_is_made_again_as_it_was(
    grown: Path, tmp_path: Path, way: Callable[[Path], None]
) -> None:
    run = Path(shutil.copytree(grown / "test", tmp_path / "test"))
    expected, lost = whole(run), 0
    for step in STEPS:
        for path in sorted((run / step).glob("*.parquet"))[::2]:
            way(path)
            lost += 1
    _, made = repaired_here(values(grown / "tars"), tmp_path)
    assert whole(run) == expected
    assert {name.split("/")[0] for name in made} == {*STEPS}
    assert len(made) == lost


def test_a_forget_leaves_no_rows_that_a_stopped_repair_made(finished: Path, run: Path, tmp_path: Path) -> None:
    whole_run = whole(run)
    aside = Folder(str(run / REPAIRS / "embeddings"))
    aside.write("scenes-00007.parquet", whole_run["embeddings/scenes-00007.parquet"])
    images = Manifest.open(Folder(str(run / "images")))
    forget(str(run), [images.read("scenes-00007", ["image_id"]).column(0)[0].as_py()])
    assert not (run / REPAIRS).exists()


def test_a_shard_in_a_bucket_is_made_again(finished: Path, bucket: Bucket) -> None:
    values, root = asked(finished / "tars"), bucket.url("runs")
    values["images"]["sources"][0]["uri"] = f"{finished}/tars/0000*.tar"
    made_here(values, root)
    folder = Folder(f"{root}/test") / "embeddings"
    expected = {name: folder.read(name) for name in folder.sizes()}
    folder.forget("scenes-00003.parquet")
    folder.write("scenes-00005.parquet", expected["scenes-00005.parquet"][:-9])
    _, made = repaired_here(values, root)
    assert made == ["embeddings/scenes-00003", "embeddings/scenes-00005"]
    assert {name: folder.read(name) for name in folder.sizes()} == expected
    assert not (Folder(f"{root}/test") / REPAIRS / "embeddings").sizes()


def test_a_frozen_version_cannot_be_made_again_and_is_named(finished: Path, run: Path) -> None:
    pairs = Manifest.open(Folder(str(run / "pairs")))
    shutil.copytree(run / "pairs", run / "questions-1")
    assert (run / "questions-1" / COMMIT).exists()
    (run / "questions-1" / f"{pairs.shards[0].name}.parquet").unlink()
    with pytest.raises(Refused, match=r"questions-1/all\.parquet is gone, and a frozen version cannot be made again"):
        repaired_here(asked(finished / "tars"), run.parent)


def test_a_plan_without_the_shard_is_refused(finished: Path, run: Path) -> None:
    (run / "embeddings/_plan.json").unlink()
    damage(run)
    with pytest.raises(Refused, match="has no plan of its shard scenes-00007"):
        repaired_here(asked(finished / "tars"), run.parent)


def test_the_command_says_what_it_made_again_for_people_and_for_programs(
    finished: Path, run: Path, tmp_path: Path
) -> None:
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(asked(finished / "tars")))
    words = ("repair", tmp_path / "my.yaml", "--root", tmp_path)
    damage(run)
    with commands_run_here():
        ended = answered(*words)
        again = json.loads(answered(*words, "--json").stdout)
    assert ended.returncode == 0, ended.stderr
    assert "embeddings/scenes-00007.parquet is gone: made again" in ended.stdout
    assert "finished steps; 3 made again, with the bytes and the digests they had" in ended.stdout
    assert [step["repaired"] for step in again["steps"]] == [[]] * 7
    missing = answered("repair", tmp_path / "my.yaml", "--root", tmp_path / "nowhere")
    assert (missing.returncode, "does not exist" in missing.stderr) == (2, True)
