"""Filter: each rule by an example of its own."""

from __future__ import annotations

from typing import Any

from world.committed import candidates_manifest, copies_manifest, names, scratch
from world.vectors import filtered

from manifests.counts import Counts
from manifests.shard import Part

CANDIDATE = tuple[str, str, float, float]
IDS = sorted(names(9))


def made(rows: list[CANDIDATE], copy_of: dict[str, str] | None = None, **values: Any) -> Part:
    with scratch() as folder:
        copies = copies_manifest(f"{folder}/copies", copy_of or {})
        return filtered(
            candidates_manifest(f"{folder}/candidates", rows, values.pop("shard_rows", None)), copies, **values
        )


A, B, C = IDS[:3]


def reasons(rows: list[CANDIDATE], **values: Any) -> list[str | None]:
    return made(rows, **values).table.column("reason").to_pylist()


def test_a_blind_cosine_on_the_threshold_is_kept_by_default() -> None:
    assert reasons([(A, B, 0.95, 0.1)]) == [None]


def test_a_blind_cosine_on_the_threshold_does_not_exceed_it() -> None:
    assert made([(A, B, 0.95, 0.1)], comparison=">").counts == Counts(1, 0, {"blind_cosine_too_low": 1})


def test_a_reference_cosine_on_the_threshold_is_too_high() -> None:
    assert made([(A, B, 0.97, 0.6)]).counts == Counts(1, 0, {"reference_cosine_too_high": 1})


def test_pairs_of_one_gap_are_ranked_by_their_ids() -> None:
    pairs = made([(B, C, 0.97, 0.1), (A, C, 0.97, 0.1), (A, B, 0.97, 0.1)]).table.to_pylist()
    assert [(pair["left_id"], pair["right_id"]) for pair in pairs] == [(A, B), (A, C), (B, C)]


def test_thresholds_that_nothing_falls_to_are_not_counted() -> None:
    assert made([(A, B, 0.97, 0.1)]).counts.rejected == {}


def test_no_candidates_make_no_pairs() -> None:
    part = made([])
    assert (part.table.num_rows, part.counts) == (0, Counts())


def test_candidates_without_shards_make_no_pairs() -> None:
    assert made([], shard_rows=[]).table.num_rows == 0


def test_no_candidate_within_the_thresholds_makes_no_pairs() -> None:
    assert made([(A, B, 0.97, 0.9)]).table.num_rows == 0


def test_without_a_cap_an_image_stands_in_all_its_pairs() -> None:
    rows = [(A, other, 0.97, 0.1) for other in IDS[1:]]
    assert reasons(rows, max_pairs_per_image=None) == [None] * 8


def test_the_cap_keeps_the_pairs_of_widest_gap() -> None:
    rows = [(A, other, 0.97, 0.01 * place) for place, other in enumerate(IDS[1:])]
    assert reasons(rows, max_pairs_per_image=3) == [None] * 3 + ["image_in_enough_pairs"] * 5


def test_without_near_duplicates_look_alikes_are_pairs_of_their_own() -> None:
    rows = [(A, C, 0.97, 0.1), (B, C, 0.97, 0.2), (A, B, 0.99, 0.99)]
    assert reasons(rows, near_duplicate_min=None) == [None, None]


def test_look_alikes_of_one_image_make_one_pair() -> None:
    rows = [(A, C, 0.97, 0.1), (B, C, 0.97, 0.2), (A, B, 0.99, 0.99)]
    assert reasons(rows) == [None, "near_duplicate"]


def test_images_alike_for_the_blind_encoder_alone_are_no_duplicates() -> None:
    rows = [(A, C, 0.97, 0.1), (B, C, 0.97, 0.2), (A, B, 0.99, 0.94)]
    assert reasons(rows) == [None, None]


def test_a_look_alike_does_not_bring_back_what_the_cap_took() -> None:
    rows = [(A, C, 0.97, 0.0), (A, IDS[3], 0.97, 0.1), (B, IDS[3], 0.97, 0.2), (A, B, 0.99, 0.99)]
    assert reasons(rows, max_pairs_per_image=1) == [None, "image_in_enough_pairs", "near_duplicate"]


def test_a_pair_says_how_many_images_each_of_its_two_stands_for() -> None:
    copy_of = {IDS[5]: A, IDS[6]: A, IDS[7]: C, IDS[8]: IDS[4]}
    (pair,) = made([(A, B, 0.97, 0.1)], copy_of).table.to_pylist()
    assert (pair["left_copies"], pair["right_copies"]) == (2, 0)


def test_a_pair_that_is_left_out_says_so_too() -> None:
    rows = [(A, C, 0.97, 0.1), (B, C, 0.97, 0.2), (A, B, 0.99, 0.99)]
    table = made(rows, {IDS[5]: B}).table
    assert table.select(["left_copies", "reason"]).to_pylist() == [
        {"left_copies": 0, "reason": None},
        {"left_copies": 1, "reason": "near_duplicate"},
    ]
