"""From a real run's pairs to a published folder and back, by the command line alone."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from world.authoring import author, pairs_of, written
from world.commands import blindpairs, started
from world.forgetting import traces
from world.runs import make, recipe

from stages.author.store import NAME


@pytest.fixture(scope="module")
def run(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the drawn scenes, of which people have written a dozen pairs."""
    root = tmp_path_factory.mktemp("authored")
    make(of(scenes), root)
    author(root / "test", range(12))
    return root / "test"


def of(scenes: Path, **changes: Any) -> dict[str, Any]:
    """The recipe of the drawn scenes."""
    return recipe([{"name": "scenes", "kind": "shards", "uri": f"{scenes}/*.tar"}], **changes)


def told(*words: str, code: int = 0, cwd: Path | None = None) -> str:
    """What a command says that ends so: on stdout, or on stderr where it refuses."""
    ended = blindpairs(*words, cwd=cwd)
    assert ended.returncode == code, ended.stderr or ended.stdout
    return ended.stderr if code else ended.stdout


def test_pairs_become_questions_become_a_folder_become_a_run(run: Path, tmp_path: Path) -> None:
    frozen = json.loads(told("freeze", str(run), "--json"))
    assert (frozen["version"], frozen["pairs"], frozen["questions"]) == (1, 12, 24)
    assert "questions-1" in told("status", str(run))
    assert "24 rows" in told("show", str(run), "questions", "--rows", "2")
    assert "inputs.pairs" in told("lineage", str(run), "questions-1")
    told("export", str(run), "--format", "mmvp", "--to", "MMVP", cwd=tmp_path)
    with (tmp_path / "MMVP" / "Questions.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Index", "Question", "Options", "Correct Answer"]
    assert {row[1] for row in rows[1:]} == {written(place)["question"] for place in range(12)}
    told("import", "MMVP", "runs/again", "--format", "mmvp", cwd=tmp_path)
    told("export", "runs/again", "--format", "mmvp", "--to", "AGAIN", cwd=tmp_path)
    for path in (tmp_path / "MMVP").rglob("*"):
        assert (
            path.is_dir()
            or (tmp_path / "AGAIN" / path.relative_to(tmp_path / "MMVP")).read_bytes() == path.read_bytes()
        )


def test_other_thresholds_keep_what_people_wrote(run: Path, scenes: Path) -> None:
    before = told("freeze", str(run), "--json")
    make(of(scenes, filter={"max_pairs_per_image": 1}), run.parent)
    assert json.loads(told("freeze", str(run), "--json"))["questions"] == json.loads(before)["questions"]
    make(of(scenes), run.parent)


def test_what_waits_for_people_says_so_and_ends_with_3(run: Path, tmp_path: Path) -> None:
    unwritten = tmp_path / "unwritten"
    unwritten.mkdir()
    for step in ("images", "pairs"):
        (unwritten / step).symlink_to(run / step)
    for words in (
        ("freeze", str(unwritten)),
        ("export", str(unwritten), "--format", "mmvp"),
        ("show", str(unwritten), "questions"),
        ("people", str(unwritten)),
        ("patterns", str(unwritten), "--prompt"),
    ):
        said = told(*words, code=3)
        assert len(said.splitlines()) == 1
        assert "blindpairs author" in said
    assert "--answer NAME" in told("people", str(run), code=3)


def test_a_run_without_pairs_says_what_to_run(scenes: Path, tmp_path: Path) -> None:
    make(of(scenes), tmp_path, until="images")
    assert "blindpairs run" in told("author", str(tmp_path / "test"), code=2)
    make(of(scenes, filter={"blind_min": 1, "reference_max": -1}), tmp_path)
    assert "filter.reference_max" in told("author", str(tmp_path / "test"), code=2)
    assert not (tmp_path / "test" / NAME).exists()


def test_the_page_is_opened_where_it_says_and_ended_by_ctrl_c(run: Path) -> None:
    with started("author", str(run), "--name", "ann", "--port", "8799") as process:
        assert process.stdout is not None
        assert "http://127.0.0.1:8799/" in process.stdout.readline()
        said = told("author", str(run), "--port", "8799", code=2)
        assert "another --port" in said
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, len(errors.splitlines())) == (130, 1)
        assert "kept" in errors


def test_a_draft_needs_both_a_server_and_a_model(run: Path) -> None:
    assert "--model" in told("author", str(run), "--draft", "http://127.0.0.1:1/v1", code=2)
    assert "--draft" in told("patterns", str(run), code=2)


def test_forgetting_an_image_takes_what_people_wrote_of_it(run: Path, tmp_path: Path) -> None:
    whole = tmp_path / "test"
    subprocess.run(["cp", "-r", run, whole], check=True)
    told("freeze", str(whole))
    image_id = pairs_of(whole)[0][0]
    said = told("forget", str(whole), image_id)
    assert "questions-1" in said
    assert "written by people" in said
    assert not [one for one in traces(whole, [image_id]) if not one.startswith("_events")]
    assert json.loads(told("freeze", str(whole), "--json"))["pairs"] == 11
