"""A run whose shards were rewritten with as many bytes as they had: the shard is named, and nothing is made of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from world.forgetting import classes, whole, whole_lot
from world.growing import rows, values
from world.inline import made_here
from world.rewriting import WAYS, rewrite, without_digests

from manifests.errors import BlindpairsError, Damaged, Refused, TasksFailed
from manifests.manifest import Manifest, content_of
from manifests.storage import Folder
from pipeline.forget.forget import forget
from pipeline.reports.audit.audit import audit
from pipeline.reports.gallery.write import write_report
from pipeline.run.run import Run

pytestmark = pytest.mark.slow

VECTORS = ("colour", "structure")
REMEDY = "put the old file back, or run `blindpairs repair` to make it again"
OLD_REMEDY = "put the old file back, or remove the folder"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tars, and the run that was made of them."""
    return made_first(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def first_old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same by a version that wrote no digests."""
    with pytest.MonkeyPatch.context() as patch:
        without_digests(patch)
        folder = made_first(tmp_path_factory.mktemp("old"))
    assert "digest" not in (folder / "test" / "embeddings" / "_lineage.json").read_text()
    return folder


def made_first(folder: Path) -> Path:
    whole_lot(folder / "tars", ["b", "d", "f"], Random(5), pictures=20)
    made(folder / "tars", folder)
    return folder


@pytest.fixture
def tars(first: Path) -> Path:
    return first / "tars"


@pytest.fixture
def run(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first / "test", tmp_path / "test"))


def made(tars: Path, root: Path) -> tuple[dict[str, Manifest], list[str]]:
    return made_here(values(tars, search={"min_cosine": -0.5}), root)


def shard(run: Path, step: str, place: int = 0) -> Path:
    """The shard with the most rows, or the one with the second most."""
    found = Manifest.open(Folder(str(run / step))).shards
    return run / step / f"{sorted(found, key=lambda one: -one.rows)[place].name}.parquet"


def changed(run: Path, step: str, columns: Sequence[str], way: str, count: int = 1) -> Path:
    """Rewrite the largest shards of a step; the first of them by name."""
    paths = [shard(run, step, place) for place in range(count)]
    for path in paths:
        rewrite(path, columns, way)
    return min(paths)


def removed(run: Path, *steps: str) -> None:
    for step in steps:
        shutil.rmtree(run / step)


@pytest.mark.parametrize("way", WAYS)
def test_candidates_are_not_made_again_of_vectors_that_changed(run: Path, tars: Path, tmp_path: Path, way: str) -> None:
    path = changed(run, "embeddings", VECTORS, way, count=2)
    removed(run, "candidates", "pairs")
    with pytest.raises((Refused, TasksFailed), match=rf"{path.name} was changed .*{REMEDY}"):
        made(tars, tmp_path)
    assert not (run / "candidates" / "_lineage.json").exists()


CHANGED = {
    "images": (["sha256"], ["copies", "candidates", "pairs"]),
    "embeddings": (VECTORS, ["directions", "sketches", "copies", "candidates", "pairs"]),
    "sketches": (["sketch"], ["candidates", "pairs"]),
    "copies": (["copy_of"], ["pairs"]),
    "candidates": (["blind_cosine"], ["pairs"]),
}


@pytest.mark.parametrize("step", CHANGED)
def test_nothing_is_made_of_a_shard_whose_pages_changed_below_its_footer(
    run: Path, tars: Path, tmp_path: Path, step: str
) -> None:
    columns, after = CHANGED[step]
    path = changed(run, step, columns, "below the old footer")
    removed(run, *after)
    said = rf"{path.name} was changed since it was written .*{REMEDY}"
    with pytest.raises((Damaged, TasksFailed), match=said):
        made(tars, tmp_path)
    assert not (run / after[-1] / "_lineage.json").exists()


@pytest.mark.parametrize("step", [*CHANGED, "pairs"])
def test_a_finished_run_with_a_rewritten_shard_is_not_taken_as_it_is(
    run: Path, tars: Path, tmp_path: Path, step: str
) -> None:
    path = changed(run, step, CHANGED.get(step, CHANGED["candidates"])[0], "by a script")
    with pytest.raises(Refused, match=rf"{step}/{path.name} was changed after its commit; {REMEDY}"):
        made(tars, tmp_path)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("step", ["embeddings", "sketches", "candidates"])
def test_the_audit_names_what_changed_and_calls_it_no_defect(run: Path, step: str, way: str) -> None:
    columns = ["digest"] if step == "sketches" else CHANGED[step][0]
    path = changed(run, step, columns, way)
    with pytest.raises(Damaged, match=rf"{step}/{path.name} was changed .*{REMEDY}"):
        audit(Run.open(str(run)), images=100, seed=0)
    assert not (run / "candidates" / "_audit.json").exists()


@pytest.mark.parametrize("step", ["images", "pairs"])
def test_the_gallery_shows_no_rows_that_changed(run: Path, step: str) -> None:
    path = changed(run, step, ["image_id"] if step == "images" else ["blind_cosine"], "below the old footer")
    with pytest.raises(Damaged, match=rf"{step}/{path.name} was changed"):
        write_report(Run.open(str(run)))


@pytest.mark.parametrize("way", WAYS)
def test_a_forget_does_not_begin_with_a_shard_that_changed(run: Path, tars: Path, tmp_path: Path, way: str) -> None:
    gone = rows(made(tars, tmp_path)[0]["images"])[0]["image_id"]
    changed(run, "embeddings", VECTORS, way)
    before = whole(run)
    with pytest.raises(BlindpairsError, match=rf"was changed .*({REMEDY}|{OLD_REMEDY})"):
        forget(str(run), [gone])
    if way == "by a script":
        assert whole(run) == before


# ------------------------------------------------------------------ runs of a version that wrote no digests


@pytest.fixture
def old(first_old: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first_old / "test", tmp_path / "test"))


@pytest.fixture
def old_tars(first_old: Path) -> Path:
    return first_old / "tars"


def test_a_run_without_digests_is_taken_as_it_is(old: Path, old_tars: Path, tmp_path: Path) -> None:
    before = whole(old)
    assert made(old_tars, tmp_path)[1] == []
    assert whole(old) == before


def test_a_run_without_digests_grows_and_its_shards_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_digests(monkeypatch)
    old = made_first(tmp_path) / "test"
    monkeypatch.undo()
    before = whole(old)
    whole_lot(tmp_path / "tars", ["g", "i"], Random(3))
    manifests, _ = made(tmp_path / "tars", tmp_path)
    after = whole(old)
    kept = {name for name in before if name.endswith(".parquet") and not name.startswith("pairs")}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    for step in ("images", "embeddings", "sketches"):
        told = [bool(one.digest) for one in manifests[step].shards]
        assert told == sorted(told), "the new ones have digests"
        then = json.loads(before[f"{step}/_lineage.json"])
        assert [state.content for state in manifests[step].grown] == [then["content"]]
    assert not audit(Run.open(str(old)), images=100, seed=0).defect


def test_a_run_without_digests_forgets_and_names_its_contents(old: Path, old_tars: Path, tmp_path: Path) -> None:
    manifests, _ = made(old_tars, tmp_path)
    groups = classes(manifests)
    gone = min(groups) if groups else rows(manifests["images"])[0]["image_id"]
    forget(str(old), [gone])
    left, done = made(old_tars, tmp_path)
    assert done == []
    assert {manifest.content for manifest in left.values()} == {content_of(one.shards) for one in left.values()}
    assert not audit(Run.open(str(old)), images=100, seed=0).defect


@pytest.mark.parametrize("method", ["exact", "flat"])
def test_vectors_that_changed_in_a_run_without_digests_are_told_by_those_of_the_sketches(
    old: Path, old_tars: Path, tmp_path: Path, method: str
) -> None:
    path = changed(old, "embeddings", VECTORS, "by a script", count=2)
    removed(old, "candidates", "pairs")
    search = {"min_cosine": -0.5, "method": method}
    with pytest.raises(TasksFailed, match=rf"{path.name} was changed since the sketches were made of it; {OLD_REMEDY}"):
        made_here(values(old_tars, search=search), tmp_path)


def test_the_audit_of_a_run_without_digests_names_the_vectors_that_changed(old: Path) -> None:
    path = changed(old, "embeddings", VECTORS, "by a script")
    with pytest.raises(Damaged, match=rf"embeddings/{path.name} was changed since the sketches were made of it"):
        audit(Run.open(str(old)), images=100, seed=0)
