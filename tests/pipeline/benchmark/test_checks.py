"""Checks of a whole benchmark: a clean one has none, each fault in its words is found by name, and what it lacks."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.authoring import author, frozen_run, paired_run, pairs_of, written
from world.calls import calls

from pipeline.benchmark.benchmark import Benchmark, Posed, asks, read_benchmark, states
from pipeline.benchmark.checks.check import check
from pipeline.benchmark.checks.codes import CODES, KNOWN
from pipeline.benchmark.checks.finding import found, several
from pipeline.benchmark.freeze import freeze
from pipeline.findings import Finding
from pipeline.run.run import Run
from stages.author.answers import Answer, asked
from stages.author.authored import Unwritable
from stages.author.store import NAME, Store
from stages.patterns import PATTERNS

pytestmark = pytest.mark.slow


def everything(pair: Posed) -> bool:
    return True


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """150 pairs with reviewers and licenses: nothing is wrong with it, and nothing is lacking for MMVP."""
    made = read_benchmark(Run.open(str(frozen_run(tmp_path_factory.mktemp("clean"), 150)))).of()
    return replace(made, pairs=tuple(stated(replace(pair, reviewed_by=("bob",)), license="CC0") for pair in made.pairs))


def stated(pair: Posed, **photo: Any) -> Posed:
    """The pair with this said of both its photos."""
    first, second = (replace(side, photo=replace(side.photo, **photo)) for side in pair.sides)
    return replace(pair, first=first, second=second)


def planted(benchmark: Benchmark, number: int, change: Mapping[str, Any]) -> Benchmark:
    """The benchmark with one pair (from 0) changed."""
    pairs = list(benchmark.pairs)
    pairs[number] = replace(pairs[number], **change)
    return replace(benchmark, pairs=tuple(pairs))


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [one.code for one in findings]


def test_a_clean_benchmark_of_150_pairs_has_no_finding_and_is_soon_checked(clean: Benchmark) -> None:
    assert check(clean, asks) == ()
    assert calls(lambda: check(clean, asks)) < 100_000  # not one for every two images


def test_what_a_form_does_not_carry_is_not_judged(clean: Benchmark) -> None:
    broken = planted(clean, 3, {"options": ("Open (wide)", "Closed")})
    assert codes(check(broken, asks)) == ["parentheses"]
    assert codes(check(broken, states)) == ["patterns_uneven"]
    assert codes(check(broken, everything)) == ["parentheses", "patterns_uneven"]


def sides(pair: Posed, **each: tuple[Any, Any]) -> dict[str, Any]:
    """A change of both sides: name of a field -> the first's and the second's value."""
    first, second = ({name: values[place] for name, values in each.items()} for place in (0, 1))
    return {"first": replace(pair.first, **first), "second": replace(pair.second, **second)}


@pytest.mark.parametrize(
    ("code", "change", "told"),
    [
        ("answers_not_opposite", lambda pair: sides(pair, answer=("a", "a")), "(a) and (a)"),
        ("answers_not_opposite", lambda pair: sides(pair, answer=("b", None)), "(b) and (None)"),
        ("answers_not_opposite", lambda pair: sides(pair, answer=("a", "B")), "(a) and (B)"),
        ("parentheses", lambda pair: {"options": ("Open", "Closed (shut)")}, '"Closed (shut)"'),
        ("parentheses", lambda pair: {"options": ("Open )", "Closed")}, '"Open )"'),
        ("same_options", lambda pair: {"options": ("Open", " open ")}, 'both options are "Open"'),
        ("same_statements", lambda pair: sides(pair, statement=("A dog", "a  dog")), 'both statements are "A dog"'),
        ("empty_text", lambda pair: {"question": "  "}, "the question has no words"),
        ("empty_text", lambda pair: {"options": ("Open", "")}, "the option b has no words"),
        ("empty_text", lambda pair: sides(pair, statement=("", "x")), "the first statement has no words"),
        ("line_break", lambda pair: {"question": "Is it\nopen?"}, "the question"),
        ("line_break", lambda pair: {"options": ("Op\ten", "Closed")}, "the option a"),
        ("line_break", lambda pair: {"options": ("Open", "Clo\0sed")}, "the option b"),
        ("line_break", lambda pair: {"question": "Is it\u2028open?"}, "the question"),
        ("line_break", lambda pair: sides(pair, statement=("x", "y\r")), "the second statement"),
    ],
)
def test_a_fault_in_the_words_is_found_by_name_and_cannot_be_accepted(
    clean: Benchmark, code: str, change: Any, told: str
) -> None:
    broken = planted(clean, 41, change(clean.pairs[41]))
    (finding,) = (one for one in check(broken, everything) if one.severity == "error")
    where = f"questions 83 and 84 ({keys(clean.pairs[41])})"
    assert (finding.code, finding.where, finding.acceptable) == (code, where, False)
    assert told in finding.sentence
    assert finding.hinders((*CODES, code))


def keys(pair: Posed) -> str:
    """What the source calls the two images, the first one first."""
    return f"{pair.first.photo.key}, {pair.second.photo.key}"


def test_a_key_that_would_command_a_terminal_does_not(clean: Benchmark) -> None:
    broken = planted(clean, 0, {"options": ("x", "x")})
    odd = stated(broken.pairs[0], key="a\x1b[1m\nb")
    (finding,) = (one for one in check(planted(broken, 0, vars(odd)), asks) if one.severity == "error")
    assert finding.where == "questions 1 and 2 (a?[1m?b, a?[1m?b)"


@pytest.mark.parametrize(("width", "height", "odd"), [(128, 64, 0), (129, 64, 1), (64, 129, 1), (64, 128, 0)])
def test_images_more_than_twice_as_long_as_wide_are_counted(clean: Benchmark, width, height, odd: int) -> None:
    first = replace(clean.pairs[5].first, photo=replace(clean.pairs[5].first.photo, width=width, height=height))
    findings = [one for one in check(planted(clean, 5, {"first": first}), asks) if one.code != "size_tells_answer"]
    assert codes(tuple(findings)) == ["far_from_square"] * odd
    for finding in findings:
        assert (finding.severity, finding.where) == ("warning", "all questions")
        assert "1 of 300 images" in finding.sentence
        assert not finding.hinders(())


def test_errors_come_first_and_every_pair_is_named(clean: Benchmark) -> None:
    short = replace(clean, pairs=clean.pairs[:10])
    broken = planted(planted(short, 2, {"options": ("(a)", "x")}), 7, {"options": ("x", "X")})
    findings = check(broken, asks)
    assert [(one.severity, one.where) for one in findings] == [
        ("error", f"questions 5 and 6 ({keys(short.pairs[2])})"),
        ("error", f"questions 15 and 16 ({keys(short.pairs[7])})"),
        ("warning", "all questions"),
    ]


def test_words_of_another_script_and_marks_are_no_fault(clean: Benchmark) -> None:
    fine = {"question": "Стоит ли он на 3° – «да»?", "options": ("да, стоит", "нет; лежит 犬")}
    assert check(planted(clean, 0, fine), asks) == ()


def test_another_number_than_150_is_a_warning(clean: Benchmark) -> None:
    (finding,) = check(replace(clean, pairs=clean.pairs[:149]), asks)
    assert (finding.code, finding.severity) == ("not_150_pairs", "warning")
    assert "149 pairs" in finding.sentence
    assert not finding.hinders(())


def test_15_pairs_of_each_pattern_are_no_finding_and_14_of_one_are(clean: Benchmark) -> None:
    even = [replace(pair, pattern=PATTERNS[at // 15].name) for at, pair in enumerate(clean.pairs[:135])]
    assert check(replace(clean, pairs=tuple(even)), states) == ()
    (finding,) = check(replace(clean, pairs=tuple(even[:-1])), states)
    assert finding.code == "patterns_uneven"
    assert "(viewpoint 14)" in finding.sentence


def test_pairs_that_nobody_reviewed_are_named(clean: Benchmark) -> None:
    alone = clean
    for number in (0, 9, 20, 30, 149):
        alone = planted(alone, number, {"reviewed_by": ()})
    (finding,) = check(alone, asks)
    assert finding.code == "not_reviewed"
    assert finding.where == "questions 1 and 2; questions 19 and 20; questions 41 and 42; and those of 2 more pairs"
    assert "5 of 150 pairs" in finding.sentence


def test_pairs_that_half_of_the_people_missed_are_refused_unless_that_is_meant(clean: Benchmark) -> None:
    one, two = ({"reviewed_by": ("bob", "cat", "dan"), "missed_by": names} for names in (("bob",), ("bob", "cat")))
    (finding,) = check(planted(planted(clean, 3, one), 7, two), asks)
    assert (finding.code, finding.where) == ("missed_by_people", "questions 15 and 16")
    assert "1 of 150 pairs" in finding.sentence
    assert finding.hinders(())
    assert not finding.hinders(["missed_by_people"])


def test_licenses_that_nobody_stated_are_counted(clean: Benchmark) -> None:
    pairs = (stated(clean.pairs[0], license=None), *clean.pairs[1:])
    (finding,) = check(replace(clean, pairs=pairs), asks)
    assert finding.code == "license_unknown"
    assert "2 of 300 images" in finding.sentence


def test_pairs_for_training_may_be_any_number_and_need_no_reviewer(tmp_path: Path) -> None:
    made = read_benchmark(Run.open(str(frozen_run(tmp_path, 1, training=3)))).of("training")
    assert len(made.pairs) == 3
    assert codes(check(made, everything)) == ["license_unknown"]


def test_only_doubtful_errors_can_be_accepted_by_name() -> None:
    assert CODES
    for name in KNOWN:
        finding = found(name, "here", "so")
        assert finding.hinders(()) == (finding.severity == "error")
        assert finding.hinders(CODES) == (finding.severity == "error" and name not in CODES)


def test_many_questions_are_named_by_the_first_few() -> None:
    assert several([1], 9) == "questions 3 and 4"
    assert several([0, 1, 2], 9) == "questions 1 and 2; questions 3 and 4; questions 5 and 6"
    assert several([0, 1, 2, 3], 4) == "all questions"


words = st.text(st.characters(codec="utf-8"), max_size=12)
options = words | st.sampled_from(["(ajar)", "ajar)", "\u2028y"])


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), words, options, st.booleans()), min_size=1, max_size=6))
def test_what_people_wrote_soundly_has_no_breaking_finding_from_placing(said: list[tuple[str, str, str, bool]]) -> None:
    """Whatever they write: faults are in their words, never in how pairs, letters and images were put together."""
    with tempfile.TemporaryDirectory() as root:
        run = paired_run(Path(root), len(said))
        store, ids = Store(run / NAME), pairs_of(run)
        for place, (letter, question, option, training) in enumerate(said):
            use = "training" if training else "benchmark"
            changes = {"left_answer": letter, "question": f"q {question}", "option_a": f"x {option}", "use": use}
            try:
                pair = store.change(store.pair(*ids[place]), written(place) | changes, "ann")
            except Unwritable:
                continue
            store.answer(Answer(*ids[place], "left", "bob", "a", asked(pair), "now"))
        store.close()
        author(run, [0])
        freeze(Run.open(str(run)))
        made = read_benchmark(Run.open(str(run)))
        findings = [*check(made.of(), everything), *check(made.of("training"), everything)]
    assert {one.code for one in findings if one.severity == "error" and not one.acceptable} == set()
