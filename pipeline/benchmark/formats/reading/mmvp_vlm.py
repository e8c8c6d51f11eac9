"""Reading MMVP-VLM: a folder with Questions.csv and `MLLM_VLM Images`, as published in MMVP/MMVP_VLM, with quirks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from manifests.errors import Refused
from pipeline.benchmark.formats.reading.disputed import AS_FOUND
from pipeline.benchmark.formats.reading.numbered import images_folder, numbered, plain
from pipeline.benchmark.formats.reading.published import Published, PublishedPair, Shown, check_decode, text_of, whole
from pipeline.benchmark.formats.reading.rows import Line, pairs_of
from pipeline.benchmark.formats.writing.mmvp_vlm import FOLDER, HEADER
from stages.patterns import PATTERNS

IN_README = "MMVP_VLM_Images"
# names of a pattern in the paper and its script (evaluate_vlm.py) that are not its folder's name or title
ALSO = {"structure": ("Structural Characteristics",), "text": ("Texts",)}
TYPES: Mapping[str, str] = {
    plain(name): pattern.name
    for pattern in PATTERNS
    for name in (pattern.folder, pattern.title, pattern.name, *ALSO.get(pattern.name, ()))
}


def read_mmvp_vlm(folder: Path, answers: str) -> Published:
    """Read the benchmark in `folder`. Raises Refused, naming row and file, for the first thing not as published."""
    if answers != AS_FOUND:
        raise Refused(f"--answers {answers} is about MMVP's questions; MMVP-VLM has none")
    lines = pairs_of(folder, HEADER)
    _check_even(lines)
    at = images_folder(folder, FOLDER, IN_README)
    files = _files(at)
    pairs = [_pair(first, second, files, at) for first, second in lines]
    check_decode([(line.where, files[_pattern(line)][line.number]) for both in lines for line in both])
    return Published("folder", str(at), tuple(pairs))


def _files(at: Path) -> dict[str, dict[int, Path]]:
    """Map pattern -> number -> image file, for the folders there are."""
    found: dict[str, dict[int, Path]] = {}
    for folder in sorted(one for one in at.iterdir() if one.is_dir()):
        if (pattern := TYPES.get(plain(folder.name))) is None:
            continue
        if pattern in found:
            raise Refused(f"{folder} is the second folder of images of {folder.name} in {at}; join the two")
        found[pattern] = numbered(folder)
    return found


def _check_even(lines: Sequence[tuple[Line, Line]]) -> None:
    counts = Counter(_pattern(line) for both in lines for line in both)
    odd = [line for both in lines for line in both if counts[_pattern(line)] % 2]
    if odd:
        raise Refused(
            f"{odd[0].file} has {counts[_pattern(odd[0])]} rows of the Type {odd[0].cells[0]}, from row "
            f"{odd[0].number} on; a pair is two of them, so their number is even"
        )


def _pair(first: Line, second: Line, files: Mapping[str, Mapping[int, Path]], at: Path) -> PublishedPair:
    pattern, both = _pattern(first), f"rows {first.number} and {second.number} of {first.file}"
    if pattern != _pattern(second):
        raise Refused(f"{both} are a pair of two Types, {first.cells[0]} and {second.cells[0]}; it has one")
    one, other = (Shown(str(_image(line, files, at)), statement=_statement(line)) for line in (first, second))
    return whole(PublishedPair(one, other, pattern=pattern), both)


def _pattern(line: Line) -> str:
    if (found := TYPES.get(plain(line.cells[0]))) is None:
        known = ", ".join(pattern.folder for pattern in PATTERNS)
        raise Refused(f"{line.where} has the Type {line.cells[0][:40]!r}; types are: {known}")
    return found


def _statement(line: Line) -> str:
    return text_of("statement", line.cells[1], line.where)


def _image(line: Line, files: Mapping[str, Mapping[int, Path]], at: Path) -> Path:
    there = files.get(_pattern(line), {})
    if line.number not in there:
        raise Refused(f"{line.where}: its image {line.cells[0]}/{line.number}.jpg is not in {at}; download it again")
    return there[line.number]
