"""People: what the people who answered a benchmark blind got right, how far they agree, and what they missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifests.errors import Waiting
from pipeline.benchmark.agreement import Agreement, agreement
from pipeline.benchmark.missed import Missed, missed_questions
from pipeline.benchmark.store_path import store_path
from pipeline.run.run import Run
from stages.accuracy import HOW, Interval, Mean, Share, by_pair, by_question, mean, total
from stages.author.answers import Answer
from stages.author.authored import Authored
from stages.author.store import Store
from stages.author.valid_answers import counted, is_asked
from stages.text import many, plain, plain_lines, table

SHOWN = 20  # missed questions shown in the text; --json has all
PUBLISHED = "MMVP's four people got 95.7 % of the questions right (arXiv 2401.06209)"


@dataclass(frozen=True)
class Person:
    """What one person got right."""

    name: str
    questions: Share
    pairs: Share

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "questions": self.questions.to_json(), "pairs": self.pairs.to_json()}

    def cells(self) -> tuple[str, ...]:
        return (plain(self.name), *_cells(self.questions), *_cells(self.pairs))


@dataclass(frozen=True)
class PeopleSummary:
    """Everything known about the people who answered. `asked`: the number of pairs that there are to answer."""

    run: str
    asked: int
    people: tuple[Person, ...]
    questions: Mean
    pairs: Mean
    agreement: Agreement
    missed: tuple[Missed, ...]
    changed: int
    own: int

    def to_json(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "asked": self.asked,
            "people": [one.to_json() for one in self.people],
            "questions": self.questions.to_json(),
            "pairs": self.pairs.to_json(),
            "how": HOW,
            "agreement": self.agreement.to_json(),
            "missed": [one.to_json() for one in self.missed],
            "left_out": {"changed": self.changed, "own": self.own},
        }

    def __str__(self) -> str:
        head = ("person", "questions", "right", "95 % interval", "pairs", "right", "95 % interval")
        lines = [f"{self.run}: {many(len(self.people), 'person', 'people')} of {many(self.asked, 'pair')}"]
        lines += table(head, [one.cells() for one in self.people]) if self.people else []
        return plain_lines([*lines, *self._together(), *self._left_out(), *self._missed()])

    def _together(self) -> Iterator[str]:
        if self.questions.value is None:
            return
        yield f"mean question accuracy {_mean(self.questions)}; mean pair accuracy {_mean(self.pairs)}"
        yield f"{HOW}; {PUBLISHED}"
        if self.agreement.share is not None:
            alpha = "unknown" if self.agreement.alpha is None else f"{self.agreement.alpha:.3f}"
            of = f"{self.agreement.same:,} of {self.agreement.twos:,} pairs of answers"
            yield f"agreement: {_percent(self.agreement.share)} ({of}), Krippendorff's alpha {alpha}"

    def _left_out(self) -> Iterator[str]:
        if self.changed:
            yield f"not counted: {many(self.changed, 'answer')} to what was changed or dropped since"
        if self.own:
            yield f"not counted: {many(self.own, 'answer')} of authors to their own questions"

    def _missed(self) -> Iterator[str]:
        if not self.missed:
            return
        first = f", the first {SHOWN} of them" if len(self.missed) > SHOWN else ""
        yield f"missed, back to the author (`blindpairs author {self.run}` shows them): {len(self.missed):,}{first}"
        yield from map(str, self.missed[:SHOWN])


def people(run: Run, store: Path | None = None) -> PeopleSummary:
    """Summarize the answers in a run's store. Raises Waiting if there are none, Refused if the store cannot be read."""
    pairs, answers = _read(run, store_path(run.folder, store))
    if not answers:
        raise Waiting(f"nobody has answered the questions of {run} yet: `blindpairs author {run} --answer NAME` asks")
    counts = counted(pairs, answers)
    questions = by_question(counts.given)
    wholes = by_pair(questions)
    return PeopleSummary(
        run.url,
        sum(map(is_asked, pairs)),
        tuple(Person(name, total(questions[name]), total(wholes[name])) for name in sorted(questions)),
        mean(questions),
        mean(wholes),
        agreement(counts.given),
        missed_questions(run, pairs, counts),
        counts.changed,
        counts.own,
    )


def _read(run: Run, path: Path) -> tuple[Sequence[Authored], Sequence[Answer]]:
    if not path.exists():  # opening it would create it
        raise Waiting(f"{run} has no questions yet: people write them with `blindpairs author {run}`")
    with closing(Store(path)) as store:
        return store.pairs(), store.answers()


def _cells(share: Share) -> tuple[str, str, str]:
    if share.value is None:
        return "0", "", ""
    return f"{share.of:,}", _percent(share.value), _between(share.interval)


def _mean(mean: Mean) -> str:
    if mean.value is None:
        return "unknown, for nobody answered both questions of a pair"
    return f"{_percent(mean.value)} (95 % interval {_between(mean.interval)})"


def _between(interval: Interval) -> str:
    return f"{_percent(interval[0])} to {_percent(interval[1])}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
