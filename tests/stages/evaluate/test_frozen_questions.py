"""Questions of a run: each pair as it was frozen, also by earlier versions and from imported benchmarks."""

from __future__ import annotations

import shutil
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world.authoring import frozen_run, photo
from world.benchmarks import ask, asked, by, settings_of
from world.committed import committed
from world.published import FOLDERS, mmvp_folder, run_here, stated, vlm_folder
from world.published import asked as asked_of_mmvp

from manifests.earlier_tables import LATER_COLUMNS
from manifests.errors import NotCommitted, Refused
from manifests.schema import Schema
from manifests.tables import IMAGES, QUESTIONS
from pipeline.cli.formats import import_from
from stages import images
from stages.evaluate.questions import AskedQuestions
from stages.patterns import PATTERNS


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen_run(tmp_path_factory.mktemp("run"), 6, training=2)


@pytest.fixture
def run(frozen: Path, tmp_path: Path) -> Path:
    return shutil.copytree(frozen, tmp_path / "made")


def stored(run: Path, version: int = 1) -> list[dict]:
    """The benchmark's rows of a version, read without our code."""
    rows = pq.read_table(run / f"questions-{version}").to_pylist()
    return sorted((row for row in rows if row["use"] == "benchmark"), key=lambda row: row["place"])


def test_each_row_is_what_was_frozen_and_where_the_run_says_its_image_is(run: Path) -> None:
    rows, truth = asked(run / "evaluation-1", "run", run, version=1), stored(run)
    located = by(pq.read_table(run / "images").to_pylist(), "image_id")
    assert [row["question_id"] for row in rows] == [row["question_id"] for row in truth]
    assert [row["place"] for row in rows] == list(range(1, 13))
    for row, said in zip(rows, truth, strict=True):
        same = ("image_id", "question", "options", "answer", "statement")
        assert [row[name] for name in same] == [said[name] for name in same]
        assert row["category"] == said["pattern"]
        where = ("uri", "offset", "length", "sha256")
        assert [row[name] for name in where] == [located[said["image_id"]][name] for name in where]
    for _, pair in groupby(rows, lambda row: row["group"]):
        one, other = pair
        assert one["images"] == other["images"] == [one["image_id"], other["image_id"]]
        assert {one["answer"], other["answer"]} == {"a", "b"}


def test_what_happens_to_the_run_afterwards_changes_nothing(run: Path) -> None:
    first = ask(run / "evaluation-1", "run", run, version=1)
    shutil.rmtree(run / "pairs")
    shutil.copytree(run / "questions-1", run / "questions-2")
    moved = run.rename(run.parent / "moved")
    again = ask(moved / "evaluation-1", "run", f"{moved}/", version=1)
    assert again.shards == first.shards
    assert again.lineage == first.lineage


def test_a_version_of_the_earlier_table_is_read_alike(run: Path) -> None:
    now = asked(run / "e-1", "run", run, version=1)
    table = pq.read_table(run / "questions-1")
    columns = [name for name in table.column_names if name not in LATER_COLUMNS["questions 1"]]
    earlier = Schema("questions", 1, QUESTIONS.key, pa.schema([QUESTIONS.columns.field(name) for name in columns]))
    committed(run / "questions-2", earlier, table.select(columns).cast(earlier.columns))
    assert asked(run / "e-2", "run", run, version=2) == now


def refusal(run: Path, version: int = 1) -> str:
    with pytest.raises(Refused) as caught:
        AskedQuestions(settings_of("run", run, version=version)).external_state()
    return str(caught.value)


def written_again(run: Path, rows: list[dict]) -> None:
    shutil.rmtree(run / "questions-1")
    committed(run / "questions-1", QUESTIONS, pa.Table.from_pylist(rows, schema=QUESTIONS.columns))


def test_a_version_that_is_not_there(run: Path) -> None:
    with pytest.raises(NotCommitted, match="questions-7"):
        AskedQuestions(settings_of("run", run, version=7)).external_state()


def test_a_table_of_a_later_version_is_not_misread(run: Path) -> None:
    later = Schema("questions", 9, QUESTIONS.key, QUESTIONS.columns)
    committed(run / "questions-2", later, later.columns.empty_table())
    assert "questions 9" in refusal(run, 2)


def test_an_image_that_is_gone_from_the_run_is_named(run: Path) -> None:
    gone = stored(run)[3]["image_id"]
    rows = [row for row in pq.read_table(run / "images").to_pylist() if row["image_id"] != gone]
    shutil.rmtree(run / "images")
    committed(run / "images", IMAGES, pa.Table.from_pylist(rows, schema=IMAGES.columns))
    assert f"place 4 of {run}/questions-1 asks about {gone}" in refusal(run)


@pytest.mark.parametrize(
    ("places", "changed", "said"),
    [
        ([1], {"question": "Another?"}, "place 1 is not a pair"),
        ([2], {"pattern": None}, "place 1 is not a pair"),
        ([5, 6], {"side": "left"}, "place 5 is not a pair"),
        ([12], {"use": "training"}, "place 11 is not a pair"),
        ([5], {"answer": "c"}, "place 5 of {url}: its answer 'c' is none of (a) to (b)"),
        ([5, 8], {"question_id": "the same"}, "place 8 of {url} and place 5 of {url} are both the question the same"),
    ],
)
def test_rows_that_another_program_changed(run: Path, places: list[int], changed: dict, said: str) -> None:
    rows = pq.read_table(run / "questions-1").to_pylist()
    written_again(run, [row | (changed if row["place"] in places else {}) for row in rows])
    assert said.format(url=f"{run}/questions-1") in refusal(run)


def test_a_version_with_questions_for_training_alone(run: Path) -> None:
    written_again(run, [row | {"use": "training"} for row in pq.read_table(run / "questions-1").to_pylist()])
    assert "no questions for the benchmark" in refusal(run)


def test_mmvp_as_it_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_here(monkeypatch)
    said = asked_of_mmvp(6)
    import_from(str(mmvp_folder(tmp_path, said)), str(tmp_path / "runs/mmvp"), "mmvp")
    rows = asked(tmp_path / "e", "run", tmp_path / "runs/mmvp", version=1)
    for row, (index, question, options, answer) in zip(rows, said, strict=True):
        assert (row["place"], row["question"]) == (int(index), question)
        assert f"(a) {row['options'][0]} (b) {row['options'][1]}" == options
        assert f"({row['answer']})" == answer
        assert images.read(row["uri"], row["offset"], row["length"]) == photo(int(index))
        assert (row["statement"], row["category"], row["source"]) == (None, None, None)
    check_pairs(rows)


def test_mmvp_vlm_as_it_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_here(monkeypatch)
    said = stated(2)
    import_from(str(vlm_folder(tmp_path, said)), str(tmp_path / "runs/vlm"), "mmvp-vlm")
    rows = asked(tmp_path / "e", "run", tmp_path / "runs/vlm", version=1)
    names = dict(zip(FOLDERS, (pattern.name for pattern in PATTERNS), strict=True))
    for row, (number, kind, statement) in zip(rows, said, strict=True):
        assert (row["place"], row["category"], row["statement"]) == (int(number), names[kind], statement)
        assert images.read(row["uri"], row["offset"], row["length"]) == photo(int(number))
        assert (row["question"], row["options"], row["answer"]) == (None, None, None)
    check_pairs(rows)


def check_pairs(rows: list[dict]) -> None:
    """Rows 2k - 1 and 2k are a pair, and no other rows are."""
    groups = [row["group"] for row in rows]
    assert groups[::2] == groups[1::2]
    assert len(set(groups)) == len(rows) // 2
    assert all(row["image_id"] == row["images"][(row["place"] - 1) % 2] for row in rows)
