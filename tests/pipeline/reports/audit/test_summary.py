"""What an audit says to a person: the verdict in one line, then each odd pair, then what to do."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.reports.audit.audit import interval, recall
from pipeline.reports.audit.result import Audit, OddPair
from pipeline.reports.audit.summary import AuditSummary, down, up


def audit(**changes: Any) -> Audit:
    found, missed = changes.get("found", 93), changes.get("missed", 0)
    counts = {"cut": 0, "border": 0, "false": 0, "wrong": 0, "missed": 0, "found": 93}
    named = {"missed_pairs": (), "false_pairs": (), "wrong_pairs": ()}
    drawn = {"images": 200, "of": 594, "comparisons": 98_700, "true_pairs": found + missed, "seed": 0, "seconds": 1.0}
    told = {"method": "exact", "floor": 0.95, "max_per_image": 100, "fingerprint": "f", "content": "c"}
    worth = {"recall": recall(found, missed), "interval": interval(found, missed)}
    return Audit(**{**counts, **named, **drawn, **told, **worth, **changes})


def said(**changes: Any) -> str:
    return str(AuditSummary("runs/mmvp/candidates", audit(**changes)))


def odd(number: int, **fields: float) -> OddPair:
    return OddPair(f"left{number}", f"right{number}", **fields)


def test_a_clean_audit_is_one_line() -> None:
    assert said() == (
        "audit of runs/mmvp/candidates (exact): 200 of 594 images against all others, 98,700 comparisons in float64, "
        "93 true pairs: 93 found, recall 1.000 (95 % interval 0.961 to 1.000); missed: none"
    )


def test_all_images_are_called_all_and_their_recall_no_estimate() -> None:
    text = said(images=594, interval=(1.0, 1.0))
    assert "all 594 images against each other" in text
    assert "recall 1.000 (of every pair: no estimate)" in text


def test_no_pair_to_find_says_that_the_recall_is_unknown() -> None:
    text = said(found=0)
    assert "recall unknown (no true pair touches the drawn images; draw more with --images)" in text
    assert "recall unknown (there is no true pair)" in said(found=0, images=594)


def test_a_missed_pair_is_named_and_called_a_defect() -> None:
    pair = odd(1, blind_cosine=0.9612345, reference_cosine=0.4)
    text = said(found=92, missed=1, missed_pairs=(pair,))
    assert "  left1  right1  blind 0.961234, reference 0.400000" in text
    assert "please report it with runs/mmvp/candidates/_audit.json" in text


def test_of_many_pairs_the_first_ten_are_shown() -> None:
    pairs = tuple(odd(number, blind_cosine=0.96, reference_cosine=0.4) for number in range(1000))
    text = said(missed=4321, missed_pairs=pairs)
    assert "missed: 4,321, the first 10 of them:" in text
    assert text.count("  left") == 10


def test_what_ivf_misses_is_no_defect_and_there_is_advice() -> None:
    text = said(method="ivf", found=92, missed=1)
    assert "search.ivf_probes" in text
    assert "defect" not in text


def test_a_false_candidate_and_a_wrong_cosine_show_what_is_stored() -> None:
    false = odd(1, stored_blind_cosine=0.97, stored_reference_cosine=0.2)
    wrong = odd(2, blind_cosine=0.96, reference_cosine=0.4, stored_blind_cosine=0.97, stored_reference_cosine=0.2)
    text = said(method="ivf", false=1, wrong=1, false_pairs=(false,), wrong_pairs=(wrong,))
    assert "  left1  right1  stored as blind 0.970000, reference 0.200000" in text
    assert "blind 0.960000, reference 0.400000, stored as blind 0.970000, reference 0.200000" in text
    assert "defect" in text


def test_what_was_cut_or_lies_on_the_border_is_said_aside() -> None:
    text = said(cut=7, border=2)
    assert "cut by search.max_per_image 100, so neither found nor missed: 7" in text
    assert "on the border (within 1e-12 of 0.95), so neither found nor missed: 2" in text
    assert "defect" not in text


@pytest.mark.parametrize(
    ("share", "least", "most"),
    [(1.0, "1.000", "1.000"), (0.99999, "0.999", "1.000"), (0.961, "0.961", "0.961"), (0.0, "0.000", "0.000")],
)
def test_a_share_is_never_rounded_to_more_than_is_known(share: float, least: str, most: str) -> None:
    assert (down(share), up(share)) == (least, most)
