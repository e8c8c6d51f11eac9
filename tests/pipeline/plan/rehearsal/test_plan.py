"""`blindpairs plan` says what embedding will cost: when it measures, when it does not, and what it leaves behind."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from world.commands import blindpairs, demo_run, started
from world.gate import Gate
from world.growing import lot, values
from world.in_process import answered
from world.inline import make_here
from world.processes import PATIENCE_S, until

from manifests.errors import Refused
from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.config.settings import Config
from pipeline.plan import planning, search
from pipeline.plan.rehearsal.pace import Pace
from pipeline.plan.rehearsal.rehearse import Rehearsal
from pipeline.plan.summary import PlanSummary
from pipeline.run.recipe import Step, steps
from stages.download.counting import ImageCount
from stages.search.calibration import Rates

pytestmark = pytest.mark.slow

KNOWN = Rehearsal(Pace(10.0, 2, "NumPy on CPU", 100, 4, 10.0, 0.01), gpus=0, cores=2, decode_s=0.005)


@pytest.fixture(scope="module", autouse=True)
def _rates_at_once() -> Iterator[None]:
    """What the search costs is no matter here, and measuring it takes seconds (test_cost.py)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "calibrated", lambda *asked: Rates(1e-9, 1e-7, 1e-5, 1e-5))
        yield


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """The steps that were measured; nothing is in truth."""
    found: list[Step] = []

    def known(step: Step) -> Rehearsal:
        found.append(step)
        return KNOWN

    monkeypatch.setattr(planning, "rehearsed", known)
    return found


def planned(config: Config, root: Path, until: str = "pairs", *, measure: bool = True) -> PlanSummary:
    names = [step.name for step in steps(config)]
    wanted = steps(config)[: names.index(until) + 1]
    return planning.planned(config, wanted, Folder(str(root / "test")), measure=measure)


def begun(tmp_path: Path, until: str) -> Config:
    """The recipe of a run made as far as this step."""
    lot(tmp_path / "tars", ["a", "b", "c", "d"], Random(3))
    found = values(tmp_path / "tars")
    make_here(found, tmp_path, until=until)
    return Config.model_validate(found)


def test_what_is_committed_is_not_measured(tmp_path: Path, measured: list[Step]) -> None:
    config = begun(tmp_path, "embeddings")
    assert planned(config, tmp_path).embedding is None
    assert measured == []


def test_neither_is_anything_where_nothing_is_to_be_embedded_or_no_measuring_is_wanted(
    tmp_path: Path, measured: list[Step]
) -> None:
    config = begun(tmp_path, "images")
    assert planned(config, tmp_path, until="images").embedding is None
    assert planned(config, tmp_path, measure=False).embedding is None
    assert measured == []


def test_a_step_to_be_made_is_told_of_all_images_there_are(tmp_path: Path, measured: list[Step]) -> None:
    config = begun(tmp_path, "images")
    told = planned(config, tmp_path).to_json()["embedding"]
    assert told["images"] == told["forecast_for"] > 0
    assert told["seconds"] == told["images"] / 10
    assert [step.name for step in measured] == ["embeddings"]


def test_a_step_that_is_begun_is_told_of_those_that_are_missing(tmp_path: Path, measured: list[Step]) -> None:
    config = begun(tmp_path, "embeddings")
    run = tmp_path / "test"
    (run / "embeddings/_lineage.json").unlink()
    gone = max((run / "embeddings").glob("*.parquet"), key=lambda path: path.stat().st_size)
    gone.unlink()
    missing = Manifest.open(Folder(str(run / "images"))).by_name[gone.stem].counts.ok
    assert missing > 0
    assert planned(config, tmp_path).to_json()["embedding"]["images"] == missing


def test_a_source_that_grew_is_measured_and_how_many_came_is_open_until_they_are_listed(
    tmp_path: Path, measured: list[Step]
) -> None:
    config = begun(tmp_path, "embeddings")
    before = sum(1 for _ in (tmp_path / "test/images").glob("*.parquet"))
    lot(tmp_path / "tars", ["e", "f"], Random(4))
    told = planned(config, tmp_path).to_json()["embedding"]
    assert (told["images"], told["forecast_for"]) == (None, 1_000_000)
    make_here(values(tmp_path / "tars"), tmp_path, until="images")
    assert sum(1 for _ in (tmp_path / "test/images").glob("*.parquet")) == before + 2
    new = [shard.counts.ok for shard in Manifest.open(Folder(str(tmp_path / "test/images"))).shards[before:]]
    assert planned(config, tmp_path).to_json()["embedding"]["images"] == sum(new)


def test_images_of_tars_are_counted_before_anything_runs(tmp_path: Path, measured: list[Step]) -> None:
    lot(tmp_path / "tars", ["a", "b", "c", "d"], Random(3))
    config = Config.model_validate(values(tmp_path / "tars"))
    before = planned(config, tmp_path)
    make_here(values(tmp_path / "tars"), tmp_path, until="images")
    images = Manifest.open(Folder(str(tmp_path / "test/images"))).counts.ok
    assert before.to_json()["embedding"]["images"] == before.to_json()["search"]["images"] == images > 0
    assert before.steps[0].note.endswith(f"KiB, {images} images")


def test_an_open_number_of_images_is_told_by_the_million(
    tmp_path: Path, measured: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    lot(tmp_path / "tars", ["a"], Random(3))
    monkeypatch.setattr(planning, "counted", lambda *asked: ImageCount(None, "it is in a bucket"))
    told = str(planned(Config.model_validate(values(tmp_path / "tars")), tmp_path))
    assert "KiB, how many images is unknown: it is in a bucket\n" in told
    assert "embedding of a million images, for how many there are is open" in told
    assert "1,000,000 / 10 = 27.8 h" in told


def test_a_measurement_that_is_refused_refuses_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(step: Step) -> Rehearsal:
        raise Refused("embed: the weights are not those of this model; name others")

    monkeypatch.setattr(planning, "rehearsed", refused)
    lot(tmp_path / "tars", ["a"], Random(3))
    with pytest.raises(Refused, match="name others"):
        planned(Config.model_validate(values(tmp_path / "tars")), tmp_path)


# ------------------------------------------------------------------ the command line


def test_a_corpus_that_is_not_there_is_told_by_what_was_measured_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker makes its second shard when the first of the other is there too: neither may be late."""
    gate, scratch = Gate(tmp_path), tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    gate.close(f"{scratch}/*/embeddings/[!_]*.parquet", after=1, each=True)
    words = ("--images", "1000000", "--set", "prices.core_hour=0.05", "--set", "workers.embed.count=2", "--json")
    process = started("plan", "demo", *words, gate=gate)
    until(lambda: len(gate.waiting()) == 2 or process.poll() is not None)
    gate.open()
    said, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    told = json.loads(said)
    found = told["embedding"]
    assert (found["images"], found["measured"]["workers"], found["measured"]["warm_up_only"]) == (1_000_000, 2, False)
    assert found["money"] == pytest.approx(1e6 / found["measured"]["images_per_second"] / 3600 * 2 * 0.05)
    assert told["search"]["images"] == 1_000_000
    assert list(scratch.iterdir()) == []


def test_weights_that_are_not_at_hand_are_said_and_the_search_is_told_all_the_same(tmp_path: Path) -> None:
    change = "embed.encoders.structure={kind: transformers, model: nobody/nothing}"
    ended = blindpairs("plan", "demo", "--images", "1000", "--set", change)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("embedding was not measured: the weights of nobody/nothing are not on this machine")
    assert lines[1].startswith("search of 1,000 images")
    told = json.loads(answered("plan", "demo", "--images", "1000", "--set", change, "--json").stdout)
    assert set(told["embedding"]) == {"not_measured"}


def test_without_measuring_only_the_search_is_told() -> None:
    told = json.loads(answered("plan", "demo", "--images", "1000", "--no-measure", "--json").stdout)
    assert "embedding" not in told
    assert told["search"]["images"] == 1000


def test_ctrl_c_ends_workers_and_leaves_nothing(scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, scratch = Gate(tmp_path), tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    gate.close(f"{scratch}/blindpairs-*/embeddings/[!_]*.parquet", after=1)
    process = started("plan", *demo_run(scenes, scratch / "runs")[1:], gate=gate)
    until(lambda: gate.waiting() or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, said.strip()) == (130, "blindpairs: stopped; a plan starts nothing")
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("prices.gpu_hour=-1", "prices.gpu_hour: write a number of at least 0"),
        ("prices.gpu_hour=.inf", "prices.gpu_hour: write a number that is neither infinite nor .nan"),
        ("prices.gpu_huor=1", "unknown setting 'gpu_huor'; did you mean gpu_hour?"),
    ],
)
def test_a_price_that_is_none_is_refused(change: str, said: str) -> None:
    ended = answered("plan", "demo", "--images", "1000", "--no-measure", "--set", change)
    assert ended.returncode == 2
    assert said in ended.stderr


def test_a_price_changes_no_fingerprint(tmp_path: Path) -> None:
    lot(tmp_path / "tars", ["a"], Random(3))
    plain = steps(Config.model_validate(values(tmp_path / "tars")))
    priced = steps(Config.model_validate(values(tmp_path / "tars", prices={"gpu_hour": 3.0, "core_hour": 0.1})))
    assert [step.stage.settings for step in plain] == [step.stage.settings for step in priced]
