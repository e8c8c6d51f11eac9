"""Filter: the same pairs, reasons, ranks and groups as a plain reading of the rules, for any candidates."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.adversaries import World, brute_force, worlds
from world.committed import candidates_manifest, copies_manifest, names, scratch
from world.vectors import filtered, made, search_of, search_reads

from manifests.counts import Counts
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
OTHERS = names(30)[9:]  # images that are no candidates
COPIES = st.dictionaries(st.sampled_from(OTHERS), st.sampled_from([*IDS, "f" * 32]), max_size=12)


@st.composite
def candidates(draw: st.DrawFn) -> list[CANDIDATE]:
    pairs = draw(st.lists(st.sampled_from(list(combinations(IDS, 2))), unique=True, max_size=25))
    return [(a, b, draw(st.sampled_from(BLIND)), draw(st.sampled_from(REFERENCE))) for a, b in pairs]


def classes(edges: list[tuple[str, str]]) -> dict[str, str]:
    """Image -> the smallest image that edges lead to; by walking, again and again."""
    of = {name: name for name in IDS}
    for _ in IDS:
        for a, b in edges:
            of[a] = of[b] = min(of[a], of[b])
    return of


def oracle(
    rows: list[CANDIDATE], copy_of: dict[str, str], values: dict[str, Any]
) -> tuple[list[dict[str, Any]], Counter]:
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
    near = values["near_duplicate_min"]
    look_alike = [row[:2] for row in rows if near is not None and min(row[2:]) >= near and {row[0], row[1]} <= in_pairs]
    kinds = {} if near is None else {"near_duplicate": classes(look_alike)}
    reasons = judged(within, kinds, values["max_pairs_per_image"])
    group_of = classes([row[:2] for row, reason in zip(within, reasons, strict=True) if reason is None])
    kept, left_out, numbers = [], [], {}
    for row, reason in zip(within, reasons, strict=True):
        pair = dict(zip(("left_id", "right_id", "blind_cosine", "reference_cosine"), row, strict=True))
        pair |= {"gap": row[2] - row[3], "group": None, "rank": None, "reason": reason}
        pair |= {f"{side}_copies": list(copy_of.values()).count(pair[f"{side}_id"]) for side in ("left", "right")}
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


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(candidates(), COPIES, st.lists(SETTINGS, min_size=4, max_size=4))
def test_every_row_is_as_the_rules_say_and_every_candidate_is_counted_with_its_reason(
    rows: list[CANDIDATE], copy_of: dict[str, str], several: list[dict[str, Any]]
) -> None:
    with scratch() as folder:
        copies = copies_manifest(f"{folder}/copies", copy_of)
        found = candidates_manifest(f"{folder}/candidates", rows)
        for values in several:
            check(filtered(found, copies, **values), rows, copy_of, values)


def check(part: Part, rows: list[CANDIDATE], copy_of: dict[str, str], values: dict[str, Any]) -> None:
    pairs, outside = oracle(rows, copy_of, values)
    assert part.table.to_pylist() == pairs
    kept = [pair for pair in pairs if pair["rank"]]
    rejected = outside + Counter(pair["reason"] for pair in pairs if pair["reason"])
    assert part.counts == Counts(len(rows), len(kept), dict(rejected))
    uses = Counter(name for pair in kept for name in (pair["left_id"], pair["right_id"]))
    assert max(uses.values(), default=0) <= (values["max_pairs_per_image"] or len(rows)), "in more than the cap"


@settings(max_examples=25, deadline=None)
@given(candidates(), COPIES, SETTINGS, st.data())
def test_the_file_is_the_same_whatever_the_order_and_the_shards(
    rows: list[CANDIDATE], copy_of: dict[str, str], values: dict[str, Any], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(rows)))
    files = []
    other_way = dict(data.draw(st.permutations(list(copy_of.items()))))
    turned = data.draw(st.permutations(rows))
    ways = ((rows, None, copy_of), (turned, [cut, 0, len(rows) - cut], other_way))
    for coming, shard_rows, known in ways:
        with scratch() as folder:
            copies = copies_manifest(f"{folder}/copies", known)
            found = candidates_manifest(f"{folder}/candidates", coming, shard_rows)
            filtered(found, copies, folder, **values)
            files.append(Folder(folder).read("all.parquet"))
    assert files[0] == files[1]


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(worlds())
def test_after_a_search_no_two_kept_pairs_show_the_same_bytes_and_all_images_are_told(world: World) -> None:
    bytes_of, asked = dict(zip(world.ids, world.sha256, strict=True)), {"min_cosine": world.floor}
    with scratch() as folder:
        reads = search_reads(world.manifest(f"{folder}/embeddings", [len(world.ids)]), folder, world.sha256)
        reads["candidates"] = made(search_of(max_per_image=None, **asked), reads, f"{folder}/candidates")
        values = {"blind_min": world.floor, "reference_max": 1.0, "near_duplicate_min": None}
        part = filtered(reads["candidates"], reads["copies"], max_pairs_per_image=None, **values)
        copies = Counter(reads["copies"].read("00000").column("copy_of").to_pylist())
    pairs = part.table.to_pylist()
    assert {(pair["left_id"], pair["right_id"]) for pair in pairs if pair["rank"]} <= brute_force(world)
    shown = [frozenset((bytes_of[pair["left_id"]], bytes_of[pair["right_id"]])) for pair in pairs if pair["rank"]]
    assert len(set(shown)) == len(shown)
    assert all(len(pictures) == 2 for pictures in shown)
    assert all(pair[f"{side}_copies"] == copies[pair[f"{side}_id"]] for pair in pairs for side in ("left", "right"))
