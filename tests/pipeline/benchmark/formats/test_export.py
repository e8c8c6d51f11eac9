"""Export: a form's folder appears whole or not at all, after every check, and says what it did."""

from __future__ import annotations

import csv
import json
import os
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from pyarrow.dataset import dataset
from world.authoring import author, frozen_run, paired_run, pairs_of, written
from world.commands import blindpairs
from world.in_process import answered
from world.processes import writing

from manifests.errors import NotCommitted, Refused, Waiting
from manifests.storage import Folder
from pipeline.benchmark.benchmark import read_benchmark
from pipeline.benchmark.formats import export as export_
from pipeline.benchmark.formats.export import whole_or_absent
from pipeline.benchmark.formats.summary import ExportSummary
from pipeline.benchmark.formats.writing.forms import FORMS, OF_THE_RUN
from pipeline.benchmark.freeze import freeze
from pipeline.benchmark.store_path import note_store
from pipeline.cli.formats import export_to
from pipeline.run.run import Run
from stages.author.store import NAME, Store

EVERY = (*FORMS, *OF_THE_RUN)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pairs for the benchmark and two for training, frozen."""
    return frozen_run(tmp_path_factory.mktemp("export"), 4, training=2)


@pytest.mark.parametrize("form", EVERY)
def test_every_form_is_written_and_says_what_is_next(run: Path, tmp_path: Path, form: str) -> None:
    answer = export_to(Run.open(str(run)), form, tmp_path / "deep" / "there")
    assert list((tmp_path / "deep" / "there").iterdir())
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["there"]
    assert answer.pairs == {"parquet": 6, "label-studio": 6}.get(form, 2 if form in ("llava", "cambrian") else 4)
    assert str(tmp_path) in str(answer)
    assert "{" not in answer.next


@pytest.mark.parametrize("form", EVERY)
def test_the_same_questions_give_the_same_files(run: Path, tmp_path: Path, form: str) -> None:
    folders = (tmp_path / "one" / "same", tmp_path / "two" / "same")
    for folder in folders:
        export_to(Run.open(str(run)), form, folder)
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
        export_to(Run.open(str(run)), "mmvp", tmp_path / "out" / "there")
    assert os.listdir(tmp_path / "out") == []


EXPORTS = """
from pathlib import Path
from pipeline.benchmark.formats.export import whole_or_absent
with whole_or_absent(Path(sys.argv[1])) as folder:
    (folder / "photo.jpg").write_bytes(b"a photo")
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_export_left_goes_with_the_next_one_to_the_same_place(run: Path, tmp_path: Path) -> None:
    with writing(EXPORTS, str(tmp_path / "to")) as killed, writing(EXPORTS, str(tmp_path / "to")) as alive:
        killed.kill()
        killed.wait()
        with whole_or_absent(tmp_path / "other"):
            assert len(list(tmp_path.rglob("photo.jpg"))) == 2
        with suppress(RuntimeError), whole_or_absent(tmp_path / "to"):
            assert len(list(tmp_path.rglob("photo.jpg"))) == 1
            raise RuntimeError
        alive.communicate("")
    assert alive.returncode == 0
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["other", "to", "to/photo.jpg"]


def test_a_folder_that_is_there_is_not_touched(run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Refused, match="already exists"):
        export_to(Run.open(str(run)), "mmvp", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unknown_form_or_code_is_refused_with_those_there_are(run: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="formats are: mmvp"):
        export_to(Run.open(str(run)), "csv", tmp_path / "x")
    with pytest.raises(Refused, match="near_duplicate_images"):
        export_to(Run.open(str(run)), "mmvp", tmp_path / "x", accepted=["same_image"])


def test_without_a_frozen_question_it_waits_for_people(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 2)
    with pytest.raises(Waiting, match="blindpairs author"):
        export_to(Run.open(str(run)), "mmvp", tmp_path / "x")
    author(run, [0])
    freeze(Run.open(str(run)))
    with pytest.raises(Waiting, match="no pair for llava"):
        export_to(Run.open(str(run)), "llava", tmp_path / "x")
    with pytest.raises(NotCommitted, match="no questions-2"):
        export_to(Run.open(str(run)), "mmvp", tmp_path / "x", version=2)


def test_an_older_version_can_still_be_had_and_newer_words_are_told(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    author(run, [0], question="Is it shut?")
    assert "freeze" in str(export_to(Run.open(str(run)), "mmvp", tmp_path / "behind"))
    freeze(Run.open(str(run)))
    for version, there in ((1, False), (2, True)):
        answer = export_to(Run.open(str(run)), "mmvp", tmp_path / str(version), version=version)
        assert answer.version == version
        assert ("shut" in (tmp_path / str(version) / "Questions.csv").read_text()) is there


def broken(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the run's questions read with faults that the page lets nobody write: of hand-made rows."""
    whole = read_benchmark(Run.open(str(run)))
    changes = ({"options": ("Open (wide)", "Closed")}, {"options": ("Open", "open")})
    pairs = tuple(replace(pair, **change) for pair, change in zip(whole.pairs, changes, strict=True))
    monkeypatch.setattr(export_, "read_benchmark", lambda *_: replace(whole, pairs=pairs))


def test_a_benchmark_that_breaks_its_readers_is_refused_and_nothing_is_written(tmp_path: Path, monkeypatch) -> None:
    run = frozen_run(tmp_path, 2)
    broken(run, monkeypatch)
    with pytest.raises(Refused, match=r"questions 1 and 2 \(0000\d, 0000\d\): .*; questions 3 and 4 ") as refused:
        export_to(Run.open(str(run)), "mmvp", tmp_path / "out")
    assert "(parentheses)" in str(refused.value)
    assert "(same_options)" in str(refused.value)
    assert "--accept" not in str(refused.value)
    assert not (tmp_path / "out").exists()
    answer = export_to(Run.open(str(run)), "mmvp", tmp_path / "out", only_check=True)
    assert answer.hindered
    assert answer.to is None
    assert "would be refused" in str(answer)
    assert not (tmp_path / "out").exists()


def severity(answer: ExportSummary, code: str) -> str:
    """What a person reads beside the code."""
    (line,) = (line for line in str(answer).splitlines() if f" {code} " in line)
    return line.split()[0]


def test_what_may_be_meant_is_let_through_by_name(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    photos = sorted((tmp_path / "made-photos").iterdir())
    import pyarrow as pa
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
        export_to(Run.open(str(run)), "mmvp", tmp_path / "out")
    answer = export_to(Run.open(str(run)), "mmvp", tmp_path / "out", accepted=["near_duplicate_images"])
    assert (tmp_path / "out" / "Questions.csv").exists()
    assert "near_duplicate_images" in {one.code for one in answer.findings}
    assert not answer.hindered
    assert severity(answer, "near_duplicate_images") == "accepted"
    assert "accepted: 1" in str(answer)
    refused = export_to(Run.open(str(run)), "mmvp", tmp_path / "x", only_check=True)
    assert refused.hindered
    assert severity(refused, "near_duplicate_images") == "error"
    assert "accepted" not in str(refused)
    export_to(
        Run.open(str(run)), "huggingface", tmp_path / "hub", accepted=["near_duplicate_images", "order_tells_answer"]
    )
    card = (tmp_path / "hub" / "README.md").read_text()
    assert card.count("Exported though a check found") == 1
    assert "nearly the same as one of another pair" in card


def test_of_a_runs_pairs_the_best_can_be_had(run: Path, tmp_path: Path) -> None:
    for form in OF_THE_RUN:
        assert export_to(Run.open(str(run)), form, tmp_path / form, most=2).pairs == 2


FROZEN = {"version": ("--questions", 1), "accepted": ("--accept", ["near_duplicate_images"])}
APART = {"apart_from": ("--apart-from", ["runs/other"])}
UNUSED = {form: FROZEN | APART if form in OF_THE_RUN else {"most": ("--pairs", 2)} for form in EVERY}
UNUSED |= {form: UNUSED[form] | APART for form in FORMS if form not in ("llava", "cambrian")}
UNUSED["parquet"] |= {"store": ("--store", Path("words.sqlite"))}


@pytest.mark.parametrize(("form", "name"), [(form, name) for form in EVERY for name in UNUSED[form]])
def test_an_option_that_would_do_nothing_is_refused(run: Path, tmp_path: Path, form: str, name: str) -> None:
    option, value = UNUSED[form][name]
    with pytest.raises(Refused, match=f"^{option} does not apply to the format {form}; leave it out$"):
        export_to(Run.open(str(run)), form, tmp_path / "out", **{name: value})
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_no_new_folder_of_this_machine_is_refused(run: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    for form in ("mmvp", "parquet"):
        for to, sentence in (
            ("s3://bucket/MMVP", "^--to s3://bucket/MMVP is in a bucket; export to a folder of this machine"),
            ("memory://x", "is in a bucket"),
            (".", "^--to is the current folder; name a new one$"),
            (str(tmp_path / "empty"), "is the current folder"),
            (tmp_path / "file", "already exists"),
            (tmp_path / "file" / "deep", r"cannot be written \(.*\); name another folder with --to"),
        ):
            with pytest.raises(Refused, match=sentence):
                export_to(Run.open(str(run)), form, to)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file"]
    assert list((tmp_path / "empty").iterdir()) == []


def test_an_empty_folder_is_taken_and_a_relative_one_is_where_one_stands(
    run: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    answer = export_to(Run.open(str(run)), "mmvp", "empty")
    assert answer.to == str(tmp_path / "empty")
    assert (tmp_path / "empty" / "Questions.csv").exists()
    assert (tmp_path / "empty").stat().st_mode & 0o777 == 0o755


def test_checks_judge_the_order_that_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, telling = str(frozen_run(tmp_path, 40)), "order_tells_answer"
    assert telling not in {
        one.code for one in export_to(Run.open(run), "mmvp", tmp_path / "out", only_check=True).findings
    }
    by_answer = replace(FORMS["mmvp"], order=lambda pair: "ab".index(pair.first.answer))
    monkeypatch.setitem(FORMS, "mmvp", by_answer)
    assert telling in {one.code for one in export_to(Run.open(run), "mmvp", tmp_path / "out", only_check=True).findings}
    export_to(Run.open(run), "mmvp", tmp_path / "out", accepted=[telling, "letters_unbalanced"])
    with (tmp_path / "out" / "Questions.csv").open() as file:
        firsts = [row["Correct Answer"] for row in csv.DictReader(file)][::2]
    assert firsts == sorted(firsts)


def test_it_says_why_frozen_pairs_are_not_in_a_form(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 6)
    author(run, [0, 1, 2])
    author(run, [3], left_statement="", right_statement="", pattern="")
    author(run, [4], question="", option_a="", option_b="", left_answer="")
    author(run, [5], use="training")
    freeze(Run.open(str(run)))
    unfit, apart = "nothing in them that this format takes", "not for benchmark"
    told = {
        form: (answer.pairs, answer.left_out)
        for form in ("mmvp", "mmvp-vlm", "huggingface", "llava")
        for answer in [export_to(Run.open(str(run)), form, tmp_path / form)]
    }
    assert told == {
        "mmvp": (4, {apart: 1, unfit: 1}),
        "mmvp-vlm": (4, {apart: 1, unfit: 1}),
        "huggingface": (5, {apart: 1}),
        "llava": (1, {"not for training": 5}),
    }
    assert f"left out: 1 ({unfit})" in str(export_to(Run.open(str(run)), "mmvp", tmp_path / "again"))


@pytest.mark.parametrize("form", OF_THE_RUN)
def test_a_form_of_the_run_that_would_hold_no_pair_is_refused(tmp_path: Path, form: str) -> None:
    run = paired_run(tmp_path, 2)
    for photo in (tmp_path / "made-photos").iterdir():
        photo.unlink()
    with pytest.raises(Refused):
        export_to(Run.open(str(run)), form, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def between(run: Path, *places: int, **more: str) -> None:
    """Have ann write of the pair of the left images of two pairs."""
    ids = sorted(pairs_of(run)[place][0] for place in places)
    with closing(Store(run / NAME)) as store:
        store.change(store.pair(ids[0], ids[1]), written(places[0]) | more, "ann")


@pytest.mark.parametrize("form", ["llava", "cambrian"])
def test_training_data_holds_no_image_of_the_runs_own_benchmark(tmp_path: Path, form: str) -> None:
    run = frozen_run(tmp_path, 3, training=1)
    assert export_to(Run.open(str(run)), form, tmp_path / "before").pairs == 1
    between(run, 0, 1, use="training")
    freeze(Run.open(str(run)))
    with pytest.raises(Refused, match=r"2 of 4 images for training: .*in_a_benchmark"):
        export_to(Run.open(str(run)), form, tmp_path / "out")
    with pytest.raises(Refused, match="no such finding that can be accepted"):
        export_to(Run.open(str(run)), form, tmp_path / "out", accepted=["in_a_benchmark"])
    assert export_to(Run.open(str(run)), form, tmp_path / "out", only_check=True).hindered
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("exported", [1, 2, None])
def test_training_data_holds_no_image_of_any_version_of_the_benchmark(tmp_path: Path, exported: int | None) -> None:
    run = frozen_run(tmp_path, 2, training=2)
    author(run, [0], use="training")  # it was published, and is set apart for training now
    author(run, [3], use="benchmark")  # and the other way
    freeze(Run.open(str(run)))
    with pytest.raises(Refused, match=r"2 of 4 images for training: .*in_a_benchmark") as refused:
        export_to(Run.open(str(run)), "llava", tmp_path / "out", version=exported)
    place = 3 if exported == 1 else 0
    keys = {row["image_id"]: row["key"] for row in dataset(run / "images").to_table().to_pylist()}
    assert all(f"photos/{keys[image_id]} of made" in str(refused.value) for image_id in pairs_of(run)[place])
    assert not (tmp_path / "out").exists()


def test_training_data_is_held_apart_from_other_benchmarks_too(tmp_path: Path) -> None:
    run, other = frozen_run(tmp_path, 1, training=2), frozen_run(tmp_path, 2, name="other")
    assert export_to(Run.open(str(run)), "llava", tmp_path / "alone").pairs == 2
    with pytest.raises(Refused, match=r"2 of 4 images for training: .* of other"):  # the photos of its second pair
        export_to(Run.open(str(run)), "llava", tmp_path / "out", apart_from=[str(other)])


def test_an_export_that_is_refused_for_its_store_leaves_nothing_behind(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    note_store(Folder(str(run)), tmp_path / "not-here.sqlite")
    with pytest.raises(Refused, match="which is not here: name it with --store"):
        export_to(Run.open(str(run)), "mmvp", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["mmvp", "label-studio"])
def test_a_store_that_is_named_and_not_there_is_refused(run: Path, tmp_path: Path, form: str) -> None:
    with pytest.raises(Refused, match=r"--store .*gone\.sqlite does not exist; name the file in which people wrote"):
        export_to(Run.open(str(run)), form, tmp_path / "out", store=tmp_path / "gone.sqlite")
    assert not (tmp_path / "out").exists()


def test_what_people_wrote_of_a_run_in_a_bucket_is_known_by_its_note(tmp_path: Path) -> None:
    from fsspec.core import url_to_fs

    here, there = frozen_run(tmp_path, 2), Folder(f"memory://runs/{tmp_path.name}")
    fs, path = url_to_fs(there.url)
    store = (here / NAME).rename(tmp_path / "mine.sqlite")
    fs.put(str(here), path, recursive=True)
    note_store(there, store)
    with closing(Store(store)) as opened:
        pair = opened.pairs()[0]
        opened.change(pair, {"question": "Is it new?"}, "ann")
    assert export_to(Run.open(there.url), "mmvp", tmp_path / "told", store=store).behind
    assert export_to(Run.open(there.url), "mmvp", tmp_path / "noted").behind
    export_to(Run.open(there.url), "label-studio", tmp_path / "tasks")
    assert "Is it new?" in (tmp_path / "tasks" / "tasks.json").read_text()


def test_an_image_that_looks_like_one_of_a_benchmark_can_be_accepted(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 1, training=1)
    (held := tmp_path / "held").mkdir()
    with Image.open(tmp_path / "made-photos" / "00002.jpg") as image:
        image.save(held / "small.png")
    with pytest.raises(Refused, match=r"one of 2 images .* looks like .*--accept near_a_benchmark"):
        export_to(Run.open(str(run)), "llava", tmp_path / "out", apart_from=[str(held)])
    assert not (tmp_path / "out").exists()
    answer = export_to(
        Run.open(str(run)), "llava", tmp_path / "out", apart_from=[str(held)], accepted=["near_a_benchmark"]
    )
    assert severity(answer, "near_a_benchmark") == "accepted"


@pytest.mark.parametrize("form", ["llava", "cambrian"])
def test_a_vanished_image_of_the_benchmark_does_not_hinder_training_data(tmp_path: Path, form: str) -> None:
    run = frozen_run(tmp_path, 2, training=1)
    (tmp_path / "made-photos" / "00001.jpg").unlink()
    answer = export_to(Run.open(str(run)), form, tmp_path / "out")
    assert answer.pairs == 1
    assert severity(answer, "not_compared") == "warning"
    (tmp_path / "made-photos" / "00004.jpg").unlink()
    codes = [one.code for one in export_to(Run.open(str(run)), form, tmp_path / "x", only_check=True).findings]
    assert (codes.count("image_gone"), codes.count("not_compared")) == (1, 1)


def test_a_vanished_image_is_named_before_anything_is_written(tmp_path: Path) -> None:
    run = frozen_run(tmp_path, 2)
    (tmp_path / "made-photos" / "00003.jpg").unlink()
    with pytest.raises(Refused, match="image_gone"):
        export_to(Run.open(str(run)), "mmvp", tmp_path / "out")


def test_the_command_ends_with_the_contracts_exit_codes(run: Path, tmp_path: Path) -> None:
    unwritten = paired_run(tmp_path, 1, name="unwritten")
    checked = answered("export", run, "--format", "mmvp", "--check", "--json", cwd=tmp_path)
    assert (checked.returncode, json.loads(checked.stdout)["hindered"]) == (0, False)
    assert blindpairs("export", str(run), "--format", "mmvp", cwd=tmp_path).returncode == 0
    assert (tmp_path / f"{run.name}-mmvp" / "Questions.csv").exists()
    ended = blindpairs("export", str(unwritten), "--format", "mmvp", cwd=tmp_path)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (3, 1)
    assert answered("export", run, "--format", "nothing", cwd=tmp_path).returncode == 2
    assert blindpairs("export", str(tmp_path), "--format", "mmvp", cwd=tmp_path).returncode == 2
