"""A run's pairs as Parquet: every kept pair, best first, with the very bytes of both images, or a reason why not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow.dataset import dataset
from world.authoring import image_row, pair_row, paired_run, photo
from world.committed import committed

from manifests.errors import Refused
from manifests.tables import IMAGES, PAIRS
from pipeline.benchmark.formats.writing import paired_images, pictures
from pipeline.benchmark.formats.writing.paired_images import write_paired_images
from pipeline.run.run import Run

SIDES = ("left", "right")


def images_of(run: Path) -> dict[str, dict[str, Any]]:
    return {row["image_id"]: row for row in dataset(run / "images").to_table().to_pylist()}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((folder / "data").iterdir()) for row in pq.read_table(path).to_pylist()]


def made_run(root: Path, images: Sequence[dict[str, Any]], pairs: Sequence[dict[str, Any]]) -> Path:
    committed(root / "images", IMAGES, pa.Table.from_pylist(list(images), schema=IMAGES.columns))
    committed(root / "pairs", PAIRS, pa.Table.from_pylist(list(pairs), schema=PAIRS.columns))
    return root


def ids(images: Sequence[dict[str, Any]], left: int, right: int) -> tuple[str, str]:
    return images[left]["image_id"], images[right]["image_id"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paired_run(tmp_path_factory.mktemp("runs"), 6)


@pytest.fixture(scope="module")
def folder(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("parquet")
    assert write_paired_images(Run.open(str(run)), to) == (6, {})
    return to


def test_both_images_are_the_files_themselves(run: Path, folder: Path) -> None:
    images = images_of(run)
    for row in rows_of(folder):
        for side in SIDES:
            held = hashlib.sha256(row[f"{side}_image"]["bytes"]).hexdigest()
            assert held == images[row[f"{side}_id"]]["sha256"]


def test_every_pair_is_there_best_first_with_all_that_is_known_of_it(run: Path, folder: Path) -> None:
    images, rows = images_of(run), rows_of(folder)
    pairs = sorted(dataset(run / "pairs").to_table().to_pylist(), key=lambda pair: pair["rank"])
    names = ("left_id", "right_id", "blind_cosine", "reference_cosine", "gap", "group", "rank")
    assert [[row[name] for name in names] for row in rows] == [[pair[name] for name in names] for pair in pairs]
    for row in rows:
        for side in SIDES:
            for name in ("caption", "label", "license", "url"):
                assert row[f"{side}_{name}"] == images[row[f"{side}_id"]][name]


def test_the_images_are_told_to_be_images(folder: Path) -> None:
    schema = pq.read_schema(folder / "data" / "pairs-00000.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == schema.names
    assert features["left_image"] == features["right_image"] == {"_type": "Image"}
    assert features["gap"] == {"dtype": "float64", "_type": "Value"}
    assert features["rank"] == {"dtype": "int64", "_type": "Value"}


def test_the_same_run_gives_the_same_bytes(run: Path, folder: Path, tmp_path: Path) -> None:
    write_paired_images(Run.open(str(run)), tmp_path)
    paths = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert [str(path) for path in paths] == ["README.md", "data/pairs-00000.parquet"]
    assert all((tmp_path / path).read_bytes() == (folder / path).read_bytes() for path in paths)


def test_only_the_best_ones_where_a_number_is_given(run: Path, tmp_path: Path) -> None:
    assert write_paired_images(Run.open(str(run)), tmp_path, 2) == (2, {})
    assert [row["rank"] for row in rows_of(tmp_path)] == [1, 2]


def test_pairs_that_the_filter_left_out_are_not_in_it(tmp_path: Path) -> None:
    (photos := tmp_path / "photos").mkdir()
    images = [image_row(photos, number) for number in range(4)]
    left_out = pair_row(ids(images, 2, 3), 1, 1) | {"rank": None, "group": None, "reason": "near_duplicates"}
    run = made_run(tmp_path / "run", images, [pair_row(ids(images, 0, 1), 1, 1), left_out])
    (to := tmp_path / "to").mkdir()
    assert write_paired_images(Run.open(str(run)), to) == (1, {})
    assert [row["rank"] for row in rows_of(to)] == [1]


def test_a_pair_whose_image_is_gone_or_changed_is_counted_and_the_others_are_written(tmp_path: Path) -> None:
    (photos := tmp_path / "photos").mkdir()
    images = [image_row(photos, number) for number in range(10)]
    images[7] |= {"status": "truncated", "error": "it is cut", "sha256": None}
    pairs = [pair_row(ids(images, 2 * place, 2 * place + 1), place + 1, 1) for place in range(5)]
    run = made_run(tmp_path / "run", images, pairs)
    (photos / "00001.jpg").unlink()
    whole = photo(2)
    (photos / "00002.jpg").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (photos / "00005.jpg").write_bytes(photo(5)[:100])
    (to := tmp_path / "to").mkdir()
    written, left_out = write_paired_images(Run.open(str(run)), to)
    assert written == 1
    assert left_out == {"bytes_changed": 1, "not_among_the_images": 1, "truncated": 1, "unreadable": 1}
    assert [row["rank"] for row in rows_of(to)] == [5]
    readme = (to / "README.md").read_text()
    assert all(f"Left out: 1 pairs ({why})." in readme for why in left_out)


def test_where_no_image_is_left_it_says_so(tmp_path: Path) -> None:
    run = paired_run(tmp_path, 2)
    for path in (tmp_path / "made-photos").iterdir():
        path.unlink()
    (to := tmp_path / "to").mkdir()
    with pytest.raises(Refused, match=r"none of the 2 pairs .* \(unreadable: 2\); bring them back"):
        write_paired_images(Run.open(str(run)), to)


def test_a_run_without_pairs_says_what_makes_them(tmp_path: Path) -> None:
    (photos := tmp_path / "photos").mkdir()
    images = [image_row(photos, 0)]
    committed(tmp_path / "run" / "images", IMAGES, pa.Table.from_pylist(images, schema=IMAGES.columns))
    with pytest.raises(Refused, match="has no pairs yet; `blindpairs run RECIPE` makes them") as refusal:
        write_paired_images(Run.open(str(tmp_path / "run")), tmp_path)
    assert refusal.value.exit_code == 2


def test_a_run_that_kept_no_pair_says_so(tmp_path: Path) -> None:
    (photos := tmp_path / "photos").mkdir()
    run = made_run(tmp_path / "run", [image_row(photos, 0)], [])
    with pytest.raises(Refused, match="kept no pair"):
        write_paired_images(Run.open(str(run)), tmp_path)


def test_files_and_row_groups_are_cut_by_bytes(run: Path, folder: Path, tmp_path: Path, monkeypatch) -> None:
    size = max(len(row[f"{side}_image"]["bytes"]) for row in rows_of(folder) for side in SIDES)
    monkeypatch.setattr(pictures, "GROUP_BYTES", 1)
    monkeypatch.setattr(paired_images, "FILE_BYTES", 3 * size)  # a pair is two images
    assert write_paired_images(Run.open(str(run)), tmp_path) == (6, {})
    files = sorted((tmp_path / "data").iterdir())
    assert [path.name for path in files] == [f"pairs-0000{number}.parquet" for number in range(3)]
    assert [pq.ParquetFile(path).metadata.num_row_groups for path in files] == [2, 2, 2]
    assert rows_of(tmp_path) == rows_of(folder)


@settings(deadline=None)
@given(sizes=st.lists(st.integers(0, 40)), bound=st.integers(1, 60), most=st.integers(1, 5))
def test_a_group_holds_all_rows_in_order_and_no_more_bytes_than_it_must(sizes, bound, most) -> None:
    rows = [{"rank": rank, "left_image": {"bytes": bytes(size)}} for rank, size in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "GROUP_BYTES", bound)
        patch.setattr(pictures, "MOST_ROWS", most)
        groups = [list(group) for group in pictures.groups(rows)]
    assert [row for group in groups for row in group] == rows
    assert all(1 <= len(group) <= most for group in groups)
    assert all(sum(len(row["left_image"]["bytes"]) for row in group[:-1]) < bound for group in groups)


def test_images_are_looked_up_a_part_of_the_pairs_at_a_time(run: Path, folder: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(paired_images, "AT_ONCE", 2)
    assert write_paired_images(Run.open(str(run)), tmp_path) == (6, {})
    assert rows_of(tmp_path) == rows_of(folder)
