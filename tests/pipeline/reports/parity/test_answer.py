"""What a parity check says to a person: a table of encoders, what was rejected, the pairs, and a verdict."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from pipeline.reports.parity.result import EncoderParity, Pairs, PairsAt, PairsMoved, Parity, Preprocessings, Rejected
from pipeline.reports.parity.summary import ParitySummary, down

FINE = EncoderParity("clip", "open_clip tiny", "float32 on CPU", 200, 0.9999999, 1.0, 0.99999, 0.4, "a.png, 9 x 9, RGB")
AT = PairsAt(0.95, 0.6, 12, 11, 2, 1, 5)


def said(**changes: Any) -> str:
    return str(ParitySummary(parity(**changes)))


def parity(**changes: Any) -> Parity:
    whole = {
        "run": "mmvp",
        "source": None,
        "seed": 0,
        "images": 200,
        "encoders": (FINE,),
        "rejected": Rejected({}, {}, {}),
        "roles": ("clip", "dino"),
        "pairs": Pairs(200, 19_900, ">=", 1.25e-7, 3e-7, (AT,)),
    }
    return Parity(**{**whole, **changes})


def test_a_faithful_step_is_said_to_be_so_with_its_figures() -> None:
    text = said()
    assert text.startswith("parity of mmvp: 200 drawn images (seed 0), the embed step against each library's own path")
    assert (
        "clip     200     0.99999990     1.00000000  0.99999     same     0.40    float32 on CPU  open_clip tiny"
        in text
    )
    assert "lowest of clip: a.png, 9 x 9, RGB" in text
    assert ">= 0.95  < 0.6      12                11           2     1       5" in text
    assert "blind 1.2e-07, reference 3.0e-07" in text
    assert text.endswith("the embed step is faithful on this machine")
    assert "rejected" not in text


def test_photos_are_named_by_their_folder() -> None:
    assert said(source="/data/photos").startswith("parity of mmvp: 200 of /data/photos (seed 0), ")


def test_an_encoder_that_misses_its_floor_is_named_with_its_figure() -> None:
    text = said(encoders=(FINE, dataclasses.replace(FINE, name="dino", lowest=0.98)))
    assert "NOT THE SAME" in text
    assert text.endswith("the embed step is NOT faithful on this machine: dino (0.98000000, must reach 0.99999)")


def test_rejected_images_are_counted_by_reason_and_those_of_one_side_are_named() -> None:
    both = {"a.jpg": "truncated: x", "b.jpg": "truncated: y", "c.jpg": "empty: z"}
    alone = {f"{number}.png": "too_narrow: 1 x\n300" for number in range(12)}
    text = said(rejected=Rejected(both, alone, {"d.jpg": "OSError: odd"}))
    assert "rejected by both: 3 (truncated 2, empty 1)" in text
    assert "rejected by the step alone: 12, the first 10 of them:\n  0.png: too_narrow: 1 x 300\n" in text
    assert "rejected by a library alone: 1:\n  d.jpg: OSError: odd" in text
    assert text.endswith("NOT faithful on this machine: 13 images rejected by one side alone")


def test_lower_thresholds_are_said_to_be_lower_and_no_pair_at_all_to_say_nothing() -> None:
    none, some = dataclasses.replace(AT, by_reference=0, by_step=0), dataclasses.replace(AT, blind_min=0.8)
    lower = said(pairs=Pairs(200, 19_900, ">", 0.0, 0.0, (none, some)))
    assert "> 0.8 " in lower
    assert "the recipe's thresholds give no pair here; the lower ones below them show what changes" in lower
    assert "of pairs this says nothing" in said(pairs=Pairs(200, 19_900, ">=", 0.0, 0.0, (none, none)))


def test_another_preprocessing_is_said_with_its_distance_and_its_pairs() -> None:
    moved = PairsMoved(0.95, 0.6, 10, 9, 2, 1)
    one = Preprocessings("dino", "torchvision", "library", 120, 0.98405, 0.99999, "a.png, 9 x 9, RGB", (moved,))
    text = said(preprocessings=(one, dataclasses.replace(one, encoder="other", pairs=())))
    assert (
        "preprocessing of dino, library instead of torchvision: the cosine of the two vectors of an image is "
        "0.98405000 or more (a.png, 9 x 9, RGB), median 0.99999000, 120 images" in text
    )
    assert "blind    reference  pairs by torchvision  by library  lost  gained" in text
    assert text.count("pairs by torchvision") == 1


def test_a_name_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in said(rejected=Rejected({}, {"\x1b[2J.png": "empty: \x1b"}, {}))


def test_a_program_gets_all_of_it() -> None:
    told = json.loads(json.dumps(ParitySummary(parity()).to_json()))
    assert told["faithful"] is True
    assert told["encoders"][0]["same"] is True
    assert told["encoders"][0]["lowest"] == 0.9999999
    assert told["pairs"]["at"][0]["open"] == 5
    assert told["roles"] == ["clip", "dino"]


@pytest.mark.parametrize(
    ("cosine", "text"),
    [(1.0, "1.00000000"), (0.9999999999, "0.99999999"), (0.99999, "0.99999000"), (0.0, "0.00000000")],
)
def test_a_cosine_is_never_rounded_up(cosine: float, text: str) -> None:
    assert down(cosine) == text
