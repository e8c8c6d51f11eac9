"""Lint as a person runs it: what it takes for what, what it says, and its exit code."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world import ilsvrc
from world.commands import blindpairs
from world.fetches import fetched, write_fetched
from world.pictures import jpeg
from world.processes import PATIENCE_S
from world.sources import CLEAN, entries, fetched_folder, hub, photos, tars
from world.tars import laid_out, packed

from manifests.errors import Refused
from manifests.stores import patience
from pipeline.executors import machine
from pipeline.reports.lint import parallel, places
from pipeline.reports.lint import source_listing as there
from pipeline.reports.lint.draw import Draw
from pipeline.reports.lint.lint import lint


def ilsvrc_validation(folder: Path) -> None:
    """The validation tar, and the devkit beside it."""
    images = ilsvrc.validation()
    devkit = ilsvrc.pack_devkit(ilsvrc.write_devkit(folder, ilsvrc.truth_of(images)))
    devkit.replace(folder / devkit.name)
    (folder / "ILSVRC2012_img_val.tar").write_bytes(packed(images.items()))


def found(answer) -> list[tuple[str, str, str | None]]:
    return [(one["code"], one["file"], one["member"]) for one in answer.to_json()["findings"]]


def test_the_command_ends_with_0_for_a_clean_source_with_1_for_an_error_and_2_where_nothing_is(tmp_path: Path) -> None:
    folder = tars(tmp_path / "source")
    clean = blindpairs("lint", str(folder))
    assert (clean.returncode, clean.stdout.count("\n")) == (0, 1)
    assert "2 files, 8 images" in clean.stdout
    (folder / "00001.tar").write_bytes(b"no tar")
    wrong = blindpairs("lint", str(folder), "--json", "--decode", "all")
    assert wrong.returncode == 1
    said = json.loads(wrong.stdout)
    assert (said["images"], said["decoded"], said["errors"]) == (4, 4, 1)
    assert [finding["code"] for finding in said["findings"]] == ["not_a_tar"]
    nothing = blindpairs("lint", str(tmp_path / "sauce"))
    assert nothing.returncode == 2
    assert nothing.stderr.count("\n") == 1
    assert "sauce" in nothing.stderr


@pytest.mark.parametrize("draw", ["some", "-1", "1.5", ""])
def test_a_draw_that_is_neither_a_number_nor_all_nor_none_is_refused(draw: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="--decode"):
        lint(str(tars(tmp_path / "source")), draw, 0)


def test_a_folder_without_anything_to_lint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(Refused, match="no tar, no image file and no Parquet"):
        lint(str(tmp_path), "none", 0)


def test_tars_named_by_braces_are_judged_with_what_img2dataset_left_beside_them(tmp_path: Path) -> None:
    folder = fetched_folder(tmp_path / "source")
    (folder / "00001_stats.json").unlink()
    (folder / "mine.json").write_text("{}")
    answer = lint(f"{folder}/{{00000..00001}}.tar", "none", 0)
    assert answer.kind == "img2dataset"
    assert sorted(found(answer)) == [("foreign_json", "mine.json", None), ("unfinished", "00001.tar", None)]
    only = lint(f"{folder}/00000.tar", "none", 0)
    assert (only.files, [code for code, _, _ in found(only)]) == (1, ["foreign_json"])


def test_tars_of_one_name_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    for part in ("left", "right"):
        tars(tmp_path / part)
        (tmp_path / part / "00000.tar").unlink()
    (tmp_path / "right" / "00001.tar").write_bytes(packed([("z.jpg", b"")]))
    for source in (tmp_path, tmp_path / "*" / "*.tar"):
        assert ("empty", "right/00001.tar", "z.jpg") in found(lint(str(source), "none", 0))


def test_a_tar_of_class_tars_is_looked_into(tmp_path: Path) -> None:
    inner = [(f"n0{synset}.tar", packed(entries(synset * 10, 2)[::3])) for synset in range(3)]
    outer = tmp_path / "train.tar"
    outer.write_bytes(packed(inner))
    assert (lint(str(outer), "all", 0).images, found(lint(str(outer), "all", 0))) == (6, [])
    inner[1] = ("n01.tar", packed([("n01_1.JPEG", jpeg(20)), ("n01_2.JPEG", b"")]))
    outer.write_bytes(packed([*inner[:2], ("n02.tar", inner[2][1][:900])]))
    answer = lint(str(outer), "all", 0)
    assert ("empty", "train.tar", "n01.tar/n01_2.JPEG") in found(answer)
    assert ("truncated", "train.tar", None) in found(answer)


def test_a_thousand_equal_faults_are_one_line_with_their_number_and_three_names(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(packed([(f"{place:04d}.jpg", b"") for place in range(1200)]))
    answer = lint(str(tmp_path), "none", 0)
    line, _ = str(answer).split("\n")
    assert line.startswith("error    a.tar:0000.jpg, a.tar:0001.jpg, a.tar:0002.jpg and 1,197 more  empty  1,200 ")
    said = answer.to_json()
    assert (said["codes"]["empty"]["found"], len(said["findings"])) == (1200, 1000)


def test_copies_are_counted_to_the_last_one_and_named_with_what_they_are_copies_of(tmp_path: Path) -> None:
    for shard in range(3):
        (tmp_path / f"{shard}.tar").write_bytes(packed([(f"{shard}-{place:02d}.jpg", jpeg(0)) for place in range(20)]))
    answer = lint(str(tmp_path), "none", 0)
    assert answer.to_json()["codes"] == {"same_bytes": {"severity": "warning", "found": 59}}
    assert all("the same bytes as 0.tar:0-00.jpg" in one["sentence"] for one in answer.to_json()["findings"])
    assert found(answer)[19] == ("same_bytes", "1.tar", "1-00.jpg")


def test_the_draw_is_of_all_shards_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for shard in range(4):
        members = [(f"{shard}{place:02d}.jpg", jpeg(shard * 50 + place)[:-150]) for place in range(50)]
        (tmp_path / f"{shard}.tar").write_bytes(packed(members))

    def drawn(seed: int, draw: str = "60") -> list[str]:
        answer = lint(str(tmp_path), draw, seed)
        assert answer.decoded == (60 if draw == "60" else 200)
        return [str(member) for code, _, member in found(answer) if code == "undecodable"]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(set(drawn(1))) == 60
    of_shards = Counter(name[0] for name in drawn(1))
    assert len(of_shards) == 4
    assert min(of_shards.values()) > 5
    assert len(drawn(1, "all")) == len(drawn(1, "1000")) == 200


def test_several_processes_find_what_one_finds(tmp_path: Path, monkeypatch) -> None:
    folder = fetched_folder(tmp_path / "source")
    for number, path in enumerate(sorted(folder.glob("*.tar"))):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 - number])
    alone = lint(str(folder), "5", 7).to_json()
    monkeypatch.setattr(parallel, "PROCESSES_FROM", 0)
    monkeypatch.setattr(machine, "cores", lambda: 2)
    assert lint(str(folder), "5", 7).to_json() == alone
    assert alone["errors"] > 1


def test_images_named_by_a_glob_are_a_folder_of_their_own(tmp_path: Path) -> None:
    answer = lint(f"{photos(tmp_path / 'source')}/*.JPG", "none", 0)
    assert (answer.kind, answer.images, found(answer)) == ("folder", 2, [])


@pytest.mark.parametrize("form", CLEAN)
def test_a_source_in_a_bucket_is_judged_as_on_a_disk(form: str, bucket, tmp_path: Path) -> None:
    folder = CLEAN[form](tmp_path / "source")
    url = bucket.upload(folder, form)
    assert found(lint(url, "2", 0)) == []
    assert lint(url, "2", 0).kind == form


def test_faults_in_a_bucket_are_found(bucket, tmp_path: Path) -> None:
    folder = fetched_folder(tmp_path / "source")
    whole = (folder / "00000.tar").read_bytes()
    (folder / "00000.tar").write_bytes(whole[: len(whole) // 4])
    (folder / "notes.json").write_text("{}")
    url = bucket.upload(folder, "source")
    for source in (url, f"{url}/{{00000..00001}}.tar"):
        codes = {code for code, _, _ in found(lint(source, "none", 0))}
        assert codes == {"truncated", "table_disagrees", "foreign_json"}


def test_a_bucket_that_is_not_there_is_refused(bucket) -> None:
    with pytest.raises(Refused, match="nowhere"):
        lint(f"{bucket}-nowhere/photos", "none", 0)


def test_a_store_that_fails_midway_is_no_finding_but_a_refusal(bucket, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_S", 0.5)
    url = bucket.upload(tars(tmp_path / "source"), "source")
    bucket.proxy.fail(seconds=PATIENCE_S, only=("get",))
    with pytest.raises(Refused, match="the store failed"):
        lint(url, "none", 0)
    bucket.proxy.fail()


def test_of_a_shard_that_was_looked_at_stay_hashes_and_no_names(tmp_path: Path) -> None:
    picture, name = jpeg(0), "a-name-as-long-as-those-that-people-give-to-their-photos-"
    (tmp_path / "a.tar").write_bytes(packed([(f"{name}{place:06d}.jpg", picture) for place in range(3000)]))
    (shard,) = places.found(str(tmp_path)).shards
    tally = parallel.look_at(shard, Draw("10", 0))
    assert tally.images == 3000
    assert len(pickle.dumps(tally)) < 3000 * 16 + 10_000


IMAGENET = {
    "tars": [lambda folder: ilsvrc.write_train_tar(folder, ilsvrc.noise()), ilsvrc_validation],
    "folder": [lambda folder: ilsvrc.write_folders(folder, ilsvrc.noise())],
    "parquet": [lambda folder: ilsvrc.write_hub(folder, ilsvrc.noise())],
}


@pytest.mark.parametrize(("form", "write"), [(form, write) for form, writes in IMAGENET.items() for write in writes])
def test_nothing_is_found_in_the_forms_that_people_have_imagenet_in(form: str, write, tmp_path: Path) -> None:
    write(tmp_path / "source")
    answer = lint(str(tmp_path / "source"), "all", 0)
    assert (answer.kind, found(answer), answer.images) == (form, [], 12)


def test_a_folder_is_judged_alike_in_any_stretches(tmp_path: Path, monkeypatch) -> None:
    folder = photos(tmp_path / "source")
    for name in ("0.JPG", "9.jxl", "below/1.JPG"):
        (folder / name).write_bytes(b"no image")
    (folder / "8.JPG").write_bytes((folder / "2.JPG").read_bytes())
    whole = lint(str(folder), "all", 0).to_json()
    monkeypatch.setattr(there, "STRETCH", 2)
    assert len(places.found(str(folder)).shards) == 3
    assert lint(str(folder), "all", 0).to_json() == whole
    assert {one["code"] for one in whole["findings"]} == {"not_an_image", "same_bytes", "unread_image"}


def test_what_kind_urls_fetched_is_clean_with_its_lists_and_with_rows_forgotten(tmp_path: Path) -> None:
    folder = fetched_folder(tmp_path / "source")
    for path in folder.glob("*_stats.json"):
        path.unlink()
    for path in folder.glob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.append_column("again_in", pa.nulls(len(table), pa.string())).slice(1), path)
    (folder / "_again").mkdir()
    pq.write_table(table, folder / "_again" / "some-00000.parquet")
    assert found(lint(str(folder), "all", 0)) == []


def test_a_parquet_without_images_is_told(tmp_path: Path) -> None:
    folder = hub(tmp_path / "source")
    table = pq.read_table(folder / "train-00000-of-00001.parquet").drop_columns(["image"])
    pq.write_table(table, folder / "train-00000-of-00001.parquet")
    assert [code for code, _, _ in found(lint(str(folder), "none", 0))] == ["bad_table"]


def as_kind_urls_leaves_them(folder: Path, forgotten: str) -> None:
    """Two tars with the same keys and other URLs, of which an image was forgotten, with its caption and fields."""
    for shard in (0, 1):
        tar = write_fetched(folder, [(fetched(n, jpeg(shard * 10 + n)) | {"url": f"{shard}/{n}"}, jpeg(shard * 10 + n))
                                     for n in range(3)], f"{shard:05d}")  # fmt: skip
        tar.with_name(f"{tar.stem}_stats.json").unlink()
        table = pq.read_table(tar.with_suffix(".parquet"))
        table = table.append_column("again_in", pa.nulls(3, pa.string()))
        kept = [name != forgotten for name in table.column("key").to_pylist()]
        pq.write_table(table.filter(kept), tar.with_suffix(".parquet"))
        data = bytearray(tar.read_bytes())
        for one in laid_out(bytes(data)):
            if one.name.startswith(forgotten):
                data[one.start : one.stop] = bytes(one.stop - one.start)
        tar.write_bytes(data)


def test_what_was_forgotten_is_no_fault_and_no_image_and_keys_are_positions(tmp_path: Path) -> None:
    as_kind_urls_leaves_them(tmp_path, "000000001")
    answer = lint(str(tmp_path), "all", 0)
    assert (answer.images, found(answer)) == (4, [])


def test_an_image_behind_a_forgotten_one_is_still_named_rightly(tmp_path: Path) -> None:
    as_kind_urls_leaves_them(tmp_path, "000000000")
    for ending in ("tar", "parquet"):  # as two machines leave it that fetched the same list
        (tmp_path / f"00001.{ending}").write_bytes((tmp_path / f"00000.{ending}").read_bytes())
    again = [("same_bytes", "00001.tar", f"00000000{n}.jpg") for n in (1, 2)]
    assert found(lint(str(tmp_path), "none", 0)) == again


def test_zeros_that_a_row_names_are_a_fault(tmp_path: Path) -> None:
    as_kind_urls_leaves_them(tmp_path, "000000001")
    table = pq.read_table(tmp_path / "00001.parquet").to_pylist()
    table[1]["key"] = "000000001"
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "00001.parquet")
    schema = pq.read_schema(tmp_path / "00001.parquet")
    assert "again_in" in schema.names
    assert ("not_an_image", "00001.tar", "000000001.jpg") in found(lint(str(tmp_path), "none", 0))


def test_many_tars_without_some_captions_say_which_and_how_many(tmp_path: Path) -> None:
    for shard in range(5):
        members = entries(shard * 10, 4)
        (tmp_path / f"{shard}.tar").write_bytes(packed(one for one in members if one[0] != f"000{shard}1.txt"))
    (line, _) = str(lint(str(tmp_path), "none", 0)).split("\n")
    assert line.startswith("warning  0.tar:00001.jpg, 1.tar:00011.jpg, 2.tar:00021.jpg and 2 more  missing_caption")
    assert "5 times: 5 of 20 images have no .txt beside them; add them" in line
