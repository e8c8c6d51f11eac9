"""The folder for the Hugging Face hub: its Parquet by pyarrow and by `datasets`, its card by a YAML reader."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image
from world.authoring import author, frozen_run, paired_run, photo

from manifests.lineage import Lineage
from pipeline.benchmark.benchmark import Benchmark, Posed, read_benchmark
from pipeline.benchmark.formats.writing.card import card
from pipeline.benchmark.formats.writing.huggingface import FORM
from pipeline.benchmark.freeze import freeze
from pipeline.benchmark.photos import Photo
from pipeline.config.loading import read_config
from pipeline.run.recipe import steps
from pipeline.run.run import Run
from stages.author.origins import Origin

EVIL = "</td><script>alert(1)</script> | [x](javascript:alert(1)) `*_ ---\n---\nlicense: mit"


@pytest.fixture(scope="module")
def benchmark_(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    return read_benchmark(Run.open(str(frozen_run(tmp_path_factory.mktemp("run"), 30))))


def with_photos(benchmark_: Benchmark, **changes: Any) -> Benchmark:
    """The same with all photos changed."""

    def changed(pair: Posed) -> Posed:
        first, second = (replace(side, photo=replace(side.photo, **changes)) for side in pair.sides)
        return replace(pair, first=first, second=second)

    return replace(benchmark_, pairs=tuple(changed(pair) for pair in benchmark_.pairs))


def parts_of(text: str) -> tuple[Mapping[str, Any], str]:
    """The YAML before the card, and the card."""
    found = re.fullmatch(r"---\n(.*?\n)---\n(.*)", text, re.DOTALL)
    assert found
    return yaml.safe_load(found[1]), found[2]


def test_the_rows_are_the_questions_in_order(benchmark_: Benchmark, tmp_path: Path) -> None:
    FORM.write(benchmark_, tmp_path)
    rows = pq.read_table(tmp_path / "data" / "test-00000-of-00001.parquet").to_pylist()
    assert [row["index"] for row in rows] == list(range(1, 61))
    sides = [(pair, side) for pair in benchmark_.pairs for side in pair.sides]
    for row, (pair, side) in zip(rows, sides, strict=True):
        assert row["image_id"] == row["left_id" if row["side"] == "left" else "right_id"] == side.photo.image_id
        assert row["left_id"] < row["right_id"]
        assert (row["question"], row["options"], row["answer"]) == (pair.question, ["Open", "Closed"], side.answer)
        assert (row["statement"], row["pattern"], row["author"]) == (side.statement, pair.pattern, "ann")


def test_the_images_are_the_files_own_bytes_under_names_that_tell_nothing(benchmark_: Benchmark, tmp_path) -> None:
    FORM.write(benchmark_, tmp_path)
    rows = pq.read_table(tmp_path / "data" / "test-00000-of-00001.parquet").to_pylist()
    assert [row["image"]["path"] for row in rows] == [f"{number}.jpg" for number in range(1, 61)]
    hashes = Counter(hashlib.sha256(row["image"]["bytes"]).hexdigest() for row in rows)
    assert hashes == Counter(hashlib.sha256(photo(number)).hexdigest() for number in range(60))


def test_what_is_not_there_is_null(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 2)
    author(run, [0], left_statement="", right_statement="", pattern="")
    author(run, [1], question="", option_a="", option_b="", left_answer="")
    freeze(Run.open(str(run)))
    (to := tmp_path / "to").mkdir()
    FORM.write(read_benchmark(Run.open(str(run))), to)
    stating, asking = (
        [row for row in pq.read_table(to / "data").to_pylist() if (row["statement"] is None) == asks]
        for asks in (False, True)
    )
    assert len(stating) == len(asking) == 2
    assert all(row[name] is None for row in stating for name in ("question", "options", "answer"))
    assert all(row["pattern"] is None for row in asking)


def test_the_schema_says_which_column_is_an_image(benchmark_: Benchmark, tmp_path: Path) -> None:
    FORM.write(benchmark_, tmp_path)
    schema = pq.read_schema(tmp_path / "data" / "test-00000-of-00001.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == schema.names
    assert features["image"] == {"_type": "Image"}
    assert features["index"] == {"dtype": "int64", "_type": "Value"}
    assert features["options"] == {"feature": {"dtype": "string", "_type": "Value"}, "_type": "Sequence"}


def test_datasets_itself_opens_the_folder_and_decodes_the_images(benchmark_: Benchmark, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="the library `datasets` is not installed beside this project")
    FORM.write(benchmark_, tmp_path)
    opened = datasets.load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert list(opened) == ["test"]
    for row, pair in zip(opened["test"].select(range(2)), [benchmark_.pairs[0]] * 2, strict=True):
        assert isinstance(row["image"], Image.Image)
        assert row["image"].size == (64, 64)
        assert row["question"] == pair.question


def test_an_image_that_is_no_jpeg_stays_what_it_is(benchmark_: Benchmark, tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(stream, "PNG")
    (path := tmp_path / "red.png").write_bytes(stream.getvalue())
    few = replace(benchmark_, pairs=benchmark_.pairs[:1])
    (to := tmp_path / "to").mkdir()
    facts = {"length": len(stream.getvalue()), "sha256": hashlib.sha256(stream.getvalue()).hexdigest()}
    FORM.write(with_photos(few, uri=str(path), format="PNG", **facts), to)
    images = [row["image"] for row in pq.read_table(to / "data").to_pylist()]
    assert images == [{"bytes": stream.getvalue(), "path": f"{number}.png"} for number in (1, 2)]


def test_the_head_of_the_card_says_what_the_hub_reads(benchmark_: Benchmark) -> None:
    head, body = parts_of(card(benchmark_))
    assert head["license"] == "other"
    assert head["size_categories"] == ["n<1K"]
    assert head["configs"] == [
        {"config_name": "default", "data_files": [{"split": "test", "path": "data/test-*.parquet"}]}
    ]
    assert "exactly 0" in " ".join(body.split())
    assert "coin flips get 25 %" in body


@pytest.mark.parametrize(("stated", "named"), [("CC BY 2.0", "cc-by-2.0"), ("Flickr's own", "other"), (None, "other")])
def test_a_license_is_named_to_the_hub_only_where_all_state_one_it_knows(benchmark_, stated, named) -> None:
    assert parts_of(card(with_photos(benchmark_, license=stated)))[0]["license"] == named
    mixed = with_photos(benchmark_, license=stated).pairs[:29] + with_photos(benchmark_, license="MIT").pairs[29:]
    assert parts_of(card(replace(benchmark_, pairs=mixed)))[0]["license"] == "other"


def test_licenses_are_counted_by_source_and_those_that_nobody_stated_too(benchmark_: Benchmark) -> None:
    pairs = with_photos(benchmark_, license="CC BY 2.0", source="flickr").pairs[:10] + benchmark_.pairs[10:]
    body = card(replace(benchmark_, pairs=pairs))
    assert "| CC BY 2.0 | flickr | 20 |" in body
    assert "| not stated | photos | 40 |" in body


def test_words_of_others_stay_words(benchmark_: Benchmark) -> None:
    named = replace(with_photos(benchmark_, license=EVIL, source=EVIL), run=f"runs/{EVIL}".replace("/t", "t"))
    head, body = parts_of(card(named))
    assert head["license"] == "other"
    assert set(head) == {"pretty_name", "license", "task_categories", "tags", "size_categories", "configs"}
    assert "<script" not in body
    assert "](javascript" not in body.replace("\\]", "")
    rows = [line for line in body.splitlines() if "alert" in line and line.startswith("|")]
    assert len(rows) == 2
    assert [line.replace("\\|", "").count("|") for line in rows] == [5, 4]  # as their tables have columns, and one more


def test_the_card_says_how_the_pairs_were_found_and_keeps_the_machines_paths_to_itself(benchmark_: Benchmark) -> None:
    private = "/home/ann/secret"
    encoder = "{kind: open_clip, model: 'local-dir:" + private + "/ViT-L-14'}"
    changes = [
        f"images.sources.0.uri={private}/*.tar",
        f"embed.encoders.clip={encoder}",
        "filter.blind_min=0.96",
        "images.sources.0.name=photos",
    ]
    made_of: dict[str, Any] = {"weights.clip.model.safetensors": "ab12" * 16, "found.photos.digest": "0123abcd"}
    for step in steps(read_config("mmvp", changes)):
        made_of |= dict(Lineage(step.name, "", "", step.stage.settings, {}, {}).leaves())
    text = card(replace(benchmark_, made_of=made_of))
    assert private not in text
    assert "| not recorded | 30 |" in text  # the pairs of this run were made by hand
    assert "| blind | clip: open\\_clip, ViT-L-14 | model.safetensors: " + "ab12" * 16 + " |" in text
    assert "dino: transformers, facebook/dinov2-large, cls" in text
    assert "| photos | shards | 0123abcd | 60 |" in text


def test_the_card_names_version_and_fingerprint(benchmark_: Benchmark) -> None:
    text = card(benchmark_)
    assert f"`questions-1`, fingerprint `{benchmark_.fingerprint}`" in text
    assert "no encoder found them here" in text
    assert re.search(r"\b0 of 30 pairs were answered by somebody who did not know", text)


def test_the_card_counts_the_pairs_that_somebody_reviewed(benchmark_: Benchmark) -> None:
    reviewed = [replace(pair, reviewed_by=("bob", "cat")) for pair in benchmark_.pairs[:7]]
    text = card(replace(benchmark_, pairs=(*reviewed, *benchmark_.pairs[7:])))
    assert re.findall(r"(\d+) of (\d+) pairs were answered by somebody who did not know", text) == [("7", "30")]


def test_the_card_says_by_which_thresholds_how_many_pairs_were_chosen(benchmark_: Benchmark) -> None:
    made_of: dict[str, Any] = {}
    for step in steps(read_config("mmvp", ["images.sources.0.uri=x"])):
        made_of |= dict(Lineage(step.name, "", "", step.stage.settings, {}, {}).leaves())
    found = replace(benchmark_, made_of=made_of)
    known = [Origin(0.97, 0.5, "blind >= 0.96, reference < 0.6"), Origin(0.7, 0.5, "blind >= 0.65, reference < 0.6")]
    pairs = [replace(pair, origin=known[place < 4]) for place, pair in enumerate(found.pairs)]
    rows = card(replace(found, pairs=tuple(pairs))).splitlines()
    assert "| blind &gt;= 0.96, reference &lt; 0.6 | 26 |" in rows
    assert "| blind &gt;= 0.65, reference &lt; 0.6 | 4 |" in rows


def test_a_photo_is_told_by_its_numbers_not_by_its_key(benchmark_: Benchmark, tmp_path: Path) -> None:
    few = with_photos(replace(benchmark_, pairs=benchmark_.pairs[:1]), key="a-closed-door")
    assert isinstance(few.photos[0], Photo)
    FORM.write(few, tmp_path)
    assert b"a-closed-door" not in b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
