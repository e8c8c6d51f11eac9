"""Importing what others published, with all their quirks, into a run like any other; killed, and finished."""

from __future__ import annotations

import csv
import shlex
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world.authoring import frozen_run, paired_run, photo
from world.published import (
    Rows,
    as_published,
    asked,
    mmvp_folder,
    run_here,
    stated,
    text_of,
    vlm_folder,
)

from manifests.errors import Refused
from manifests.storage import Folder
from pipeline.benchmark.benchmark import Benchmark, Posed, read_benchmark
from pipeline.benchmark.formats import importing
from pipeline.benchmark.formats.writing.huggingface import FORM as HUGGINGFACE
from pipeline.benchmark.store_path import store_path
from pipeline.cli.formats import import_from
from pipeline.launch.launch import make
from pipeline.run.run import Run
from stages.author.store import NAME, Store


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    run_here(monkeypatch)


def imported(folder: Path, form: str = "mmvp", **more: str) -> Benchmark:
    run = str(folder.parent / "runs" / "taken")
    import_from(str(folder), run, form, **more)
    return read_benchmark(Run.open(run))


def numbers(benchmark_: Benchmark) -> list[int]:
    """Which photo of world/authoring.py each image is, in order."""
    known = {photo(number): number for number in range(310)}
    return [known[shown.read()] for shown in benchmark_.photos]


def answers(benchmark_: Benchmark) -> str:
    return "".join(str(side.answer) for pair in benchmark_.pairs for side in pair.sides)


@pytest.mark.parametrize("name", ["taken", "2024", "null"])
def test_an_imported_run_is_a_run_like_any_other(tmp_path: Path, monkeypatch, name: str) -> None:
    if name != "taken":  # one of them by processes of its own
        run_here(monkeypatch)
    folder, root = mmvp_folder(tmp_path, asked(3)), tmp_path / "my runs"
    told = import_from(str(folder), str(root / name), "mmvp")
    recipe, *words = shlex.split(told.embed)[2:]
    changes = [word for flag, word in zip(words[::2], words[1::2], strict=True) if flag == "--set"]
    named = dict(zip(words[::2], words[1::2], strict=True))
    assert (recipe, named["--root"], named["--run"]) == ("mmvp", str(root), name)
    shards = {file: file.stat().st_mtime_ns for file in (root / name / "images").iterdir()}
    answer = make(recipe, changes, named["--root"], named["--run"], "images", True, None)
    assert [(step.step, step.counts.ok) for step in answer.steps] == [("images", 6)]
    assert {file: file.stat().st_mtime_ns for file in (root / name / "images").iterdir()} == shards
    assert told.embed in str(told)


@pytest.mark.usefixtures("here")
def test_questions_answers_and_images_are_joined_by_number(tmp_path: Path) -> None:
    taken = imported(mmvp_folder(tmp_path, asked(6)))  # 10.jpg is listed before 2.jpg
    assert numbers(taken) == list(range(1, 13))
    assert answers(taken) == "abbaabbaabba"
    assert [pair.question for pair in taken.pairs] == [
        f"Is thing {2 * place + 1} open or closed?" for place in range(6)
    ]
    assert {(pair.options, pair.use, pair.author, pair.pattern) for pair in taken.pairs} == {
        (("Open", "Closed"), "benchmark", "imported", None)
    }


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("first", ["Index", "lndex", "LNDEX", " index "])
@pytest.mark.parametrize(("quoting", "encoding"), [(csv.QUOTE_MINIMAL, "utf-8"), (csv.QUOTE_ALL, "utf-8-sig")])
def test_the_header_is_known_as_it_was_ever_published(tmp_path, first: str, quoting: int, encoding: str) -> None:
    folder = mmvp_folder(tmp_path, asked(1))
    text = text_of([*asked(1), ["", "", "", ""]], (first, "question", "the options", "answer"), quoting)
    (folder / "Questions.csv").write_text(text + "\n", encoding=encoding, newline="")
    assert answers(imported(folder)) == "ab"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("images", "ending"),
    [
        *(("MMVP Images", ".jpg"), ("MMVP_Images", ".JPG"), ("mmvp images", ".jpeg"), ("MMVP Imgaes", ".png")),
        *(("pictures", ".jpg"), ("pictures", ".JPG")),
    ],
)
def test_the_folder_of_images_and_their_endings_may_be_spelt_otherwise(
    tmp_path: Path, images: str, ending: str
) -> None:
    folder = mmvp_folder(tmp_path, asked(1), images=images, ending=ending)
    (folder / "README.md").write_text("as the hub has it")
    (folder / ".cache").mkdir()
    assert numbers(imported(folder)) == [1, 2]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ("(a) Open (b) Closed", "(a)"),
        ("(a)Open(b)Closed", "(A)"),
        ("(A) Open  (B)  Closed ", "a"),
        (" (a) Open (b) Closed", " (a) "),
    ],
)
def test_options_and_answers_are_read_in_any_spelling(tmp_path: Path, options: str, answer: str) -> None:
    rows = [["1", "Which?", options, answer], ["2", "Which? ", options, "(b)"]]
    taken = imported(mmvp_folder(tmp_path, rows))
    assert (taken.pairs[0].options, answers(taken)) == (("Open", "Closed"), "ab")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("said", "letters"), [("as_found", ("ab", "ab")), ("original", ("ab", "ab")), ("corrected", ("ba", "ba"))]
)
def test_the_disputed_answers_of_the_published_mmvp_can_be_chosen(tmp_path: Path, said: str, letters: Any) -> None:
    taken = answers(imported(mmvp_folder(tmp_path, as_published()), answers=said))
    assert (taken[98:100], taken[278:280]) == letters
    assert (
        taken[:98] + taken[100:278] + taken[280:] == ("abba" * 75)[:98] + ("abba" * 75)[100:278] + ("abba" * 75)[280:]
    )


@pytest.mark.usefixtures("here")
def test_what_was_corrected_already_can_be_had_in_the_original_and_the_answer_says_which_it_is(tmp_path: Path) -> None:
    rows = as_published()
    for number in (99, 100, 279, 280):
        rows[number - 1][3] = {"(a)": "(b)", "(b)": "(a)"}[rows[number - 1][3]]
    folder = mmvp_folder(tmp_path, rows)
    assert "have the corrected answers" in str(import_from(str(folder), str(tmp_path / "runs/found"), "mmvp"))
    told = import_from(str(folder), str(tmp_path / "runs/original"), "mmvp", answers="original")
    assert "have the original answers" in str(told)
    assert answers(read_benchmark(Run.open(told.run)))[278:280] == "ab"


@pytest.mark.parametrize("said", ["original", "corrected"])
@pytest.mark.parametrize("rows", [asked(150), as_published()[:298], asked(2)], ids=["other words", "too short", "few"])
def test_answers_of_what_is_not_the_published_mmvp_cannot_be_chosen(tmp_path: Path, said: str, rows: Rows) -> None:
    folder = mmvp_folder(tmp_path, rows)
    with pytest.raises(Refused, match=r"published MMVP.*does not ask 'Is the elderly person"):
        imported(folder, answers=said)
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("images", ["MLLM_VLM Images", "MMVP_VLM_Images"])
def test_statements_are_read_with_their_patterns(tmp_path: Path, images: str) -> None:
    taken = imported(vlm_folder(tmp_path, stated(2), images=images), "mmvp-vlm")
    assert [pair.pattern for pair in taken.pairs] == [
        *("orientation", "orientation", "presence", "presence", "state", "state", "count", "count", "position"),
        *("position", "colour", "colour", "structure", "structure", "text", "text", "viewpoint", "viewpoint"),
    ]
    sides = [side for pair in taken.pairs for side in pair.sides]
    assert [side.statement for side in sides] == [f"a thing that is {number}" for number in range(1, 37)]
    assert numbers(taken) == list(range(1, 37))
    assert {pair.question for pair in taken.pairs} == {None}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("kind", "folder", "pattern"),
    [
        ("Camera_Perspective", "Camera Perspective", "viewpoint"),
        ("Camera Perspective", "Camera_Perspective", "viewpoint"),
        ("Viewpoint and Perspective", "camera perspective", "viewpoint"),
        ("Structural Characteristics", "Structural Character", "structure"),
        ("Structural and Physical Characteristics", "Structural_Character", "structure"),
        ("Texts", "Text", "text"),
        ("Quantity and Count", "Quantity", "count"),
        ("Positional and Relational Context", "Spatial", "position"),
    ],
)
def test_a_type_may_be_called_as_the_paper_or_its_script_calls_it(
    tmp_path, kind: str, folder: str, pattern: str
) -> None:
    taken = imported(vlm_folder(tmp_path, stated(1, [kind]), renamed={kind: folder}), "mmvp-vlm")
    assert [pair.pattern for pair in taken.pairs] == [pattern]


@pytest.fixture(scope="module")
def of_the_hub(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """Four pairs as `export --format huggingface` writes them."""
    root = tmp_path_factory.mktemp("hub")
    (to := root / "to").mkdir()
    HUGGINGFACE.write(read_benchmark(Run.open(str(frozen_run(root, 4)))), to)
    return pq.read_table(to / "data")


@pytest.mark.usefixtures("here")
def test_a_data_set_that_the_hub_cut_anew_is_read_whole(tmp_path: Path, of_the_hub: pa.Table) -> None:
    wider = pa.schema([
        field.with_type(pa.large_string()) if field.type == pa.string() else field for field in of_the_hub.schema
    ])  # fmt: skip
    (data := tmp_path / "hub" / "data").mkdir(parents=True)
    pq.write_table(of_the_hub.slice(0, 3).cast(wider), data / "test-00000-of-00002.parquet")
    pq.write_table(of_the_hub.slice(3).cast(wider), data / "test-00001-of-00002.parquet")
    taken = imported(data.parent, "huggingface")
    assert [shown.read() for shown in taken.photos] == [image["bytes"] for image in of_the_hub["image"].to_pylist()]
    assert answers(taken) == "".join(of_the_hub["answer"].to_pylist())


def questions(run: Path) -> list[Posed]:
    return list(read_benchmark(Run.open(str(run))).pairs)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("killed_at", "done"),
    [("_images", False), ("_images", True), ("_adopt", False), ("_adopt", True), ("freeze", False)],
)
def test_a_killed_import_is_finished_by_the_same_command(tmp_path, monkeypatch, killed_at: str, done: bool) -> None:
    folder, run = mmvp_folder(tmp_path, asked(3)), tmp_path / "runs" / "taken"
    whole = getattr(importing, killed_at)

    def killed(*given: Any) -> None:
        if done:
            whole(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(importing, killed_at, killed)
        with pytest.raises(KeyboardInterrupt):
            import_from(str(folder), str(run), "mmvp")
    import_from(str(folder), str(run), "mmvp")
    assert [pair.question for pair in questions(run)] == [f"Is thing {number} open or closed?" for number in (1, 3, 5)]
    store = Store(run / NAME)
    assert {pair.version for pair in store.pairs()} == {1}
    store.close()


@pytest.mark.usefixtures("here")
def test_a_run_with_questions_or_with_peoples_work_is_not_touched(tmp_path: Path) -> None:
    folder, run = mmvp_folder(tmp_path, asked(1)), tmp_path / "runs" / "taken"
    import_from(str(folder), str(run), "mmvp")
    with pytest.raises(Refused, match="has questions already; name another run"):
        import_from(str(folder), str(run), "mmvp")
    (other := tmp_path / "runs" / "other").mkdir()
    store = Store(other / NAME)
    store.change(store.pair("a", "b"), {"decision": "kept"}, "ann")
    store.close()
    with pytest.raises(Refused, match="holds what people wrote of 1 pair already"):
        import_from(str(folder), str(other), "mmvp")
    assert [one.name for one in other.iterdir() if one.is_dir()] == []


@pytest.mark.usefixtures("here")
def test_a_run_of_other_images_is_refused_and_left_as_it_is(tmp_path: Path, monkeypatch) -> None:
    first, other, run = (
        mmvp_folder(tmp_path / "one", asked(2)),
        mmvp_folder(tmp_path / "two", asked(2)),
        tmp_path / "run",
    )
    with monkeypatch.context() as patched:  # killed when its images were read, and nobody has written
        patched.setattr(importing, "_adopt", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            import_from(str(first), str(run), "mmvp")
    files = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(Refused, match=f"^{run} is a run of other images; name another run$"):
        import_from(str(other), str(run), "mmvp")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == files
    import_from(str(first), str(run), "mmvp")


@pytest.mark.usefixtures("here")
def test_a_run_with_images_of_its_own_is_refused(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    with pytest.raises(Refused, match="is a run of other images; name another run"):
        import_from(str(mmvp_folder(tmp_path, asked(1))), str(run), "mmvp")
    assert not (run / NAME).exists()


@pytest.mark.usefixtures("here")
def test_the_store_of_an_imported_run_may_lie_elsewhere_and_is_known_from_then_on(tmp_path: Path) -> None:
    folder, run, store = mmvp_folder(tmp_path, asked(2)), tmp_path / "runs" / "taken", tmp_path / "mine.sqlite"
    import_from(str(folder), str(run), "mmvp", store=store)
    assert not (run / NAME).exists()
    assert store_path(Folder(str(run))) == store
    with closing(Store(store)) as opened:
        assert {(pair.author, pair.writers, pair.changed_by) for pair in opened.pairs()} == {("imported",) * 3}


@pytest.mark.usefixtures("here")
def test_an_image_that_changes_before_the_run_reads_it_is_noticed(tmp_path: Path, monkeypatch) -> None:
    folder = mmvp_folder(tmp_path, asked(3))
    real = importing.run_steps

    def changed(*given: Any) -> Any:
        (folder / "MMVP Images" / "3.jpg").write_bytes(b"")
        return real(*given)

    monkeypatch.setattr(importing, "run_steps", changed)
    with pytest.raises(Refused, match=r"3\.jpg is not among the images of .*images"):
        imported(folder)
