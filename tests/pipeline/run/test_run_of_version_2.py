"""A run whose images table is of version 2, which spelled `license` otherwise, goes on, grows and is read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from world.inline import Inline

from manifests.earlier_tables import IMAGES_2
from manifests.storage import Folder
from pipeline.config.loading import read_config
from pipeline.forget.forget import forget
from pipeline.run.events.listener import Listener
from pipeline.run.recipe import Step, steps
from pipeline.run.run import Run
from pipeline.run.runner import run
from stages.download.settings import UrlsSettings, _warn_of_spelling
from stages.download.stage import Download
from stages.download.urls.output_folder import request_of

pytestmark = pytest.mark.slow


def recipe_steps(scenes: Path, license: str = "license") -> list[Step]:
    places = [f"images.sources.0.{license}=CC0", f"images.sources.0.uri={scenes}/*.tar"]
    return steps(read_config("demo", places))


def made(wanted: list[Step], folder: Path) -> list[str]:
    executor = Inline()
    run(wanted, Folder(str(folder)), executor, Listener())
    return executor.made


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.suffix == ".parquet"}


@pytest.fixture
def tars(scenes: Path, tmp_path: Path) -> Path:
    (tmp_path / "tars").mkdir()
    for tar in sorted(scenes.glob("*.tar"))[:3]:
        shutil.copy(tar, tmp_path / "tars")
    return tmp_path / "tars"


@pytest.fixture
def begun(tars: Path, tmp_path: Path) -> Path:
    """A run as the version before made it."""
    first, *others = recipe_steps(tars)
    assert isinstance(first.stage, Download)
    earlier = Download(first.stage.download, IMAGES_2)
    made([Step(first.name, earlier, first.reads, first.workers), *others], tmp_path / "run")
    lineage = Run.open(str(tmp_path / "run")).manifest("images").lineage
    assert (lineage.table, lineage.settings["images"]["sources"]["scenes"]["licence"]) == ("images 2", "CC0")
    return tmp_path / "run"


def test_its_license_is_read_by_the_name_of_now(begun: Path) -> None:
    images = Run.open(str(begun)).manifest("images")
    (first, *_) = images.shards
    stored = pq.read_table(begun / "images" / f"{first.name}.parquet")
    assert "licence" in stored.column_names
    assert images.columns == [name.replace("licence", "license") for name in stored.column_names]
    assert images.read(first.name).column_names == images.columns
    table = images.read(first.name, ["license", "image_id"])
    assert table.column("license").to_pylist() == stored.column("licence").to_pylist() == ["CC0"] * stored.num_rows
    assert table.column("image_id").equals(stored.column("image_id"))
    (batch, *_) = images.batches(["image_id", "license"])
    assert batch.column("license").to_pylist()[0] == "CC0"


def test_nothing_is_made_again_and_what_is_missing_is_made_with_the_same_bytes(tars: Path, begun: Path) -> None:
    before = files(begun)
    assert made(recipe_steps(tars), begun) == []
    (begun / "images/_lineage.json").unlink()
    lost = sorted((begun / "images").glob("*.parquet"))[1]
    lost.unlink()
    assert made(recipe_steps(tars), begun) == [f"images/{lost.stem}"]
    assert files(begun) == before


def test_it_grows_by_shards_of_the_same_columns(scenes: Path, tars: Path, begun: Path) -> None:
    shutil.copy(sorted(scenes.glob("*.tar"))[3], tars)
    assert sum(task.startswith("images/") for task in made(recipe_steps(tars), begun)) == 1
    names = {tuple(pq.read_schema(path).names) for path in (begun / "images").glob("*.parquet")}
    assert names == {tuple(IMAGES_2.columns.names)}


def test_an_image_is_forgotten_from_it(begun: Path) -> None:
    (first, *_) = Run.open(str(begun)).manifest("images").shards
    gone = pq.read_table(begun / "images" / f"{first.name}.parquet").column("image_id")[0].as_py()
    assert forget(str(begun), [gone]).images == 1
    left = pq.read_table(begun / "images" / f"{first.name}.parquet")
    assert left.column_names == IMAGES_2.columns.names
    assert gone not in left.column("image_id").to_pylist()


def test_a_recipe_may_spell_it_as_before_and_one_line_says_so(tars: Path, caplog: pytest.LogCaptureFixture) -> None:
    _warn_of_spelling.cache_clear()
    now, before = recipe_steps(tars)[0].stage, recipe_steps(tars, "licence")[0].stage
    recipe_steps(tars, "licence")
    assert now.settings == before.settings
    assert [record.getMessage() for record in caplog.records] == [
        "the recipe says licence, which is now spelled license; the old spelling is still read"
    ]


@pytest.mark.parametrize("spelled", ["license", "licence"])
def test_what_was_fetched_before_is_found_again(spelled: str) -> None:
    """The digits are those of the version before, for these settings in its spelling."""
    values = {"name": "web", "kind": "urls", "uri": "/a.parquet", "into": "/b", "fetch": {"contact": "a@example.org"}}
    values |= {spelled: "CC0", "columns": {spelled: "RIGHTS", "url": "U"}}
    assert request_of(UrlsSettings.model_validate(values)) == "d6a16b90"
    assert request_of(UrlsSettings.model_validate(values | {"columns": {}})) == "954d87be"
