"""A run holds together: what was changed, mixed or put beside it meanwhile is noticed or left alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image
from world.in_process import answered
from world.inline import make_here
from world.runs import contents, recipe

from manifests.errors import Refused
from manifests.manifest import COMMIT
from pipeline.config.loading import read_config

pytestmark = pytest.mark.slow


def painted(folder: Path, name: str, color: tuple[int, int, int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), color).save(folder / name)


def photos(folder: Path, **sections):
    return recipe([{"name": "photos", "kind": "folder", "uri": str(folder)}], **sections)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for number in range(4):
        painted(tmp_path / "source", f"{number}.bmp", (number * 60, 90, 30))
    return tmp_path / "source"


def test_an_image_that_is_not_the_one_that_was_hashed_gets_no_vector(source: Path, tmp_path: Path) -> None:
    make_here(photos(source), tmp_path / "runs", until="images")
    painted(source, "0.bmp", (1, 2, 250))  # as many bytes, another picture
    made = make_here(photos(source), tmp_path / "runs", until="embeddings")
    assert made["embeddings"].counts.lost == 1


def test_images_made_again_with_other_rows_are_not_taken_for_those_the_vectors_are_of(
    source: Path, tmp_path: Path
) -> None:
    sound = (source / "1.bmp").read_bytes()
    (source / "1.bmp").write_bytes(b"x" * len(sound))
    make_here(photos(source), tmp_path / "runs")
    (source / "1.bmp").write_bytes(sound)
    shutil.rmtree(tmp_path / "runs/test/images")
    with pytest.raises(Refused, match="was made from another version of images"):
        make_here(photos(source), tmp_path / "runs")


def test_embeddings_of_another_run_are_refused_however_they_came_here(source: Path, tmp_path: Path) -> None:
    make_here(photos(source), tmp_path / "runs")
    make_here(photos(source, embed={"dtype": "float16"}) | {"run": "other"}, tmp_path / "runs")
    for step in ("embeddings", "candidates"):
        shutil.rmtree(tmp_path / "runs/test" / step)
    shutil.copytree(tmp_path / "runs/other/embeddings", tmp_path / "runs/test/embeddings")
    with pytest.raises(
        Refused, match=r"embeddings was made with different settings: embed\.dtype was float16, now float32"
    ):
        make_here(photos(source), tmp_path / "runs")


def test_pairs_made_again_leave_a_persons_own_files_alone(source: Path, tmp_path: Path) -> None:
    make_here(photos(source), tmp_path / "runs")
    notes = tmp_path / "runs/test/pairs/my_labels.csv"
    notes.write_text("left,right,pattern\n")
    make_here(photos(source, filter={"reference_max": 0.3}), tmp_path / "runs")
    assert notes.exists()


def test_one_broken_image_in_a_last_short_stretch_is_a_row_like_any_other(source: Path, tmp_path: Path) -> None:
    (source / "zzz.jpg").write_bytes(b"broken")
    made = make_here(photos(source, images={"shard_rows": 4}), tmp_path / "runs", until="images")
    assert (made["images"].counts.ok, made["images"].counts.lost) == (4, 1)


def test_encoders_named_in_another_order_give_the_same_bytes(source: Path, tmp_path: Path) -> None:
    embed = photos(source)["embed"]["encoders"]
    turned = {name: embed[name] for name in reversed(embed)}
    make_here(photos(source, images={"shard_rows": 2}), tmp_path / "runs", until="embeddings")
    step = tmp_path / "runs/test/embeddings"
    whole = contents(step)
    (step / COMMIT).unlink()
    (step / "photos-00001.parquet").unlink()
    make_here(
        photos(source, images={"shard_rows": 2}, embed={"encoders": turned}), tmp_path / "runs", until="embeddings"
    )
    assert contents(step) == whole


def test_only_pairs_made_again_need_no_source(source: Path, tmp_path: Path) -> None:
    make_here(photos(source), tmp_path / "runs")
    shutil.move(source, tmp_path / "unplugged")
    make_here(photos(source, filter={"reference_max": 0.3}), tmp_path / "runs")


def test_a_run_inside_its_own_source_is_refused(source: Path) -> None:
    ended = answered("run", "photos", "--set", f"images.sources.0.uri={source}", "--root", str(source / "runs"))
    assert ended.returncode == 2
    assert "lies inside the source photos" in ended.stderr
    assert not (source / "runs").exists()


def test_a_near_duplicate_threshold_below_the_floor_is_refused(source: Path) -> None:
    from pipeline.config.settings import Config

    with pytest.raises(ValueError, match="near_duplicate_min"):
        Config.model_validate(photos(source, filter={"near_duplicate_min": 0.5}))


@pytest.mark.parametrize("change", ["images.sources.²={}", "filter.blind_min=" + "[" * 2000, "filter.blind_min=0x_"])
def test_a_value_that_yaml_cannot_make_is_refused_in_a_sentence(change: str) -> None:
    with pytest.raises(Refused):
        read_config("demo", ["images.sources.0.uri=x", change])


def test_a_path_with_a_hash_sign_stays_whole() -> None:
    config = read_config("demo", ["images.sources.0.uri=/data/photos #1"])
    assert config.images.sources[0].uri == "/data/photos #1"


def test_a_refusal_never_shows_more_than_a_line_of_what_was_given(tmp_path: Path) -> None:
    layers = "".join(f", &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 4))
    (tmp_path / "laughs.yaml").write_text(f"preset: demo\nfilter:\n  blind_min: [&a0 [x, x, x]{layers}]\n")
    with pytest.raises(Refused) as caught:
        read_config(str(tmp_path / "laughs.yaml"))
    assert len(str(caught.value)) < 1000
