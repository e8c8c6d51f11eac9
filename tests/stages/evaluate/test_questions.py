"""Questions out of published files: each row says what the file says, and its image is the one in the file."""

from __future__ import annotations

import hashlib
import json
import pickle
from itertools import groupby
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fsspec.core import url_to_fs
from world import benchmarks as made
from world.authoring import photo
from world.benchmarks import ask, asked, rows_of, settings_of, with_images, write_images, write_lines, write_table
from world.committed import memory_bucket

from manifests.errors import Refused
from manifests.evaluation_tables import ASKED
from stages import images
from stages.base import Machine
from stages.evaluate import questions
from stages.evaluate.questions import AskedQuestions


def check_images(rows, number_of) -> None:
    """Each row's locator gives the photo that `number_of(row)` says, with its hash."""
    for row in rows:
        data = images.read(row["uri"], row["offset"], row["length"])
        assert data == photo(number_of(row))
        assert row["sha256"] == hashlib.sha256(data).hexdigest()


def test_cv_bench_from_parquet(tmp_path: Path) -> None:
    for kind, count in (("2D", 7), ("3D", 3)):
        write_table(
            tmp_path / f"test_{kind.lower()}.parquet", with_images(made.cv_bench(count, kind), "image"), group=2
        )
    rows = asked(tmp_path / "evaluation", "cv-bench", tmp_path)
    tables = [pq.read_table(tmp_path / f"test_{kind}.parquet").to_pylist() for kind in ("2d", "3d")]
    files = [row for table in tables for row in table]
    assert [row["place"] for row in rows] == list(range(1, 11))
    for row, said in zip(rows, files, strict=True):
        assert (row["question"], row["options"]) == (said["question"], said["choices"])
        assert f"({row['answer'].upper()})" == said["answer"]
        assert (row["category"], row["source"], row["kind"]) == (said["task"], said["source"], "choice")
        assert row["images"] == [row["image_id"]]
    assert len({row["question_id"] for row in rows}) == len({row["group"] for row in rows}) == 10
    assert len({row["image_id"] for row in rows}) == 10
    check_images(rows, lambda row: (row["place"] - 1) % 7)


def test_cv_bench_from_lines_is_what_it_is_from_parquet_but_for_where_images_are(tmp_path: Path) -> None:
    said = made.cv_bench(6)
    write_table(tmp_path / "tables/test_2d.parquet", with_images(said, "image"))
    write_lines(tmp_path / "lines/test_2d.jsonl", said)
    write_images(tmp_path / "lines", [row["filename"] for row in said])
    tables, lines = (asked(tmp_path / f"of {name}", "cv-bench", tmp_path / name) for name in ("tables", "lines"))
    check_images(lines, lambda row: row["place"] - 1)
    assert [row | {"uri": ""} for row in lines] == [row | {"uri": ""} for row in tables]


def test_pope_from_the_hubs_folder_and_from_the_authors_files(tmp_path: Path) -> None:
    categories = ("adversarial", "popular", "random")
    said = {category: made.pope(4, category) for category in categories}
    for number, category in enumerate(categories):
        write_table(tmp_path / f"hub/data/test-{number}.parquet", with_images(said[category], "image"))
        lines = [
            {"question_id": n, "image": f"{row['image_source']}.jpg", "text": row["question"], "label": row["answer"]}
            for n, row in enumerate(said[category], 1)
        ]
        write_lines(tmp_path / f"authors/coco_pope_{category}.json", lines)
    write_images(tmp_path / "val2014", [f"COCO_val2014_{number:012d}.jpg" for number in range(2)])
    hub = asked(tmp_path / "1", "pope", tmp_path / "hub")
    authors = asked(tmp_path / "2", "pope", tmp_path / "authors", images=str(tmp_path / "val2014"))
    known = [(row["category"], row["question"], row["answer"]) for one in categories for row in said[one]]
    for rows in (hub, authors):
        assert [(row["category"], row["question"], row["options"]["ab".index(row["answer"])]) for row in rows] == known
        assert {row["kind"] for row in rows} == {"yes_no"}
        assert len({row["group"] for row in rows}) == 12
        assert len({row["image_id"] for row in rows}) == 2  # of which all categories ask
    assert [row["question_id"] for row in hub] == [row["question_id"] for row in authors]
    check_images(authors, lambda row: (row["place"] - 1) % 4 // 2)


@pytest.mark.parametrize("column", ["Question_Type", "Question Type"])
def test_naturalbench_asks_both_questions_of_both_images(tmp_path: Path, column: str) -> None:
    said = with_images(made.naturalbench(4), "Image_0", "Image_1")
    renamed = [{column if name == "Question_Type" else name: value for name, value in row.items()} for row in said]
    rows = asked(tmp_path / "e", "naturalbench", write_table(tmp_path / "train.parquet", renamed, group=3))
    for start, row in zip(range(0, 16, 4), said, strict=True):
        four = rows[start : start + 4]
        assert [one["question_id"].split("/")[1] for one in four] == ["q0_i0", "q0_i1", "q1_i0", "q1_i1"]
        assert len({one["group"] for one in four}) == 1
        assert len({tuple(one["images"]) for one in four}) == 1
        assert [one["images"].index(one["image_id"]) for one in four] == [0, 1, 0, 1]
        for one, (question, image) in zip(four, ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True):
            stem, _, options = row[f"Question_{question}"].partition(" Option: ")
            truth = row[f"Image_{image}_Question_{question}"]
            assert one["question"] == stem
            if row["Question_Type"] == "yes_no":
                assert one["options"]["ab".index(one["answer"])] == truth.lower()
            else:
                assert one["answer"].upper() == truth
                assert options == f"A: {one['options'][0]}; B: {one['options'][1]};"
    check_images(rows, lambda row: (row["place"] - 1) // 4 * 2 + (row["place"] - 1) % 2)


def test_vismin_states_of_each_image_its_own_text_and_asks_for_it(tmp_path: Path) -> None:
    said = with_images(made.vismin(3), "image_0", "image_1")
    rows = asked(tmp_path / "e", "vismin", write_table(tmp_path / "data/test.parquet", said))
    assert [row["statement"] for row in rows] == [row[f"text_{place}"] for row in said for place in range(2)]
    for row in rows:
        assert row["options"]["ab".index(row["answer"])] == row["statement"]
    assert [len({row["group"] for row in rows[start : start + 2]}) for start in (0, 2, 4)] == [1, 1, 1]
    assert [row["category"] for row in rows] == ["object", "object", "counting", "counting", "object", "object"]
    check_images(rows, lambda row: row["place"] - 1)


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_hallusionbench_has_groups_of_several_sizes_and_questions_without_an_image(tmp_path: Path, form: str) -> None:
    said = made.hallusionbench([2, 3, 1, 2])
    named = [row["filename"] for row in said]
    if form == "json":
        (tmp_path / "HallusionBench.json").write_text(json.dumps(said))
        write_images(tmp_path / "hallusion_bench", [name or "none.png" for name in named])
        rows = asked(tmp_path / "e", "hallusionbench", tmp_path, images=str(tmp_path / "hallusion_bench"))
    else:  # two files, of which one has no column of images: groups are spread over both
        shown = [row | {"image": made.shown(n)} for n, row in enumerate(said) if row["filename"]]
        write_table(tmp_path / "image-00000.parquet", shown, group=2)
        write_table(tmp_path / "non_image-00000.parquet", [row for row in said if not row["filename"]])
        rows = asked(tmp_path / "e", "hallusionbench", tmp_path)
    groups = {name: list(group) for name, group in groupby(rows, lambda row: row["group"])}
    assert sorted(map(len, groups.values())) == [1, 2, 2, 3]
    assert sum(map(len, groups.values())) == len(rows) == len(said)
    truth = {(row["question_id"], row["figure_id"]): row for row in said}
    for row in rows:
        *_, figure, question = row["question_id"].split("/")
        known = truth[question, figure]
        assert row["options"]["ab".index(row["answer"])] == ("yes" if known["gt_answer"] == "1" else "no")
        assert (row["image_id"] is None) == (row["uri"] is None) == (known["filename"] is None)
        assert row["category"] == f"{known['category']}/chart"
        if known["filename"]:
            check_images([row], lambda row, known=known: named.index(known["filename"]))
    for group in groups.values():
        expected = [row["image_id"] for row in group if row["image_id"]]
        assert all(sorted(row["images"]) == sorted(expected) for row in group)


def test_several_tasks_give_the_rows_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_table(tmp_path / "b.parquet", with_images(made.naturalbench(5), "Image_0", "Image_1"))
    whole = ask(tmp_path / "whole", "naturalbench", path)
    monkeypatch.setattr(questions, "STRETCH", 9)
    parts = ask(tmp_path / "parts", "naturalbench", path)
    assert [shard.rows for shard in parts.shards] == [8, 8, 4]
    assert rows_of(parts) == rows_of(whole)


def test_a_second_run_takes_what_is_there_and_changed_files_are_refused(tmp_path: Path) -> None:
    path = write_table(tmp_path / "test_2d.parquet", with_images(made.cv_bench(3), "image"))
    first = ask(tmp_path / "e", "cv-bench", path)
    assert first.lineage.external_state == {
        "benchmark": {"files": {"test_2d.parquet": hashlib.sha256(path.read_bytes()).hexdigest()}}
    }
    assert ask(tmp_path / "e", "cv-bench", path).shards == first.shards
    write_table(path, with_images(made.cv_bench(4), "image"))
    with pytest.raises(Refused):
        ask(tmp_path / "e", "cv-bench", path)


def test_the_state_names_the_images_that_lines_name_by_their_sizes(tmp_path: Path) -> None:
    said = made.cv_bench(2)
    path = write_lines(tmp_path / "test_2d.jsonl", said)
    write_images(tmp_path, [row["filename"] for row in said])
    stage = AskedQuestions(settings_of("cv-bench", path))
    before = stage.external_state()
    assert json.loads(json.dumps(before)) == before == stage.external_state()
    (tmp_path / said[0]["filename"]).write_bytes(photo(99) + b"more")
    assert stage.external_state() != before


def test_it_pickles_small_and_a_worker_with_other_files_is_refused(tmp_path: Path) -> None:
    path = write_table(tmp_path / "test_2d.parquet", with_images(made.cv_bench(200), "image"))
    stage = AskedQuestions(settings_of("cv-bench", path))
    stage.external_state()
    text = pickle.dumps(stage)
    assert len(text) < 4096
    worker: AskedQuestions = pickle.loads(text)
    worker.setup(Machine())
    write_table(path, with_images(made.cv_bench(199), "image"))
    with pytest.raises(Refused, match="the benchmark is not the one"):
        worker.setup(Machine())


def test_rows_conform_and_every_key_is_there_once(tmp_path: Path) -> None:
    path = write_table(tmp_path / "b.parquet", with_images(made.vismin(4), "image_0", "image_1"))
    manifest = ask(tmp_path / "e", "vismin", path)
    table = manifest.read(manifest.shards[0].name)
    assert ASKED.conform(table).num_rows == 8 == len(set(table.column("question_id").to_pylist()))
    assert manifest.counts.seen == manifest.counts.ok == 8


def test_files_in_a_bucket_give_the_rows_of_those_on_a_disk(tmp_path: Path) -> None:
    said = made.cv_bench(5)
    table = write_table(tmp_path / "test_2d.parquet", with_images(said, "image"), group=2)
    lines = write_lines(tmp_path / "lines/test_3d.jsonl", said[:2])
    write_images(tmp_path / "lines", [row["filename"] for row in said[:2]])
    with memory_bucket() as bucket:
        fs, root = url_to_fs(bucket)
        fs.put_file(str(table), f"{root}/tables/test_2d.parquet")
        for path in (lines, *(lines.parent / row["filename"] for row in said[:2])):
            fs.put_file(str(path), f"{root}/lines/{path.relative_to(lines.parent)}")
        for name, here in (("tables", tmp_path), ("lines", lines.parent)):
            there = asked(tmp_path / f"e of {name}", "cv-bench", f"{bucket}/{name}")
            local = asked(tmp_path / f"local {name}", "cv-bench", here)
            assert [row["uri"].removeprefix(f"{bucket}/{name}") for row in there] == [
                row["uri"].removeprefix(str(here)) for row in local
            ]
            assert [row | {"uri": ""} for row in there] == [row | {"uri": ""} for row in local]
