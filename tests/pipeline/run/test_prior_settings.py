"""A run that was begun before its preset named a preprocessing goes on as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.checkpoints import dinov2_checkpoint
from world.inline import commands_run_here
from world.pictures import picture

from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.config.loading import named_values, read_config
from pipeline.config.settings import Config
from pipeline.launch.launch import make as run
from pipeline.run.prior_settings import as_begun
from pipeline.run.run import Run

pytestmark = pytest.mark.slow

DINO = "embed.encoders.dino.preprocessing"


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """--set: four pictures, a built-in blind encoder, and a tiny DINOv2 in the place of the preset's."""
    root = tmp_path_factory.mktemp("begun")
    (root / "photos").mkdir()
    for number in range(4):
        picture(number, 60, 41).save(root / f"photos/{number}.png")
    return [
        f"images.sources.0.uri={root / 'photos'}",
        "embed.encoders.clip={kind: colour}",
        f"embed.encoders.dino.model={dinov2_checkpoint(root / 'dino')}",
    ]


def made(words: list[str], root: Path, *more: str) -> None:
    with commands_run_here():
        run("photos", [*words, *more], str(root), None, "embeddings", True, None)


@pytest.fixture(scope="module")
def begun(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose lineage is that of one made before there was a choice."""
    root = tmp_path_factory.mktemp("runs")
    made(words, root, f"{DINO}=library")
    return root


def test_the_lineage_of_the_default_does_not_name_it(begun: Path) -> None:
    encoders = Run.open(str(begun / "photos")).manifest("embeddings").lineage.settings["embed"]["encoders"]
    assert "preprocessing" not in encoders["dino"]


def test_a_run_begun_before_goes_on_though_its_preset_changed(
    begun: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    shards = {path: path.stat().st_mtime_ns for path in (begun / "photos/embeddings").glob("*.parquet")}
    made(words, begun)
    assert {path: path.stat().st_mtime_ns for path in (begun / "photos/embeddings").glob("*.parquet")} == shards
    assert f"{DINO}=library and keeps it" in capsys.readouterr().err


def test_who_names_the_new_preprocessing_is_refused_with_both(begun: Path, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(Refused, match=rf"{DINO} was absent, now torchvision"):
        made(words, begun, f"{DINO}=torchvision")
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("preset: photos\nembed: {encoders: {dino: {preprocessing: torchvision}}}\n")
    with pytest.raises(Refused, match=rf"{DINO} was absent, now torchvision"):
        run(str(recipe), words, str(begun), None, "embeddings", True, None)


def test_a_new_run_takes_what_the_preset_says(words: list[str], tmp_path: Path) -> None:
    config = read_config("photos", words)
    assert kept(config, tmp_path / "photos", words) == (config, "")
    assert config.embed.encoders["dino"].preprocessing == "torchvision"


def test_a_recipe_file_over_a_preset_keeps_what_its_run_was_begun_with(begun: Path, words: list[str]) -> None:
    recipe = begun / "mine.yaml"
    recipe.write_text("preset: photos\nfilter: {reference_max: 0.5}\n")
    config, said = as_begun(
        read_config(str(recipe), words), Folder(str(begun / "photos")), named_values(str(recipe), words)
    )
    assert config.embed.encoders["dino"].preprocessing == "library"
    assert "keeps it" in said


def test_a_run_begun_with_the_new_preprocessing_is_left_alone(words: list[str], tmp_path: Path) -> None:
    made(words, tmp_path)
    config = read_config("photos", words)
    assert kept(config, tmp_path / "photos", words) == (config, "")


def kept(config: Config, folder: Path, words: list[str]) -> tuple[Config, str]:
    return as_begun(config, Folder(str(folder)), named_values("photos", words))
