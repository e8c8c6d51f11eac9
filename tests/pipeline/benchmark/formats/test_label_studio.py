"""Label Studio: its tasks and its labeling interface, and back. What comes back is made to the layout of its own JSON
export, as Label Studio 1.23 writes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from PIL import Image
from world.authoring import author, paired_run, pairs_of, photo, written

from manifests.errors import NotCommitted, Refused
from pipeline.benchmark.formats.reading import returning
from pipeline.benchmark.formats.reading.returning import read_label_studio
from pipeline.benchmark.formats.writing.label_studio import write_label_studio
from pipeline.run.run import Run
from stages.author.authored import Authored
from stages.author.store import NAME, Store

Tasks = list[dict[str, Any]]
LATER, EARLIER = "2100-01-01T00:00:00.000000Z", "2001-01-01T00:00:00.000000Z"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Six pairs, of which people have written of the first two."""
    made = paired_run(tmp_path, 6, captions={0: "a <b>dog</b> & 'cat'"})
    author(made, [0, 1])
    return made


def exported(run: Path, to: Path, **more: Any) -> Tasks:
    to.mkdir()
    write_label_studio(Run.open(str(run)), run / NAME, to, to.name, **more)
    return list(json.loads((to / "tasks.json").read_text(encoding="utf-8")))


def stored(run: Path) -> list[Authored]:
    store = Store(run / NAME)
    try:
        return store.pairs()
    finally:
        store.close()


def pair_in(run: Path, place: int) -> Authored:
    return next(pair for pair in stored(run) if (pair.left_id, pair.right_id) == pairs_of(run)[place])


def chosen(name: str, value: str) -> dict[str, Any]:
    return {"id": "x", "from_name": name, "to_name": "left", "type": "choices", "value": {"choices": [value]}}


def typed(name: str, text: str) -> dict[str, Any]:
    return {"id": "x", "from_name": name, "to_name": "left", "type": "textarea", "value": {"text": [text]}}


def annotation(*result: dict[str, Any], at: str = LATER, **more: Any) -> dict[str, Any]:
    known = {"id": 7, "completed_by": 3, "was_cancelled": False, "created_at": EARLIER, "updated_at": at}
    return known | {"result": list(result)} | more


def given(tasks: Tasks, to: Path) -> Path:
    to.write_text(json.dumps(tasks), encoding="utf-8")
    return to


def back(run: Path, file: Path) -> Any:
    return read_label_studio(Run.open(str(run)), run / NAME, file, "bob")


def test_a_task_is_a_pair_best_first_with_its_photos_and_what_was_written(run: Path, tmp_path: Path) -> None:
    tasks = exported(run, tmp_path / "to label")
    assert [(task["data"]["left_id"], task["data"]["right_id"]) for task in tasks] == pairs_of(run)
    assert ["annotations" in task for task in tasks] == [True, True, False, False, False, False]
    said = {result["from_name"]: result["value"] for result in tasks[1]["annotations"][0]["result"]}
    texts = {name: {"text": [text]} for name, text in written(1).items()}
    choices = {name: {"choices": [written(1)[name]]} for name in ("decision", "pattern", "left_answer")}
    assert said == texts | choices | {"use": {"choices": ["benchmark"]}}
    assert "a <b>dog</b> & 'cat'" in {tasks[0]["data"]["left_caption"], tasks[0]["data"]["right_caption"]}
    assert tasks[0]["data"]["cosines"] == "blind 0.9900, reference 0.4000"


def test_a_photos_url_leads_to_its_file_as_label_studio_reads_it(run: Path, tmp_path: Path) -> None:
    tasks = exported(run, tmp_path / "to label")
    seen = set()
    for task in tasks:
        for side in ("left", "right"):
            url = urlsplit(task["data"][side])
            assert url.path == "/data/local-files/"
            file = tmp_path / parse_qs(url.query)["d"][-1]  # below its document root
            assert file.name == f"{task['data'][f'{side}_id']}.jpg"
            seen.add(file.read_bytes())
    assert seen == {photo(number) for number in range(12)}


def test_the_interface_has_a_control_for_everything_that_people_write(run: Path, tmp_path: Path) -> None:
    tasks = exported(run, tmp_path / "to")
    root = ElementTree.parse(tmp_path / "to" / "config.xml").getroot()
    assert {tag.get("name"): tag.get("value") for tag in root.iter("Image")} == {"left": "$left", "right": "$right"}
    choices = {tag.get("name"): {one.get("value") for one in tag.iter("Choice")} for tag in root.iter("Choices")}
    texts = {tag.get("name") for tag in root.iter("TextArea")}
    assert choices["decision"] == {"kept", "rejected", "duplicate"}
    assert choices["use"] == {"benchmark", "training"}
    assert choices["left_answer"] == {"a", "b"}
    assert len(choices["pattern"]) == 9
    assert texts == {"question", "option_a", "option_b", "left_statement", "right_statement"}
    shown = {tag.get("value", "").removeprefix("$") for tag in root.iter() if tag.get("value", "").startswith("$")}
    assert shown <= set(tasks[0]["data"])
    assert {result["from_name"] for result in tasks[0]["annotations"][0]["result"]} == set(choices) | texts


def test_a_draft_is_a_prediction_until_somebody_submits_it(run: Path, tmp_path: Path) -> None:
    store, ids = Store(run / NAME), pairs_of(run)[2]
    store.change(store.pair(*ids), written(2), "ann", draft="some-model")
    store.close()
    tasks = exported(run, tmp_path / "to")
    assert "annotations" not in tasks[2]
    (prediction,) = tasks[2]["predictions"]
    assert prediction["model_version"] == "some-model"
    tasks[2]["annotations"] = [annotation(*prediction["result"])]
    assert back(run, given(tasks, tmp_path / "out.json")).written == 1
    assert (pair_in(run, 2).draft, pair_in(run, 2).question, pair_in(run, 2).author) == (
        "",
        written(2)["question"],
        "user 3",
    )


def test_pairs_that_only_people_know_come_last(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 2)
    (first, _), (second, _) = pairs_of(run)
    ids = tuple(sorted((first, second)))
    store = Store(run / NAME)
    store.change(store.pair(*ids), {"decision": "kept"}, "ann")
    store.close()
    tasks = exported(run, tmp_path / "to")
    assert [(task["data"]["left_id"], task["data"]["right_id"]) for task in tasks] == [*pairs_of(run), ids]


def test_at_most_so_many_tasks_as_are_asked_for(run: Path, tmp_path: Path) -> None:
    assert len(exported(run, tmp_path / "to", most=3)) == 3
    assert len(list((tmp_path / "to" / "images").iterdir())) == 6


def test_a_pair_whose_photo_is_gone_is_left_out_and_counted(run: Path, tmp_path: Path) -> None:
    (tmp_path / "made-photos" / "00004.jpg").unlink()
    (to := tmp_path / "to").mkdir()
    number, left_out = write_label_studio(Run.open(str(run)), run / NAME, to, "to")
    assert (number, list(left_out.values())) == (5, [1])
    assert pairs_of(run)[2] not in [
        (task["data"]["left_id"], task["data"]["right_id"]) for task in json.loads((to / "tasks.json").read_text())
    ]


@pytest.mark.parametrize("data", [photo(99), b"no image at all"], ids=["another photo", "garbage"])
def test_a_pair_whose_photo_was_changed_is_left_out_and_counted_apart(run: Path, tmp_path: Path, data: bytes) -> None:
    photos = tmp_path / "made-photos"
    (photos / "00002.jpg").unlink()
    changed = photos / "00004.jpg"
    changed.write_bytes(data.ljust(changed.stat().st_size, b"\0"))
    (to := tmp_path / "to").mkdir()
    number, left_out = write_label_studio(Run.open(str(run)), run / NAME, to, "to")
    assert number == 4
    assert left_out == {"an image is gone, or does not decode": 1, "an image was changed since the run read it": 1}
    given_out = {path.read_bytes() for path in (to / "images").iterdir()}
    assert given_out == {photo(place) for place in range(12) if place not in (2, 4)}


def test_a_photo_that_is_no_jpeg_is_shown_as_one(run: Path, tmp_path: Path) -> None:
    # the images table says JPEG of what lies there; a run with a PNG is made anew
    made = paired_run(tmp_path, 1, name="png")
    import pyarrow as pa
    from pyarrow.dataset import dataset
    from world.committed import committed

    from manifests.tables import IMAGES

    path = tmp_path / "png-photos" / "00000.png"
    Image.new("RGB", (40, 30), (200, 10, 10)).save(path)
    rows = dataset(made / "images").to_table().to_pylist()
    told = {"uri": str(path), "length": path.stat().st_size, "format": "PNG"}
    rows[0] |= told | {"sha256": sha256(path.read_bytes()).hexdigest()}
    for file in (made / "images").iterdir():
        file.unlink()
    committed(made / "images", IMAGES, pa.Table.from_pylist(rows, schema=IMAGES.columns))
    exported(made, tmp_path / "to")
    with Image.open(tmp_path / "to" / "images" / f"{rows[0]['image_id']}.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (40, 30))


def test_a_run_without_pairs_says_what_to_run(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 1)
    for file in (run / "pairs").iterdir():
        file.unlink()
    with pytest.raises(NotCommitted, match="`blindpairs run` makes it"):
        exported(run, tmp_path / "to")


def test_what_was_annotated_is_written_as_its_annotators_work(run: Path, tmp_path: Path) -> None:
    tasks = exported(run, tmp_path / "to")
    by = {"id": 3, "email": "eve@example.org", "first_name": "Eve"}
    words = (typed("question", "Which\nway?"), typed("option_a", "left"), typed("option_b", "right"))
    choices = (chosen("decision", "kept"), chosen("pattern", "orientation"), chosen("left_answer", "b"))
    tasks[3]["annotations"] = [annotation(*choices, *words, completed_by=by)]
    told = back(run, given(tasks, tmp_path / "out.json"))
    assert (told.written, told.as_it_was, list(told.kept)) == (1, 5, [])
    pair = pair_in(run, 3)
    assert (pair.decision, pair.use, pair.pattern, pair.left_answer) == ("kept", "benchmark", "orientation", "b")
    assert (pair.question, pair.option_a, pair.option_b) == ("Which way?", "left", "right")
    assert (pair.author, pair.authored_at) == ("eve@example.org", "2100-01-01T00:00:00+00:00")


def test_what_nobody_changed_stays_as_it_was_author_and_all(run: Path, tmp_path: Path) -> None:
    before = stored(run)
    tasks = exported(run, tmp_path / "to")
    for task in tasks[:2]:  # as Label Studio gives back what it was given
        task["annotations"][0] |= {"completed_by": 1, "created_at": LATER, "updated_at": LATER}
    assert back(run, given(tasks, tmp_path / "out.json")).written == 0
    assert stored(run) == before


def test_the_same_file_twice_changes_nothing_the_second_time(run: Path, tmp_path: Path) -> None:
    tasks = exported(run, tmp_path / "to")
    tasks[4]["annotations"] = [annotation(chosen("decision", "rejected"))]
    file = given(tasks, tmp_path / "out.json")
    assert [back(run, file).written, back(run, file).written] == [1, 0]
    assert pair_in(run, 4).version == 1


def test_the_newest_annotation_counts_that_was_not_cancelled(run: Path, tmp_path: Path) -> None:
    tasks = exported(run, tmp_path / "to")
    tasks[4]["annotations"] = [
        annotation(typed("question", "old"), at="2099-01-01T00:00:00Z"),
        annotation(typed("question", "newest"), at="2099-03-01T00:00:00Z"),
        annotation(typed("question", "cancelled"), at="2099-04-01T00:00:00Z", was_cancelled=True),
        annotation(typed("question", "older"), at="2099-02-01T00:00:00+00:00"),
    ]
    tasks[5]["annotations"] = [annotation(typed("question", "cancelled"), was_cancelled=True)]
    assert back(run, given(tasks, tmp_path / "out.json")).written == 1
    assert pair_in(run, 4).question == "newest"
    assert pairs_of(run)[5] not in [(pair.left_id, pair.right_id) for pair in stored(run)]


def changed_in_both(run: Path, tmp_path: Path, at: str) -> Any:
    tasks = exported(run, tmp_path / "to")
    author(run, [0], by="ann", question="As the run has it now?")
    tasks[0]["annotations"] = [annotation(typed("question", "As Label Studio has it now?"), at=at)]
    return back(run, given(tasks, tmp_path / "out.json"))


def test_of_words_changed_in_both_places_the_later_stay_and_the_answer_says_so(run: Path, tmp_path: Path) -> None:
    told = changed_in_both(run, tmp_path, EARLIER)
    assert list(told.kept) == [" ".join(pairs_of(run)[0])]
    assert pairs_of(run)[0][0] in str(told)
    assert pair_in(run, 0).question == "As the run has it now?"


def test_an_annotation_later_than_the_runs_change_is_written(run: Path, tmp_path: Path) -> None:
    assert changed_in_both(run, tmp_path, LATER).written == 1
    assert pair_in(run, 0).question == "As Label Studio has it now?"


def test_who_only_decides_is_not_the_author_of_the_words(run: Path, tmp_path: Path) -> None:
    tasks, before = exported(run, tmp_path / "to"), pair_in(run, 1)
    for result in tasks[1]["annotations"][0]["result"]:
        if result["from_name"] == "decision":
            result["value"]["choices"] = ["rejected"]
    tasks[1]["annotations"][0] |= {"completed_by": 3, "updated_at": LATER}
    assert back(run, given(tasks, tmp_path / "out.json")).written == 1
    after = pair_in(run, 1)
    assert (after.decision, after.question) == ("rejected", before.question)
    assert (after.author, after.authored_at) == (before.author, before.authored_at) == ("ann", before.authored_at)


def test_label_studio_may_change_again_and_take_back_what_came_from_it(run: Path, tmp_path: Path) -> None:
    tasks = exported(run, tmp_path / "to")
    at_export = tasks[0]["annotations"]
    # the second was annotated before the first was taken over, as where people go on while somebody imports
    changes = ("first", [annotation(typed("question", "first"), at=EARLIER)])
    again = ("second", [annotation(typed("question", "second"), at=EARLIER)])
    for text, told_so in (changes, again, (written(0)["question"], at_export)):
        tasks[0]["annotations"] = told_so
        told = back(run, given(tasks, tmp_path / "out.json"))
        assert (told.written, told.kept, pair_in(run, 0).question) == (1, [], text)


def test_what_the_run_changed_meanwhile_is_not_undone_by_a_task_that_nobody_touched(run: Path, tmp_path: Path) -> None:
    tasks = exported(run, tmp_path / "to")
    author(run, [0], by="ann", question="As the run has it now?")
    tasks[0]["annotations"][0] |= {"created_at": LATER, "updated_at": LATER}
    assert back(run, given(tasks, tmp_path / "out.json")).written == 0
    assert pair_in(run, 0).question == "As the run has it now?"


@pytest.mark.parametrize(("at", "text"), [(LATER, "As Label Studio has it?"), (EARLIER, "Written meanwhile?")])
def test_what_somebody_writes_while_it_is_read_is_decided_anew(run, tmp_path, monkeypatch, at: str, text: str) -> None:
    tasks, really = exported(run, tmp_path / "to"), returning._adopt
    tasks[0]["annotations"] = [annotation(typed("question", "As Label Studio has it?"), at=at)]
    tasks[4]["annotations"] = [annotation(chosen("decision", "rejected"))]
    turns: list[int] = []

    def after_another(pairs: Any, store: Path) -> None:
        turns.append(len(pairs))
        if len(turns) == 1:
            author(run, [0], by="cat", question="Written meanwhile?")
        really(pairs, store)

    monkeypatch.setattr(returning, "_adopt", after_another)
    told = back(run, given(tasks, tmp_path / "out.json"))
    assert turns == [2, told.written]
    assert (told.written, len(told.kept)) == ((2, 0) if at == LATER else (1, 1))
    assert pair_in(run, 0).question == text
    assert pair_in(run, 0).wrote("cat")
    assert pair_in(run, 0).wrote("user 3") is (at == LATER)
    assert pair_in(run, 4).decision == "rejected"


def test_who_wrote_before_label_studio_is_still_known(run: Path, tmp_path: Path) -> None:
    tasks = exported(run, tmp_path / "to")
    tasks[0]["annotations"] = [annotation(typed("question", "Another?"), completed_by={"id": 3, "email": "eve@x.org"})]
    back(run, given(tasks, tmp_path / "out.json"))
    pair = pair_in(run, 0)
    assert (pair.author, pair.writers, pair.changed_by) == ("eve@x.org", "ann\neve@x.org", "label-studio")


def set_data(**values: Any) -> Callable[[Tasks], None]:
    return lambda tasks: tasks[5]["data"].update(values)


def annotated(*result: Any, **more: Any) -> Callable[[Tasks], None]:
    return lambda tasks: tasks[5].update(annotations=[annotation(*result, **more)])


BAD: dict[str, tuple[Callable[[Tasks], Any], str]] = {
    "an unknown image": (set_data(left_id="f" * 32), r"task 6 .* the image f{32} is not among those of"),
    "no ids": (set_data(left_id=None), "task 6 .* has no left_id and right_id"),
    "two images that are no pair": (
        lambda tasks: tasks[5]["data"].update(left_id=tasks[0]["data"]["left_id"]),
        "task 6 .* are not a pair of",
    ),
    "a pair twice": (lambda tasks: tasks.append(tasks[0]), "task 7 .* the same pair as task 1 "),
    "a choice that is none": (
        annotated(chosen("decision", "both")),
        "task 6 .* decision is one of kept, .* not 'both'",
    ),
    "two choices": (
        annotated({**chosen("pattern", "x"), "value": {"choices": ["text", "count"]}}),
        "task 6 .* pattern is .*, and not one text",
    ),
    "a control of somebody else's": (annotated(typed("comment", "x")), "task 6 .* control 'comment'"),
    "a text where a choice belongs": (annotated(typed("decision", "kept")), "task 6 .* control 'decision'"),
    "two results of a control": (annotated(typed("question", "a"), typed("question", "b")), "task 6 .* two results"),
    "a text that is too long": (annotated(typed("question", "x" * 501)), "task 6 .* question has 501 characters"),
    "a time that is none": (annotated(at="yesterday"), "task 6 .* 'yesterday', which is not a time"),
    "a result that is no mapping": (annotated("kept"), "task 6 .* control None"),
    "a result without a value": (annotated({**typed("question", "x"), "value": None}), "task 6 .* question is None"),
    "an annotation that is none": (lambda tasks: tasks[5].update(annotations=[3]), "task 6 .* annotation that is none"),
    "JSON-MIN": (
        lambda tasks: tasks.__setitem__(5, {"id": 1, "question": "x"}),
        "task 6 .* is not a task; .*not JSON-MIN",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_file_with_a_fault_is_refused_by_name_and_nothing_of_it_is_written(run: Path, tmp_path: Path, fault) -> None:
    tasks = exported(run, tmp_path / "to")
    tasks[2]["annotations"] = [annotation(chosen("decision", "kept"))]  # a good one before it
    spoil, sentence = BAD[fault]
    spoil(tasks)
    before = stored(run)
    with pytest.raises(Refused, match=sentence):
        back(run, given(tasks, tmp_path / "out.json"))
    assert stored(run) == before


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", "decision,question\n", "[" * 100_000])
def test_what_is_no_export_is_refused(run: Path, tmp_path: Path, text: str) -> None:
    (file := tmp_path / "out.json").write_text(text)
    with pytest.raises(Refused, match="not JSON-MIN"):
        back(run, file)
