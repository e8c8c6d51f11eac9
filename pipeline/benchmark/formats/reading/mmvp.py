"""Reading MMVP: a folder with Questions.csv and `MMVP Images`, as published in MMVP/MMVP, with its known quirks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from manifests.errors import Refused
from pipeline.benchmark.formats.reading.disputed import corrected
from pipeline.benchmark.formats.reading.numbered import images_folder, numbered
from pipeline.benchmark.formats.reading.published import Published, PublishedPair, Shown, check_decode, text_of, whole
from pipeline.benchmark.formats.reading.rows import Line, pairs_of
from pipeline.benchmark.formats.writing.mmvp import FOLDER, HEADER

OPTIONS = re.compile(r"\(a\)([^()]*)\(b\)([^()]*)", re.IGNORECASE)
ANSWER = re.compile(r"\(?([ab])\)?", re.IGNORECASE)
MISREAD = "lndex"  # how `Index` was once published


def read_mmvp(folder: Path, answers: str) -> Published:
    """Read the benchmark in `folder`. `answers`: which of the disputed answers (disputed.py) to use.

    Raises Refused, naming row and file, for the first thing that is not as in MMVP.
    """
    lines = pairs_of(folder, HEADER, also=(MISREAD,))
    at = images_folder(folder, FOLDER)
    files = numbered(at)
    pairs = [_pair(first, second, files, at) for first, second in lines]
    check_decode([(line.where, files[line.number]) for both in lines for line in both])
    return corrected(Published("folder", str(at), tuple(pairs)), answers)


def _pair(first: Line, second: Line, files: dict[int, Path], at: Path) -> PublishedPair:
    one, other = _said(first), _said(second)
    both = f"rows {first.number} and {second.number} of {first.file}"
    if one.question != other.question:
        raise Refused(f"{both} ask different questions; the two rows of a pair have the same words")
    if one.options != other.options:
        raise Refused(f"{both} have different options; the two rows of a pair have the same words")
    if one.answer == other.answer:
        raise Refused(f"{both} both have the answer ({one.answer}); of a pair one is (a) and the other is (b)")
    pair = PublishedPair(
        Shown(str(_image(first, files, at)), one.answer),
        Shown(str(_image(second, files, at)), other.answer),
        question=one.question,
        option_a=one.options[0],
        option_b=one.options[1],
    )
    return whole(pair, both)


@dataclass(frozen=True)
class _Said:
    """The content of a row."""

    question: str
    options: tuple[str, str]
    answer: str  # a or b


def _said(line: Line) -> _Said:
    question, options, answer = line.cells
    if (found := OPTIONS.fullmatch(options.strip())) is None:
        raise Refused(f"{line.where}: its options {options[:60]!r} are not (a) ... (b) ..., without other parentheses")
    if (letter := ANSWER.fullmatch(answer.strip())) is None:
        raise Refused(f"{line.where}: its answer {answer[:20]!r} is neither (a) nor (b)")
    a, b = (text_of(f"option {name}", text, line.where) for name, text in zip("ab", found.groups(), strict=True))
    return _Said(text_of("question", question, line.where), (a, b), letter[1].lower())


def _image(line: Line, files: dict[int, Path], at: Path) -> Path:
    if line.number not in files:
        raise Refused(f"{line.where}: its image {line.number}.jpg is not in {at}; download it again")
    return files[line.number]
