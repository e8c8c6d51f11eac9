"""A stranger may have written a checkpoint's folder: only plain safetensors files inside it are opened."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter
from world.checkpoints import dinov2_checkpoint, edited
from world.commands import blindpairs
from world.hostile import BUILD, CONFIG, LIBRARYS_PICKLE, WEIGHTS, canary, indexed, named, pickled, watched
from world.pictures import jpeg

from manifests.errors import Refused
from pipeline.reports.parity.reference import encoder_of
from stages.base import Machine
from stages.models.encoders.base import load
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.settings import EncoderSettings
from stages.models.encoders.weights import Weights

READ = TypeAdapter(EncoderSettings)
KINDS = ("open_clip", "transformers", "timm")
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 80, 3), dtype=np.uint8))


def found(kind: str, folder: Path) -> Weights:
    weights = weights_of(READ.validate_python(named(kind, folder)))
    assert weights is not None
    return weights


def refusal(kind: str, folder: Path) -> str:
    with pytest.raises(Refused) as caught:
        found(kind, folder)
    text = str(caught.value)
    assert text.isprintable(), text
    return text


def vector(kind: str, folder: Path) -> bytes:
    encoder = load(READ.validate_python(named(kind, folder)), found(kind, folder), Machine())
    return encoder.encode([encoder.prepare(PICTURE)]).tobytes()


# what an index lists


def test_a_pickle_named_by_an_index_is_refused(tmp_path: Path) -> None:
    folder = dinov2_checkpoint(tmp_path / "dino")
    pickled(indexed(folder, "weights.bin"), folder / "weights.bin")
    text = refusal("transformers", folder)
    assert "model.safetensors.index.json lists 'weights.bin', which is not a .safetensors file" in text


@pytest.mark.parametrize("kind", ["open_clip", "timm"])
def test_an_index_does_not_lead_a_library_that_reads_none_to_the_pickle_beside_it(tmp_path: Path, kind: str) -> None:
    folder = BUILD[kind](tmp_path / "folder")
    whole = folder / WEIGHTS[kind]
    pickled(whole, folder / LIBRARYS_PICKLE[kind])
    whole.rename(folder / "part.safetensors")
    (folder / f"{whole.name}.index.json").write_text(json.dumps({"weight_map": {"a": "part.safetensors"}}))
    assert f"holds {LIBRARYS_PICKLE[kind]}, a pickle" in refusal(kind, folder)


@pytest.mark.parametrize(
    "part", ["../outside.safetensors", "{here}/outside.safetensors", "a/../../outside.safetensors"]
)
def test_a_part_outside_the_folder_is_refused(tmp_path: Path, part: str) -> None:
    folder = dinov2_checkpoint(tmp_path / "dino")
    shutil.copy(indexed(folder, part.format(here=tmp_path)), tmp_path / "outside.safetensors")
    assert "outside the checkpoint's folder" in refusal("transformers", folder)


NO_FILES: dict[str, Any] = {
    "empty": "",
    "folder above": "..",
    "folder": "model.safetensors/",
    "capitals": "x.SAFETENSORS",
    "nul": "weights.bin\0.safetensors",
    "half a character": "\ud800.safetensors",
    "two lines": "two\nlines.safetensors",
    "terminal codes": "\x1b[2J.safetensors",
    "long": "long" * 2000 + ".safetensors",
    "gone": "gone.safetensors",
    "number": 7,
    "null": None,
    "true": True,
    "list": ["hidden.safetensors"],
    "object": {"file": "hidden.safetensors"},
}


@pytest.mark.parametrize("part", NO_FILES.values(), ids=NO_FILES)
def test_a_part_that_is_no_file_of_the_folder_is_refused_on_one_printable_line(tmp_path: Path, part: Any) -> None:
    indexed(dinov2_checkpoint(tmp_path), part)
    text = refusal("transformers", tmp_path)
    assert "model.safetensors.index.json lists" in text or "is missing" in text
    assert len(text) < 600


def test_a_part_in_a_folder_below_is_read_and_named_by_its_path(tmp_path: Path) -> None:
    whole, folder = dinov2_checkpoint(tmp_path / "whole"), dinov2_checkpoint(tmp_path / "parts", shards=True)
    index = folder / "model.safetensors.index.json"
    listed = json.loads(index.read_bytes())["weight_map"]
    parts = {name: f"{place}/part.safetensors" for place, name in enumerate(sorted(set(listed.values())))}
    for name, below in parts.items():
        (folder / below).parent.mkdir()
        (folder / name).rename(folder / below)
    edited(index, weight_map={tensor: parts[name] for tensor, name in listed.items()})
    assert vector("transformers", folder) == vector("transformers", whole)
    assert set(parts.values()) < set(found("transformers", folder).identity())


def test_an_index_of_more_files_than_any_checkpoint_has_is_refused_before_they_are_looked_for(tmp_path: Path) -> None:
    folder = dinov2_checkpoint(tmp_path)
    (folder / "model.safetensors").unlink()
    listed = {str(number): f"{number}.safetensors" for number in range(100_000)}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": listed}))
    assert "lists 100,000 files, more than" in refusal("transformers", folder)


# links


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", [WEIGHTS, CONFIG], ids=["weights", "configuration"])
def test_a_link_out_of_the_folder_is_refused_with_where_it_leads(
    tmp_path: Path, kind: str, which: dict[str, str]
) -> None:
    folder = BUILD[kind](tmp_path / "folder")
    (folder / which[kind]).rename(tmp_path / "elsewhere.safetensors")
    (folder / which[kind]).symlink_to("../elsewhere.safetensors")
    text = refusal(kind, folder)
    assert f"{folder / which[kind]} leads to {tmp_path / 'elsewhere.safetensors'}, outside" in text


def test_an_index_that_is_a_link_out_of_the_folder_is_not_even_read(tmp_path: Path) -> None:
    folder = dinov2_checkpoint(tmp_path / "dino")
    indexed(folder, "hidden.safetensors")
    (folder / "model.safetensors.index.json").unlink()
    (tmp_path / "secret").write_text("secret: 7")
    (folder / "model.safetensors.index.json").symlink_to("../secret")
    assert f"leads to {tmp_path / 'secret'}, outside" in refusal("transformers", folder)


def test_a_folder_below_that_is_a_link_leads_no_part_outside(tmp_path: Path) -> None:
    folder = dinov2_checkpoint(tmp_path / "dino")
    indexed(folder, "below/hidden.safetensors").rename(tmp_path / "hidden.safetensors")
    (folder / "below").symlink_to(tmp_path)
    assert "outside the checkpoint's folder" in refusal("transformers", folder)


def test_a_link_to_another_file_of_the_folder_and_a_link_to_the_folder_are_followed(tmp_path: Path) -> None:
    folder = dinov2_checkpoint(tmp_path / "dino")
    before = vector("transformers", folder)
    (folder / "model.safetensors").rename(folder / "real.safetensors")
    (folder / "model.safetensors").symlink_to("real.safetensors")
    (tmp_path / "link").symlink_to(folder)
    assert vector("transformers", tmp_path / "link") == before


def snapshot(folder: Path, repository: Path) -> Path:
    """The files of a folder as a hub's cache has them: a snapshot of links to the repository's blobs."""
    made = repository / "snapshots/0123456789abcdef"
    made.mkdir(parents=True)
    (repository / "blobs").mkdir()
    for path in folder.iterdir():
        path.rename(repository / "blobs" / path.name)
        (made / path.name).symlink_to(Path("../../blobs", path.name))
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_the_links_of_a_snapshot_in_a_hubs_cache_are_followed_when_it_is_named(tmp_path: Path, kind: str) -> None:
    plain = vector(kind, BUILD[kind](tmp_path / "plain"))
    cached = snapshot(tmp_path / "plain", tmp_path / "cache/models--someone--tiny")
    assert vector(kind, cached) == plain


def test_a_link_from_one_repository_of_a_hubs_cache_into_another_is_refused(tmp_path: Path) -> None:
    cached = snapshot(dinov2_checkpoint(tmp_path / "plain"), tmp_path / "cache/models--someone--tiny")
    other = tmp_path / "cache/models--other--tiny/blobs"
    other.mkdir(parents=True)
    (cached / "model.safetensors").resolve().rename(other / "weights")
    (cached / "model.safetensors").unlink()
    (cached / "model.safetensors").symlink_to(other / "weights")
    assert "models--other--tiny/blobs/weights, outside" in refusal("transformers", cached)


def test_a_folder_that_is_only_called_snapshots_lets_no_link_out(tmp_path: Path) -> None:
    folder = dinov2_checkpoint(tmp_path / "snapshots/dino")
    (tmp_path / "blobs").mkdir()
    (folder / "model.safetensors").rename(tmp_path / "blobs/weights")
    (folder / "model.safetensors").symlink_to("../../blobs/weights")
    assert "outside the checkpoint's folder" in refusal("transformers", folder)


# what is no file, or no JSON of a checkpoint


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", [WEIGHTS, CONFIG], ids=["weights", "configuration"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, kind: str, which: dict[str, str]) -> None:
    folder = BUILD[kind](tmp_path)
    (folder / which[kind]).unlink()
    os.mkfifo(folder / which[kind])
    assert f"holds no {which[kind]}" in answered_without_a_writer(folder / which[kind], lambda: refusal(kind, folder))


@pytest.mark.parametrize("name", ["model.safetensors.index.json", "part.safetensors", "preprocessor_config.json"])
def test_a_pipe_in_place_of_an_index_a_part_or_a_preprocessing_is_not_waited_for(tmp_path: Path, name: str) -> None:
    indexed(dinov2_checkpoint(tmp_path), "part.safetensors").rename(tmp_path / "part.safetensors")
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    text = answered_without_a_writer(tmp_path / name, lambda: refusal("transformers", tmp_path))
    assert "holds no" in text or "is missing" in text


def answered_without_a_writer(pipe: Path, ask: Any) -> str:
    """What was answered, though nobody wrote into the pipe. Whoever opens it is let go, and that is a failure."""
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(ask()))
    thread.start()
    while thread.is_alive():
        try:
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))  # fails unless somebody has it open for reading
        except OSError:
            thread.join(0.01)
        else:
            thread.join()
            pytest.fail("the pipe was opened")
    return answers[0]


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "model.safetensors.index.json"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "is not JSON: it is nested more than"),
        ('{"a": ' + "1" * 5000 + "}", "is not JSON"),
        ('{"a": "' + "\\u0061" * 3_000_000 + '"}', "is larger than 16 MiB"),
        ("7", "is not a JSON object"),
    ],
    ids=["deep", "long number", "large", "number"],
)
def test_a_file_that_is_no_json_of_a_checkpoint_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    folder = dinov2_checkpoint(tmp_path)
    indexed(folder, "hidden.safetensors")
    (folder / name).write_text(text)
    assert f"{name} {said}" in refusal("transformers", folder)


# what else lies in the folder


def decoys(kind: str, folder: Path, made: Path) -> None:
    """Files that a library would look at, or prefer, were it given the folder itself."""
    for name in (LIBRARYS_PICKLE[kind], "aaa.bin", "model.pth", "training_args.bin"):
        canary(folder / name, made)
    shutil.copy(folder / WEIGHTS[kind], folder / "shard-00001-model-00001-of-00001.safetensors")
    (folder / "generation_config.json").write_text("{")


@pytest.mark.parametrize("kind", KINDS)
def test_other_files_of_the_folder_are_neither_opened_nor_preferred(tmp_path: Path, kind: str) -> None:
    folder = BUILD[kind](tmp_path / "folder")
    before = vector(kind, folder)
    decoys(kind, folder, tmp_path / "made")
    assert vector(kind, folder) == before
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_of_parity_looks_at_the_checked_files_alone(tmp_path: Path, kind: str) -> None:
    folder = BUILD[kind](tmp_path / "folder")
    ours = np.frombuffer(vector(kind, folder), np.float32).astype(float)
    decoys(kind, folder, tmp_path / "made")
    reference = encoder_of(READ.validate_python(named(kind, folder)), found(kind, folder))
    theirs = np.asarray(reference.encode(PICTURE), float)
    assert ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs) == pytest.approx(1, abs=1e-6)
    assert not (tmp_path / "made").exists()


def test_a_folder_with_an_adapter_is_refused_for_it_would_not_be_applied(tmp_path: Path) -> None:
    (dinov2_checkpoint(tmp_path) / "adapter_config.json").write_text('{"base_model_name_or_path": "/elsewhere"}')
    assert "holds an adapter_config.json; adapters are not applied" in refusal("transformers", tmp_path)


# a real run


def hostile(kind: str, folder: Path, made: Path) -> None:
    """A pickle where the kind's library would take it: named by the index, or beside an index that it does not read."""
    BUILD[kind](folder)
    if kind == "transformers":
        indexed(folder, "weights.bin")
        canary(folder / "weights.bin", made)
        return
    (folder / WEIGHTS[kind]).rename(folder / "part.safetensors")
    (folder / f"{WEIGHTS[kind]}.index.json").write_text('{"weight_map": {"a": "part.safetensors"}}')
    canary(folder / LIBRARYS_PICKLE[kind], made)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_with_a_pickle_ends_with_2_before_any_work_and_no_process_opens_it(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile(kind, tmp_path / "folder", tmp_path / "made")
    (tmp_path / "photos").mkdir()
    for number in range(4):
        (tmp_path / f"photos/{number}.jpg").write_bytes(jpeg(number))
    watch, opened = watched(tmp_path)
    for name, value in watch.items():
        monkeypatch.setenv(name, value)
    encoder = ", ".join(f"{key}: '{value}'" for key, value in named(kind, tmp_path / "folder").items())
    source = f"images={{sources: [{{name: photos, kind: folder, uri: '{tmp_path / 'photos'}'}}]}}"
    changes = ["--set", source, "--set", f"embed.encoders.structure={{{encoder}}}"]
    ended = blindpairs("run", "demo", *changes, "--root", str(tmp_path / "runs"))
    assert (ended.returncode, "pickle" in ended.stderr) == (2, True), ended.stderr
    assert not opened.exists()
    assert not (tmp_path / "made").exists()
    assert not list((tmp_path / "runs").rglob("*.parquet"))
