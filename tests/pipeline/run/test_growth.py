"""A source that grew: what was made stays to the last inode, only what is new is made, and the answer is the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

import pytest
from PIL import Image
from world.growing import agreed, left, lot, picture, tar, values
from world.in_process import answered
from world.inline import commands_run_here, made_here
from world.runs import recipe

from manifests.errors import Refused, TasksFailed, Unbalanced
from manifests.manifest import COMMIT
from manifests.storage import Folder
from pipeline.cli.summaries import lineage_of
from pipeline.config.settings import Config
from pipeline.plan.planning import planned
from pipeline.reports.audit.audit import audit
from pipeline.reports.status.read import status_of
from pipeline.run.recipe import steps
from pipeline.run.run import Run

pytestmark = pytest.mark.slow

STEPS = ("images", "embeddings", "directions", "sketches", "copies", "candidates", "pairs")


@pytest.fixture
def tars(tmp_path: Path) -> Path:
    """Four tars with names that leave room between them."""
    lot(tmp_path / "tars", ["b", "d", "f", "h"], Random(1))
    return tmp_path / "tars"


def fresh(tars: Path, root: Path, **sections):
    """The same source, made at once."""
    return made_here(values(tars, **sections) | {"run": "fresh"}, root)[0]


@pytest.mark.parametrize("seed", range(4))
def test_a_run_that_grew_twice_says_what_a_fresh_one_says(tmp_path: Path, seed: int) -> None:
    dice = Random(seed)
    names = [f"{number:02}" for number in range(12)]
    dice.shuffle(names)
    tars, cut = tmp_path / "tars", sorted(dice.sample(range(1, 12), 2))
    lots = (names[: cut[0]], names[cut[0] : cut[1]], names[cut[1] :])
    before: dict = {}
    for number, some in enumerate(lots):
        lot(tars, some, dice)
        grown, made = made_here(values(tars), tmp_path)
        there = left(tmp_path / "test")
        kept = {name: mark for name, mark in before.items() if not name.startswith("pairs/")}
        assert {name: there[name] for name in kept} == kept, "a shard that was there was touched"
        new = range(sum(map(len, lots[:number])), sum(map(len, lots[: number + 1])))
        assert [name for name in made if name.startswith("images/")] == [f"images/tars-{place:05}" for place in new]
        before = there
    assert len(grown["images"].grown) == len(grown["candidates"].grown) == 2
    assert agreed(grown) == agreed(fresh(tars, tmp_path))
    found = audit(Run.open(str(tmp_path / "test")), images=10_000, seed=seed)
    assert (found.missed, found.false, found.wrong, found.whole) == (0, 0, 0, True)


def test_only_the_new_is_made_and_nothing_at_all_the_next_time(tars: Path, tmp_path: Path) -> None:
    made_here(values(tars), tmp_path)
    (tars / "c.tar").write_bytes(tar("c", [50, 51, 52], Random(3)))
    _, made = made_here(values(tars), tmp_path)
    assert [name for name in made if not name.startswith("candidates/")] == [
        *("images/tars-00004", "embeddings/tars-00004", "sketches/tars-00004", "copies/00001", "pairs/all"),
    ]
    before = left(tmp_path / "test")
    assert made_here(values(tars), tmp_path)[1] == []
    assert left(tmp_path / "test") == before


def test_a_commit_states_what_it_was_and_directions_stay(tars: Path, tmp_path: Path) -> None:
    then, _ = made_here(values(tars), tmp_path)
    lot(tars, ["a", "c"], Random(4))
    now, _ = made_here(values(tars), tmp_path)
    told = json.loads((tmp_path / "test/sketches" / COMMIT).read_text())
    earlier = {"shards": 4, "fingerprint": then["sketches"].lineage.fingerprint, "content": then["sketches"].content}
    assert told["grown"] == [earlier]
    assert now["directions"].lineage == then["directions"].lineage
    assert now["sketches"].lineage.inputs["embeddings"] == now["embeddings"].lineage.fingerprint
    assert now["images"].content_at(then["images"].lineage.fingerprint) == then["images"].content


@pytest.mark.parametrize("change", ["longer", "gone"])
def test_an_old_file_that_changed_beside_new_ones_is_refused_by_name(tars: Path, tmp_path: Path, change: str) -> None:
    made_here(values(tars), tmp_path)
    lot(tars, ["c"], Random(4))
    old = tars / "d.tar"
    if change == "gone":
        old.unlink()
    else:
        old.write_bytes(old.read_bytes() + b"\0" * 512)
    before = left(tmp_path / "test")
    with pytest.raises(Refused, match=r"images was made of other files: .*d\.tar (had|is no longer)") as caught:
        made_here(values(tars), tmp_path)
    assert "name a new run (--run)" in str(caught.value)
    assert left(tmp_path / "test") == before
    assert all((tmp_path / "test" / step / COMMIT).exists() for step in STEPS)


def test_a_folder_that_grew_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/0.png").write_bytes(picture(0))
    asked = recipe([{"name": "photos", "kind": "folder", "uri": str(tmp_path / "folder")}])
    made_here(asked, tmp_path)
    (tmp_path / "folder/1.png").write_bytes(picture(1))
    with pytest.raises(Refused, match=r"folders do not grow"):
        made_here(asked, tmp_path)


def test_a_source_beside_those_there_were_and_a_wider_name_are_growth(tars: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/0.png").write_bytes(picture(99))
    less = values(tars)
    less["images"]["sources"][0]["uri"] = f"{tars}/{{b,d}}.tar"
    made_here(less, tmp_path)
    before = left(tmp_path / "test")
    more = values(tars)
    more["images"]["sources"] += [{"name": "photos", "kind": "folder", "uri": str(tmp_path / "folder")}]
    grown, made = made_here(more, tmp_path)
    assert [name for name in made if name.startswith("images/")] == [
        *("images/tars-00002", "images/tars-00003", "images/photos-00000"),
    ]
    assert {name: mark for name, mark in left(tmp_path / "test").items() if name in before and "pairs" not in name} == {
        name: mark for name, mark in before.items() if "pairs" not in name
    }
    assert agreed(grown) == agreed(made_here(more | {"run": "fresh"}, tmp_path)[0])


def test_other_settings_beside_new_files_are_refused(tars: Path, tmp_path: Path) -> None:
    made_here(values(tars), tmp_path)
    lot(tars, ["c"], Random(4))
    for sections in ({"embed": {"dtype": "float16"}}, {"search": {"min_cosine": 0.6}}):
        with pytest.raises(Refused, match="was made with different settings"):
            made_here(values(tars, **sections), tmp_path)
    asked = values(tars)
    asked["images"]["sources"][0]["license"] = "CC0"
    with pytest.raises(Refused, match="license"):
        made_here(asked, tmp_path)


@pytest.mark.parametrize("mend", ["withdrawn", "repaired"])
def test_a_new_source_that_failed_is_withdrawn_or_repaired_and_the_run_goes_on(
    tars: Path, tmp_path: Path, mend: str
) -> None:
    strict = {"workers": {"images": {"max_failed": 0.5}, "embed": {"max_failed": 1.0}}}
    alone, both = values(tars, **strict), values(tars, **strict)
    made_here(alone, tmp_path)
    before = left(tmp_path / "test")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"broken")
    both["images"]["sources"] += [{"name": "photos", "kind": "folder", "uri": str(folder)}]
    with pytest.raises(TasksFailed, match="photos-00000"):
        made_here(both, tmp_path)
    Image.new("RGB", (40, 30), (200, 30, 90)).save(folder / "a.png")
    grown, _ = made_here(alone if mend == "withdrawn" else both, tmp_path)
    assert {name: left(tmp_path / "test")[name] for name in before if name.startswith("embeddings/t")}
    expected = alone if mend == "withdrawn" else both
    assert agreed(grown) == agreed(made_here(expected | {"run": "fresh"}, tmp_path)[0])


@pytest.mark.parametrize("mend", ["withdrawn", "whole"])
def test_a_bad_new_tar_is_withdrawn_or_mended_and_the_run_goes_on(tars: Path, tmp_path: Path, mend: str) -> None:
    strict = {"workers": {"images": {"max_failed": 0.5}, "embed": {"max_failed": 1.0}}}
    made_here(values(tars, **strict), tmp_path)
    before = left(tmp_path / "test")
    lot(tars, ["a"], Random(5))
    (tars / "c.tar").write_bytes(b"no tar")
    with pytest.raises(TasksFailed, match="tars-00005"):
        made_here(values(tars, **strict), tmp_path)
    (tars / "c.tar").unlink()
    if mend == "whole":
        lot(tars, ["c"], Random(6))
    grown, _ = made_here(values(tars, **strict), tmp_path)
    after = left(tmp_path / "test")
    assert {name: after[name] for name in before if "pairs" not in name} == {
        name: mark for name, mark in before.items() if "pairs" not in name
    }
    assert agreed(grown) == agreed(fresh(tars, tmp_path, **strict))


def test_a_new_tar_of_images_that_are_there_already_is_told_and_can_be_withdrawn(tars: Path, tmp_path: Path) -> None:
    then, _ = made_here(values(tars), tmp_path)
    shutil.copy(tars / "d.tar", tars / "again.tar")
    with pytest.raises(Unbalanced, match="two images have one identity"):
        made_here(values(tars), tmp_path)
    (tars / "again.tar").unlink()
    now, made = made_here(values(tars), tmp_path)
    assert made == []
    assert [one.content for one in now.values()] == [one.content for one in then.values()]
    assert now["images"].grown == ()


def test_images_made_again_with_other_rows_are_no_prefix(tars: Path, tmp_path: Path) -> None:
    made_here(values(tars), tmp_path)
    old = (tars / "d.tar").read_bytes()
    (tars / "d.tar").write_bytes(b"\0" * len(old))  # as many bytes
    shutil.rmtree(tmp_path / "test/images")
    made_here(values(tars), tmp_path, until="images")
    lot(tars, ["c"], Random(4))
    with pytest.raises(Refused, match="was made from another version of images"):
        made_here(values(tars), tmp_path)


def test_plan_says_how_many_shards_are_new(tars: Path, tmp_path: Path) -> None:
    made_here(values(tars), tmp_path)
    lot(tars, ["a", "c"], Random(4))
    config = Config.model_validate(values(tars))
    told = planned(config, steps(config), Folder(str(tmp_path / "test"))).steps
    assert [one.state for one in told] == ["extend", "extend", "reuse", "extend", "extend", "extend", "rebuild"]
    assert (told[0].shards, told[0].planned) == (4, 6)
    assert "2 new shards" in told[0].note
    made_here(values(tars), tmp_path, until="images")
    told = planned(config, steps(config), Folder(str(tmp_path / "test"))).steps
    assert (told[1].shards, told[1].planned, told[1].note[:12]) == (4, 6, "2 new shards")


def test_status_and_lineage_say_how_it_grew(tars: Path, tmp_path: Path) -> None:
    then, _ = made_here(values(tars), tmp_path)
    strict = {"workers": {"images": {"max_failed": 0.5}}}
    lot(tars, ["a"], Random(4))
    (tars / "c.tar").write_bytes(b"no tar")
    with pytest.raises(TasksFailed):
        made_here(values(tars, **strict), tmp_path)
    notes = {one.step: one.note for one in status_of(str(tmp_path / "test")).steps}
    assert "grows: 4 shards from before, 2 new ones" in notes["images"]
    made_here(values(tars), tmp_path)
    notes = {one.step: one.note for one in status_of(str(tmp_path / "test")).steps}
    assert (notes["images"], notes["directions"]) == ("grew: 4 shards, then 2 more", "")
    told = str(lineage_of(Run.open(str(tmp_path / "test")), "candidates"))
    assert f"  it grew: 4 shards were {then['images'].lineage.fingerprint}" in told
    assert f"  inputs.embeddings = {then['embeddings'].lineage.fingerprint}" in told, "directions stay as they were"


def test_an_audit_of_candidates_that_wait_for_what_grew_is_told_so(tars: Path, tmp_path: Path) -> None:
    made_here(values(tars), tmp_path)
    lot(tars, ["a"], Random(4))
    made_here(values(tars), tmp_path, until="sketches")
    with pytest.raises(Refused, match="was made before embeddings grew; `blindpairs run` extends it"):
        audit(Run.open(str(tmp_path / "test")), images=9, seed=1)


def test_the_gallery_of_a_run_that_is_there_is_left_alone(tars: Path, tmp_path: Path) -> None:
    words = ["run", "demo", "--set", f"images.sources.0.uri={tars}/*.tar", "--root", str(tmp_path)]
    with commands_run_here():
        assert answered(*words).returncode == 0
    gallery = tmp_path / "demo/report.html"
    before = gallery.stat()
    again = answered(*words)
    assert str(gallery) in again.stdout
    assert (gallery.stat().st_ino, gallery.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    (tars / "a.tar").write_bytes(tar("a", [60, 61, 62], Random(4)))
    with commands_run_here():
        assert answered(*words).returncode == 0
    assert gallery.stat().st_ino != before.st_ino or gallery.stat().st_mtime_ns != before.st_mtime_ns
