"""`blindpairs audit` on a real run: what it prints, its exit codes, and what it leaves behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from world.audits import rewritten, rows_of
from world.commands import blindpairs
from world.in_process import answered
from world.inline import made_here
from world.runs import contents, recipe

from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from pipeline.reports.gallery.write import write_report
from pipeline.run.run import Run

pytestmark = pytest.mark.slow


def values(scenes: Path, **sections):
    return recipe([{"name": "scenes", "kind": "shards", "uri": f"{scenes}/*.tar"}], **sections)


@pytest.fixture(scope="module")
def finished(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("audited")
    made_here(values(scenes), root)
    return root


@pytest.fixture
def root(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "runs")
    return tmp_path / "runs"


def test_the_search_of_a_real_run_misses_nothing(root: Path) -> None:
    run = root / "test"
    ended = answered("audit", str(run), "--images", "50")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"audit of {run}/candidates (exact): 50 of ")
    assert "recall 1.000 (95 % interval 0." in ended.stdout
    assert "; missed: none\n" in ended.stdout
    assert ended.stdout.endswith(f"`blindpairs report {run}` shows it in the gallery\n")
    page = Path(write_report(Run.open(str(run)))).read_text()
    assert 'id="audit">Audit: 50 images drawn at random' in page


def test_a_program_reads_what_is_kept(root: Path) -> None:
    told = json.loads(answered("audit", str(root / "test"), "--json", "--seed", "7").stdout)
    kept = json.loads((root / "test/candidates/_audit.json").read_text())
    assert told == {"manifest": str(root / "test/candidates"), **kept, "defect": False}
    assert (kept["seed"], kept["recall"], kept["interval"]) == (7, 1.0, [1.0, 1.0])


def test_a_missed_pair_is_named_and_ends_in_exit_code_1(root: Path) -> None:
    run = root / "test"
    manifest = Manifest.open(Folder(str(run / "candidates")))
    rows = rows_of(manifest)
    rewritten(manifest, rows[1:])
    ended = blindpairs("audit", str(run), "--images", "5000")
    assert ended.returncode == 1
    assert f"{len(rows)} true pairs: {len(rows) - 1} found" in ended.stdout
    assert f"  {rows[0][0]}  {rows[0][1]}  blind {rows[0][2]:.6f}, reference {rows[0][3]:.6f}" in ended.stdout
    assert "this is a defect" in ended.stdout
    assert "1 missed." in Path(write_report(Run.open(str(run)))).read_text()


def test_an_audit_left_behind_harms_no_rerun_and_no_manifest(scenes: Path, root: Path) -> None:
    run = root / "test"
    assert answered("audit", str(run)).returncode == 0
    before = contents(run / "candidates")
    made_here(values(scenes), root)
    assert contents(run / "candidates") == before
    (run / "candidates" / COMMIT).unlink()
    next((run / "candidates").glob("*.parquet")).unlink()
    made_here(values(scenes), root)
    assert contents(run / "candidates") == before
    assert Manifest.open(Folder(str(run / "candidates"))).rows


def test_an_audit_of_other_candidates_is_not_shown(root: Path) -> None:
    run = root / "test"
    assert answered("audit", str(run)).returncode == 0
    assert 'id="audit"' in Path(write_report(Run.open(str(run)))).read_text()
    manifest = Manifest.open(Folder(str(run / "candidates")))
    rewritten(manifest, rows_of(manifest)[1:])
    assert 'id="audit"' not in Path(write_report(Run.open(str(run)))).read_text()


def test_what_cannot_be_audited_is_refused_in_one_line(root: Path) -> None:
    (root / "test/candidates" / COMMIT).unlink()
    unfinished, nowhere = answered("audit", str(root / "test")), answered("audit", "nowhere")
    assert (unfinished.returncode, nowhere.returncode) == (2, 2)
    assert "candidates holds no finished manifest" in unfinished.stderr
    assert "nowhere does not exist" in nowhere.stderr
    assert len(unfinished.stderr.splitlines()) == len(nowhere.stderr.splitlines()) == 1


def test_no_image_is_too_few() -> None:
    assert answered("audit", "nowhere", "--images", "0").returncode == 2
