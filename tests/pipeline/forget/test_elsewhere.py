"""What lies outside the manifests: fetched bytes are wiped, texts that name an image are replaced."""

from __future__ import annotations

import json
import tempfile
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
from world.growing import picture, rows
from world.inline import made_here
from world.processes import writing
from world.runs import recipe
from world.tars import laid_out, packed

from manifests.manifest import Manifest
from manifests.storage import Folder
from manifests.tables import image_id
from pipeline.forget.bytes_there import wiped
from pipeline.forget.forget import forget
from pipeline.forget.named import named_as_served
from stages.download.urls import fetched_table

URLS = [f"https://a.example/{number}.png" for number in range(3)]
STEM = "web-" + "-".join(("0" * 8, "0" * 16, "0" * 6))


def fetched(into: str) -> tuple[bytes, list[dict]]:
    """A tar of three images with captions, its table, and the rows of the images table made of them."""
    tar = packed(
        (f"{n:05}.{kind}", data) for n in range(3) for kind, data in (("png", picture(n)), ("txt", b"caption"))
    )
    Folder(into).write(f"{STEM}.tar", tar)
    keys = [f"{n:05}" for n in range(3)]
    nothing = pa.nulls(3, pa.string())
    outcomes = pa.table({"key": keys, "status": ["ok"] * 3, "error": nothing, "sha256": keys, "asked_at": keys})
    fetched_table.write(Folder(into), f"{STEM}.parquet", URLS, outcomes)
    lying = [one for one in laid_out(tar) if one.name.endswith("png")]
    facts = {"source": "web", "uri": f"{into}/{STEM}.tar"}
    ids = [image_id("web", url) for url in URLS]
    hashes = [sha256(tar[one.start : one.stop]).hexdigest() for one in lying]
    places = [
        {"offset": one.start, "length": one.stop - one.start, "sha256": digest}
        for one, digest in zip(lying, hashes, strict=True)
    ]
    return tar, [{"image_id": name, **facts, **place} for name, place in zip(ids, places, strict=True)]


@pytest.mark.parametrize("where", ["disk", "bucket"])
def test_what_was_fetched_for_it_is_wiped_with_its_caption_and_its_row(where: str, tmp_path: Path, request) -> None:
    into = str(tmp_path / "into") if where == "disk" else request.getfixturevalue("bucket").url("into")
    tar, images = fetched(into)
    for _ in range(2):  # the second time as after a kill
        told = wiped({"web": {"kind": "urls", "into": into}}, images[1:2])
        assert (told.wiped, told.left) == (1, 0)
    now = Folder(into).read(f"{STEM}.tar")
    assert len(now) == len(tar)
    for one in laid_out(tar):
        same = now[one.start : one.stop] == tar[one.start : one.stop]
        assert same is (not one.name.startswith("00001"))
        assert same or not any(now[one.start : one.stop])
    assert fetched_table.read(Folder(into), f"{STEM}.parquet").column("url").to_pylist() == [URLS[0], URLS[2]]


def test_a_hash_of_the_bytes_as_served_names_an_image_that_was_resized(tmp_path: Path) -> None:
    fetched(str(tmp_path / "into"))
    sources = {"web": {"kind": "urls", "into": str(tmp_path / "into")}, "photos": {"kind": "folder"}}
    assert named_as_served(sources, {"00001", "elsewhere"}) == {image_id("web", URLS[1]): "00001"}


def test_what_is_gone_or_damaged_there_is_said_and_keeps_nobody(tmp_path: Path) -> None:
    sources = {"web": {"kind": "urls", "into": str(tmp_path / "into")}}
    assert wiped(sources, []).wiped == 0
    _, images = fetched(str(tmp_path / "into"))
    (tmp_path / f"into/{STEM}.parquet").write_bytes(b"PAR1 damaged")
    told = wiped(sources, images[:1])
    assert (told.wiped, told.uris) == (1, (f"{tmp_path}/into/{STEM}.parquet",))
    (tmp_path / f"into/{STEM}.tar").unlink()
    assert wiped(sources, images[1:2]).wiped == 0


WRITES = """
from manifests.storage import Folder
with Folder(sys.argv[1]).aside(sys.argv[2]) as path:
    path.write_bytes(b"a photo")
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("where", ["disk", "bucket"])
def test_what_a_killed_process_left_half_written_of_it_goes(
    where: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    into = str(tmp_path / "into") if where == "disk" else request.getfixturevalue("bucket").url("into")
    for folder in (into, f"{into}/_again"):
        with writing(WRITES, folder, f"{STEM}.tar"):
            pass
    assert any(one.read_bytes() == b"a photo" for one in tmp_path.rglob("*.tar*") if one.is_file())
    assert wiped({"web": {"kind": "urls", "into": into}}, []).left == 0
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_a_table_of_which_all_is_forgotten_stops_no_later_forget(tmp_path: Path) -> None:
    sources = {"web": {"kind": "urls", "into": str(tmp_path / "into")}}
    _, images = fetched(str(tmp_path / "into"))
    for _ in range(2):
        assert wiped(sources, images).left == 0
    assert fetched_table.read(Folder(str(tmp_path / "into")), f"{STEM}.parquet").num_rows == 0


def test_a_damaged_list_is_said_and_keeps_nobody(tmp_path: Path) -> None:
    _, images = fetched(str(tmp_path / "into"))
    Folder(str(tmp_path / "into/_again")).write(f"web-{'0' * 8}-00000.parquet", b"PAR1 damaged")
    told = wiped({"web": {"kind": "urls", "into": str(tmp_path / "into")}}, images[:1])
    assert (told.wiped, told.uris) == (1, (f"{tmp_path}/into/_again",))


def test_bytes_that_are_another_images_by_now_are_left(tmp_path: Path) -> None:
    tar, images = fetched(str(tmp_path / "into"))
    told = wiped({"web": {"kind": "urls", "into": str(tmp_path / "into")}}, [images[0] | {"sha256": "0" * 64}])
    assert told.wiped == 0
    assert (tmp_path / f"into/{STEM}.tar").read_bytes() == tar


def test_what_others_own_is_named_not_touched(tmp_path: Path) -> None:
    tar, images = fetched(str(tmp_path / "into"))
    for sources in ({"web": {"kind": "shards"}}, {"web": {"kind": "urls", "into": str(tmp_path / "other")}}):
        told = wiped(sources, images)
        assert (told.wiped, told.left, told.uris) == (0, 3, (f"{tmp_path}/into/{STEM}.tar",))
        assert "a new run would find them again" in str(told)
    assert (tmp_path / f"into/{STEM}.tar").read_bytes() == tar


def test_texts_that_name_it_and_the_bounds_of_a_folders_plan_name_it_no_more(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(6):
        (tmp_path / f"photos/scene-{number}.png").write_bytes(picture(number))
    source = {"name": "photos", "kind": "folder", "uri": str(tmp_path / "photos")}
    asked = recipe([source], images={"sources": [source], "shard_rows": 2})
    manifests, _ = made_here(asked, tmp_path)
    run, events = tmp_path / "test", tmp_path / "test/_events"
    gone = next(row for row in rows(manifests["images"]) if row["key"].endswith("scene-1"))
    events.mkdir()
    lines = [{"event": "task failed", "error": f"cannot read {gone['uri']}", "task": "photos-00000"}]
    lines += [{"event": "task done", "task": "photos-00000"}, {"event": "run ended", "why": "scene-10 is unreadable"}]
    (events / "1-a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"event": "torn scene-1')
    failures = [{"task": "photos-00000", "error": "too large", "trace": f"in {gone['image_id']}"}]
    (run / "images/_failures.json").write_text(json.dumps(failures))
    forget(str(run), [gone["image_id"]])
    now = [json.loads(line) for line in (events / "1-a.jsonl").read_text().splitlines()]
    assert now == [lines[0] | {"error": "(this named an image that was forgotten)"}, *lines[1:]]
    assert json.loads((run / "images/_failures.json").read_text())[0]["error"] == "too large"
    texts = [path.read_text() for path in run.rglob("*.json*")]
    assert all(gone[name] not in text for text in texts for name in ("image_id", "sha256"))
    assert all("scene-1." not in text for text in texts)
    assert Manifest.open(Folder(str(run / "images"))).rows == 5
    (tmp_path / "photos/scene-1.png").write_bytes(picture(1))
    assert made_here(asked, tmp_path)[1] == []
