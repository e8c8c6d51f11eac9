"""The Python API gives what the files hold, refuses what the command line refuses, and shows pairs safely."""

from __future__ import annotations

import base64
import inspect
import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from PIL import Image
from world.authoring import frozen_run
from world.in_process import answered
from world.inline import Inline, commands_run_here
from world.pictures import picture
from world.runs import contents
from world.store import Bucket

import blindpairs
from pipeline.launch import launch
from pipeline.launch.offline import hub_closed
from pipeline.run.layout import ORDER

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def opened(undisturbed: Path) -> blindpairs.Run:
    return blindpairs.open(undisturbed)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures in a folder."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(8):
        picture(number, 80, 60).save(folder / f"{number}.png")
    return folder


def recipe(photos: Path) -> dict[str, Any]:
    """The demo's encoders on these photos, with thresholds that every two images meet."""
    return {
        "preset": "demo",
        "run": "small",
        "images": {"sources": [{"name": "photos", "kind": "folder", "uri": photos}]},
        "search": {"min_cosine": -0.99},
        "filter": {"blind_min": -0.99, "reference_max": 1.0},
    }


def made(photos: Path, root: Path, **more: Any) -> tuple[blindpairs.Run, list[str]]:
    """Make a run in this process; the run, and the tasks that were done for it."""
    executor = Inline()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "executor_for", lambda ray: executor)
        run = blindpairs.run(recipe(photos), **{"root": root, "quiet": True} | more)
    return run, executor.made


def in_files(folder: Path) -> pa.Table:
    """All shards of a manifest as pyarrow reads them, without this project's code."""
    return pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*.parquet"))])


@pytest.mark.parametrize("step", ORDER)
def test_a_steps_table_is_what_its_files_hold(opened: blindpairs.Run, undisturbed: Path, step: str) -> None:
    expected = in_files(undisturbed / step)
    assert expected.num_rows
    assert opened.manifest(step).equals(expected)
    assert opened.dataset(step).to_table().equals(expected)


def test_a_run_in_a_bucket_is_read_alike(undisturbed: Path, bucket: Bucket) -> None:
    for step in ("images", "pairs"):
        for path in (undisturbed / step).iterdir():
            bucket.put(f"runs/demo/{step}/{path.name}", path.read_bytes())
    run, local = blindpairs.open(bucket.url("runs/demo")), blindpairs.open(undisturbed)
    assert run.pairs().equals(local.pairs())
    best = pc.field("rank") <= 3
    assert run.dataset("pairs").to_table(filter=best).equals(local.dataset("pairs").to_table(filter=best))
    assert run.show(1)._repr_html_() == local.show(1)._repr_html_().replace(local.url, run.url)


def test_pairs_are_the_kept_ones_the_widest_gap_first(opened: blindpairs.Run, undisturbed: Path) -> None:
    rows = in_files(undisturbed / "pairs").to_pylist()
    kept = sorted((row for row in rows if row["reason"] is None), key=lambda row: -row["gap"])
    assert 0 < len(kept) < len(rows)
    assert opened.pairs().to_pylist() == kept
    every = opened.pairs(left_out=True).to_pylist()
    assert every[: len(kept)] == kept
    assert len(every) == opened.manifest("pairs").num_rows > len(kept)
    assert all(row["reason"] for row in every[len(kept) :])
    assert opened.pairs(["gap", "left_id"]).to_pylist() == [{k: row[k] for k in ("gap", "left_id")} for row in kept]
    assert opened.pairs().to_pandas()["rank"].tolist() == list(range(1, len(kept) + 1))


def test_images_are_all_that_were_seen_in_the_columns_asked_for(opened: blindpairs.Run, undisturbed: Path) -> None:
    columns = ["status", "image_id", "width"]
    assert opened.images(columns).equals(in_files(undisturbed / "images").select(columns))
    assert opened.images().num_rows == 120


def test_the_metadata_of_a_table_is_not_that_of_its_first_shard(opened: blindpairs.Run) -> None:
    assert opened.images().schema.metadata == {b"table": b"images", b"version": b"3"}


def test_questions_are_those_of_the_version_asked_for(tmp_path: Path) -> None:
    folder = frozen_run(tmp_path, 3)
    run = blindpairs.open(str(folder))
    assert run.questions().equals(in_files(folder / "questions-1"))
    assert run.questions(1, ["answer"]).num_rows == 6
    with pytest.raises(blindpairs.NotCommitted, match="versions are: 1"):
        run.questions(2)


def test_without_questions_it_waits_and_names_the_command(opened: blindpairs.Run) -> None:
    with pytest.raises(blindpairs.Waiting, match="blindpairs author"):
        opened.questions()


def test_an_image_is_decoded_from_the_bytes_the_row_names(opened: blindpairs.Run) -> None:
    row = opened.images().filter(pc.field("status") == "ok").to_pylist()[5]
    with open(row["uri"], "rb") as file:
        file.seek(row["offset"])
        expected = Image.open(io.BytesIO(file.read(row["length"]))).convert("RGB")
    image = opened.image(row["image_id"])
    assert (image.mode, image.size) == ("RGB", (row["width"], row["height"]))
    assert np.array_equal(np.asarray(image), np.asarray(expected))


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda run: run.manifest("pears"), "no step 'pears'; did you mean pairs? steps are: images"),
        (lambda run: run.pairs(["gpa"]), "no column 'gpa'; did you mean gap?"),
        (lambda run: run.images(["xyz"]), "no column 'xyz'; columns are: image_id"),
        (lambda run: run.image("nobody"), "no readable image 'nobody'"),
        (lambda run: run.show(10_000), "no pair of rank 10000; ranks go from 1 to"),
        (lambda run: run.show({"left_id": "a", "right_id": "b"}), "no blind_cosine"),
        (lambda run: run.show(dict.fromkeys(("left_id", "right_id"), "a") | COSINES), "no readable image a"),
        (lambda run: blindpairs.open(run.url + "/pairs"), "is not a run"),
    ],
)
def test_what_is_not_there_is_refused_by_name(opened: blindpairs.Run, ask: Any, said: str) -> None:
    with pytest.raises(blindpairs.Refused, match=re.escape(said)):
        ask(opened)


COSINES = {"blind_cosine": 1.0, "reference_cosine": 0.0}


def test_an_unreadable_image_is_refused(opened: blindpairs.Run) -> None:
    broken = next(row["image_id"] for row in opened.images().to_pylist() if row["status"] != "ok")
    with pytest.raises(blindpairs.Refused, match="no readable image"):
        opened.image(broken)


class Page(HTMLParser):
    """The elements, image sources and texts of a fragment."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.sources: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.sources += [value or "" for name, value in attrs if name == "src"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_shown_pair_has_two_images_both_cosines_and_the_thresholds(opened: blindpairs.Run) -> None:
    row = opened.pairs().to_pylist()[0]
    page = Page(opened.show(1)._repr_html_())
    for source, side in zip(page.sources, ("left_id", "right_id"), strict=True):
        small = Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/webp;base64,"))))
        small.load()
        original = opened.image(row[side])
        assert small.width <= original.width
        difference = np.asarray(small, float) - np.asarray(original.resize(small.size), float)
        assert np.abs(difference).mean() < 8, "it is that image, made smaller"
    words = " ".join(page.text.split())
    assert f"blind {row['blind_cosine']:.4f} (near: ≥ 0.95)" in words
    assert f"reference {row['reference_cosine']:.4f} (far: < 0.6)" in words


def test_a_rank_a_row_and_a_series_show_the_same_pair(opened: blindpairs.Run) -> None:
    frame = opened.pairs().to_pandas()
    shown = opened.show(2)
    assert shown == opened.show(opened.pairs().to_pylist()[1]) == opened.show(frame.iloc[1])
    assert shown == opened.show(frame["rank"].iloc[1])
    assert repr(shown).startswith(f"<Pair 2 of {opened.url}: '")


def test_a_row_that_was_left_out_is_shown_as_no_pair(opened: blindpairs.Run) -> None:
    frame = opened.manifest("pairs").to_pandas()
    left_out = frame[frame["reason"].notna()].iloc[0]
    assert "Not a kept pair" in opened.show(left_out)._repr_html_()


def test_a_caption_is_text_whatever_it_holds(opened: blindpairs.Run) -> None:
    caption = "</figure><script>alert('1')</script>\"'><img src=x onerror=alert(2)>\x1b[31m"
    shown = opened.show(1)
    hostile = replace(shown, left=replace(shown.left, photo=replace(shown.left.photo, caption=caption)))
    html = hostile._repr_html_()
    page = Page(html)
    assert "script" not in page.tags
    assert len(page.sources) == 2
    assert caption.replace("\x1b", "\N{SYMBOL FOR ESCAPE}") in page.text


def test_a_pair_whose_image_is_gone_says_so(photos: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for path in photos.iterdir():
        (own / path.name).write_bytes(path.read_bytes())
    run, _ = made(own, tmp_path / "runs")
    row = run.pairs().to_pylist()[0]
    gone = next(one for one in run.images().to_pylist() if one["image_id"] == row["left_id"])
    Path(gone["uri"]).unlink()
    page = Page(run.show(1)._repr_html_())
    assert len(page.sources) == 1
    assert "cannot be read any more" in page.text
    with pytest.raises(blindpairs.Refused, match="cannot be read any more"):
        run.image(row["left_id"])


def test_a_run_shows_its_steps(opened: blindpairs.Run) -> None:
    assert [(step.step, step.state) for step in opened.steps()] == [(step, "committed") for step in ORDER]
    page = Page(opened._repr_html_())
    assert all(step in page.text for step in ORDER)
    assert opened.url in page.text
    assert repr(opened) == f"blindpairs.open({opened.url!r})"


def test_a_run_made_twice_has_the_same_bytes_and_is_reused(photos: Path, tmp_path: Path) -> None:
    first, tasks = made(photos, tmp_path)
    before = {step: contents(Path(first.url) / step) for step in ORDER}
    again, repeated = made(photos, tmp_path)
    assert tasks
    assert not repeated
    assert {step: contents(Path(again.url) / step) for step in ORDER} == before
    assert first.pairs().num_rows
    assert (Path(first.url) / "report.html").exists()


def test_it_makes_what_the_command_makes(photos: Path, tmp_path: Path) -> None:
    run, _ = made(photos, tmp_path / "python")
    settings = [
        *("images.sources={}".format([{"name": "photos", "kind": "folder", "uri": str(photos)}]), "run=small"),
        *("search.min_cosine=-0.99", "filter.blind_min=-0.99", "filter.reference_max=1"),
    ]
    words = [word for setting in settings for word in ("--set", setting)]
    with commands_run_here():
        ended = answered("run", "demo", *words, "--root", tmp_path / "command")
    assert ended.returncode == 0, ended.stderr
    for step in ORDER:
        assert contents(tmp_path / "command/small" / step) == contents(Path(run.url) / step)


def test_other_thresholds_make_only_the_pairs_again(photos: Path, tmp_path: Path) -> None:
    made(photos, tmp_path)
    run, tasks = made(photos, tmp_path, **{"filter.reference_max": 0.5})
    assert {task.split("/")[0] for task in tasks} == {"pairs"}
    assert max(run.pairs()["reference_cosine"].to_pylist(), default=0.0) < 0.5


def test_a_step_is_made_again_in_place_if_asked(photos: Path, tmp_path: Path) -> None:
    made(photos, tmp_path)
    _, tasks = made(photos, tmp_path, redo="candidates", **{"search.min_cosine": -0.99})
    assert {task.split("/")[0] for task in tasks} == {"candidates", "pairs"}


def test_the_last_step_and_the_name_are_as_asked(photos: Path, tmp_path: Path) -> None:
    run, _ = made(photos, tmp_path, until="images", name="other")
    assert (Path(run.url), [step.step for step in run.steps()]) == (tmp_path / "other", ["images"])
    with pytest.raises(blindpairs.NotCommitted):
        run.pairs()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"filter.reference_mx": 0.5}, "did you mean reference_max?"),
        ({"serch.blind": "colour"}, "did you mean search?"),
        ({"quite": True}, "unknown setting 'quite'"),
        ({"filter.blind_min": "high"}, "filter.blind_min"),
        ({"run.name.first": 1}, "run.name.first=1: there is nothing below"),
        ({"until": "pears"}, "until pears: there is no such step"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_any_work(
    photos: Path, tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(blindpairs.Refused, match=re.escape(said)):
        made(photos, tmp_path / "runs", **more)
    assert not (tmp_path / "runs").exists()


def test_a_setting_that_contains_itself_is_refused(photos: Path, tmp_path: Path) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(blindpairs.Refused, match="nested more than"):
        made(photos, tmp_path, **{"images.sources": endless})


def test_an_unknown_preset_is_told_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(blindpairs.Refused, match=r"did you mean photos\?"):
        blindpairs.run("photo", root=tmp_path)


def test_a_changed_search_is_refused_for_the_run_that_is_there(photos: Path, tmp_path: Path) -> None:
    made(photos, tmp_path)
    with pytest.raises(blindpairs.Refused, match=r"search\.min_cosine.*0\.5"):
        made(photos, tmp_path, **{"search.min_cosine": 0.5, "filter.blind_min": 0.5})


def test_the_callers_recipe_is_not_changed(photos: Path, tmp_path: Path) -> None:
    given = recipe(photos)
    with commands_run_here():
        blindpairs.run(given, root=tmp_path, quiet=True, until="images", **{"images.shard_rows": 4})
    assert given == recipe(photos)


def test_a_yaml_file_is_a_recipe_too(photos: Path, tmp_path: Path) -> None:
    (path := tmp_path / "mine.yaml").write_text(
        f"preset: demo\nrun: mine\nimages: {{sources: [{{name: photos, kind: folder, uri: {photos}}}]}}\n"
    )
    with commands_run_here():
        run = blindpairs.run(path, root=tmp_path, until="images", quiet=True)
    assert (Path(run.url).name, run.images().num_rows) == ("mine", 8)


def test_progress_is_on_stderr_unless_it_is_to_be_quiet(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(photos, tmp_path / "quiet", until="images")
    assert capsys.readouterr() == ("", "")
    made(photos, tmp_path / "loud", until="images", quiet=False)
    out, err = capsys.readouterr()
    assert (out, "8 images seen" in err) == ("", True)


def test_a_hub_is_closed_only_for_the_run_that_asks_for_it() -> None:
    from huggingface_hub import constants

    before = (os.environ.get("HF_HUB_OFFLINE"), constants.HF_HUB_OFFLINE)
    with hub_closed(True):
        assert (os.environ["HF_HUB_OFFLINE"], constants.is_offline_mode()) == ("1", True)
    assert (os.environ.get("HF_HUB_OFFLINE"), constants.HF_HUB_OFFLINE) == before


def test_a_script_that_runs_itself_again_is_told_why(photos: Path, tmp_path: Path) -> None:
    given = {**recipe(photos), "images": {"sources": [{"name": "a", "kind": "folder", "uri": str(photos)}]}}
    (script := tmp_path / "unguarded.py").write_text(
        f"import blindpairs\nblindpairs.run({given!r}, root={str(tmp_path)!r}, until='images')\n"
    )
    world = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, script], env=world, capture_output=True, text=True)
    assert ended.returncode
    assert 'Refused: a worker process imports your script: start the run under `if __name__ == "__main__":`' in (
        ended.stderr
    )


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = {"pyarrow", "numpy", "pandas", "PIL", "pydantic", "jinja2", "fsspec", "torch", "ray", "rich"}
    script = f"import sys, blindpairs; print(sorted({heavy!r} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_everything_public_has_a_docstring_and_the_names_are_all_there() -> None:
    assert sorted(blindpairs.__all__) == blindpairs.__all__
    public = [getattr(blindpairs, name) for name in blindpairs.__all__ if name != "__version__"]
    public += [member for name, member in vars(blindpairs.Run).items() if not name.startswith("_")]
    assert len(public) > 15
    assert not [one for one in public if not inspect.getdoc(one)]
