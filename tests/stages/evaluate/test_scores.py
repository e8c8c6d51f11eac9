"""Scores of random answers, each counted anew from the benchmark's own description."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from world.evaluations import (
    Evaluated,
    always_a,
    chooses,
    fair_coin,
    figures,
    near_cosines,
    oracle,
    pairs,
    question,
    right_with,
    without,
)

from manifests.evaluation_tables import REVERSED

COIN = right_with(0.6)


def values(made: Evaluated) -> dict[str, float | None]:
    """Metric -> its value for the model m over everything."""
    return {
        metric: row["value"]
        for (model, category, metric), row in figures(made.scored()).items()
        if (model, category) == ("m", "all")
    }


def right_of(made: Evaluated, name: str = "m", rule=COIN) -> dict[str, bool]:
    """Which questions a rule got right, in the order it was asked them."""
    coin = random.Random(name)
    return {one["question_id"]: rule(one, "as_written", coin)["answer"] == one["answer"] for one in made.questions}


def test_who_knows_gets_all_who_always_says_a_half_and_no_pair_a_coin_half_and_a_quarter(tmp_path: Path) -> None:
    made = Evaluated(tmp_path, pairs(400, ("state", "count")))
    made.model("oracle", oracle).model("a", always_a).model("blind", always_a, vision=False).model("coin", fair_coin)
    found = figures(made.scored())
    for model, questions, both in (("oracle", 1.0, 1.0), ("a", 0.5, 0.0), ("blind", 0.5, 0.0)):
        assert found[model, "all", "question_accuracy"]["value"] == questions
        assert found[model, "all", "group_accuracy"]["value"] == both
    for metric, expected in (("question_accuracy", 0.5), ("group_accuracy", 0.25)):
        coin = found["coin", "all", metric]
        assert coin["low"] < expected < coin["high"]
    assert found["a", "all", "first_option_share"]["value"] == 1.0


def test_each_pattern_has_its_own_figures(tmp_path: Path) -> None:
    made = Evaluated(tmp_path, pairs(30, ("state", "count", "text"))).model("m", COIN)
    right, found = right_of(made), figures(made.scored())
    for category in ("state", "count", "text"):
        here = [one for one in made.questions if one["category"] == category]
        both = [right[a["question_id"]] and right[b["question_id"]] for a, b in zip(here[::2], here[1::2], strict=True)]
        row = found["m", category, "group_accuracy"]
        assert (row["right"], row["of"]) == (sum(both), 10)
        assert row["value"] == pytest.approx(np.mean(both))


def test_naturalbench_counts_questions_images_and_groups(tmp_path: Path) -> None:
    """Two questions on two images: Q_Acc, I_Acc and G_Acc (BaiqiL/NaturalBench)."""
    rows = [
        question(n + 1, f"group {n // 4}", question=f"{n // 2 % 2} of {n // 4}?", image_id=f"image {n // 4}-{n % 2}")
        for n in range(4 * 40)
    ]
    made = Evaluated(tmp_path, rows).model("m", right_with(0.8))
    right = [*right_of(made, rule=right_with(0.8)).values()]
    of_group = [right[start : start + 4] for start in range(0, len(right), 4)]  # (q0 i0), (q0 i1), (q1 i0), (q1 i1)
    by_question = [all(one[:2]) for one in of_group] + [all(one[2:]) for one in of_group]
    by_image = [one[0] and one[2] for one in of_group] + [one[1] and one[3] for one in of_group]
    found = values(made)
    assert found["question_group_accuracy"] == pytest.approx(np.mean(by_question))
    assert found["image_group_accuracy"] == pytest.approx(np.mean(by_image))
    assert found["group_accuracy"] == pytest.approx(np.mean([all(one) for one in of_group]))


def test_groups_of_one_two_and_three_count_once_each(tmp_path: Path) -> None:
    """HallusionBench's groups are of unlike sizes."""
    sizes = [1, 2, 3] * 20
    groups = [f"group {number}" for number, size in enumerate(sizes) for _ in range(size)]
    made = Evaluated(tmp_path, [question(n, group) for n, group in enumerate(groups, 1)]).model("m", COIN)
    by_group = defaultdict[str, list[bool]](list)
    for group, is_right in zip(groups, right_of(made).values(), strict=True):
        by_group[group].append(is_right)
    found = values(made)
    assert found["group_accuracy"] == pytest.approx(np.mean([all(one) for one in by_group.values()]))


def test_pope_counts_what_is_found(tmp_path: Path) -> None:
    dice = random.Random(1)
    rows = [
        question(n, f"alone {n}", kind="yes_no", options=["yes", "no"], answer=dice.choice("ab")) for n in range(1, 201)
    ]
    made = Evaluated(tmp_path, rows).model("m", COIN)
    right = right_of(made)
    truth = [one["answer"] == "a" for one in rows]
    says = [one if right[row["question_id"]] else not one for one, row in zip(truth, rows, strict=True)]
    true_positive = sum(one and other for one, other in zip(truth, says, strict=True))
    precision, recall = true_positive / sum(says), true_positive / sum(truth)
    found = values(made)
    assert found["precision"] == pytest.approx(precision)
    assert found["recall"] == pytest.approx(recall)
    assert found["f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert found["yes_share"] == pytest.approx(np.mean(says))


def test_cv_bench_weighs_its_sources_alike(tmp_path: Path) -> None:
    """Half for 2D, the mean of ADE20K and COCO; half for 3D, Omni3D (Cambrian-1, section 3.2)."""
    kinds = [("ADE20K", "Count"), ("COCO", "Count"), ("COCO", "Relation"), ("Omni3D", "Depth")]
    rows = [question(n, f"alone {n}", source=kinds[n % 7 % 4][0], category=kinds[n % 7 % 4][1]) for n in range(1, 141)]
    made = Evaluated(tmp_path, rows).model("m", COIN)
    right, by_source = right_of(made), defaultdict[str, list[bool]](list)
    for row in rows:
        by_source[row["source"]].append(right[row["question_id"]])
    ade, coco, omni = (np.mean(by_source[name]) for name in ("ADE20K", "COCO", "Omni3D"))
    found = values(made)
    assert found["source_balanced_accuracy"] == pytest.approx(((ade + coco) / 2 + omni) / 2)


def test_a_matching_models_squares_give_image_text_and_group_score(tmp_path: Path) -> None:
    made = Evaluated(tmp_path, questions := pairs(60))
    dice = np.random.default_rng(2)
    cosines = {one["question_id"]: list(dice.uniform(0.2, 0.3, 2)) for one in questions}
    made.matching("m", cosines)
    image, text, group, match = [], [], [], []
    for one, two in zip(questions[::2], questions[1::2], strict=True):
        (s11, s12), (s21, s22) = cosines[one["question_id"]], cosines[two["question_id"]]
        image.append(s11 > s12 and s22 > s21)
        text.append(s11 > s21 and s22 > s12)
        group.append(image[-1] and text[-1])
        match.append(s11 + s22 > s12 + s21)
    found = values(made)
    assert found["group_accuracy"] == pytest.approx(np.mean(image))
    assert found["text_score"] == pytest.approx(np.mean(text))
    assert found["group_score"] == pytest.approx(np.mean(group))
    assert found["group_match"] == pytest.approx(np.mean(match))


@pytest.mark.parametrize("status", ["unparsed", "refused", "truncated", "failed"])
def test_a_reply_that_chooses_nothing_is_not_right_and_one_that_failed_leaves_no_headline(
    status: str, tmp_path: Path
) -> None:
    made = Evaluated(tmp_path, pairs(3))
    made.model("m", lambda one, *more: without(status) if one["place"] == 1 else oracle(one, *more))
    found = figures(made.scored())
    assert found["m", "all", status]["right"] == 1
    row = found["m", "all", "group_accuracy"]
    assert (row["right"], row["of"]) == (2, 3)
    assert row["value"] == (None if status == "failed" else pytest.approx(2 / 3))


def test_a_missing_reply_leaves_no_headline_in_any_category(tmp_path: Path) -> None:
    made = Evaluated(tmp_path, pairs(4, ("state", "count")))
    made.model("m", lambda one, *more: {} if one["place"] == 1 else oracle(one, *more))
    found = figures(made.scored())
    assert found["m", "all", "missing"]["right"] == 1
    assert [found["m", name, "group_accuracy"]["value"] for name in ("all", "state", "count")] == [None] * 3


def test_asked_in_both_orders_a_question_is_right_if_both_replies_are(tmp_path: Path) -> None:
    made = Evaluated(tmp_path, pairs(50))

    def first_shown(one, order, coin):
        return chooses("b" if order == REVERSED else "a", one)

    made.model("first", first_shown, both_orders=True, prompt="ours").model("all", oracle, both_orders=True)
    found = figures(made.scored())
    assert found["first", "all", "question_accuracy"]["value"] == 0.0
    assert found["first", "all", "first_option_share"]["value"] == 1.0
    assert found["first", "all", "order_consistency"]["value"] == 0.0
    assert found["all", "all", "question_accuracy"]["value"] == 1.0
    assert found["all", "all", "order_consistency"]["value"] == 1.0
    assert found["all", "all", "first_option_share"]["value"] == 0.5


def test_the_scores_of_a_model_do_not_depend_on_the_others(tmp_path: Path) -> None:
    questions = pairs(10, ("state", "count"))
    alone = Evaluated(tmp_path / "alone", questions).model("m", COIN)
    others = Evaluated(tmp_path / "others", questions).matching("c", near_cosines(questions, 0.5)).model("x", oracle)
    both = figures(others.model("m", COIN).scored())
    assert {key: row for key, row in both.items() if key[0] == "m"} == figures(alone.scored())
