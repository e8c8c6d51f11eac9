"""Thresholds that change after people wrote: what is no pair any more is named, what was frozen stays as it was."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.dataset import dataset
from world.authoring import author, filter_again, paired_run, pairs_of
from world.committed import committed
from world.in_process import answered

from manifests.draft import Draft
from manifests.earlier_tables import LATER_COLUMNS
from manifests.errors import Waiting
from manifests.lineage import Lineage
from manifests.manifest import Manifest
from manifests.schema import Schema
from manifests.shard import Part, write_shard
from manifests.storage import Folder
from manifests.tables import CANDIDATES, QUESTIONS
from pipeline.benchmark.benchmark import read_benchmark
from pipeline.benchmark.formats.export import export
from pipeline.benchmark.formats.writing.forms import FORMS
from pipeline.benchmark.freeze import freeze
from pipeline.benchmark.page.desk import Desk
from pipeline.benchmark.unlisted import unlisted_of
from pipeline.cli.formats import freeze_version
from pipeline.launch.launch import _left_behind
from pipeline.run.run import Run
from stages.author.store import NAME, Store

WIDE, NARROW = "blind >= 0.65, reference < 0.6", "blind >= 0.8, reference < 0.6"
EARLIER = Schema(
    "questions",
    1,
    QUESTIONS.key,
    pa.schema([one for one in QUESTIONS.columns if one.name not in LATER_COLUMNS["questions 1"]]),
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of eight pairs at the wide thresholds, of which people have written three."""
    made = paired_run(tmp_path, 8)
    filter_again(made, range(8), blind_min=0.65)
    author(made, range(3))
    return made


def opened(run: Path) -> Run:
    return Run.open(str(run))


def exported(run: Path, to: Path, **more: Any) -> tuple[str, list[dict[str, Any]]]:
    """The card and the rows, without the images, of the huggingface form."""
    export(opened(run), FORMS["huggingface"], to, **more)
    rows = pq.read_table(to / "data").to_pylist()
    return (to / "README.md").read_text(), [row | {"image": None} for row in rows]


def as_frozen_before(run: Path) -> None:
    """Make questions-1 what an earlier version of the program froze of it."""
    table = dataset(run / "questions-1").to_table().select(EARLIER.columns.names)
    now = Manifest.open(Folder(str(run / "questions-1")))
    for path in (run / "questions-1").iterdir():
        path.unlink()
    state = {"author": now.lineage.external_state["author"]}
    lineage = Lineage("questions-1", "author 1", "questions 1", {}, state, now.lineage.inputs)
    draft = Draft.begin(now.folder, lineage, [{"name": "all"}], now.made_of)
    receipt = write_shard(now.folder, "all", EARLIER, [Part(table.cast(EARLIER.columns), now.counts)])
    draft.commit({"all": receipt})


def test_a_version_keeps_both_cosines_of_its_pairs_and_their_thresholds(run: Path) -> None:
    freeze(opened(run))
    there = {(row["left_id"], row["right_id"]): row for row in dataset(run / "pairs").to_table().to_pylist()}
    for row in dataset(run / "questions-1").to_table().to_pylist():
        pair = there[row["left_id"], row["right_id"]]
        assert (row["blind_cosine"], row["reference_cosine"]) == (pair["blind_cosine"], pair["reference_cosine"])
        assert row["thresholds"] == WIDE


def test_an_export_of_a_version_is_the_same_after_the_run_was_filtered_anew(run: Path, tmp_path: Path) -> None:
    candidates_of(run)
    freeze(opened(run))
    before = exported(run, tmp_path / "one")
    assert "| blind &gt;= 0.65, reference &lt; 0.6 | 3 |" in before[0]
    assert all(row["blind_cosine"] > row["reference_cosine"] for row in before[1])
    filter_again(run, [0])
    assert exported(run, tmp_path / "two") == before
    assert FORMS["huggingface"].name in freeze_version(opened(run), None).forms


def candidates_of(run: Path) -> None:
    """Give the run the candidates of its pairs, with the settings of the search."""
    rows = dataset(run / "pairs").to_table().select(CANDIDATES.columns.names)
    committed(run / "candidates", CANDIDATES, rows, search={"blind": "clip", "reference": "dino"})
    # the pairs were made from them
    path = run / "pairs" / "_lineage.json"
    value = json.loads(path.read_text())
    value["lineage"]["inputs"] = {"candidates": Manifest.open(Folder(str(run / "candidates"))).lineage.fingerprint}
    path.write_text(json.dumps(value))


def test_pairs_that_are_none_any_more_at_freezing_keep_by_what_they_were_chosen(run: Path) -> None:
    ids = pairs_of(run)
    with closing(Store(run / NAME)) as store:
        desk = Desk(opened(run), store, "ann")
        for one in ids[:2]:
            desk.change(one, desk.written(one).version, {"question": "Is it so?"})
    filter_again(run, [0])
    freeze(opened(run))
    origins = {pair.ids: pair.origin for pair in read_benchmark(opened(run)).pairs}
    assert [origins[one].thresholds for one in ids[:3]] == [NARROW, WIDE, None]
    assert None not in [origins[one].blind_cosine for one in ids[:3]]


def test_cosines_that_no_pair_has_any_more_are_those_of_the_candidates(run: Path) -> None:
    candidates_of(run)
    rows = dataset(run / "pairs").to_table().to_pylist()
    for path in (run / "pairs").iterdir():
        path.unlink()
    freeze(opened(run))
    wanted = {row["left_id"]: row["blind_cosine"] for row in rows}
    found = dataset(run / "questions-1").to_table().to_pylist()
    assert [row["blind_cosine"] for row in found] == [wanted[row["left_id"]] for row in found]


def test_the_lineage_of_a_version_names_the_settings_it_was_chosen_by(run: Path) -> None:
    freeze(opened(run))
    pairs = Manifest.open(Folder(str(run / "pairs"))).lineage.fingerprint
    assert "it" not in (before := answered("lineage", str(run), "questions-1").stdout).split()
    assert f"{pairs}  (made by hand 1, table pairs 2, frozen with questions-1)" in before
    filter_again(run, [0])
    said = answered("lineage", str(run), "questions-1").stdout
    now = Manifest.open(Folder(str(run / "pairs"))).lineage.fingerprint
    assert f"inputs.pairs = {pairs}" in said
    assert f"the run now has another one: {now}" in said
    assert "filter.blind_min = 0.65" in said
    assert "filter.blind_min = 0.8" not in said
    steps = json.loads(answered("lineage", str(run), "questions-1", "--json").stdout)["steps"]
    assert [step["fingerprint"] for step in steps if "filter" in step["settings"]] == [pairs]


def test_a_version_of_before_is_read_listed_and_exported(run: Path, tmp_path: Path) -> None:
    candidates_of(run)
    freeze(opened(run))
    new = read_benchmark(opened(run))
    as_frozen_before(run)
    old = read_benchmark(opened(run))
    assert [pair.origin for pair in old.pairs] == [pair.origin for pair in new.pairs]  # its pairs are still there
    assert freeze(opened(run))[::2] == (1, False)
    assert "6 rows" in answered("show", str(run), "questions-1").stdout
    assert "questions-1" in answered("status", str(run)).stdout
    filter_again(run, [0])
    assert {pair.origin.thresholds for pair in read_benchmark(opened(run)).pairs} == {None}
    card, rows = exported(run, tmp_path / "to", accepted=())
    assert "0.8" not in card
    assert {row["blind_cosine"] for row in rows} == {None}


def test_the_lineage_of_a_version_of_before_says_that_its_pairs_are_others_now(run: Path) -> None:
    freeze(opened(run))
    as_frozen_before(run)
    assert "another one" not in answered("lineage", str(run), "questions-1").stdout
    pairs = Manifest.open(Folder(str(run / "pairs"))).lineage.fingerprint
    filter_again(run, [0])
    assert f"another one than the {pairs} that was read" in answered("lineage", str(run), "questions-1").stdout


def test_kept_pairs_that_are_none_any_more_are_named_everywhere(run: Path, tmp_path: Path) -> None:
    assert (str(unlisted_of(opened(run), run / NAME)), _left_behind(opened(run))) == ("", ())
    filter_again(run, [0])
    told = f"2 kept or frozen pairs are not among the run's pairs at its thresholds ({NARROW}): photos/"
    assert _left_behind(opened(run))[0].startswith(told)
    assert told in answered("freeze", str(run)).stdout
    form = ("export", str(run), "--format", "mmvp", "--check")
    assert "2 kept or frozen pairs are not among" in answered(*form).stdout
    with closing(Store(run / NAME)) as store:
        progress = Desk(opened(run), store, "ann").progress()
    assert progress["unlisted"] == 2
    assert progress["unlisted_says"].startswith(
        f"2 kept pairs are not among the run's pairs at its thresholds ({NARROW})"
    )


def test_at_most_five_are_named(run: Path) -> None:
    author(run, range(8))
    filter_again(run, [7])
    told = str(unlisted_of(opened(run), run / NAME))
    assert told.startswith("7 kept or frozen pairs are")
    assert told.count(" and photos/") == 5
    assert told.endswith("; and 2 more")


def test_a_run_goes_on_where_the_store_of_its_people_is_gone(run: Path, tmp_path: Path) -> None:
    (run / "_author.json").write_text(json.dumps({"store": str(tmp_path / "gone"), "host": "there"}))
    (said,) = _left_behind(opened(run))
    assert "name it with --store" in said


def test_why_nothing_counts_is_said_with_how_many_lack_what(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 4)
    unstated = {"left_statement": "", "right_statement": "", "left_answer": ""}
    author(run, range(2), **unstated)
    author(run, [2], option_b="", **unstated)
    told = "because 3 pairs are kept but unfinished: 3 lack the right answer; 1 lacks option b. Finish them with"
    with pytest.raises(Waiting, match=told):
        freeze(opened(run))
    author(run, [3])
    said = answered("freeze", str(run)).stdout
    assert "3 pairs are kept but unfinished: 3 lack the right answer; 1 lacks option b" in said
    assert "not written out" not in said
    left = json.loads(answered("freeze", str(run), "--json").stdout)
    assert left["unfinished"] == {"pairs": 3, "lacks": {"the right answer": 3, "option b": 1}}


@pytest.mark.parametrize(
    ("more", "forms"),
    [
        ({}, ("mmvp", "mmvp-vlm", "lmms-eval", "vlmevalkit", "huggingface")),
        ({"left_statement": "", "right_statement": ""}, ("mmvp", "lmms-eval", "vlmevalkit", "huggingface")),
        ({"question": ""}, ("mmvp-vlm", "huggingface")),
        ({"use": "training"}, ("llava", "cambrian")),
    ],
)
def test_freezing_suggests_every_format_that_fits(tmp_path: Path, more: dict[str, str], forms: tuple[str, ...]) -> None:
    run = paired_run(tmp_path, 1)
    author(run, [0], **more)
    (line,) = (line for line in answered("freeze", str(run)).stdout.splitlines() if line.startswith("next: "))
    first, *others = forms
    also = f" (or {', '.join(others)})"
    assert line == f"next: blindpairs export {run} --format {first}{also}"
