"""What a person names, what the answer says of it, and when nothing is changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

import pytest
from world.commands import blindpairs
from world.fetches import fetched, write_fetched
from world.forgetting import traces, whole, whole_lot
from world.growing import picture, rows, values
from world.inline import made_here
from world.runs import recipe

from manifests.errors import Refused
from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.cli.summaries import lineage_of, rows_of
from pipeline.forget.forget import forget
from pipeline.reports.status.read import status_of
from pipeline.run.lease.lease import driving
from pipeline.run.run import Run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, to be copied."""
    root = tmp_path_factory.mktemp("made")
    whole_lot(root / "tars", ["b", "d", "f"], Random(2), pictures=2)
    made_here(values(root / "tars"), root)
    return root / "test"


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "test"))


def images(run: Path) -> list[dict]:
    return rows(Manifest.open(Folder(str(run / "images"))))


def test_a_hash_names_every_image_of_these_bytes_and_an_id_says_how_many_more_there_are(run: Path) -> None:
    hashes = [row["sha256"] for row in images(run) if row["sha256"]]
    often = max(hashes, key=hashes.count)
    count = hashes.count(often)
    assert count > 1
    one = next(row["image_id"] for row in images(run) if row["sha256"] == often)
    first = forget(str(run), [one.upper()])
    assert (first.images, first.alike) == (1, count - 1)
    assert f"still there: {count - 1} other image" in str(first)
    assert "still lie in" in str(first)
    rest = forget(str(run), [often])
    assert (rest.images, rest.alike, rest.named) == (count - 1, 0, {often: count - 1})
    assert rest.to_json()["rows"]["images"] == count - 1
    assert [row["sha256"] for row in images(run)].count(often) == 0


def test_lineage_says_when_and_how_many_but_not_which_and_other_looks_go_on(run: Path) -> None:
    one = images(run)[0]["image_id"]
    forget(str(run), [one])
    told = str(lineage_of(Run.open(str(run)), "pairs"))
    assert " 1 row (blindpairs forget)" in told
    assert one not in told
    assert {step.state for step in status_of(str(run)).steps} == {"committed"}
    assert rows_of(Run.open(str(run)), "images", 100).total == len(images(run))


def test_names_of_a_file_and_of_the_command_line_are_taken_together(run: Path, tmp_path: Path) -> None:
    first, second, *_ = (row["image_id"] for row in images(run))
    listed = tmp_path / "opt-out.txt"
    listed.write_text(f"# asked for by mail\n{first}\n\nhttps://a.example/never-there.jpg\n")
    ended = blindpairs("forget", str(run), second, "--list", str(listed))
    assert ended.returncode == 0, ended.stderr
    assert "named no image of this run: https://a.example/never-there.jpg" in ended.stdout
    assert {first, second} & {row["image_id"] for row in images(run)} == set()


def test_what_is_in_no_row_changes_nothing(run: Path) -> None:
    before = whole(run)
    answer = forget(str(run), ["0" * 64, "https://a.example/x.jpg"])
    assert (answer.images, "nothing was changed" in str(answer)) == (0, True)
    assert whole(run) == before


@pytest.mark.parametrize("named", ["12ab", "ftp://a.example/x.jpg", "g" * 64])
def test_what_names_no_image_is_refused(run: Path, tmp_path: Path, named: str) -> None:
    before = whole(run)
    with pytest.raises(Refused, match="names no image: write its URL"):
        forget(str(run), [named])
    (tmp_path / "listed").write_text(f"# ok\n{named}\n")
    with pytest.raises(Refused, match="line 2"):
        forget(str(run), [], str(tmp_path / "listed"))
    assert whole(run) == before


def test_a_url_names_the_images_that_came_from_it(tmp_path: Path) -> None:
    gone = [f"http://localhost/{n}.jpg" for n in (1, 9)]
    write_fetched(tmp_path / "laion", [(fetched(n, picture(n)), picture(n)) for n in range(4)])
    again = [(fetched(9, None), None), (fetched(8, picture(5), url=gone[0]), picture(5))]
    write_fetched(tmp_path / "laion", again, "00001")
    asked = recipe([{"name": "laion", "kind": "img2dataset", "uri": str(tmp_path / "laion")}])
    made_here(asked, tmp_path)
    assert forget(str(tmp_path / "test"), gone).named == {gone[0]: 2, gone[1]: 1}
    assert made_here(asked, tmp_path)[1] == []
    assert traces(tmp_path / "test", gone) == []


@pytest.mark.parametrize("settings", [{}, []])
def test_a_lineage_that_names_no_sources_is_refused_in_one_sentence(run: Path, settings: object) -> None:
    file = run / "images/_lineage.json"
    value = json.loads(file.read_bytes())
    value["lineage"]["settings"] = settings
    file.write_text(json.dumps(value))
    with pytest.raises(Refused, match=r"images has a lineage that names no sources: put the old _lineage\.json"):
        forget(str(run), ["f" * 64])


def test_no_names_at_all_are_refused(run: Path) -> None:
    with pytest.raises(Refused, match="nothing is named"):
        forget(str(run), [])


def test_a_run_that_is_being_driven_is_refused(run: Path) -> None:
    before = whole(run)
    with driving(Folder(str(run))), pytest.raises(Refused, match="process"):
        forget(str(run), [images(run)[0]["image_id"]])
    assert whole(run) == before
