"""Export: a form's folder appears whole or not at all, after every check, and says what it did."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from world.authoring import author, frozen_run, paired_run
from world.commands import blindpairs

from manifests.errors import NotCommitted, Refused, Waiting
from pipeline.benchmark.freeze import freeze
from pipeline.exchange.export import export
from pipeline.exchange.writing.forms import FORMS, OF_THE_RUN

EVERY = (*FORMS, *OF_THE_RUN)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pairs for the benchmark and two for training, frozen."""
    return frozen_run(tmp_path_factory.mktemp("export"), 4, training=2)


@pytest.mark.parametrize("form", EVERY)
def test_every_form_is_written_and_says_what_is_next(run: Path, tmp_path: Path, form: str) -> None:
    answer = export(str(run), form, tmp_path / "deep" / "there")
    assert list((tmp_path / "deep" / "there").iterdir())
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["there"]
    assert answer.pairs == {"parquet": 6, "label-studio": 6}.get(form, 2 if form in ("llava", "cambrian") else 4)
    assert str(tmp_path) in str(answer)
    assert "{" not in answer.next


@pytest.mark.parametrize("form", EVERY)
def test_the_same_questions_give_the_same_files(run: Path, tmp_path: Path, form: str) -> None:
    folders = (tmp_path / "one" / "same", tmp_path / "two" / "same")
    for folder in folders:
        export(str(run), form, folder)
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    )
    assert first == second


def test_what_cannot_be_written_leaves_nothing_behind(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        export(str(run), "mmvp", tmp_path / "out" / "there")
    assert os.listdir(tmp_path / "out") == []


def test_a_folder_that_is_there_is_not_touched(run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Refused, match="is there already"):
        export(str(run), "mmvp", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unknown_form_or_code_is_refused_with_those_there_are(run: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="formats are: mmvp"):
        export(str(run), "csv", tmp_path / "x")
    with pytest.raises(Refused, match="near_duplicate_images"):
        export(str(run), "mmvp", tmp_path / "x", accepted=["same_image"])


def test_without_a_frozen_question_it_waits_for_people(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 2)
    with pytest.raises(Waiting, match="blindpairs author"):
        export(str(run), "mmvp", tmp_path / "x")
    author(run, [0])
    freeze(str(run))
    with pytest.raises(Waiting, match="no pair for llava"):
        export(str(run), "llava", tmp_path / "x")
    with pytest.raises(NotCommitted, match="no questions-2"):
        export(str(run), "mmvp", tmp_path / "x", version=2)


def test_an_older_version_can_still_be_had_and_newer_words_are_told(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    author(run, [0], question="Is it shut?")
    assert "freeze" in str(export(str(run), "mmvp", tmp_path / "behind"))
    freeze(str(run))
    for version, there in ((1, False), (2, True)):
        answer = export(str(run), "mmvp", tmp_path / str(version), version=version)
        assert answer.version == version
        assert ("shut" in (tmp_path / str(version) / "Questions.csv").read_text()) is there


def test_a_benchmark_that_breaks_its_readers_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 2)
    author(run, [0], option_a="Open (wide)")
    author(run, [1], option_b="Open")
    freeze(str(run))
    with pytest.raises(Refused, match=r"questions 1 and 2|questions 3 and 4") as refused:
        export(str(run), "mmvp", tmp_path / "out")
    assert "parentheses" in str(refused.value)
    assert "same_options" in str(refused.value)
    assert not (tmp_path / "out").exists()
    answer = export(str(run), "mmvp", tmp_path / "out", only_check=True)
    assert answer.hindered
    assert not (tmp_path / "out").exists()


def test_what_may_be_meant_is_let_through_by_name(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    photos = sorted((tmp_path / "made-photos").iterdir())
    import pyarrow as pa
    from pyarrow.dataset import dataset
    from world.committed import committed

    from manifests.tables import IMAGES

    rows = dataset(run / "images").to_table().to_pylist()
    same = next(row for row in rows if row["key"] == "00000")
    for row in rows:
        if row["key"] == "00002":  # the first image of the second pair is that of the first
            row |= {name: same[name] for name in ("uri", "length", "sha256")}
    for path in (run / "images").iterdir():
        path.unlink()
    committed(run / "images", IMAGES, pa.Table.from_pylist(rows, schema=IMAGES.columns))
    assert len(photos) == 4
    with pytest.raises(Refused, match="--accept near_duplicate_images"):
        export(str(run), "mmvp", tmp_path / "out")
    answer = export(str(run), "mmvp", tmp_path / "out", accepted=["near_duplicate_images"])
    assert (tmp_path / "out" / "Questions.csv").exists()
    assert "near_duplicate_images" in {one.code for one in answer.findings}
    export(str(run), "huggingface", tmp_path / "hub", accepted=["near_duplicate_images", "order_tells_answer"])
    card = (tmp_path / "hub" / "README.md").read_text()
    assert card.count("Exported though a check found") == 1
    assert "nearly one of another pair" in card


def test_of_a_runs_pairs_the_best_can_be_had_and_of_questions_all(run: Path, tmp_path: Path) -> None:
    for form in OF_THE_RUN:
        assert export(str(run), form, tmp_path / form, most=2).pairs == 2
    with pytest.raises(Refused, match="takes all that was frozen"):
        export(str(run), "mmvp", tmp_path / "mmvp", most=2)


def test_a_vanished_image_is_named_before_anything_is_written(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    (tmp_path / "made-photos" / "00003.jpg").unlink()
    with pytest.raises(Refused, match="image_gone"):
        export(str(run), "mmvp", tmp_path / "out")


def test_the_command_ends_with_the_contracts_exit_codes(run: Path, tmp_path: Path) -> None:
    unwritten = paired_run(tmp_path, 1, name="unwritten")
    checked = blindpairs("export", str(run), "--format", "mmvp", "--check", "--json", cwd=tmp_path)
    assert (checked.returncode, json.loads(checked.stdout)["hindered"]) == (0, False)
    assert blindpairs("export", str(run), "--format", "mmvp", cwd=tmp_path).returncode == 0
    assert (tmp_path / f"{run.name}-mmvp" / "Questions.csv").exists()
    ended = blindpairs("export", str(unwritten), "--format", "mmvp", cwd=tmp_path)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (3, 1)
    assert blindpairs("export", str(run), "--format", "nothing", cwd=tmp_path).returncode == 2
    assert blindpairs("export", str(tmp_path), "--format", "mmvp", cwd=tmp_path).returncode == 2
