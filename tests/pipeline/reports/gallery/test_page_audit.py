"""What the gallery says of an audit: what was found, what was not, and never more than is known."""

from __future__ import annotations

import re
from typing import Any

from pipeline.reports.audit.audit import interval, recall
from pipeline.reports.audit.result import Audit
from pipeline.reports.gallery.facts import Report, Stage
from pipeline.reports.gallery.page import render


def audit(found: int, missed: int = 0, **changes: Any) -> Audit:
    counts = {"found": found, "missed": missed, "true_pairs": found + missed, "cut": 0, "border": 0}
    named = {"missed_pairs": (), "false_pairs": (), "wrong_pairs": (), "false": 0, "wrong": 0}
    drawn = {"images": 200, "of": 594, "comparisons": 98_700, "seed": 0, "seconds": 1.0, "method": "exact"}
    told = {"floor": 0.95, "max_per_image": 100, "fingerprint": "f", "content": "c"}
    worth = {"recall": recall(found, missed), "interval": interval(found, missed)}
    return Audit(**{**counts, **named, **drawn, **told, **worth, **changes})


def said(audit: Audit | None) -> str:
    funnel = (Stage("images seen", 600), Stage("readable", 594, lost=(("truncated", 6),)))
    report = Report("made", "CLIP", "DINOv2", 0.95, 0.6, 0.9, 0, (), funnel=funnel, audit=audit)
    found = re.search(r'<p class="note" id="audit">(.*?)</p>', "".join(render(report)), re.S)
    return " ".join(found.group(1).split()) if found else ""


def test_a_run_without_an_audit_says_nothing_of_one() -> None:
    assert said(None) == ""


def test_what_was_found_comes_with_the_recalls_lower_bound() -> None:
    assert said(audit(93)) == (
        "Audit: 200 images drawn at random were compared with every other in float64, by other code than the search's "
        "(method exact): 93 of 93 pairs found (recall at least 0.961 at 95 %)."
    )


def test_all_images_give_the_recall_itself() -> None:
    text = said(audit(93, images=594, interval=(1.0, 1.0)))
    assert text.startswith("Audit: all 594 images were compared")
    assert text.endswith("93 of 93 pairs found (recall 1.000).")


def test_missed_cut_false_and_wrong_pairs_are_pointed_out() -> None:
    text = said(audit(90, 3, cut=1234, false=2, wrong=1))
    assert "90 of 93 pairs found" in text
    assert '<b class="warn">3 missed.</b>' in text
    assert "1,234 more were cut by <code>search.max_per_image</code>." in text
    assert (
        "2 false candidates, and 1 candidate with cosines that do not match the stored vectors: this is a defect"
        in text
    )


def test_one_of_anything_is_not_called_several() -> None:
    text = said(audit(1, 1, cut=1, false=1, wrong=0))
    assert "1 of 2 pairs found" in text
    assert "1 more was cut by" in text
    assert "1 false candidate, and 0 candidates with cosines" in text


def test_no_pair_to_find_leaves_the_recall_unknown() -> None:
    assert said(audit(0)).endswith("there was no pair to find among theirs, so the recall is unknown.")
