"""The audit finds what is missing, false or wrong in the candidates, on runs whose truth is known number by number."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from world.audits import (
    Row,
    candidates_by_the_search,
    candidates_of,
    cosine,
    ids_of,
    pairs_above,
    random_vectors,
    rows_of,
    searched_run,
)

from manifests.errors import NotCommitted, Refused, Unbalanced
from manifests.manifest import Manifest
from manifests.storage import Folder
from pipeline.reports.audit import truth
from pipeline.reports.audit.audit import audit
from pipeline.reports.audit.result import Audit, read_audit
from pipeline.run.layout import AUDIT
from pipeline.run.run import Run

COUNT, FLOOR = 60, 0.6
EVERY = 10**6  # more images than there are


def audited(run: Folder, images: int = EVERY, seed: int = 0) -> Audit:
    return audit(Run(run), images=images, seed=seed)


@pytest.fixture
def vectors(request: pytest.FixtureRequest):
    return random_vectors(COUNT, getattr(request, "param", 0))


of_three_kinds = pytest.mark.parametrize("vectors", range(3), indirect=True)


@pytest.fixture
def run(vectors, tmp_path: Path) -> Folder:
    return searched_run(tmp_path / "run", vectors, shards=4)


@of_three_kinds
def test_candidates_that_are_all_there_are_all_found(vectors, run: Folder) -> None:
    rows = pairs_above(vectors, FLOOR)
    candidates_of(run, rows, min_cosine=FLOOR)
    found = audited(run)
    assert len(rows) > 20
    assert (found.images, found.of, found.comparisons) == (COUNT, COUNT, COUNT * (COUNT - 1) // 2)
    assert (found.true_pairs, found.found, found.recall, found.interval) == (len(rows), len(rows), 1.0, (1.0, 1.0))
    assert (found.missed, found.false, found.wrong, found.cut, found.border, found.defect) == (0, 0, 0, 0, 0, False)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_only_pairs_that_touch_a_drawn_image_are_looked_for(vectors, run: Folder, seed: int) -> None:
    rows = pairs_above(vectors, FLOOR)
    candidates_of(run, rows, min_cosine=FLOOR)
    found = audited(run, images=9, seed=seed)
    ids = sorted(ids_of(COUNT))
    drawn = {ids[place] for place in np.random.default_rng(seed).choice(COUNT, 9, replace=False)}
    touched = [row for row in rows if drawn & set(row[:2])]
    assert (found.images, found.comparisons) == (9, 9 * (COUNT - 9) + 9 * 8 // 2)
    assert (found.true_pairs, found.found) == (len(touched), len(touched))


@of_three_kinds
def test_a_pair_that_is_not_among_the_candidates_is_missed_and_named(vectors, run: Folder) -> None:
    rows = pairs_above(vectors, FLOOR)
    gone = rows[::7]
    candidates_of(run, [row for row in rows if row not in gone], min_cosine=FLOOR)
    found = audited(run)
    named = {(pair.left_id, pair.right_id): (pair.blind_cosine, pair.reference_cosine) for pair in found.missed_pairs}
    assert named == {row[:2]: pytest.approx(row[2:], abs=1e-12) for row in gone}
    assert (found.missed, found.found, found.defect) == (len(gone), len(rows) - len(gone), True)
    assert found.recall == (len(rows) - len(gone)) / len(rows)


def test_no_candidates_at_all_are_all_missed(vectors, run: Folder) -> None:
    candidates_of(run, [], min_cosine=FLOOR)
    found = audited(run)
    assert (found.found, found.missed, found.recall) == (0, len(pairs_above(vectors, FLOOR)), 0.0)


def test_of_the_methods_only_ivf_may_miss(vectors, run: Folder) -> None:
    candidates_of(run, pairs_above(vectors, FLOOR)[1:], min_cosine=FLOOR, method="ivf")
    found = audited(run)
    assert (found.missed, found.defect) == (1, False)


def test_a_candidate_below_the_floor_is_false(vectors, run: Folder) -> None:
    rows, below = pairs_above(vectors, FLOOR), pairs_above(vectors, FLOOR - 0.1)
    false = next(row for row in below if row not in rows)
    candidates_of(run, [*rows, false], min_cosine=FLOOR)
    found = audited(run)
    (named,) = found.false_pairs
    assert (named.left_id, named.right_id, named.stored_blind_cosine, named.stored_reference_cosine) == false
    assert (found.false, found.wrong, found.missed, found.defect) == (1, 0, 0, True)


def test_a_candidate_that_stands_there_twice_is_false_once(vectors, run: Folder) -> None:
    rows = pairs_above(vectors, FLOOR)
    candidates_of(run, [*rows, rows[3]], min_cosine=FLOOR)
    found = audited(run)
    assert (found.false, found.found) == (1, len(rows))


def test_copies_and_rejected_images_are_not_compared_and_their_candidates_are_false(vectors, tmp_path: Path) -> None:
    run = searched_run(tmp_path / "run", vectors, rejected=(4, 9), copies={20: 3, 21: 3}, shards=3)
    rows = pairs_above(vectors, FLOOR, without=(4, 9, 20, 21))
    ids = set(ids_of(COUNT)[20:21])
    of_a_copy = [row for row in pairs_above(vectors, FLOOR, without=(4, 9, 21)) if ids & set(row[:2])]
    candidates_of(run, [*rows, *of_a_copy], min_cosine=FLOOR)
    found = audited(run)
    assert (found.of, found.true_pairs, found.found) == (COUNT - 4, len(rows), len(rows))
    assert found.false == len(of_a_copy) > 0


@pytest.mark.parametrize("place", [2, 3])
@pytest.mark.parametrize(("moved", "wrong"), [(1e-6, 1), (-2e-9, 1), (float("nan"), 1), (1e-11, 0)])
def test_a_stored_cosine_that_is_not_the_vectors_is_wrong(
    vectors, run: Folder, place: int, moved: float, wrong: int
) -> None:
    rows = pairs_above(vectors, FLOOR)
    other = list(rows[5])
    other[place] += moved
    candidates_of(run, [*rows[:5], tuple(other), *rows[6:]], min_cosine=FLOOR)
    found = audited(run)
    assert (found.wrong, found.false, found.missed, found.found) == (wrong, 0, 0, len(rows))
    assert [(pair.left_id, pair.right_id) for pair in found.wrong_pairs] == [rows[5][:2]] * wrong
    assert read_audit(Manifest.open(run / "candidates")) == found
    assert found.defect == bool(wrong)


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("off", [0.0, 5e-13, -5e-13])
def test_a_pair_on_the_border_is_neither_found_nor_missed(vectors, run: Folder, stored: bool, off: float) -> None:
    rows = sorted(pairs_above(vectors, FLOOR), key=lambda row: row[2])
    floor = rows[0][2] + off
    candidates_of(run, rows if stored else rows[1:], min_cosine=floor)
    found = audited(run)
    assert (found.border, found.true_pairs, found.found) == (1, len(rows) - 1, len(rows) - 1)
    assert (found.missed, found.false, found.wrong) == (0, 0, 0)


@pytest.mark.parametrize(("off", "missed"), [(1e-11, 0), (-1e-11, 1)])
def test_a_pair_off_the_border_is_decided(vectors, run: Folder, off: float, missed: int) -> None:
    rows = sorted(pairs_above(vectors, FLOOR), key=lambda row: row[2])
    candidates_of(run, rows[1:], min_cosine=rows[0][2] + off)
    found = audited(run)
    assert (found.border, found.missed) == (0, missed)


def crowd(count: int = 40) -> dict[str, np.ndarray]:
    """Look-alikes for the blind encoder, each of its own for the reference."""
    rng = np.random.default_rng(5)
    blind = np.array([1.0, 0, 0, 0]) + rng.normal(scale=0.01, size=(count, 4))
    return {"blind": blind.astype(np.float32), "reference": random_vectors(count, 6)["reference"]}


@pytest.mark.parametrize("count", [40, 600])  # one tile, and several, each with its own cap
def test_what_the_cap_of_the_search_took_is_cut_and_not_missed(tmp_path: Path, count: int) -> None:
    run = searched_run(tmp_path / "run", crowd(count), shards=2)
    manifest = candidates_by_the_search(run, method="flat", max_per_image=3, min_cosine=0.9)
    found = audited(run)
    assert found.cut == manifest.counts.rejected["over_max_per_image"] > 500
    assert (found.found, found.missed, found.true_pairs) == (manifest.rows, 0, count * (count - 1) // 2)
    assert (found.recall, found.defect) == (1.0, False)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_a_pair_among_the_best_of_an_image_cannot_have_been_cut(tmp_path: Path, rank: int) -> None:
    run = searched_run(tmp_path / "run", crowd())
    manifest = candidates_by_the_search(run, method="flat", max_per_image=3, min_cosine=0.9)
    rows, cut = rows_of(manifest), manifest.counts.rejected["over_max_per_image"]

    def best(row: Row) -> int:
        """Its place among the candidates of the image it matters most to."""
        return min(sum(one[3] < row[3] for one in rows if end in one[:2]) for end in row[:2])

    gone = next(row for row in rows if best(row) == rank)
    shutil.rmtree(run.local / "candidates")
    candidates_of(run, [row for row in rows if row != gone], cut=cut, min_cosine=0.9, max_per_image=3)
    found = audited(run)
    assert (found.missed, found.cut, found.defect) == (1, cut, True)
    assert (found.missed_pairs[0].left_id, found.missed_pairs[0].right_id) == gone[:2]


@pytest.mark.parametrize(("cut", "cap"), [(0, 3), (9, None)])
def test_without_a_cap_or_a_cut_nothing_was_cut(tmp_path: Path, cut: int, cap: int | None) -> None:
    run, rows = searched_run(tmp_path / "run", crowd()), pairs_above(crowd(), 0.9)
    last = max(rows, key=lambda row: row[3])
    candidates_of(run, [row for row in rows if row != last], cut=cut, min_cosine=0.9, max_per_image=cap)
    assert (audited(run).missed, audited(run).cut) == (1, 0)


@pytest.mark.parametrize(("method", "probes"), [("flat", 1), ("ivf", 10**6)])
def test_the_search_misses_nothing_where_it_promises_so(tmp_path: Path, method: str, probes: int) -> None:
    run = searched_run(tmp_path / "run", random_vectors(700, 8), shards=3)
    candidates_by_the_search(run, method=method, ivf_probes=probes, min_cosine=0.8, max_per_image=None)
    found = audited(run, images=100)
    assert (found.recall, found.missed, found.false, found.wrong) == (1.0, 0, 0, 0)
    assert found.found > 500


def test_ivf_that_looks_into_one_cell_misses_and_the_audit_says_how_many(tmp_path: Path) -> None:
    run = searched_run(tmp_path / "run", random_vectors(700, 8))
    candidates_by_the_search(run, method="ivf", ivf_probes=1, min_cosine=0.8, max_per_image=None)
    drawn, every = audited(run, images=100), audited(run)
    assert 0.1 < every.recall < 0.99
    assert drawn.interval[0] < drawn.recall < drawn.interval[1]
    assert drawn.missed > 0
    assert not drawn.defect


def test_a_floor_no_pair_reaches_leaves_the_recall_unknown(vectors, run: Folder) -> None:
    candidates_of(run, [], min_cosine=1.0)
    found = audited(run, images=5)
    assert (found.true_pairs, found.recall, found.interval, found.defect) == (0, None, (0.0, 1.0), False)


@pytest.mark.parametrize("count", [0, 1])
def test_a_run_of_no_pair_of_images_can_be_audited(tmp_path: Path, count: int) -> None:
    everything = random_vectors(3, 0)
    run = searched_run(tmp_path / "run", everything, rejected=range(count, 3))
    candidates_of(run, [], min_cosine=0.5)
    found = audited(run)
    assert (found.images, found.of, found.comparisons, found.recall) == (count, count, 0, None)


def test_the_draw_depends_on_the_seed_alone_and_not_on_shards_or_batches(
    vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def facts(shards: int, seed: int) -> dict:
        run = searched_run(tmp_path / f"{shards} {seed} {truth.ROWS}", vectors, shards=shards)
        candidates_of(run, pairs_above(vectors, FLOOR)[::2], min_cosine=FLOOR)
        told = audited(run, images=17, seed=seed).to_json()
        named = [(pair["left_id"], pair["right_id"], round(pair["blind_cosine"], 12)) for pair in told["missed_pairs"]]
        return told | {"seconds": 0, "missed_pairs": named}

    once = facts(1, 3)
    assert facts(5, 3) == once
    assert facts(1, 4)["missed_pairs"] != once["missed_pairs"]
    monkeypatch.setattr(truth, "ROWS", 7)
    monkeypatch.setattr(truth, "LOT", 4)
    assert facts(5, 3) == once


def test_vectors_of_any_length_stored_as_float16_are_judged_as_they_are_stored(vectors, tmp_path: Path) -> None:
    half = {role: (array * 1.0004).astype(np.float16) for role, array in vectors.items()}
    run, rows = searched_run(tmp_path / "run", half, dtype=pa.float16(), shards=2), pairs_above(half, FLOOR)
    candidates_of(run, rows, min_cosine=FLOOR)
    found = audited(run)
    assert (found.found, found.missed, found.false, found.wrong) == (len(rows), 0, 0, 0)


def test_one_encoder_can_play_both_roles(vectors, tmp_path: Path) -> None:
    run = searched_run(tmp_path / "run", {"blind": vectors["blind"]})
    rows = pairs_above({"blind": vectors["blind"], "reference": vectors["blind"]}, FLOOR)
    candidates_of(run, rows, min_cosine=FLOOR, reference="blind")
    assert audited(run).found == len(rows)


def test_inputs_made_again_since_the_search_are_refused(vectors, run: Folder) -> None:
    candidates_by_the_search(run, method="flat", min_cosine=FLOOR)
    shutil.rmtree(run.local / "copies")
    searched_run(run.local / "other", vectors, copies={1: 0})
    shutil.move(run.local / "other/copies", run.local / "copies")
    with pytest.raises(Refused, match="made from another version of copies"):
        audited(run)


def test_a_run_whose_inputs_are_gone_is_refused(vectors, run: Folder) -> None:
    candidates_of(run, [], min_cosine=FLOOR)
    shutil.rmtree(run.local / "embeddings")
    with pytest.raises(NotCommitted):
        audited(run)


@pytest.mark.parametrize("images", [EVERY, 3])
def test_an_image_that_was_compared_and_has_no_vector_is_no_silent_miss(vectors, tmp_path: Path, images: int) -> None:
    run = searched_run(tmp_path / "run", vectors)
    candidates_of(run, [], min_cosine=FLOOR)
    shutil.rmtree(run.local / "embeddings")
    searched_run(tmp_path / "other", vectors, rejected=(7,))
    shutil.move(tmp_path / "other/embeddings", run.local / "embeddings")
    with pytest.raises(Unbalanced, match="compared"):
        audited(run, images)
    shutil.rmtree(run.local / "embeddings")
    searched_run(tmp_path / "fewer", {role: array[:-1] for role, array in vectors.items()})
    shutil.move(tmp_path / "fewer/embeddings", run.local / "embeddings")
    with pytest.raises(Unbalanced, match=r"compared|drawn"):
        audited(run, images)


def test_an_audit_lies_beside_the_candidates_and_is_read_only_of_them(vectors, run: Folder) -> None:
    rows = pairs_above(vectors, FLOOR)
    candidates_of(run, rows[1:], min_cosine=FLOOR)
    assert read_audit(Manifest.open(run / "candidates")) is None
    found = audited(run, images=30)
    assert read_audit(Manifest.open(run / "candidates")) == found
    kept = (run / "candidates").read(AUDIT)
    shutil.rmtree(run.local / "candidates")
    candidates_of(run, rows, min_cosine=FLOOR)
    (run / "candidates").write(AUDIT, kept)
    assert read_audit(Manifest.open(run / "candidates")) is None


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"images": "many"}', b"\xff"])
def test_an_audit_that_does_not_read_is_none(vectors, run: Folder, text: bytes) -> None:
    manifest = candidates_of(run, [], min_cosine=FLOOR)
    (run / "candidates").write(AUDIT, text)
    assert read_audit(manifest) is None


def test_the_judge_and_this_file_agree_on_a_cosine(vectors) -> None:
    x, y = vectors["blind"][:2].astype(np.float64)
    assert cosine(x, y) == pytest.approx(float(x @ y / np.linalg.norm(x) / np.linalg.norm(y)), abs=1e-15)
