"""Check: everything that is checked before a benchmark is exported, in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipeline.benchmark.benchmark import Benchmark, Posed, asks, states
from pipeline.benchmark.checks.finding import Numbered
from pipeline.benchmark.checks.formulas import Cells, judge_formulas, no_cells
from pipeline.benchmark.checks.leaks import judge_files, judge_names
from pipeline.benchmark.checks.letters import judge_letters, judge_order
from pipeline.benchmark.checks.looks import judge_images, looks
from pipeline.benchmark.checks.missing import (
    judge_count,
    judge_licenses,
    judge_misses,
    judge_patterns,
    judge_reviews,
    judge_shapes,
)
from pipeline.benchmark.checks.near import judge_near
from pipeline.benchmark.checks.words import judge_questions, judge_statements
from pipeline.findings import Finding
from stages.author.authored import BENCHMARK


def check(benchmark: Benchmark, takes: Callable[[Posed], object], *, cells: Cells = no_cells) -> tuple[Finding, ...]:
    """Return all findings, errors first, of a benchmark whose pairs have one use and are taken by one form.

    `takes` selects the pairs that the form takes: a form that takes questions (`asks`) carries no statements, one that
    takes statements (`states`) no questions, any other both. `cells` returns the texts that it writes as cells of a CSV
    or a TSV. Every image is read and decoded once. Raises Unreachable (an OSError) if a store failed.
    """
    pairs = list(enumerate(benchmark.pairs))
    questions = [(number, pair) for number, pair in pairs if takes is not states and asks(pair)]
    statements = [(number, pair) for number, pair in pairs if takes is not asks and states(pair)]
    seen = looks(benchmark.photos)
    findings = [
        *judge_questions(questions),
        *judge_statements(statements),
        *judge_formulas(pairs, cells),
        *judge_images(pairs, seen),
        *judge_near(pairs, seen),
        *_tells(questions),
        *_lacks(_of_benchmark(questions), _of_benchmark(statements)),
        *judge_licenses(pairs),
        *judge_shapes(pairs),
    ]
    return tuple(sorted(findings, key=lambda one: one.severity))


def _tells(questions: Numbered) -> Iterator[Finding]:
    answered = [one for one in questions if {side.answer for side in one[1].sides} == {"a", "b"}]
    firsts = "".join(pair.first.answer or "" for _, pair in answered)
    yield from judge_letters(firsts)
    yield from judge_order(firsts)
    yield from judge_files(answered)
    yield from judge_names(answered)


def _of_benchmark(pairs: Numbered) -> Numbered:
    """Leave out the pairs for training, of which there may be any number."""
    return [(number, pair) for number, pair in pairs if pair.use == BENCHMARK]


def _lacks(questions: Numbered, statements: Numbered) -> Iterator[Finding]:
    yield from judge_count(questions)
    yield from judge_patterns(statements)
    yield from judge_reviews(questions)
    yield from judge_misses(questions)
