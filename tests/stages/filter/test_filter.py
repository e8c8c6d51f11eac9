"""Filter: the same pairs, reasons, ranks and groups as a plain reading of the rules, for any candidates."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.vectors import candidates_manifest, filtered, images_manifest, names, scratch

from manifests.counts import Counts
from manifests.errors import Unbalanced
from manifests.shard import Part
from manifests.storage import Folder

IDS = sorted(names(9))
CANDIDATE = tuple[str, str, float, float]
BLIND = (0.9, 0.9499999999999999, 0.95, 0.9500000000000001, 0.97, 1.0)
REFERENCE = (-0.2, 0.1, 0.3, 0.5999999999999999, 0.6, 0.95, 0.97)
SETTINGS = st.fixed_dictionaries(
    {
        "blind_min": st.sampled_from((0.9, 0.95, 0.97)),
        "reference_max": st.sampled_from((0.3, 0.6, 1.0)),
        "comparison": st.sampled_from((">=", ">")),
        "near_duplicate_min": st.sampled_from((None, 0.9, 0.95)),
        "max_pairs_per_image": st.sampled_from((None, 1, 2, 3)),
    }
)
SHA256 = st.lists(st.sampled_from("abcdefghij"), min_size=len(IDS), max_size=len(IDS))
many = settings(max_examples=50, deadline=None)


@st.composite
def candidates(draw: st.DrawFn) -> list[CANDIDATE]:
    pairs = draw(st.lists(st.sampled_from(list(combinations(IDS, 2))), unique=True, max_size=25))
    return [(a, b, draw(st.sampled_from(BLIND)), draw(st.sampled_from(REFERENCE))) for a, b in pairs]


def made(rows: list[CANDIDATE], sha256: list[str], shard_rows: list[int] | None = None, **values: Any) -> Part:
    with scratch() as folder:
        images = images_manifest(f"{folder}/images", IDS, sha256)
        return filtered(candidates_manifest(f"{folder}/candidates", rows, shard_rows), images, **values)


def classes(edges: list[tuple[str, str]]) -> dict[str, str]:
    """Image -> the smallest image that edges lead to; by walking, again and again."""
    of = {name: name for name in IDS}
    for _ in IDS:
        for a, b in edges:
            of[a] = of[b] = min(of[a], of[b])
    return of


def oracle(rows: list[CANDIDATE], sha256: list[str], values: dict[str, Any]) -> tuple[list[dict[str, Any]], Counter]:
    """The rules, one after the other: the rows of the pairs table, and how many candidates fell to which threshold."""
    outside, within = Counter[str](), []
    for row in rows:
        blind_is_high = row[2] >= values["blind_min"] if values["comparison"] == ">=" else row[2] > values["blind_min"]
        if not blind_is_high:
            outside["blind_cosine_too_low"] += 1
        elif not row[3] < values["reference_max"]:
            outside["reference_cosine_too_high"] += 1
        else:
            within.append(row)
    within.sort(key=lambda row: (row[3] - row[2], row[0], row[1]))
    in_pairs = {name for row in within for name in row[:2]}
    bytes_of = dict(zip(IDS, sha256, strict=True))
    copies = [(a, b) for a, b in combinations(IDS, 2) if bytes_of[a] == bytes_of[b] and {a, b} <= in_pairs]
    near = values["near_duplicate_min"]
    look_alike = [row[:2] for row in rows if near is not None and min(row[2:]) >= near and {row[0], row[1]} <= in_pairs]
    kinds = {"exact_duplicate": classes(copies)}
    if near is not None:
        kinds["near_duplicate"] = classes(copies + look_alike)
    reasons = judged(within, kinds, values["max_pairs_per_image"])
    group_of = classes([row[:2] for row, reason in zip(within, reasons, strict=True) if reason is None])
    kept, left_out, numbers = [], [], {}
    for row, reason in zip(within, reasons, strict=True):
        pair = dict(zip(("left_id", "right_id", "blind_cosine", "reference_cosine"), row, strict=True))
        pair |= {"gap": row[2] - row[3], "group": None, "rank": None, "reason": reason}
        if reason is None:
            pair |= {"group": numbers.setdefault(group_of[row[0]], len(numbers) + 1), "rank": len(kept) + 1}
        (kept if reason is None else left_out).append(pair)
    return kept + left_out, outside


def judged(within: list[CANDIDATE], kinds: dict[str, dict[str, str]], cap: int | None) -> list[str | None]:
    """Why each pair is left out: by looking back at every better one."""
    reasons: list[str | None] = []
    for at, (a, b, *_) in enumerate(within):
        reason = None
        for kind, of in kinds.items():
            pictures = {of[a], of[b]}
            shown = any({of[c], of[d]} == pictures for c, d, *_ in within[:at])
            if reason is None and (len(pictures) == 1 or shown):
                reason = kind
        kept = [row[:2] for row, why in zip(within[:at], reasons, strict=True) if why is None]
        if reason is None and cap is not None and any(sum(name in pair for pair in kept) >= cap for name in (a, b)):
            reason = "image_in_enough_pairs"
        reasons.append(reason)
    return reasons


@many
@given(candidates(), SHA256, SETTINGS)
def test_every_row_is_as_the_rules_say(rows: list[CANDIDATE], sha256: list[str], values: dict[str, Any]) -> None:
    assert made(rows, sha256, **values).table.to_pylist() == oracle(rows, sha256, values)[0]


@many
@given(candidates(), SHA256, SETTINGS)
def test_every_candidate_is_counted_with_its_reason(
    rows: list[CANDIDATE], sha256: list[str], values: dict[str, Any]
) -> None:
    pairs, outside = oracle(rows, sha256, values)
    rejected = outside + Counter(pair["reason"] for pair in pairs if pair["reason"])
    kept = sum(pair["rank"] is not None for pair in pairs)
    assert made(rows, sha256, **values).counts == Counts(len(rows), kept, dict(rejected))


@many
@given(candidates(), SHA256, SETTINGS)
def test_no_image_is_in_more_kept_pairs_than_the_cap(
    rows: list[CANDIDATE], sha256: list[str], values: dict[str, Any]
) -> None:
    kept = [pair for pair in made(rows, sha256, **values).table.to_pylist() if pair["rank"]]
    uses = Counter(name for pair in kept for name in (pair["left_id"], pair["right_id"]))
    assert max(uses.values(), default=0) <= (values["max_pairs_per_image"] or len(rows))


@many
@given(candidates(), SHA256, SETTINGS)
def test_no_two_kept_pairs_show_the_same_bytes(
    rows: list[CANDIDATE], sha256: list[str], values: dict[str, Any]
) -> None:
    bytes_of = dict(zip(IDS, sha256, strict=True))
    kept = [pair for pair in made(rows, sha256, **values).table.to_pylist() if pair["rank"]]
    shown = [frozenset((bytes_of[pair["left_id"]], bytes_of[pair["right_id"]])) for pair in kept]
    assert len(set(shown)) == len(shown)
    assert all(len(pictures) == 2 for pictures in shown)


@settings(max_examples=25, deadline=None)
@given(candidates(), SHA256, SETTINGS, st.data())
def test_the_file_is_the_same_whatever_the_order_and_the_shards(
    rows: list[CANDIDATE], sha256: list[str], values: dict[str, Any], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(rows)))
    files = []
    for turned, shard_rows in ((rows, None), (data.draw(st.permutations(rows)), [cut, 0, len(rows) - cut])):
        with scratch() as folder:
            images = images_manifest(f"{folder}/images", IDS, sha256)
            found = candidates_manifest(f"{folder}/candidates", turned, shard_rows)
            filtered(found, images, folder, **values)
            files.append(Folder(folder).read("all.parquet"))
    assert files[0] == files[1]


A, B, C = IDS[:3]
OTHERS = list("abcdefghi")


def reasons(rows: list[CANDIDATE], sha256: list[str] = OTHERS, **values: Any) -> list[str | None]:
    return made(rows, sha256, **values).table.column("reason").to_pylist()


def test_a_blind_cosine_on_the_threshold_is_kept_by_default() -> None:
    assert reasons([(A, B, 0.95, 0.1)]) == [None]


def test_a_blind_cosine_on_the_threshold_does_not_exceed_it() -> None:
    assert made([(A, B, 0.95, 0.1)], OTHERS, comparison=">").counts == Counts(1, 0, {"blind_cosine_too_low": 1})


def test_a_reference_cosine_on_the_threshold_is_too_high() -> None:
    assert made([(A, B, 0.97, 0.6)], OTHERS).counts == Counts(1, 0, {"reference_cosine_too_high": 1})


def test_pairs_of_one_gap_are_ranked_by_their_ids() -> None:
    pairs = made([(B, C, 0.97, 0.1), (A, C, 0.97, 0.1), (A, B, 0.97, 0.1)], OTHERS).table.to_pylist()
    assert [(pair["left_id"], pair["right_id"]) for pair in pairs] == [(A, B), (A, C), (B, C)]


def test_thresholds_that_nothing_falls_to_are_not_counted() -> None:
    assert made([(A, B, 0.97, 0.1)], OTHERS).counts.rejected == {}


def test_no_candidates_make_no_pairs() -> None:
    part = made([], OTHERS)
    assert (part.table.num_rows, part.counts) == (0, Counts())


def test_candidates_without_shards_make_no_pairs() -> None:
    assert made([], OTHERS, []).table.num_rows == 0


def test_no_candidate_within_the_thresholds_makes_no_pairs() -> None:
    assert made([(A, B, 0.97, 0.9)], OTHERS).table.num_rows == 0


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


def test_copies_of_one_file_make_one_pair() -> None:
    assert reasons([(A, C, 0.97, 0.1), (B, C, 0.97, 0.2)], list("aabcdefgh")) == [None, "exact_duplicate"]


def test_a_copy_does_not_bring_back_what_the_cap_took() -> None:
    rows = [(A, C, 0.97, 0.0), (A, IDS[3], 0.97, 0.1), (B, IDS[3], 0.97, 0.2)]
    assert reasons(rows, list("aabcdefgh"), max_pairs_per_image=1) == [None, "image_in_enough_pairs", "exact_duplicate"]


def test_an_image_without_a_hash_is_told_and_not_taken_for_a_copy() -> None:
    with pytest.raises(Unbalanced, match="has no sha256"):
        made([(A, B, 0.97, 0.1)], [None] * 9)  # type: ignore[list-item]
